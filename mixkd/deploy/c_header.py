"""A student as one C99 header: weights, limits of known windows, and a forward pass without allocation.

The text around them is student.h.in.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from string import Template

import numpy as np

from mixkd.deploy import ranges
from mixkd.deploy.folded import Folded, folded
from mixkd.deploy.predict import Student

STACK = 512  # bytes: an upper bound that a test measures
PER_LINE = 10  # numbers


@dataclass(frozen=True)
class Needs:
    """What the header needs: bytes of constants and of static buffers, multiply-adds of a window."""

    flash: int
    ram: int
    work: int


def header(student: Student) -> str:
    """The text of student.h. Raises MixkdError for a network that is no plain WideResNet of width 1."""
    net, about = _net(student), student.about
    arrays, n_samples, units = net.arrays(), about["window"], ranges.by_unit(about["units"])
    place = [list(units).index(unit) for unit in about["units"]]
    constants = [*arrays.items(), *limits(student).items()]
    needs = needed_by(student)
    return Template(_template()).substitute(
        NETWORK=about["network"],
        RATE=f"{about['rate']:g}",
        WORK=f"{needs.work:,}",
        FLASH=f"{needs.flash:,}",
        RAM=f"{needs.ram:,}",
        STACK=STACK,
        SAMPLES=n_samples,
        CHANNELS=len(net.mean),
        CLASSES=len(net.bias),
        UNITS=len(units),
        THRESHOLD=numbers(np.array(about.get("unknown", {}).get("threshold", 0.0))),  # 0: a student without one
        WIDEST=net.head.shape[1],
        LARGEST=_largest(net, n_samples),
        STEM=len(net.stem),
        NAMES="\n".join(
            f"static const char *const mixkd_{name}[] = {{{', '.join(map(text, about[name]))}}};"
            for name in ("channels", "units", "classes")
        ),
        ARRAYS="\n".join(
            [
                *(f"static const float mixkd_{name}[] = {{\n{numbers(array)}}};" for name, array in constants),
                f"static const unsigned char mixkd_unit_of[] = {{{', '.join(map(str, place))}}};",
            ]
        ),
        BLOCKS="\n".join(_call(net, i) for i in range(len(net.blocks))),
    )


def needed_by(student: Student) -> Needs:
    """Flash, RAM and multiply-adds of a student in C."""
    net, about = _net(student), student.about
    n = len(about["channels"])
    constants = sum(array.nbytes for array in (*net.arrays().values(), *limits(student).values())) + n
    buffers = 2 * _largest(net, about["window"]) + 4 * net.head.shape[1]
    return Needs(constants, 4 * buffers, about["multiply_adds"])


def limits(student: Student) -> dict[str, np.ndarray]:
    """Limits of known windows, float32: `channel_limits` (n_channels, 7), `unit_limits` (n_units, 6).

    Of channels: mean (low, high), variance (low), lowest and highest value (low, high); of units: squared sizes.
    """
    training = student.about["training"]
    of = {name: ranges.limits(training, name) for name in training}
    spread = of["spread"][0] ** 2
    channels = [*of["mean"], spread, *of["lowest"], *of["highest"]]
    units = [limit**2 for name in ranges.SIZES for limit in of[name]]
    named = {"channel_limits": channels, "unit_limits": units}
    return {name: np.stack(columns, 1).astype(np.float32) for name, columns in named.items()}


def text(name: str) -> str:
    """A string literal of C; what is not plain ASCII is in octal, also a question mark (trigraphs)."""
    plain = {byte: chr(byte) for byte in range(32, 127) if chr(byte) not in '"\\?'}
    return '"' + "".join(plain.get(byte, f"\\{byte:03o}") for byte in name.encode()) + '"'


def numbers(array: np.ndarray) -> str:
    """An array of any shape as float literals that are read back to the same bits."""
    literals = [f"{value!s}f" for value in array.ravel().astype(np.float32)]
    lines: Sequence[str] = [", ".join(literals[i : i + PER_LINE]) for i in range(0, len(literals), PER_LINE)]
    return ",\n".join(lines)


def _net(student: Student) -> Folded:
    path = student.folder / "student.onnx"
    return folded(path.read_bytes(), str(path))


def _largest(net: Folded, n_samples: int) -> int:
    """Numbers in the largest output of a layer."""
    sizes, rows = [len(net.stem) * n_samples], n_samples
    for block in net.blocks:
        rows = -(-rows // block.stride)
        sizes.append(rows * block.widths[1])
    return max(sizes)


def _call(net: Folded, i: int) -> str:
    """The call of a residual block."""
    names = [f"mixkd_{name}{i}" for name in ("scale", "shift", "first", "bias", "second")]
    shortcut = "0" if net.blocks[i].shortcut is None else f"mixkd_shortcut{i}"
    n_in, n_out = net.blocks[i].widths
    return f"    rows = mixkd_block(rows, {n_in}, {n_out}, {', '.join([*names, shortcut])});"


def _template() -> str:
    return (resources.files("mixkd.deploy") / "student.h.in").read_text(encoding="utf-8")
