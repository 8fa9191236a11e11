"""Thousands of runs made from the golden captures: renamed, shifted in time, some damaged."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path
from typing import Final

from tests.fleet.runs import CAPTURES, aged

#: Block types of pcapng (draft-ietf-opsawg-pcapng 4): section, interface, enhanced packet.
_SECTION: Final = 0x0A0D0D0A
_INTERFACE: Final = 1
_PACKET: Final = 6
_RESOLUTION: Final = 9
_DAY: Final = 86_400
#: Of so many runs one is cut in its middle, and one is no capture at all.
_CUT: Final = 17
_BROKEN: Final = 41


def shifted(data: bytes, days: int) -> bytes:
    """A little-endian pcapng file, taken so many days later."""
    out = bytearray(data)
    per_second: list[int] = []
    at = 0
    while at + 12 <= len(out):
        kind, length = struct.unpack_from("<II", out, at)
        if kind == _SECTION:
            per_second.clear()
        elif kind == _INTERFACE:
            per_second.append(_units(bytes(out[at + 16 : at + length - 4])))
        elif kind == _PACKET:
            interface, high, low = struct.unpack_from("<III", out, at + 8)
            time = (high << 32 | low) + days * _DAY * per_second[interface]
            struct.pack_into("<II", out, at + 12, time >> 32, time & 0xFFFFFFFF)
        at += length
    return bytes(out)


def _units(options: bytes) -> int:
    """Units of a second, by the options of an interface."""
    at = 0
    while at + 4 <= len(options):
        code, length = struct.unpack_from("<HH", options, at)
        if code == _RESOLUTION:
            value = options[at + 4]
            return int(2 ** (value & 0x7F) if value & 0x80 else 10**value)
        at += 4 + (length + 3 & ~3)
    return 1_000_000


def make(place: Path, count: int, *, largest: int = 60_000) -> None:
    """Write `count` runs below a folder, over ten days and two repositories."""
    goldens: Iterator[bytes] = cycle(
        data
        for path in sorted(CAPTURES.glob("*/capture.pcapng"))
        if len(data := path.read_bytes()) <= largest
    )
    for number in range(count):
        data = shifted(next(goldens), number % 10)
        if number % _CUT == _CUT - 1:
            data = data[: len(data) // 2]
        if number % _BROKEN == _BROKEN - 1:
            data = b"this was never a capture, though it is called one"
        run = place / "octo" / f"agents-{number % 2}" / f"{number:05d}"
        run.mkdir(parents=True)
        (run / "capture.pcapng").write_bytes(data)
        aged(run / "capture.pcapng")
