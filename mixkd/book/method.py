"""One drawing of the whole method, for every chapter, with the parts that the chapter varies lit."""

from __future__ import annotations

import html
import textwrap
from dataclasses import dataclass, field

PARTS = {  # first line, second line
    "people": ("Recordings", "split by person"),
    "window": ("Window", "two seconds of signal"),
    "image": ("Persistence image", "topology of the window"),
    "mixup_t": ("Mixup", "of the teachers' examples"),
    "signal": ("Signal teacher", "sees the window"),
    "picture": ("Image teacher", "sees the image"),
    "soft": ("Soft targets", "temperature T"),
    "mixup_s": ("Mixup", "of the student's examples"),
    "student": ("Student", "sees the window"),
    "loss": ("Loss", "labels and soft targets"),
    "test": ("Test", "people never seen"),
}
TEACHERS = ("signal", "picture")
LIT = {  # the parts that a chapter is about
    "01_data": ("people", "window", "test"),
    "02_topology": ("image",),
    "03_teachers": TEACHERS,
    "04_distillation": ("soft", "loss"),
    "05_mixup": ("mixup_t", "mixup_s"),
    "06_partial_mixup": ("mixup_s",),
    "07_smoothness": ("mixup_t", "mixup_s", "soft"),
    "08_methods": ("loss",),
    "09_robustness": ("test",),
    "10_landscape": ("student",),
    "17_other_people": ("people", "test"),
    "19_patch_swap": ("mixup_s",),
    "20_augmentation": ("mixup_t", "mixup_s"),
    "21_self_distillation": (*TEACHERS, "soft"),
    "23_spheres": ("loss",),
    "24_moments": ("image", "picture"),
    "25_pictures": ("image",),
    "26_sphere": ("mixup_s",),
    "27_few_people": ("people",),
    "28_stronger_teachers": TEACHERS,
    "29_second_round": ("people", "mixup_t", "mixup_s", "test"),
    "30_on_the_device": ("student",),
}
ARROWS = (
    ("people", "window"),
    ("window", "image"),
    ("image", "mixup_t"),
    ("window", "mixup_t"),
    ("mixup_t", "picture"),
    ("mixup_t", "signal"),
    ("picture", "soft"),
    ("signal", "soft"),
    ("soft", "loss"),
    ("window", "mixup_s"),
    ("mixup_s", "student"),
    ("student", "loss"),
    ("student", "test"),
)


@dataclass(frozen=True)
class Layout:
    """Places of parts (left, top, width and height in pixels), and the x of upright arrows that pass other parts."""

    size: tuple[int, int]
    boxes: dict[str, tuple[int, int, int, int]]
    lanes: dict[tuple[str, str], int] = field(default_factory=dict)


WIDE = Layout(
    (820, 268),
    {
        "people": (0, 72, 130, 46),
        "window": (166, 72, 158, 46),
        "image": (166, 0, 158, 46),
        "mixup_t": (356, 0, 118, 118),
        "picture": (506, 0, 124, 46),
        "signal": (506, 72, 124, 46),
        "soft": (662, 0, 158, 118),
        "mixup_s": (166, 148, 308, 46),
        "student": (506, 148, 124, 46),
        "loss": (662, 148, 158, 46),
        "test": (506, 220, 124, 46),
    },
)
NARROW = Layout(
    (350, 540),
    {
        "people": (0, 0, 350, 46),
        "window": (0, 70, 163, 46),
        "image": (187, 70, 163, 46),
        "mixup_t": (40, 140, 310, 46),
        "signal": (40, 210, 143, 46),
        "picture": (207, 210, 143, 46),
        "soft": (40, 280, 310, 46),
        "loss": (187, 350, 163, 46),
        "mixup_s": (0, 420, 163, 46),
        "student": (187, 420, 163, 46),
        "test": (187, 492, 163, 46),
    },
    {("window", "mixup_s"): 20},
)


def figure(chapter: str) -> str:
    """The drawing for a chapter as HTML on one line, wide and narrow; empty for a chapter that varies no part."""
    if not (lit := LIT.get(chapter)):
        return ""
    names = "; ".join(f"{PARTS[part][0]} ({PARTS[part][1]})" for part in lit)
    label = html.escape(f"The method from recordings to a tested student. This chapter is about: {names}.")
    drawn = "".join(
        f'<span class="drawing {name}">{_svg(layout, lit, label, name)}</span>'
        for name, layout in (("wide", WIDE), ("narrow", NARROW))
    )
    caption = "<figcaption>The whole method; lit: what this chapter is about.</figcaption>"
    return f'<figure class="method">{drawn}{caption}</figure>'


def _svg(layout: Layout, lit: tuple[str, ...], label: str, name: str) -> str:
    width, height = layout.size
    parts = "".join(_box(part, layout.boxes[part], part in lit) for part in PARTS)
    lines = "".join(f'<path d="{_path(layout, *arrow)}" marker-end="url(#tip-{name})"/>' for arrow in ARROWS)
    tip = (
        f'<marker id="tip-{name}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        '<path d="M0 0L8 4L0 8z"/></marker>'
    )
    size = f'viewBox="-1 -1 {width + 2} {height + 2}" width="{width}" height="{height}"'
    return f'<svg {size} role="img" aria-label="{label}"><defs>{tip}</defs><g class="arrows">{lines}</g>{parts}</svg>'


def _box(part: str, place: tuple[int, int, int, int], is_lit: bool) -> str:
    x, y, w, h = place
    first, second = PARTS[part]
    lines = textwrap.wrap(second, int(w / 6.2))
    top = y + h / 2 - 7 * len(lines) + 3
    texts = [f'<text x="{x + w / 2:g}" y="{top:g}" class="name">{first}</text>']
    texts += [f'<text x="{x + w / 2:g}" y="{top + 15 * i:g}">{line}</text>' for i, line in enumerate(lines, 1)]
    rect = f'<rect x="{x}" y="{y}" width="{w}" height="{h}" rx="6"/>'
    return f'<g class="{"lit" if is_lit else "part"}">{rect}{"".join(texts)}</g>'


def _path(layout: Layout, start: str, end: str) -> str:
    """A straight arrow between two boxes: level or upright where they overlap, else from corner to corner."""
    (x, y, w, h), (u, v, p, q) = layout.boxes[start], layout.boxes[end]
    left, right, top, bottom = max(x, u), min(x + w, u + p), max(y, v), min(y + h, v + q)
    if left < right:
        middle = layout.lanes.get((start, end), (left + right) / 2)
        return f"M{middle:g} {y + h if v > y else y}V{v if v > y else v + q}"
    if top < bottom:
        middle = (top + bottom) / 2
        return f"M{x + w if u > x else x} {middle:g}H{u if u > x else u + p}"
    return f"M{x + w if u > x else x} {y + h if v > y else y}L{u if u > x else u + p} {v if v > y else v + q}"
