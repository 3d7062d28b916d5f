"""Facts of the tasks that networks can be trained for. What they compute is in `mixkd/learning/tasks.py`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class TaskFacts:
    """headline: the metric by which the best epoch is chosen; sign: 1 where more of it is better, else -1."""

    headline: str
    sign: int = 1


TASKS = {"classification": TaskFacts("accuracy")}
