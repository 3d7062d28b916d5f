"""An earlier student as the start of a new one: its weights, without the head where its classes are others."""

from __future__ import annotations

from pathlib import Path

import safetensors.numpy

from mixkd.datasets import dataset
from mixkd.deploy.predict import Student
from mixkd.errors import MixkdError
from mixkd.files import Arrays, sha256
from mixkd.runs import starts
from mixkd.runs.published import Published
from mixkd.specs.run import RunSpec


def keep(folder: Path, name: str, network: str) -> tuple[str, str]:
    """What `RunSpec.start` calls the weights of the student in `folder`, and a sentence on them for the report.

    name: of the data set; network: of its student. Raises MixkdError unless network, channels, units and rate are the
    same, and for a student of these very recordings.
    """
    made, recordings = Student.load(folder), dataset(name).load()
    about = made.about
    inputs = [_inputs(a["channels"], a["units"], a["rate"]) for a in (about, vars(recordings))]
    there, here = f"{about['network']} of {inputs[0]}", f"{network} of {inputs[1]}"
    if there != here:
        raise MixkdError(f"--start {folder}: found {there}, expected {here}")
    if about["spec"]["dataset"] == name:
        raise MixkdError(f"--start {folder}: found a student of these recordings, expected one of other people")
    same = about["classes"] == list(recordings.classes)
    body = {key: array for key, array in _weights(made).items() if same or not key.startswith(starts.HEAD)}
    head = "" if same else "; its classes are others, so the last layer is new"
    unknown = "People of these recordings who trained it too make the accuracies above too high"
    return starts.keep(body), f"Student and control start from the weights of an earlier student{head}. {unknown}."


def _inputs(channels: list[str], units: list[str], rate: float) -> str:
    return f"{', '.join(f'{c} ({u})' for c, u in zip(channels, units, strict=True))} at {rate:g} Hz"


def _weights(made: Student) -> Arrays:
    """The weights of its network by name: of student.safetensors, or of the published run of a ready student."""
    path, digest = made.folder / "student.safetensors", made.about["files"].get("student.safetensors")
    if digest is None:
        stored = Published().get(RunSpec.parse(made.about["spec"]))
        if stored is None or stored.folder is None:
            way = "expected them here, or in results/ of a clone of the repository"
            raise MixkdError(f"{path}: found no weights, {way}")
        return stored.weights
    content = path.read_bytes() if path.is_file() else b""
    if sha256(content) != digest:
        raise MixkdError(f"{path}: missing, or does not match its SHA-256; `mixkd distill` exports it again")
    arrays = safetensors.numpy.load(content)
    return {key.removeprefix("net."): array for key, array in arrays.items() if key.startswith("net.")}
