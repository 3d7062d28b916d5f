"""Small files of devices, written to the definitions of their formats: Axivity .cwa, GENEActiv .bin, ActiGraph .gt3x.

Axivity: github.com/openmovementproject/openmovement/blob/master/Docs/ax3/ax3-technical.md; ActiGraph:
github.com/actigraph/GT3X-File-Format; GENEActiv: its instruction manual, appendix on the .bin format.
"""

from __future__ import annotations

import io
import struct
import zipfile
from datetime import datetime, timedelta

import numpy as np

START = datetime(2025, 10, 20, 9, 30)
PER_BLOCK = {3: 80, 6: 40}  # samples of 16 bit in the 480 bytes of a block


def _stamp(moment: datetime) -> int:
    day = (moment.year - 2000) << 26 | moment.month << 22 | moment.day << 17
    return day | moment.hour << 12 | moment.minute << 6 | moment.second


def cwa(acceleration, gyroscope=None, *, rate=100, real=None, start=START, session=7) -> bytes:
    """An AX3 or, with a gyroscope, an AX6: acceleration (n, 3) in g, gyroscope (n, 3) in °/s; real: its true rate."""
    n_axes = 3 if gyroscope is None else 6
    size, real = PER_BLOCK[n_axes], real or rate
    code = {25: 0x48, 50: 0x49, 100: 0x4A, 200: 0x4B}[rate]
    head = bytearray(b"\xff" * 1024)
    struct.pack_into("<2sHBHIH", head, 0, b"MD", 1020, 0x17 if n_axes == 3 else 0x64, 4711, session, 0)
    struct.pack_into("<III", head, 13, 0, 0xFFFFFFFF, 0)
    struct.pack_into("<BBIBh", head, 35, 0x00 if n_axes == 3 else 0x03, code, 0, 50, -1)
    raw = np.round(np.asarray(acceleration) * (256 if n_axes == 3 else 2048)).astype("<i2")
    if gyroscope is not None:
        raw = np.c_[np.round(np.asarray(gyroscope) * 32768 / 1000).astype("<i2"), raw]
    light = 0 if n_axes == 3 else 3 << 13 | 3 << 10  # 1 g is 2 ** (8 + 3); 8000 / 2 ** 3 °/s are full scale
    blocks = []
    for number, at in enumerate(range(0, len(raw) // size * size, size)):
        seconds = at / real
        whole = int(np.ceil(seconds - 1e-9))  # the time stamp is a whole second, of the sample that `offset` counts
        offset = round((whole - seconds) * rate)
        block = bytearray(512)
        moment = start + timedelta(seconds=whole)
        struct.pack_into("<2sHHIII", block, 0, b"AX", 508, 0x8000, session, number, _stamp(moment))
        struct.pack_into("<HHBBBBhH", block, 18, light, 250, 0, 200, code, n_axes << 4 | 2, offset, size)
        block[30 : 30 + 2 * n_axes * size] = raw[at : at + size].tobytes()
        total = int(np.frombuffer(bytes(block), "<u2").sum(dtype=np.uint64)) & 0xFFFF
        struct.pack_into("<H", block, 510, -total & 0xFFFF)
        blocks.append(bytes(block))
    return bytes(head) + b"".join(blocks)


GAINS, OFFSETS = (25_500, 25_400, 24_800), (270, -1100, 100)


def geneactiv(acceleration, *, rate=50, real=None, start=START, pages=None) -> bytes:
    """A GENEActiv: acceleration (n, 3) in g, in pages of 300 samples; real: true rate; pages: as the header says."""
    raw = np.round((np.asarray(acceleration) * GAINS + OFFSETS) / 100).astype(int) & 0xFFF
    n_pages = len(raw) // 300
    calibration = "".join(f"{a} gain:{g}\n{a} offset:{o}\n" for a, g, o in zip("xyz", GAINS, OFFSETS, strict=True))
    text = (
        "Device Identity\nDevice Unique Serial Code:051386\nDevice Type:GENEActiv\nDevice Model:1.1\n"
        "Device Firmware Version:Ver4.08a date14Jul14\nCalibration Date:2019-02-04 13:49:24:000\n\n"
        "Device Capabilities\nAccelerometer Range:-8 to 8\nAccelerometer Resolution:0.0039\nAccelerometer Units:g\n"
        "Light Meter Range:0 to 5000\nLight Meter Resolution:5\nLight Meter Units:lux\n"
        "Temperature Sensor Range:0 to 70\nTemperature Sensor Resolution:0.1\nTemperature Sensor Units:deg. C\n\n"
        f"Configuration Info\nMeasurement Frequency:{rate} Hz\nMeasurement Period:360 Hours\n"
        f"Start Time:{start:%Y-%m-%d %H:%M:%S}:000\nTime Zone:GMT +01:00\n\n"
        "Trial Info\nStudy Centre:\nStudy Code:\nInvestigator ID:\nExercise Type:\nConfig Operator ID:\nConfig Time:\n"
        "Config Notes:\nExtract Operator ID:\nExtract Time:\nExtract Notes:\n\n"
        "Subject Info\nDevice Location Code:\nSubject Code:\nDate of Birth:1900-1-1\nSex:\nHeight:\nWeight:\n"
        f"Handedness Code:\nSubject Notes:\n\nCalibration Data\n{calibration}Volts:42\nLux:886\n\n"
        f"Memory Status\nNumber of Pages:{n_pages if pages is None else pages}\n\n"
    )
    for page in range(n_pages):
        moment = start + timedelta(seconds=page * 300 / (real or rate))
        letters = "".join(f"{x:03X}{y:03X}{z:03X}000" for x, y, z in raw[300 * page : 300 * (page + 1)])
        text += (
            f"Recorded Data\nDevice Unique Serial Code:051386\nSequence Number:{page}\n"
            f"Page Time:{moment:%Y-%m-%d %H:%M:%S}:{moment.microsecond // 1000:03}\nUnassigned:\nTemperature:28.2\n"
            f"Battery voltage:4.1642\nDevice Status:Recording\nMeasurement Frequency:{rate:.1f}\n{letters}\n"
        )
    return text.encode()


def gt3x(acceleration, *, kind=26, rate=30, scale=256, start=START, awake=lambda second: True) -> bytes:
    """An ActiGraph: acceleration (n, 3) in g; kind 26: 16 bit, 0: packed 12 bit, None: the same without a log (old)."""
    raw = np.round(np.asarray(acceleration) * scale).astype(int)
    first = round((start - datetime(1970, 1, 1)).total_seconds())
    log = b""
    for second in range(len(raw) // rate):
        samples = raw[second * rate : (second + 1) * rate]
        if awake(second):
            log += record(kind or 0, first + second, samples.astype("<i2").tobytes() if kind == 26 else packed(samples))
    ticks = (first * 10_000_000) + 621_355_968_000_000_000
    info = f"Serial Number: TAS1E47150641\nSample Rate: {rate}\nStart Date: {ticks}\nTimeZone: -05:00:00\n"
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("info.txt", f"{info}Acceleration Scale: {scale}.0\n")
        archive.writestr(*(("activity.bin", packed(raw)) if kind is None else ("log.bin", log)))
    return file.getvalue()


def record(kind: int, second: int, payload: bytes) -> bytes:
    """A record of log.bin with its checksum."""
    content = struct.pack("<BBIH", 0x1E, kind, second, len(payload)) + payload
    return content + bytes([~int(np.bitwise_xor.reduce(np.frombuffer(content, np.uint8))) & 0xFF])


def packed(samples: np.ndarray) -> bytes:
    """12 bit numbers in two's complement, one after the other, in the order y, x, z."""
    bits = (samples[:, [1, 0, 2]].reshape(-1, 1) & 0xFFF) >> np.arange(11, -1, -1) & 1
    return np.packbits(bits.astype(np.uint8)).tobytes()
