"""Guesses for a draft: columns of person, activity and time, and channels with their units.

A name has a role only if all its words belong to that role: `userAcceleration.x` is no user, `activityID` no person.
If several columns, or several words of file names, are candidates, none is chosen: the draft asks.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from mixkd.datasets.own import names, summary, units

if TYPE_CHECKING:
    from mixkd.datasets.own.look import Look

WORDS = {
    "label": ("label", "activity", "class", "exercise", "movement", "action", "task", "target"),
    "subject": ("subject", "person", "participant", "user", "people", "volunteer", "patient", "subj", "who", "id"),
    "recording": ("recording", "session", "trial", "experiment", "file"),
    "time": ("time", "timestamp", "seconds", "datetime", "t", "s", "ms", "date", "clock", "elapsed"),
}
BESIDE = {  # words that may accompany WORDS
    "label": ("id", "code", "name", "index", "number", "nr", "no", "true", "user", "subject"),
    "subject": ("id", "code", "name", "index", "number", "nr", "no", "pid"),
    "recording": ("id", "code", "name", "index", "number", "nr", "no"),
    "time": (
        "unix",
        "epoch",
        "utc",
        "local",
        "system",
        "device",
        "sensor",
        "sample",
        "us",
        "ns",
        "sec",
        "since",
        "start",
    ),
}
BEFORE = {  # letters before a number, in names of files
    "subject": ("p", "s", "sub", "u", "pid", "vp", *WORDS["subject"]),
    "label": ("a", "act", "c", "ex", *WORDS["label"]),
    "recording": ("r", "rec", "t", "e", "exp", *WORDS["recording"]),
}
FASTEST = 35.0  # rad/s: 2,000 degrees per second, the range of most gyroscopes
GUESSED = "unit guessed from the name"


def roles(look: Look) -> tuple[dict[str, str], dict[str, list[str]]]:
    """Column of each role, by name and values; and the candidates of roles with several."""
    likely = _likely(look)
    doubtful = {role: columns for role, columns in likely.items() if _ambiguous(look, role, columns)}
    return {role: columns[0] for role, columns in likely.items() if columns and role not in doubtful}, doubtful


def _likely(look: Look) -> dict[str, list[str]]:
    """Candidate columns of each role, by names and values, the likeliest first."""
    named: dict[str, list[str]] = {role: [] for role in WORDS}
    for name in look.names:
        if role := _role(name):
            named[role].append(name)
    for role, words in WORDS.items():
        if role in ("subject", "label"):
            named[role] = [name for name in named[role] if _names_few(look, name)]
        named[role].sort(key=lambda name: _rank(look, role, words, name))
    return named


def _rank(look: Look, role: str, words: tuple[str, ...], name: str) -> tuple[bool, int, int]:
    """Labels that are words come before their codes; then the order of `words`, and the shortest name."""
    of_name = names.parts(name)
    code = role == "label" and look.numbers(name) is not None
    return code, min((words.index(word) for word in of_name if word in words), default=0), len(of_name)


def _role(name: str) -> str | None:
    """The role that a column's name states: every word of it must belong to that role."""
    words = names.parts(re.sub(r"[(\[].*?[)\]]", " ", name)) or names.parts(name)
    for role in WORDS:
        if any(word in WORDS[role] for word in words) and all(word in (*WORDS[role], *BESIDE[role]) for word in words):
            return role
    return None


def _names_few(look: Look, name: str) -> bool:
    """Words or whole numbers, most of them in several rows: no measurement and no number of the row."""
    words, numbers = look.column(name), look.numbers(name)
    whole = numbers is None or bool((numbers == numbers.round()).all())
    return whole and 0 < len(set(words)) <= max(len(words) / 2, 1)


def _ambiguous(look: Look, role: str, columns: list[str]) -> bool:
    """Whether several columns name people, or activities, and differ in more than spelling."""
    if role not in ("subject", "label"):
        return False
    first = look.column(columns[0]) if columns else []
    for other in map(look.column, columns[1:]):
        both, second = len(set(zip(first, other, strict=False))), len(set(other))
        if second > 1 and not both == len(set(first)) == second:
            return True
    return False


def pattern(places: list[str], roles: list[str]) -> str | None:
    """A pattern of file names with {subject} and {label}: the words that vary, people by their numbers.

    None if a role has no word, or several candidates.
    """
    tokens = [re.split(r"([_/\- .])", place) for place in places]
    if len({len(words) for words in tokens}) > 1:  # a folder `walk_fast` beside `sit`
        tokens = [re.split(r"([/.])", place) for place in places]
    if not roles or len({len(words) for words in tokens}) > 1 or len(places) < 2:
        return None
    columns = list(zip(*tokens, strict=True))
    varies = [i for i in range(0, len(columns), 2) if len(set(columns[i])) > 1]
    numbered = [i for i in varies if all(re.search(r"\d", word) for word in columns[i])]
    spelled = [i for i in varies if i not in numbered]
    guess: dict[int, str] = {}
    if "subject" in roles and (index := _one_of(columns, numbered, "subject")) is not None:
        guess[index] = "subject"
    if "label" in roles and len(spelled) == 1:
        guess[spelled[0]] = "label"
    elif "label" in roles and not spelled:
        index = _one_of(columns, [i for i in numbered if i not in guess], "label")
        guess |= {index: "label"} if index is not None else {}
    if set(guess.values()) != set(roles):
        return None
    left = [i for i in varies if i not in guess]
    if len(left) > 1:
        return None
    guess |= dict.fromkeys(left, "recording")
    return "".join(f"{{{guess[i]}}}" if i in guess else column[0] for i, column in enumerate(columns))


def _one_of(columns: list[tuple[str, ...]], numbered: list[int], role: str) -> int | None:
    """Index of the word of names whose number identifies people (or activities): the only or the named one."""
    stated = [i for i in numbered if _before(columns, i) in BEFORE[role]]
    others = [i for i in numbered if any(_before(columns, i) in BEFORE[r] for r in BEFORE if r != role)]
    likely = stated or [i for i in numbered if i not in others]
    return likely[0] if len(likely) == 1 else None


def _before(columns: list[tuple[str, ...]], i: int) -> str:
    """The letters before the number, which may be a separate word: `sub_01`."""
    letters = {re.split(r"\d", word)[0].lower() for word in columns[i]}
    if letters == {""} and i >= 2 and len(set(columns[i - 2])) == 1:
        return columns[i - 2][0].lower()
    return letters.pop() if len(letters) == 1 else ""


def channels(look: Look, place: str) -> dict[str, tuple[str, str]]:
    """Columns of numbers that have no role and are no counters: unit, and a comment where it is a guess.

    place: path of the file; its sensor determines the unit of columns x, y and z.
    """
    taken = {name for columns in _likely(look).values() for name in columns}
    selected = [name for name in look.names if name and name not in taken and _is_channel(look, name)]
    units_of = {name: look.units.get(name) or _unit(name, place) for name in selected}
    stated = {name for name in selected if name in look.units or units.in_name(name)}
    doubts = {name: GUESSED for name, unit in units_of.items() if unit != "?" and name not in stated}
    doubts |= {name: "unit?" for name, unit in units_of.items() if unit == "?"}
    for axes in units.triads(selected, list(units_of.values())):
        three = [selected[i] for i in axes]
        values = [look.numbers(name) for name in three]
        if any(doubts.get(name) != GUESSED for name in three) or len({len(v) for v in values if v is not None}) > 1:
            continue
        signal = np.stack([v for v in values if v is not None], axis=1)
        if units_of[three[0]] == "g" and (unit := units.of_length(units.length(signal, (0, 1, 2)))):
            units_of |= dict.fromkeys(three, unit)
            doubts = {name: doubt for name, doubt in doubts.items() if name not in three}
        elif units_of[three[0]] == "rad/s" and np.abs(signal).max() > FASTEST:
            units_of |= dict.fromkeys(three, "°/s")
    return {name: (unit, doubts.get(name, "")) for name, unit in units_of.items()}


def _is_channel(look: Look, name: str) -> bool:
    numbers = look.numbers(name)
    return numbers is not None and len(numbers) > 0 and not summary.counts_on(numbers)  # no counter


def _unit(name: str, place: str) -> str:
    """Unit of a channel by its name: as stated there, or the most common one. `?`: unknown."""
    if stated := units.in_name(name):
        return stated
    words = " ".join(names.parts(name))
    for shape, unit in ((r"acc|\ba ?[xyz]$", "g"), (r"gyr|\b[gw] ?[xyz]$|ang", "rad/s"), (r"mag|\bm ?[xyz]$", "µT")):
        if re.search(shape, words):
            return unit
    if re.fullmatch("[xyz]", words):
        of_file = names.sensor(place) or "accelerometer"
        return {"accelerometer": "g", "gyroscope": "rad/s", "magnetometer": "µT"}.get(of_file, "?")
    return "?"
