"""The ways in which a piece of a secret can stand in an output, and the search through them."""

from __future__ import annotations

import base64
import html
import re
import struct
import zlib
from collections.abc import Iterator, Sequence
from typing import Final
from urllib.parse import unquote_to_bytes

#: Consecutive bytes of a secret that are a leak; all of a shorter one.
PIECE: Final = 12

_BASE64: Final = re.compile(rb"[A-Za-z0-9+/_\-]{10,}")
_BASE64_URL: Final = bytes.maketrans(b"-_", b"+/")
_HEX: Final = re.compile(rb"(?:[0-9a-fA-F]{2}){8,}")
_JSON_ESCAPE: Final = re.compile(rb"\\u00([0-9a-fA-F]{2})")
_CHUNK_LINE: Final = re.compile(rb"\r\n[0-9a-fA-F]{1,6}\r\n")
_BETWEEN_DELTAS: Final = re.compile(
    rb'"\}\}?\s*(?:\r\n[0-9a-f]+\r\n)?\s*(?:event: \w+\s*)?'
    rb'data: \{[^{}]*(?:\{[^{}]*)?"(?:text|partial_json)":\s*"'
)
_INFLATED: Final = 1 << 22


def is_leaked(secrets: Sequence[bytes], output: bytes) -> bool:
    """Whether a piece of any of `secrets` stands in `output`, in any view and any case."""
    looked_at = [view.lower() for view in all_views(output)]
    return any(piece in view for piece in _pieces(secrets) for view in looked_at)


def all_views(output: bytes) -> Iterator[bytes]:
    """The output and, of a capture, what its connections carried, each in every writing undone."""
    yield from _written(output)
    for stream in _streams(output):
        yield from _written(stream)


def _pieces(secrets: Sequence[bytes]) -> set[bytes]:
    return {
        low[at : at + min(PIECE, len(low))]
        for low in map(bytes.lower, secrets)
        for at in range(max(1, len(low) - PIECE + 1))
    }


def _written(data: bytes) -> Iterator[bytes]:
    yield data
    if b"%" in data:
        yield unquote_to_bytes(unquote_to_bytes(data))
    if b"\\" in data:
        yield _JSON_ESCAPE.sub(lambda m: bytes([int(m[1], 16)]), data).replace(b"\\/", b"/")
    if b"&" in data:
        yield html.unescape(data.decode("latin-1")).encode("latin-1", "ignore")
    yield data.replace(b"\0", b"")
    yield b"".join(data.split())
    for once in _base64_decoded(data):
        yield once
        yield from _base64_decoded(once)
    for match in _HEX.findall(data):
        yield bytes.fromhex(match.decode())
    for begin in re.finditer(rb"\x1f\x8b\x08", data):
        try:
            yield zlib.decompressobj(31).decompress(data[begin.start() :], _INFLATED)
        except zlib.error:
            continue


def _base64_decoded(data: bytes) -> Iterator[bytes]:
    """Every run of the alphabet, decoded at each of the phases at which it may begin."""
    for run in set(_BASE64.findall(data)):
        for phase in range(4):
            part = run.translate(_BASE64_URL)[phase:]
            if len(part) >= 8:
                yield base64.b64decode(part[: len(part) // 4 * 4])


def _streams(data: bytes) -> Iterator[bytes]:
    """Each TCP direction by sequence number; also without chunk lines, and its deltas joined."""
    flows: dict[bytes, dict[int, int]] = {}
    for frame in _frames(data):
        if len(frame) < 54 or frame[12:14] != b"\x08\x00" or frame[23] != 6:
            continue
        tcp = 14 + (frame[14] & 15) * 4
        end = 14 + struct.unpack_from(">H", frame, 16)[0]
        if len(frame) < tcp + 20:
            continue
        payload = frame[tcp + (frame[tcp + 12] >> 4) * 4 : end]
        sequence = struct.unpack_from(">I", frame, tcp + 4)[0] + bool(frame[tcp + 13] & 2)
        held = flows.setdefault(frame[26:34] + frame[tcp : tcp + 4], {})
        for at, byte in enumerate(payload, sequence):
            held.setdefault(at, byte)
    for held in flows.values():
        whole = bytes(held[at] for at in sorted(held))
        yield whole
        yield _CHUNK_LINE.sub(b"", whole)
        yield _BETWEEN_DELTAS.sub(b"", whole)


def _frames(data: bytes) -> Iterator[bytes]:
    """The packets of a pcapng; none of anything else."""
    if data[:4] != b"\x0a\x0d\x0d\x0a":
        return
    order = "<" if data[8:12] == b"\x4d\x3c\x2b\x1a" else ">"
    at = 0
    while at + 12 <= len(data):
        kind, size = struct.unpack_from(order + "II", data, at)
        if size < 12:
            return
        if kind == 6 and at + 28 <= len(data):
            captured = struct.unpack_from(order + "I", data, at + 20)[0]
            yield data[at + 28 : at + 28 + captured]
        at += size
