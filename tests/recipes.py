"""Folders of recordings as people have them: small generated files of three people who walk and sit."""

from __future__ import annotations

import gzip
import io
import zipfile
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd

PEOPLE, ACTIVITIES = (1, 2, 3), ("sit", "walk")
START = datetime(2025, 10, 20, 9, 30)
SECONDS = 12


def signal(who: int, activity: str, rate: float, seconds: float = SECONDS, at: float = 0.0) -> np.ndarray:
    """Gravity along z and a motion of 1.5 Hz that begins at `at` s: (n_samples, 3) in g."""
    t = at + np.arange(round(seconds * rate)) / rate
    size, noise = (0.4 if activity == "walk" else 0.05), np.random.default_rng(100 * who + len(activity))
    swing = np.c_[np.sin(3 * np.pi * t + who), np.cos(3 * np.pi * t), np.sin(6 * np.pi * t)]
    return size * swing + [0.02 * who, -0.05, 1.0] + noise.normal(0, 0.01, (len(t), 3))


def each() -> Iterator[tuple[int, str]]:
    """Every person with every activity."""
    yield from ((who, activity) for who in PEOPLE for activity in ACTIVITIES)


def frame(who: int, activity: str, rate: float = 50, names=("x", "y", "z"), factor: float = 1.0) -> pd.DataFrame:
    """Time in s from the start and three axes."""
    values = factor * signal(who, activity, rate)
    return pd.DataFrame(
        {"time": (np.arange(len(values)) / rate).round(6), **dict(zip(names, values.round(5).T, strict=True))}
    )


def stamped(table: pd.DataFrame, how: str, start: datetime = START, column: str = "time") -> pd.DataFrame:
    """With times as dates, spelled as strftime does; %L: milliseconds."""
    words = []
    for seconds in table["time"]:
        moment = start + timedelta(seconds=float(seconds))
        words.append(moment.strftime(how).replace("%L", f"{moment.microsecond // 1000:03}"))
    return table.assign(time=words).rename(columns={"time": column})


def write(base: Path, name: str, content: str | bytes) -> None:
    """A file below `base`."""
    path = base / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())


def archive(files: dict[str, str]) -> bytes:
    """A zip archive of text files."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as packed:
        for name, content in files.items():
            packed.writestr(name, content)
    return stream.getvalue()


def csv(table: pd.DataFrame, **options) -> str:
    """As text."""
    return table.to_csv(index=False, **options)


def tables(base: Path, change=lambda table, who, activity: csv(table), ending: str = "csv", **options) -> None:
    """A file for each person and activity, `p1_walk.csv`."""
    for who, activity in each():
        write(base, f"p{who}_{activity}.{ending}", change(frame(who, activity, **options), who, activity))


def actigraph(
    table: pd.DataFrame, rate: int, order: str = "M/d/yyyy", names: bool = True, epoch: str = "00:00:00"
) -> str:
    """RAW data as ActiLife exports it: ten lines, then the axes."""
    day = {"M/d/yyyy": "10/20/2025", "dd/MM/yyyy": "20/10/2025"}[order]
    head = (
        f"------------ Data File Created By ActiGraph GT3X+ ActiLife v6.13.4 Firmware v2.5.0 date format {order} "
        f"at {rate} Hz  Filter Normal -----------\nSerial Number: NEO1C04110003\nStart Time 09:30:00\n"
        f"Start Date {day}\n"
        f"Epoch Period (hh:mm:ss) {epoch}\nDownload Time 12:09:58\nDownload Date {day}\nCurrent Memory Address: 0\n"
        "Current Battery Voltage: 4.26     Mode = 12\n" + 50 * "-" + "\n"
    )
    return head + csv(table[["x", "y", "z"]], header=[f"Accelerometer {a}" for a in "XYZ"] if names else False)


def geneactiv(table: pd.DataFrame) -> str:
    """A hundred lines of header, a colon before the milliseconds."""
    head = ["Device Type,GENEActiv", "Device Model,1.1", "Measurement Frequency,50.0 Hz", "Time Zone,GMT +01:00"]
    rows = stamped(table, "%Y-%m-%d %H:%M:%S:%L").assign(light=0, button=0, temperature=25.1)
    return "\n".join(head + [""] * (100 - len(head))) + "\n" + csv(rows, header=False)


def e4(who: int, activity: str) -> dict[str, str]:
    """The files of an Empatica E4: start and rate are the first rows; acceleration in 1/64 g."""
    start = 1_760_000_000.0 + 1000 * who
    raw = np.round(64 * signal(who, activity, 32)).astype(int)
    acc = pd.DataFrame([[start] * 3, [32.0] * 3, *raw.tolist()]).to_csv(index=False, header=False)
    bvp = pd.DataFrame([start, 64.0, *np.sin(np.arange(64 * SECONDS) / 10)]).to_csv(index=False, header=False)
    return {"ACC.csv": acc, "BVP.csv": bvp, "tags.csv": "", "info.txt": ".csv files in this archive are in this format"}


def sensor_logger(who: int, activity: str, rates=(50, 100)) -> dict[str, str]:
    """Two sensors, each at its own rate and start, time in ns, axes in the order z, y, x; units of the app."""
    files = {}
    for name, rate, size, late in (("Accelerometer", rates[0], 9.80665, 0.013), ("Gyroscope", rates[1], 1.0, 0.2)):
        values = size * signal(who, activity, rate, SECONDS, late)
        seconds = late + np.arange(len(values)) / rate
        table = pd.DataFrame({"time": (1_760_000_000_000_000_000 + np.round(seconds * 1e9)).astype(np.int64)})
        table["seconds_elapsed"] = seconds.round(6)
        table[["z", "y", "x"]] = values[:, ::-1].round(6)
        files[f"{name}.csv"] = csv(table)
    return {**files, "Metadata.csv": "version,device name\n3,phone\n", "Annotation.csv": "time,seconds_elapsed,text\n"}


def phyphox(who: int, activity: str) -> dict[str, str]:
    """Two sensors in seconds from the start, units in the names, and a folder about the device."""
    files = {}
    for name, rate, size, unit in (("Accelerometer", 50, 9.80665, "m/s^2"), ("Gyroscope", 40, 1.0, "rad/s")):
        values = size * signal(who, activity, rate)
        table = pd.DataFrame({"Time (s)": np.arange(len(values)) / rate})
        table[[f"{axis} ({unit})" for axis in "XYZ"]] = values
        files[f"{name}.csv"] = csv(table)
    return {
        **files,
        "meta/time.csv": '"event","experiment time"\n"START",0\n',
        "meta/device.csv": '"property","value"\n"a","b"\n',
    }


def folders(base: Path, make) -> None:
    """A folder for each person and activity, with the files that `make` gives."""
    for who, activity in each():
        for name, content in make(who, activity).items():
            write(base, f"p{who}_{activity}/{name}", content)


def zips(base: Path, make) -> None:
    """The same, each folder as a zip archive."""
    for who, activity in each():
        write(base, f"p{who}_{activity}.zip", archive(make(who, activity)))


def in_a_row(who: int, rate: int = 50) -> np.ndarray:
    """Both activities one after the other, 12 s each, with 3 s between: (n_samples, 3)."""
    parts = [signal(who, activity, rate) for activity in ACTIVITIES]
    return np.concatenate([parts[0], 0.7 * signal(who, "sit", rate, 3), parts[1]])


def gz(text: str) -> bytes:
    """Compressed by gzip."""
    return gzip.compress(text.encode())
