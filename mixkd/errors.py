"""The one error that users see: a single line that names what was found and what was expected."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator

MOST = 900  # characters of a message: about half a screen
MEMORY = ("failed to map segment", "allocate memory", "can't start new thread", "bad_alloc", "unable to allocate")


class MixkdError(Exception):
    """A refusal, in one line. Wrong input is refused before any work is done; nothing is left half written.

    Characters that a terminal would act on are escaped; of a long message the middle is left out.
    """

    def __init__(self, message: str):
        super().__init__(one_line(message))

    def _render_traceback_(self) -> list[str]:
        # IPython calls this hook: in a notebook the line stands alone, without a stack of frames.
        return [f"MixkdError: {self}"]


def one_line(text: str) -> str:
    """A text of any kind as an error or a remark shows it."""
    line = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    return line if len(line) <= MOST else f"{line[: MOST // 2]} … {line[-MOST // 2 :]}"


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


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """An error and those it came from, the first one last."""
    while error:
        yield error
        error = error.__cause__ or error.__context__


def machine_fault(error: BaseException) -> str | None:
    """What the machine refused (a file, memory), as a message; None for any other error, which is a bug."""
    text = str(error)
    causes = list(_chain(error))
    if any(isinstance(e, MemoryError) or any(words in str(e).lower() for words in MEMORY) for e in causes):
        detail = str(causes[-1]) or "MemoryError"
        return f"found too little memory ({detail}), expected some gigabytes; close other programs"
    if isinstance(error, OSError):
        where = error.filename or "standard output, or another open file"
        return f"{where}: {error.strerror or text}"
    if isinstance(error, RuntimeError) and text.startswith("Symlink loop"):  # of pathlib's resolve
        return text.removeprefix("Symlink loop from ").strip("'") + ": Too many levels of symbolic links"
    return None
