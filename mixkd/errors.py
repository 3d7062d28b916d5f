"""The one error that users see: a single line that names what was found and what was expected."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class MixkdError(Exception):
    """A refusal, in one line. Wrong input is refused before any work is done; nothing is left half written."""

    def _render_traceback_(self) -> list[str]:
        # IPython calls this hook: in a notebook the line stands alone, without a stack of frames.
        return [f"MixkdError: {self}"]


def short(found: object, most: int = 60) -> str:
    """What an error quotes, on one line and cut to `most` characters; nothing is quoted as such."""
    text = " ".join(str(found).split()) if found else repr(found)
    return text if len(text) <= most else f"{text[: most - 1]}…"


def quoted(found: object) -> str:
    """What an error quotes, as Python writes it, cut."""
    text = repr(found)
    return text if len(text) <= 80 else f"{text[:79]}…"


def listed(names: Iterable[object], most: int = 12) -> str:
    """The first `most` names and how many there are beyond them, each cut."""
    every = list(names)
    more = f", … ({len(every)} in all)" if len(every) > most else ""
    return ", ".join(short(name, 40) for name in every[:most]) + more


def nearest(name: str, known: Iterable[str]) -> str:
    """The hint at the end of an error about an unknown name: the nearest known one, or all of them."""
    known = sorted(known)
    match = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    return f"did you mean {short(match[0])!r}?" if match else f"known: {listed(known)}"
