"""The form of HTTP/2 frames (RFC 9113 4.1, 6): kinds, flags, lengths that each kind may have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

DATA: Final = 0x0
HEADERS: Final = 0x1
_PRIORITY: Final = 0x2
RST_STREAM: Final = 0x3
SETTINGS: Final = 0x4
PUSH_PROMISE: Final = 0x5
_PING: Final = 0x6
GOAWAY: Final = 0x7
_WINDOW_UPDATE: Final = 0x8
CONTINUATION: Final = 0x9

END_STREAM: Final = 0x1
END_HEADERS: Final = 0x4
PADDED: Final = 0x8
PRIORITY_FLAG: Final = 0x20

#: Bytes of a frame's head.
HEAD: Final = 9
#: Bytes of a payload that are nothing but numbers, by kind; what follows them is free text.
FIXED: Final[Mapping[int, int]] = {
    _PRIORITY: 5,
    RST_STREAM: 4,
    SETTINGS: 1024,
    GOAWAY: 8,
    _WINDOW_UPDATE: 4,
}
#: The only length that a kind has.
_LENGTHS: Final[Mapping[int, int]] = {_PRIORITY: 5, RST_STREAM: 4, _PING: 8, _WINDOW_UPDATE: 4}
#: Kinds that belong to a stream, and those that belong to none (RFC 9113 6).
_OF_STREAMS: Final = frozenset({DATA, HEADERS, _PRIORITY, RST_STREAM, PUSH_PROMISE, CONTINUATION})
_OF_CONNECTION: Final = frozenset({SETTINGS, _PING, GOAWAY})
#: Kinds of extensions that are sent unasked: ALTSVC, ORIGIN, PRIORITY_UPDATE (RFC 7838 4,
#: RFC 8336 2, RFC 9218 7).
_EXTENSIONS: Final = frozenset({0xA, 0xC, 0x10})
#: The largest payload that peers allow in practice; 16 KiB without a setting (RFC 9113 4.2).
_LARGEST: Final = 1 << 20


def is_frame(data: bytes, *, whole: bool = False) -> bool:
    """Whether `data` begins with the head of a frame; `whole`: it is frames and nothing else."""
    at = 0
    while True:
        head = data[at : at + HEAD]
        if len(head) < HEAD or not _is_head(head):
            return False
        if not whole:
            return True
        at += HEAD + int.from_bytes(head[:3], "big")
        if at >= len(data):
            return at == len(data)


def _is_head(head: bytes) -> bool:
    length, kind = int.from_bytes(head[:3], "big"), head[3]
    stream = int.from_bytes(head[5:9], "big")
    if length > _LARGEST or length != _LENGTHS.get(kind, length):
        return False
    if kind in _OF_STREAMS:
        return 0 < stream < 1 << 31
    if kind in _OF_CONNECTION:
        return (
            stream == 0 and (kind != SETTINGS or length % 6 == 0) and (kind != GOAWAY or length > 7)
        )
    # The reserved bit is the sender's to set as it likes; nobody does.
    return (kind == _WINDOW_UPDATE or kind in _EXTENSIONS or length <= 64) and stream < 1 << 31
