"""`dataset.toml`: the description of a folder of recordings, strictly parsed."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field, fields
from pathlib import Path

from mixkd.datasets.own import clock, spreadsheets, zones
from mixkd.datasets.raw import form, text_table
from mixkd.errors import MixkdError
from mixkd.specs.strict import Spec

NAME = "dataset.toml"
SAMPLES = 8  # minimum length of a window
FIELDS = ("subject", "label", "recording")


@dataclass(frozen=True)
class Description(Spec):
    """Content of `dataset.toml`. `subject`, `label` and `recording` name a column, or appear in braces in `names`.

    files: pattern below the folder; names: pattern of their names, such as `{subject}_{label}.csv`
    labels: a table of labels in place of `label`, see `labels`; sensors: files of one folder that are joined, see
    `joined`, of which `files` matches the first
    channels: column -> unit, in the order that networks see them; scale: column -> factor from values to the unit
    time: column, with its unit, and rate: samples per second that recordings are brought to (without a time column:
    that they have)
    zone: of a clock with dates that state no offset from UTC, see `zones`; without it, such times have no zone
    skip_lines: lines above the names of the columns, or column_names: those of files that do not name them
    encoding: of text tables, as Python names it; missing: how lost values are spelled; ignore: labels of samples to
    leave out; window, step, gap: seconds; a hole up to `gap` is interpolated, a longer one ends a recording
    calibrate: whether each file is calibrated to local gravity, see `gravity`
    epochs, batch_size: none: about as many steps as on `watch`, of 64 windows, or fewer when there are few
    """

    title: str = "my recordings"
    files: str = "*.csv"
    names: str | None = None
    subject: str | None = None
    label: str | None = None
    recording: str | None = None
    labels: str | None = None
    sensors: tuple[str, ...] = ()
    time: str | None = None
    time_unit: str = "s"
    zone: str | None = None
    rate: float = 50.0
    separator: str = ","
    decimal: str = "."
    missing: tuple[str, ...] = ("", "NaN", "nan")
    encoding: str = "utf-8"
    skip_lines: int = 0
    column_names: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    window: float = 2.0
    step: float = 1.0
    gap: float = 0.1
    calibrate: bool = False
    epochs: int | None = None
    batch_size: int | None = None
    channels: dict[str, str] = field(default_factory=dict)
    scale: dict[str, float] = field(default_factory=dict)

    def check(self) -> None:
        """See `Spec.check`."""
        self.require("channels", bool(self.channels), "at least one column and its unit")
        self.require("rate", 0 < self.rate <= 1e5, "samples per second")
        self.require(
            "window",
            SAMPLES <= round(min(self.window * self.rate, 1e9)) < 1e9,
            f"at least {SAMPLES} samples, in seconds",
        )
        self.require(
            "step", 1 <= round(min(self.step * self.rate, 1e9)) < 1e9, "a step of at least one sample, in seconds"
        )
        self.require("gap", 0 <= self.gap <= self.window, "seconds, at most those of a window")
        self.require("epochs", self.epochs is None or self.epochs >= 1, "at least 1 epoch, or no such line")
        self.require(
            "batch_size", self.batch_size is None or self.batch_size >= 2, "at least 2 windows, or no such line"
        )
        self.require("time_unit", self.time_unit in clock.UNITS, f"one of {', '.join(clock.UNITS)}")
        self.require("encoding", _is_encoding(self.encoding), 'such as "utf-8" or "cp1252"')
        dated = self.zone is None or (self.time_unit in form.DATES and zones.zone(self.zone) is not None)
        self.require("zone", dated, 'such as "Europe/Berlin", "UTC" or "+01:00", for a clock with dates')
        self.require(
            "separator", bool(re.fullmatch(r"[\t !#$%&,/:;|~]", self.separator)), "a comma, semicolon, tab or the like"
        )
        self.require("skip_lines", 0 <= self.skip_lines <= spreadsheets.ABOVE, f"at most {spreadsheets.ABOVE} lines")
        self.require("decimal", self.decimal in (".", ",") and self.decimal != self.separator, "a point or a comma")
        segments = self.files.split("/")
        below = all(
            segment not in ("", "..")
            and len(segment.encode()) < 256
            and ("**" not in segment or segment == "**")
            and "\0" not in segment
            for segment in segments
        )
        self.require("files", below, "a pattern of files below the folder, such as *.csv or **/*.csv")
        placeholders = re.findall(r"{(\w*)}", self.names or "")
        named = set(placeholders)
        expected = "no braces but {subject}, {label} and {recording}, each once"
        self.require("names", named <= set(FIELDS) and len(named) == len(placeholders), expected)
        for name in FIELDS[:2]:
            ways = (name in named) + bool(getattr(self, name)) + (name == "label" and bool(self.labels))
            self.require(name, ways == 1, f"a column, or {{{name}}} in names" + ", or `labels`" * (name == "label"))
        self.require("calibrate", not self.calibrate or bool(self.time), "the column `time` beside it")
        self.require("sensors", not self.sensors or bool(self.time), "the column `time` by which they are joined")
        unknown = set(self.scale) - set(self.channels)
        self.require("scale", not unknown and all(self.scale.values()), "factors of columns in [channels], not 0")

    @property
    def columns(self) -> dict[str, text_table.Kind]:
        """The columns to read and their kinds."""
        kinds: dict[str, text_table.Kind] = dict.fromkeys(self.channels, "number")
        if self.time:
            kinds[self.time] = clock.kind(self.time_unit)
        kinds.update({name: "note" for name in (self.subject, self.label, self.recording) if name})
        return kinds

    @property
    def spelling(self) -> spreadsheets.Spelling:
        """Spelling of its files."""
        return spreadsheets.Spelling(**{name: getattr(self, name) for name in spreadsheets.SPELLING})

    def named(self, path: Path, base: Path) -> dict[str, str]:
        """Values of subject, label and recording in a file's name. Raises MixkdError if it does not match `names`."""
        if not self.names:
            return {}
        place = path.relative_to(base).as_posix() if "/" in self.names else path.name
        pattern = re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+?)", re.escape(self.names))
        if not (match := re.fullmatch(pattern, place, re.IGNORECASE)):  # also p1.CSV
            raise MixkdError(f"{path}: found this name, expected {self.names}")
        return match.groupdict()


def _is_encoding(name: str) -> bool:
    try:
        return len("a".encode(name)) == 1  # line ends must be single bytes
    except (LookupError, ValueError, AssertionError):
        return False


READING = (
    "time",
    "time_unit",
    "zone",
    "gap",
    "calibrate",
    *spreadsheets.SPELLING,
)  # settings that also apply to new recordings
UNSTATED = {f.name: f.default for f in fields(Description) if f.name in READING} | {"time": "time", "scale": {}}


def describe(folder: Path) -> Description:
    """The folder's `dataset.toml`, strictly parsed."""
    path = folder / NAME
    try:
        return Description.parse(tomllib.loads(path.read_text(encoding="utf-8")))
    except MixkdError as error:
        raise MixkdError(f"{path}: {error}") from error
    except FileNotFoundError as error:
        raise MixkdError(f"{path}: not found; `mixkd data init {folder}` drafts one") from error
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise MixkdError(f"{path}: {' '.join(str(error).split())}") from error
