"""The server's side of a WebSocket (RFC 6455), as much as the Responses API needs."""

from __future__ import annotations

import base64
import hashlib
import struct
from typing import Final

_GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
#: Opcodes (section 5.2).
TEXT, CLOSE = 0x1, 0x8
_MASKED: Final = 0x80
_SHORT, _MEDIUM, _LONG = 125, 126, 127


def accept(key: str) -> str:
    """The Sec-WebSocket-Accept for a Sec-WebSocket-Key (section 4.2.2)."""
    return base64.b64encode(hashlib.sha1(key.encode() + _GUID).digest()).decode()


def text(payload: bytes) -> bytes:
    """One unmasked text frame."""
    return _frame(TEXT, payload)


def close(code: int = 1000) -> bytes:
    """One unmasked close frame."""
    return _frame(CLOSE, struct.pack("!H", code))


def _frame(opcode: int, payload: bytes) -> bytes:
    length = len(payload)
    if length <= _SHORT:
        return struct.pack("!BB", 0x80 | opcode, length) + payload
    return struct.pack("!BBH", 0x80 | opcode, _MEDIUM, length) + payload


class Frames:
    """Complete frames out of a client's bytes; sizes and opcodes only, as the lab needs no more."""

    def __init__(self) -> None:
        self._bytes = b""

    def feed(self, data: bytes) -> list[int]:
        """The opcodes of the frames that these bytes complete."""
        self._bytes += data
        opcodes = []
        while (size := self._size()) is not None and len(self._bytes) >= size:
            opcodes.append(self._bytes[0] & 0xF)
            self._bytes = self._bytes[size:]
        return opcodes

    def _size(self) -> int | None:
        if len(self._bytes) < 2:
            return None
        length, mask = self._bytes[1] & _LONG, 4 if self._bytes[1] & _MASKED else 0
        if length <= _SHORT:
            return 2 + mask + length
        form = "!H" if length == _MEDIUM else "!Q"
        head = 2 + struct.calcsize(form)
        if len(self._bytes) < head:
            return None
        (length,) = struct.unpack_from(form, self._bytes, 2)
        return head + mask + int(length)
