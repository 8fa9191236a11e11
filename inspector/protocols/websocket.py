"""WebSocket frames (RFC 6455 5) as an observer reads them: one direction, in pieces of any size.

Frames are joined to messages, a client's are unmasked, and what permessage-deflate (RFC 7692)
coded is decoded within limits.  Text messages are handed over; of binary ones and of what is too
long only the size is told.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from inspector.fact import Fact
from inspector.model.capture import Fault
from inspector.protocols.extent import Extent
from inspector.protocols.messages import EVERYTHING
from inspector.protocols.websocket_deflate import Inflater, TooMuch
from inspector.wire import Segment

#: Fault name → what it means.
FAULTS: Final = {
    "websocket-broken-frame": "bytes behind an upgrade to WebSocket are no frame; what follows in"
    " that direction was not read",
    "websocket-coding-corrupt": "a compressed message is not in the coding that was agreed on; no"
    " further compressed one of that direction was read",
    "websocket-oversized-message": "a text message is longer than the limit; it was counted and"
    " not read",
}

#: RFC 6455 5.2.
_CONTINUATION: Final = 0x0
TEXT: Final = 0x1
_BINARY: Final = 0x2
_CLOSE: Final = 0x8
_DATA: Final = frozenset({_CONTINUATION, TEXT, _BINARY})
_CONTROLS: Final = frozenset({_CLOSE, 0x9, 0xA})
_FINAL: Final = 0x80
#: The bit that permessage-deflate takes (RFC 7692 6), and those that nothing known takes.
_COMPRESSED: Final = 0x40
_RESERVED: Final = 0x30
#: RFC 6455 5.5: what a control frame carries at most; a longer one is none.
_CONTROL: Final = 125
#: RFC 6455 7.4: statuses of a conversation that ended in order: done, and going away.
IN_ORDER: Final = frozenset({1000, 1001})
#: Bytes of one text message, before and after decoding; a longer one is counted and not read.
MESSAGE_LIMIT: Final = 1 << 20
#: Pieces of one message that are kept apart.
_PARTS: Final = 1024


class Message(Fact):
    """A whole message.  `data` is None of what was not read; `size` counts its payload as sent.

    `at`, `packet`: of its last byte.  `is_blank`: its payload as it stands in the frames is `x`
    alone, as in a redacted copy.
    """

    data: bytes | None
    size: int
    at: int
    packet: int
    is_blank: bool


class MessageReader:
    """One direction.  `close_code` is None until a closing frame says one (RFC 6455 7.1.5).

    `is_lost` once bytes are missing or are no frames: nothing more is told.  `start`: which byte
    of the stream is the first; None: nobody asks where things stand (`take_places`).  `inflater`:
    what undoes permessage-deflate, if it was agreed on.
    """

    def __init__(self, start: int | None = None, inflater: Inflater | None = None) -> None:
        self.messages = 0
        self.payload = 0
        self.close_code: int | None = None
        self.close_reason = b""
        #: Where the reason stands, and the mask that lies on it there; None without one.
        self.reason_place: tuple[Extent, bytes] | None = None
        self.is_closed = False
        self.is_lost = False
        self.faults: list[Fault] = []
        self._inflater = inflater
        self._position = start or 0  # of the next byte
        self._places: list[Extent] | None = None if start is None else []
        self._hidden: list[Extent] = []
        self._head = b""
        self._began_in = 0  # the packet that brought its first byte
        #: Of the current frame: its opcode, its mask, and how much of its payload is to come.
        self._opcode = _BINARY
        self._mask = b""
        self._left = 0
        self._frame: list[bytes] = []
        #: Of the current message.
        self._parts: list[bytes] = []
        self._size = 0
        self._is_compressed = False
        self._is_wanted = False
        self._is_text = False
        self._is_blank = True
        self._is_final = False
        self._is_open = False

    def feed(self, segments: Iterable[Segment]) -> list[Message]:
        """The next bytes of the direction; the messages that end in them."""
        found: list[Message] = []
        for at, packet, data in segments:
            start = 0
            while start < len(data) and not self.is_lost and not self.is_closed:
                if self._left:
                    start += self._payload(data[start : start + self._left])
                else:
                    start += self._begin(data[start:], packet)
                if not self._left and not self._head and not self.is_lost:
                    self._end_frame(at, packet, found)
        return found

    def skip(self, count: int) -> None:
        """`count` bytes passed unseen; they lie within a payload, or the frames are lost."""
        if count > self._left or self._is_kept:
            self.is_lost = True
        count = min(count, self._left)
        self._left -= count
        self._position += count
        self._size += count
        if not self._left:
            self.messages += self._end_unseen()

    def take_places(self) -> list[Extent]:
        """Where the heads that were read since the last call stand, and statuses of a close."""
        places, self._places = self._places or [], []
        return places

    def take_hidden(self) -> list[Extent]:
        """Where payloads stand of which nothing may be told, since the last call."""
        hidden, self._hidden = self._hidden, []
        return hidden

    @property
    def position(self) -> int:
        """Which byte of the stream is the next one."""
        return self._position

    @property
    def settled(self) -> int:
        """Which byte is the first that may still be told of."""
        if self.is_lost or self.is_closed:
            return EVERYTHING
        kept = sum(map(len, self._frame)) if self._opcode == _CLOSE else 0
        return self._position - len(self._head) - kept

    def lose(self) -> None:
        """Bytes are missing."""
        self.is_lost = True
        self._parts, self._frame = [], []

    @property
    def skippable(self) -> int:
        """How many of the next bytes need not be shown."""
        return 0 if self._is_kept else self._left

    @property
    def _is_kept(self) -> bool:
        """Whether the payload of the current frame is read."""
        return self._opcode == _CLOSE or (self._opcode in _DATA and self._is_wanted)

    # -- frames ------------------------------------------------------------------

    def _begin(self, data: bytes, packet: int) -> int:
        """Take what `data` has of a frame's head; how many bytes of it that were."""
        if not self._head:
            self._began_in = packet
        head = self._head + data[:14]
        size = 2
        if len(head) >= 2:
            size += {126: 2, 127: 8}.get(head[1] & 0x7F, 0) + 4 * bool(head[1] & 0x80)
        if len(head) < size:
            self._position += len(head) - len(self._head)
            taken = len(head) - len(self._head)
            self._head = head
            return taken
        head = head[:size]
        taken = size - len(self._head)
        self._position += taken
        self._head = b""
        self._frame = []
        if not self._is_frame(head):
            self.lose()
            # How much of a head is read before it is none a copy cannot tell.
            self._fault("websocket-broken-frame", self._began_in)
            return taken
        if self._places is not None:
            # Only the mask on a closing frame is needed: its reason is told under it.
            told = size if head[0] & 0x0F == _CLOSE else size - 4 * bool(head[1] & 0x80)
            start = self._position - size
            self._places.append(Extent(start, start + told))
        self._open(head, packet)
        return taken

    def _is_frame(self, head: bytes) -> bool:
        """Whether both ends would take it for one: they fail at anything else (RFC 6455 5.2)."""
        opcode, length = head[0] & 0x0F, head[1] & 0x7F
        extended = int.from_bytes(head[2:10] if length == 127 else head[2:4], "big")
        if length >= 126 and not (126 if length == 126 else 1 << 16) <= extended < 1 << 63:
            return False  # a length is written in as few bytes as can be
        if head[0] & _RESERVED or (head[0] & _COMPRESSED and not self._may_be_compressed(opcode)):
            return False  # a bit that no agreed extension has
        if opcode in _CONTROLS:
            return length <= _CONTROL and bool(head[0] & _FINAL)
        # A message's first frame names its kind, and no other does (RFC 6455 5.4).
        return opcode in _DATA and (opcode == _CONTINUATION) is self._is_open

    def _may_be_compressed(self, opcode: int) -> bool:
        """The first frame of a message alone, where permessage-deflate was agreed on."""
        return self._inflater is not None and opcode in (TEXT, _BINARY)

    def _open(self, head: bytes, packet: int) -> None:
        """A frame begins (RFC 6455 5.2)."""
        opcode = self._opcode = head[0] & 0x0F
        length = head[1] & 0x7F
        at = 2 + {126: 2, 127: 8}.get(length, 0)
        self._left = int.from_bytes(head[2:at], "big") if at > 2 else length
        self._mask = head[at:]
        if opcode not in _DATA:
            return
        if opcode != _CONTINUATION:
            self._is_open = True
            self._parts, self._size, self._is_blank = [], 0, True
            self._is_compressed = bool(head[0] & _COMPRESSED)
            # A compressed binary one is decoded all the same: what follows may refer to it.
            self._is_wanted = opcode == TEXT or self._is_compressed
            self._is_text = opcode == TEXT
        self._is_final = bool(head[0] & _FINAL)
        if self._is_wanted and self._size + self._left > MESSAGE_LIMIT:
            self._drop(packet)

    def _drop(self, packet: int) -> None:
        """The message is too long to be read; those that refer to it are lost with it."""
        self._is_wanted = False
        self._parts = []
        self._fault("websocket-oversized-message", packet)
        if self._is_compressed and self._inflater is not None:
            self._inflater.lose()

    def _payload(self, data: bytes) -> int:
        self._left -= len(data)
        start, self._position = self._position, self._position + len(data)
        if self._opcode in _DATA:
            if self._places is not None:
                self._hidden.append(Extent(start, self._position))
            self._size += len(data)
            if data.strip(b"x"):
                self._is_blank = False
        if self._is_kept:
            self._frame.append(data)
            if len(self._frame) > _PARTS:
                self._frame = [b"".join(self._frame)]
        return len(data)

    def _end_frame(self, at: int, packet: int, found: list[Message]) -> None:
        payload, self._frame = b"".join(self._frame), []
        if self._opcode == _CLOSE:
            self._close(payload)
        elif self._opcode in _DATA:
            if self._is_wanted:
                self._parts.append(unmasked(payload, self._mask))
            if self._is_final:
                found.append(self._message(at, packet))
        self._opcode = 0x9  # between frames nothing is read

    def _end_unseen(self) -> int:
        """A frame ended unseen; whether a message did."""
        ended = self._opcode in _DATA and self._is_final
        if ended:
            self._is_open = False
            self.payload += self._size
        self._opcode = 0x9
        return int(ended)

    # -- messages ----------------------------------------------------------------

    def _message(self, at: int, packet: int) -> Message:
        self._is_open = False
        self.messages += 1
        self.payload += self._size
        is_blank = self._is_blank and self._size > 0
        data: bytes | None = None
        if self._is_wanted:
            data, self._parts = b"".join(self._parts), []
            if is_blank:
                data = None
            elif self._is_compressed:
                data = self._inflated(data, packet)
        return Message(data if self._is_text else None, self._size, at, packet, is_blank)

    def _inflated(self, data: bytes, packet: int) -> bytes | None:
        inflater = self._inflater
        if inflater is None or inflater.is_lost:
            return None
        try:
            return inflater.message(data, MESSAGE_LIMIT)
        except TooMuch:
            self._fault("decompression-limit", packet)
        except ValueError:
            self._fault("websocket-coding-corrupt", packet)
        return None

    def _close(self, payload: bytes) -> None:
        self.is_closed = True
        plain = unmasked(payload, self._mask)
        if len(plain) < 2:
            return
        self.close_code = int.from_bytes(plain[:2], "big")
        self.close_reason = plain[2:]
        start = self._position - len(plain)
        if self._places is not None:
            self._places.append(Extent(start, start + 2))
            mask = self._mask and self._mask[2:] + self._mask[:2]
            self.reason_place = Extent(start + 2, self._position), mask

    def _fault(self, name: str, packet: int) -> None:
        if all(fault.name != name for fault in self.faults):
            self.faults.append(Fault(name, packet))


def unmasked(payload: bytes, mask: bytes) -> bytes:
    """A payload without its mask (RFC 6455 5.3), or with it: both are one operation."""
    if not mask or not payload:
        return payload
    size = len(payload)
    key = (mask * (size // 4 + 1))[:size]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(key, "big")).to_bytes(size, "big")
