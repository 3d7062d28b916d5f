"""Names in a folder of recordings: files to read, variants of one word, files of different sensors.

A word's `key` is equal for variants (case, blanks, `_` and `-`, `01` and `1.0` for 1). Files whose paths differ only in
the name of a sensor are files of several sensors.
"""

from __future__ import annotations

import fnmatch
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from mixkd.datasets.raw import packed
from mixkd.errors import MixkdError

OUTPUT = (".labels.csv", ".labels.parquet")  # of `mixkd predict`
SENSORS = {
    "accelerometer": ("accelerometer", "acceleration", "accel", "accelero", "acc", "linear", "gravity"),
    "gyroscope": ("gyroscope", "gyro", "gyr", "rotationrate", "angular"),
    "magnetometer": ("magnetometer", "magnetic", "mag", "magn", "compass", "orientation", "attitude"),
    "other": ("uncalibrated", "barometer", "baro", "pedometer", "heartrate", "hr", "ppg", "bvp", "ecg", "emg", "eda"),
}
WORDS = frozenset(word for words in SENSORS.values() for word in words)
SHOWN = 5  # names in a message


def listed(base: Path, pattern: str) -> tuple[list[Path], list[Path]]:
    """Files below `base` that match, the extension in any case; separately, outputs of `mixkd predict`.

    A zip archive counts as a folder where the pattern says `.zip/` or `**`. Hidden files, and files in hidden folders,
    are in neither list.
    """
    stem, dot, end = pattern.rpartition(".")
    if dot and end.isalnum():
        pattern = stem + dot + "".join(f"[{c.lower()}{c.upper()}]" if c.isalpha() else c for c in end)
    try:
        matches = sorted([*(path for path in base.glob(pattern) if path.is_file()), *_packed(base, pattern)])
    except (ValueError, NotImplementedError, IndexError) as error:
        raise MixkdError(f"{base}: found the pattern {pattern!r}, expected one such as **/*.csv") from error
    shown = [path for path in matches if not any(part.startswith(".") for part in path.relative_to(base).parts)]
    outputs = [path for path in shown if path.name.lower().endswith(OUTPUT)]
    return [path for path in shown if path not in set(outputs)], outputs


def _packed(base: Path, pattern: str) -> Iterator[Path]:
    """Files inside the zip archives below `base` that match."""
    if "**" not in pattern and "[zZ][iI][pP]/" not in pattern and ".zip/" not in pattern.lower():
        return
    parts = [
        ".*" if part == "**" else fnmatch.translate(part)[4:-3].replace(".*", "[^/]*") for part in pattern.split("/")
    ]
    shape = re.compile("/".join(parts).replace(".*/", "(?:[^/]+/)*"))
    for archive in base.rglob("*.[zZ][iI][pP]"):
        place = archive.relative_to(base).as_posix()
        for name in packed.members(archive):
            if shape.fullmatch(f"{place}/{name}"):
                yield archive / name


def key(word: str) -> str:
    """Normal form of a word: without differences in case, blanks, `_` or `-`, and zeros around numbers."""
    word = " ".join(unicodedata.normalize("NFKC", word).casefold().split())
    if re.fullmatch(r"[+-]?\d+([.,]\d*)?", word, re.ASCII):
        return f"{float(word.replace(',', '.')):.15g}"
    word = re.sub(r"(?<![\d.])0+(?=\d)", "", re.sub(r"[ _-]+", " ", word).strip())
    return re.sub(r"(?<=[^\W\d]) (?=\d)|(?<=\d) (?=[^\W\d])", "", word)


def alike(words: Iterable[str]) -> list[list[str]]:
    """Groups of different words that have the same key."""
    groups: dict[str, list[str]] = defaultdict(list)
    for word in sorted(set(words)):
        groups[key(word)].append(word)
    return [group for group in groups.values() if len(group) > 1]


def parts(name: str) -> list[str]:
    """The words of a name, in lower case: `userAcceleration.x` -> user, acceleration, x."""
    split = re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[^\W\d_])(?=\d)|(?<=\d)(?=[^\W\d_])", " ", name)
    return re.findall(r"[^\W_]+", split.lower())


def sensor(place: str) -> str | None:
    """The sensor, of SENSORS, that a path names."""
    name_words = set(parts(place))
    return next((known for known, words in SENSORS.items() if name_words & set(words)), None)


def sensors(places: Sequence[str]) -> tuple[list[str], str] | None:
    """Two paths that differ only in the name of the sensor, and a pattern of one sensor's files; or None."""
    groups: dict[tuple[str, ...], dict[tuple[str, ...], str]] = defaultdict(dict)
    for place in places:
        words = parts(place)
        named = tuple(word for word in words if word in WORDS)
        rest = tuple("*" if word in WORDS else word for word in words)
        while "*" in rest and (twice := [i for i in range(1, len(rest)) if rest[i - 1] == rest[i] == "*"]):
            rest = rest[: twice[0]] + rest[twice[0] + 1 :]
        if named:
            groups[rest].setdefault(named, place)
    for group in groups.values():
        if len(group) > 1:
            first = min(group, key=lambda words: (words[0] not in SENSORS["accelerometer"], len(words)))
            return sorted(group.values())[:2], _only(group[first], first[0])
    return None


def beside(places: Sequence[str]) -> list[str]:
    """Names of the files of motion sensors that every folder with recordings has, accelerometers first."""
    kinds = list(SENSORS)[:3]
    folders: dict[str, set[str]] = defaultdict(set)
    for place in places:
        folder, _, name = place.rpartition("/")
        stem = parts(name.partition(".")[0])
        if len(stem) == 1 and sensor(name) in kinds and not {*stem} & {"gravity", "orientation", "attitude", "linear"}:
            folders[folder].add(name)
    common = set.intersection(*folders.values()) if folders else set()
    return sorted(common, key=lambda name: (kinds.index(sensor(name) or ""), name))


def _only(place: str, word: str) -> str:
    """A pattern of the files whose path has `word`, as it is spelled in `place`."""
    folder, _, name = place.rpartition("/")
    stem, _, end = name.rpartition(".")
    if word not in parts(name):
        at = next(i for i, part in enumerate(folder.split("/")) if word in parts(part))
        return "/".join([*["*"] * at, folder.split("/")[at], "**", f"*.{end}"])
    start = name.lower().index(word)
    within = stem if parts(stem) == [word] else f"*{name[start : start + len(word)]}*"
    return f"{'**/' * bool(folder)}{within}.{end}"


def some(words: Iterable[str]) -> str:
    """The first SHOWN words, and the number of the others."""
    words = list(words)
    return ", ".join(words[:SHOWN]) + (f" and {len(words) - SHOWN} more" if len(words) > SHOWN else "")
