"""Facts of the tasks that networks can be trained for. What they compute is in `mixkd/learning/tasks.py`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class TaskFacts:
    """headline: the metric by which the best epoch is chosen; sign: 1 where more of it is better, else -1.

    needs: what must be labelled in a data set, see `Dataset.labels`; classes: whether outputs are logits of one set of
    classes, which some methods ask for
    """

    headline: str
    sign: int = 1
    needs: tuple[str, ...] = ()
    classes: bool = False


TASKS = {
    "classification": TaskFacts("accuracy", classes=True),
    "placement": TaskFacts("accuracy", needs=("placement",), classes=True),
    "two_heads": TaskFacts("accuracy", needs=("placement",)),
    "regression": TaskFacts("rmse", -1, needs=("targets",)),
}
