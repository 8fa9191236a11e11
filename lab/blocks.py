"""Tidies a recorded pcapng file: what names the machine goes, what a scenario loses too.

dumpcap writes the processor and the operating system into the section header and the interface
description (pcapng 4.1, 4.2: options shb_hardware 2, shb_os 3, if_os 12, and if_hardware 15).
"""

from __future__ import annotations

import struct
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Final

_SECTION, _INTERFACE, _PACKET = 0x0A0D0D0A, 1, 6
_PACKET_HEADER: Final = 20
_ETHERNET: Final = 14
_API_PROXY: Final = range(10000, 10005)
#: Block type -> (bytes before its options, options left out).
_OPTIONS: Final = {_SECTION: (16, {2, 3}), _INTERFACE: (8, {12, 15})}


def tidy(source: Path, target: Path, *, lose: Collection[int] = ()) -> None:
    """Copy a little-endian pcapng file.

    `lose`: of the frames with which the API proxy sends data to somebody, those with these
    numbers (from 1) are left out, as a capture that was too slow would lack them.
    """
    written = bytearray()
    number = 0
    for kind, body in _blocks(source.read_bytes()):
        if lose and kind == _PACKET and _answers(body[_PACKET_HEADER:]):
            number += 1
            if number in lose:
                continue
        if kind in _OPTIONS:
            fixed, left_out = _OPTIONS[kind]
            body = body[:fixed] + _without(body[fixed:], left_out)
        size = len(body) + 12
        written += struct.pack("<II", kind, size) + body + struct.pack("<I", size)
    target.write_bytes(written)


def _blocks(data: bytes) -> Iterator[tuple[int, bytes]]:
    position = 0
    while position < len(data):
        kind, size = struct.unpack_from("<II", data, position)
        yield kind, data[position + 8 : position + size - 4]
        position += size


def _answers(frame: bytes) -> bool:
    """Whether an Ethernet frame is IPv4 TCP from the API proxy's ports, with data."""
    if frame[12:14] != b"\x08\x00" or frame[_ETHERNET + 9] != 6:
        return False
    header = (frame[_ETHERNET] & 15) * 4
    (total,) = struct.unpack_from("!H", frame, _ETHERNET + 2)
    tcp = _ETHERNET + header
    (port,) = struct.unpack_from("!H", frame, tcp)
    return port in _API_PROXY and total > header + (frame[tcp + 12] >> 4) * 4


def _without(options: bytes, codes: Collection[int]) -> bytes:
    kept = bytearray()
    position = 0
    while position + 4 <= len(options):
        code, length = struct.unpack_from("<HH", options, position)
        end = position + 4 + (length + 3) // 4 * 4
        if code not in codes:
            kept += options[position:end]
        position = end
    return bytes(kept)
