"""WebSocket frames (RFC 6455 5): counted, not read; a closing frame's status is.

What messages say stays unread.  A frame's head, and the two bytes of a close status, are enough to
tell how a conversation ended: 1000 in order, 1011 because the server failed.
"""

from __future__ import annotations

from typing import Final

from inspector.protocols.extent import Extent
from inspector.protocols.messages import EVERYTHING

#: RFC 6455 5.2: the opcode of a closing frame, and those of frames that are messages or parts.
_CLOSE: Final = 0x8
_DATA: Final = frozenset({0x0, 0x1, 0x2})
#: RFC 6455 5.5: what a control frame carries at most; a longer one is none.
_CONTROL: Final = 125
#: The most bytes that a head has: 2, and 8 of length, and 4 of a mask (RFC 6455 5.2).
_HEAD: Final = 14
#: RFC 6455 7.4: statuses of a conversation that ended in order: done, and going away.
IN_ORDER: Final = frozenset({1000, 1001})


class FrameCounter:
    """One direction.  `messages` counts whole ones; `close_code` is None until a close says one.

    `is_lost` once bytes are missing or are no frames: nothing more is told.  `start`: which byte
    of the stream is the first; None: nobody asks where heads stand (`take_places`).
    """

    __slots__ = (
        "_head", "_left", "_places", "_position", "_tail", "close_code", "is_closed", "is_lost",
        "messages",
    )  # fmt: skip

    def __init__(self, start: int | None = None) -> None:
        self._position = start or 0  # of the next byte
        self._places: list[Extent] | None = None if start is None else []
        self.messages = 0
        self.close_code: int | None = None
        self.is_closed = False
        self.is_lost = False
        self._head = b""
        #: Bytes of the current frame's payload that are still to come.
        self._left = 0
        #: Of a closing frame: its mask (empty for none) and what came of its status.
        self._tail: tuple[bytes, bytes] | None = None

    def feed(self, data: bytes) -> None:
        """The next bytes of the direction."""
        at = 0
        while at < len(data) and not self.is_lost and not self.is_closed:
            if self._left:
                taken = min(self._left, len(data) - at)
                if self._tail is not None:
                    self._status(data[at : at + taken])
                self._left -= taken
                at += taken
                self._position += taken
                self._end_of_close()
                continue
            self._head += data[at : at + 1]
            at += 1
            self._position += 1
            self._begin()

    def skip(self, count: int) -> None:
        """`count` bytes passed unseen; they lie within a payload, or the frames are lost."""
        if count > self._left or self._tail is not None:
            self.is_lost = True
        self._left -= min(count, self._left)
        self._position += count

    def take_places(self) -> list[Extent]:
        """Where the heads that were read since the last call stand, and statuses of a close."""
        places, self._places = self._places or [], []
        return places

    @property
    def settled(self) -> int:
        """Which byte is the first that may still be told of."""
        if self.is_lost or self.is_closed:
            return EVERYTHING
        return self._position - len(self._head)

    def lose(self) -> None:
        """Bytes are missing."""
        self.is_lost = True

    @property
    def skippable(self) -> int:
        """How many of the next bytes need not be shown."""
        return 0 if self._tail is not None else self._left

    def _begin(self) -> None:
        """A frame's head, if it is whole (RFC 6455 5.2)."""
        head = self._head
        if len(head) < 2:
            return
        opcode, masked, length = head[0] & 0x0F, bool(head[1] & 0x80), head[1] & 0x7F
        extended = {126: 2, 127: 8}.get(length, 0)
        if len(head) < 2 + extended + 4 * masked:
            return
        if extended:
            length = int.from_bytes(head[2 : 2 + extended], "big")
        if opcode not in _DATA and (length > _CONTROL or not head[0] & 0x80):
            self.is_lost = True
            return
        self._head = b""
        self._tell(self._position - len(head), self._position)
        self._left = length
        self.messages += opcode in _DATA and bool(head[0] & 0x80)
        if opcode == _CLOSE:
            self._tail = head[2 + extended : _HEAD] if masked else b"", b""
            self._end_of_close()

    def _tell(self, start: int, stop: int) -> None:
        if self._places is not None and start < stop:
            self._places.append(Extent(start, stop))

    def _status(self, data: bytes) -> None:
        assert self._tail is not None
        mask, seen = self._tail
        self._tail = mask, (seen + data)[:2]
        self._tell(self._position, self._position + len(self._tail[1]) - len(seen))

    def _end_of_close(self) -> None:
        if self._tail is None or self._left:
            return
        mask, seen = self._tail
        self.is_closed = True
        if len(seen) == 2:
            plain = bytes(byte ^ mask[at] for at, byte in enumerate(seen)) if mask else seen
            self.close_code = int.from_bytes(plain, "big")
