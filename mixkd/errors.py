"""The one error that users see: a single line that names what was found and what was expected."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class MixkdError(Exception):
    """A refusal, in one line. Wrong input is refused before any work is done; nothing is left half written."""

    def _render_traceback_(self) -> list[str]:
        # IPython calls this hook: in a notebook the line stands alone, without a stack of frames.
        return [f"MixkdError: {self}"]


def nearest(name: str, known: Iterable[str]) -> str:
    """The hint at the end of an error about an unknown name: the nearest known one, or all of them."""
    known = sorted(known)
    match = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    return f"did you mean {match[0]!r}?" if match else f"known: {', '.join(known)}"
