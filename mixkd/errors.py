"""The error that users see: one line with the place, the value found and the value expected."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator

MOST = 900  # characters of a message: about half a screen
EXTRAS = {  # that bring a package, by the name that code imports
    **dict.fromkeys(("torch", "onnx", "onnxscript", "pandas", "seaborn", "seglearn"), "train"),
    "gtda": "giotto",
    "actfast": "devices",
    **dict.fromkeys(("IPython", "aeon", "docutils", "fontTools", "gudhi", "jupyter_client", "jupytext"), "book"),
    **dict.fromkeys(("lightgbm", "myst_nb", "nbformat", "papermill", "persim", "traitlets"), "book"),
}
MEMORY = ("failed to map segment", "allocate memory", "can't start new thread", "bad_alloc", "unable to allocate")


class MixkdError(Exception):
    """An error in one line. Wrong input is refused before any work is done; no output is left incomplete.

    Control characters are escaped; the middle of a long message is left out.
    """

    def __init__(self, message: str):
        super().__init__(one_line(message))

    def _render_traceback_(self) -> list[str]:
        # IPython calls this hook: in a notebook the line stands alone, without a stack of frames.
        return [f"MixkdError: {self}"]


def one_line(text: str) -> str:
    """Any text as one printable line of at most MOST characters."""
    line = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    return line if len(line) <= MOST else f"{line[: MOST // 2]} … {line[-MOST // 2 :]}"


def short(found: object, most: int = 60) -> str:
    """The value found, on one line and cut to `most` characters; an empty value by its repr."""
    text = " ".join(str(found).split()) if found else repr(found)
    return text if len(text) <= most else f"{text[: most - 1]}…"


def quoted(found: object) -> str:
    """The repr of the value found, cut to 80 characters."""
    text = repr(found)
    return text if len(text) <= 80 else f"{text[:79]}…"


def listed(names: Iterable[object], most: int = 12) -> str:
    """The first `most` names, each cut, and the total number if there are more."""
    items = list(names)
    more = f", … ({len(items)} in all)" if len(items) > most else ""
    return ", ".join(short(name, 40) for name in items[:most]) + more


def nearest(name: str, known: Iterable[str]) -> str:
    """Hint for an unknown name: the nearest known name, or the list of known names."""
    known = sorted(known)
    match = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    return f"did you mean {short(match[0])!r}?" if match else f"known: {listed(known)}"


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """An error and its causes, the root cause last."""
    while error:
        yield error
        error = error.__cause__ or error.__context__


def machine_fault(error: BaseException) -> str | None:
    """Message for an error of the machine (files, memory); None for any other error, which is a bug."""
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


def missing_package(error: BaseException) -> str | None:
    """Message for an import of a package that comes with an extra; None for any other error."""
    if not isinstance(error, ModuleNotFoundError):
        return None
    name = (error.name or "").partition(".")[0]
    if name not in EXTRAS:
        return None
    return f'package {name} is not installed; pip install "mixkd[{EXTRAS[name]}]"'
