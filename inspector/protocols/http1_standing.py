"""Where a parser of HTTP/1.x stands in its stream, as whoever feeds it may ask."""

from __future__ import annotations

from enum import IntEnum

from inspector.protocols.http1_body import BodyReader
from inspector.protocols.http1_head_reader import HeadReader
from inspector.protocols.messages import EVERYTHING


class Stage(IntEnum):
    """What the next byte belongs to."""

    START = 0  # before the first byte of a message
    HEAD = 1  # inside a head
    BODY = 2
    RESYNC = 3  # out of step: looking for a message at segment starts
    PAUSED = 4  # after a request that may end HTTP: later bytes are held
    DONE = 5  # switched, or closed


class Standing:
    """What `http1.Http1Parser` says of itself; it alone moves."""

    _body: BodyReader
    _head_at: int
    _head_reader: HeadReader
    _position: int
    _requests: bool
    #: To be read alone.
    stage: Stage

    @property
    def position(self) -> int:
        """Which byte of the stream comes next; once paused or switched: the first not parsed."""
        return self._position

    @property
    def settled(self) -> int:
        """Which byte of the stream is the first that a later event may be about.

        Only of a parser that was asked for `places`.
        """
        state = self.stage
        if state == Stage.HEAD:
            return self._head_at
        if state == Stage.BODY:
            return self._body.settled(self._position)
        if state == Stage.RESYNC:
            return self._position - self._head_reader.held
        return EVERYTHING if state == Stage.DONE else self._position

    @property
    def skippable(self) -> int:
        """How many of the next stream bytes need not be received: `skip` them instead.

        0 when the next byte matters, `EVERYTHING` when none will ever again.
        """
        if self.stage == Stage.BODY:
            return self._body.skippable
        return EVERYTHING if self.stage == Stage.DONE else 0

    @property
    def is_between(self) -> bool:
        """Whether no message is under way."""
        return self.stage == Stage.START

    @property
    def reads_body(self) -> bool:
        """Whether the next byte is one of a body, or of its framing."""
        return self.stage == Stage.BODY

    @property
    def out_of_step(self) -> bool:
        """Whether the parser is looking for the start of a message."""
        return self.stage == Stage.RESYNC

    @property
    def paused(self) -> bool:
        """Whether a request awaits `resume` or `take_rest`."""
        return self.stage == Stage.PAUSED

    @property
    def begun(self) -> bytes | None:
        """The method of a request whose start line is read and whose head goes on."""
        if self.stage != Stage.HEAD or not self._requests:
            return None
        return self._head_reader.method
