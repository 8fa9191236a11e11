"""An observer's HTTP/1.x parser: one direction of one connection, bytes in, events out.

h11 and llhttp parse for a participant, who may refuse.  An observer cannot:
it names what is wrong (`http1_faults.FAULTS`) and goes on; bytes may be missing
(`gap`); and it need not look at bodies nobody asked for (`skippable`, `skip`).

What follows a head is decided in `http1_begun`; bodies are `http1_body`'s.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import Final, Literal

from inspector.model.capture import Fault
from inspector.protocols.extent import Extent, Extents
from inspector.protocols.http1_at_once import request_at_once, response_at_once
from inspector.protocols.http1_begun import Begun, read_begun
from inspector.protocols.http1_behind import Behind
from inspector.protocols.http1_body import BodyReader
from inspector.protocols.http1_faults import HeadLimits
from inspector.protocols.http1_head_reader import Head, HeadReader
from inspector.protocols.http1_standing import Stage, Standing
from inspector.protocols.messages import (
    NOWHERE,
    Body,
    CutLine,
    Event,
    MessageEnd,
    RequestHead,
    ResponseHead,
    Switched,
)
from inspector.wire import Segment

_NO_METHODS: Final[deque[bytes]] = deque(maxlen=0)
# A named tuple's own constructor costs a call more.
_new: Final = tuple.__new__


class Http1Parser(Standing):
    """Parses the requests, or the responses, of one connection.

    `wants_body` is asked once for each head and answers how many of the
    body's first bytes are wanted (0: none, `EVERYTHING`: all).

    `midstream`: the capture begins inside the connection, so the parser begins
    by looking for a message at the start of a segment.

    `places`: tell also where each piece of a body and each chunk line stands
    (`Body.places`, `ChunkLines`); heads, fields and message ends always can.
    `start`: which byte of the stream is the first that the parser is given.

    Call `receive`, `skip`, `gap` and `close` in stream order.  No bytes make them raise.
    """

    def __init__(
        self,
        role: Literal["request", "response"],
        *,
        wants_body: Callable[[RequestHead | ResponseHead], int],
        limits: HeadLimits | None = None,
        midstream: bool = False,
        places: bool = False,
        start: int = 0,
    ) -> None:
        self._requests = role == "request"
        self._at_once = request_at_once if self._requests else response_at_once
        self._wants_body = wants_body
        self._limits = limits or HeadLimits()
        self.stage = Stage.RESYNC if midstream else Stage.START
        self._quiet = midstream  # coming into step for the first time is no fault then
        self._events: list[Event] = []
        self._head_reader = HeadReader(self._limits, requests=self._requests)
        self._replay: list[Segment] = []
        self._body = BodyReader(self._limits, placed=places)
        self._placed = places
        self._position = start  # of the byte after the last one parsed
        self._segment_at = start  # of the first byte of the segment in `_step`
        self._head_at = start
        self._close_announced = False
        self._may_switch = False
        # Requests have none; an empty deque takes 0.7 KB for each open connection.
        self._methods: deque[bytes] = _NO_METHODS if self._requests else deque()
        self._behind = Behind()
        self._rest: list[Segment] = []

    # -- what the caller tells -------------------------------------------------

    def receive(self, segments: Sequence[Segment]) -> list[Event]:
        """The events that consecutive `segments` complete.  At most one `Body` a message."""
        events: list[Event] = []
        self._events = events
        may_be_whole = self.stage is Stage.START and len(segments) == 1
        if not may_be_whole:  # though most are
            self._read(segments, 0)
            return events
        segment = segments[0]
        self._segment_at = self._position
        position = self._start(segment, 0)
        if self.stage is Stage.START and position == len(segment[2]) and not self._replay:
            self._position += position
        else:
            self._read([segment], position)
        return events

    def _read(self, segments: Sequence[Segment], position: int) -> None:
        events, body = self._events, self._body
        index = 0
        offset = self._position  # of the first byte of `segments[index]`
        while index < len(segments):
            if self.stage is Stage.BODY:
                index, position, offset = body.read(segments, index, position, events, offset)
                if body.over:
                    self._end_body(offset + position)
                continue
            segment = segments[index]
            end = len(segment[2])
            if position < end:
                self._segment_at = offset
                if self.stage is Stage.START:
                    position = self._start(segment, position)
                else:
                    position = self._step(segment, position)
            if position >= end:
                index += 1
                position = 0
                offset += end
            if self._replay:
                segments = [*self._replay, *segments[index:]]
                offset -= sum([len(data) for _, _, data in self._replay])
                self._replay = []
                index = 0
        if self.stage is Stage.BODY:
            body.flush(events)
        self._rest = []
        if self.stage < Stage.PAUSED:
            self._position = offset

    def skip(self, n: int, at: int, packet: int) -> list[Event]:
        """Pass by `n <= skippable` bytes that were captured.  `at`, `packet`: of the last one."""
        events: list[Event] = []
        self._events = events
        if self.stage is Stage.BODY:
            inside = self._body.skip(min(n, self._body.skippable))
            self._position += inside
            n -= inside
            if self._body.over:
                self._body.last = (at, packet)
                self._end_body(self._position)
        if n > 0 and self.stage != Stage.DONE:
            events += self.gap(n, at, packet)  # bytes that mattered were not shown
        return events

    def gap(self, n: int, at: int, packet: int) -> list[Event]:
        """`n` bytes were not captured.  `at`, `packet`: of what revealed it.

        A body whose length is known, and reaches beyond the gap, goes on; any
        other message ends, and the next is looked for at segment starts.
        """
        events: list[Event] = []
        self._events = events
        if n <= 0:
            return events
        if self.stage is Stage.PAUSED:
            self._behind.gap(n, at, packet)
        elif self.stage is Stage.BODY:
            inside = self._body.miss(n, packet, events, self._position)
            self._position += inside
            if inside < n:
                self._break_off(at, packet, lost=True)
                self._position += n - inside
            elif self._body.over:
                self._body.last = (at, packet)
                self._end_body(self._position)
        elif self.stage != Stage.DONE:
            self._break_off(at, packet, lost=True)
            self._position += n
        return events

    def close(self, at: int, packet: int, *, clean: bool = True) -> list[Event]:
        """The stream ended: by FIN (`clean`), or by reset or the end of the capture.

        A FIN completes a close-delimited body (RFC 9112 8).  Any other message
        that is open ends incomplete.
        """
        events: list[Event] = []
        self._events = events
        if self.stage is Stage.PAUSED:
            self._behind.close(at, packet, clean=clean)
            return events
        if self.stage is Stage.BODY and self._body.ends_at_close and clean:
            self._body.end(at, packet, events, self._position, complete=True)
        else:
            self._break_off(at, packet, lost=False)
        self.stage = Stage.DONE
        return events

    def resume(self) -> list[Event]:
        """The upgrade or CONNECT did not happen: parse what was held, and on, as HTTP."""
        if self.stage != Stage.PAUSED:
            return []
        self.stage = Stage.START
        # After a further pause the rest is simply held again.
        behind, self._behind = self._behind, Behind()
        return behind.told_to(self)

    def take_rest(self) -> list[Segment]:
        """The upgrade or CONNECT happened: what was held, up to the first gap.  Ends the parser.

        Called when not paused, it ends the parser within a message, which then has no end event.
        """
        behind, self._behind = self._behind, Behind()
        self.stage = Stage.DONE
        return behind.first_segments

    def expect(self, method: bytes) -> None:
        """A request with `method` was sent: its response is read as an answer to it."""
        self._methods.append(method)

    def forget_expected(self) -> None:
        """The answers to all expected methods may have been lost in a gap."""
        self._methods.clear()

    def cut_head(self, at: int, packet: int) -> list[Event]:
        """The open head will not be read further: its whole lines are the message."""
        events: list[Event] = []
        self._events = events
        if self.stage is Stage.HEAD:
            self._break_off(at, packet, lost=False)
        return events

    # -- one segment, outside of bodies ----------------------------------------

    def _step(self, segment: Segment, position: int) -> int:
        """Read on in or behind a message; answers the position of the first byte not read."""
        state = self.stage
        if state == Stage.HEAD:
            return self._head(segment, position)
        if state == Stage.RESYNC:
            self._come_into_step(self._head_reader.search(segment))
        else:
            at, packet, data = segment
            later = self._behind.items if state == Stage.PAUSED else self._rest
            later.append((at, packet, data[position:]) if position else segment)
        return len(segment[2])

    def _start(self, segment: Segment, position: int) -> int:
        begun = None
        if not self._close_announced:  # else that is to be noted first
            method = self._methods[0] if self._methods else b""
            start = self._head_at = self._segment_at + position
            begun = self._at_once(segment, position, start, self._limits, method)
        if begun is None:
            return self._start_line(segment, position)
        self._begin(begun)
        for name, _, detail in begun.notes.told() if begun.notes else ():
            self._fault(name, segment[1], detail)
        return self._body_of(begun, segment, position + begun.head.layout.size)

    def _start_line(self, segment: Segment, position: int) -> int:
        data = segment[2]
        while data[position : position + 1] in (b"\r", b"\n"):  # RFC 9112 2.2: empty lines
            position += 1
        if position == len(data):
            return position
        if self._close_announced:
            self._close_announced = False
            self._fault("data-after-connection-close", segment[1])
        self._head_at = self._segment_at + position
        self.stage = Stage.HEAD
        return self._head(segment, position)

    def _head(self, segment: Segment, position: int) -> int:
        at, packet, _ = segment
        reader = self._head_reader
        position = reader.read(segment, position)
        if reader.head and not reader.fault:
            begun = self._begin_read(reader.head)
            reader.clear()
            position = self._body_of(begun, segment, position)
        elif reader.head:
            self._begin_cut(reader.head, at, packet, lost=False)
            self._lose_step()
        elif reader.fault:
            self._fault(reader.fault, reader.first_packet)
            if reader.fault != "garbage-between-messages":
                self._tell_cut_line()
            if reader.fault == "head-too-large":
                self._lose_step()
            else:
                self.stage = Stage.RESYNC
                self._come_into_step(reader.search_later_segments())
        return position

    # -- what follows a head ---------------------------------------------------

    def _begin(self, begun: Begun) -> None:
        if self._methods and not begun.is_interim:
            self._methods.popleft()
        self._close_announced, self._may_switch = begun.closes, begun.may_switch
        self._events.append(begun.head)
        self.stage = Stage.START

    def _begin_read(self, read: Head) -> Begun:
        begun = read_begun(read, self._head_at, self._methods[0] if self._methods else b"")
        self._begin(begun)
        for name, offset, detail in read.notes.told():
            self._fault(name, self._head_reader.packet_of(read, offset), detail)
        return begun

    def _body_of(self, begun: Begun, segment: Segment, position: int) -> int:
        """What follows a head, which ends before `position`: all of it here, or its beginning."""
        if begun.is_interim:  # it has no end of its own: the final response follows
            return position
        at, packet, data = segment
        length, wanted = begun.length, self._wants_body(begun.head)
        if not 0 <= length <= len(data) - position or begun.may_switch:
            self._body.begin(length, wanted, begun.body_at)
            self.stage = Stage.BODY
            if self._body.over:
                self._body.last = (at, packet)
                self._end_body(self._segment_at + position)
            return position
        start, kept = self._segment_at + position, length if length < wanted else wanted
        extent = _new(Extent, (start, start + length))
        events: list[Event] = [MessageEnd(True, length, packet, at, (), False, extent)]
        if kept > 0:
            places = NOWHERE
            if self._placed:
                places = Extents()
                places.add(start, start + kept)
            pieces = [(at, packet, data[position : position + kept])]
            events = [Body(pieces, places), *events]
        self._events += events
        return position + length

    def _begin_cut(self, head: Head, at: int, packet: int, *, lost: bool) -> None:
        """Take the whole lines of a head whose end is out of reach: they are still evidence."""
        begun = self._begin_read(head)
        self._fault(self._head_reader.fault, head.begun[1])
        if not begun.is_interim:
            self._body.begin(begun.length, self._wants_body(begun.head), begun.body_at)
            self._body.lost = lost
            stop = self._head_at + head.layout.size
            self._body.end(at, packet, self._events, stop, complete=False)

    def _end_body(self, stop: int) -> None:
        """The body is over, before byte `stop`: its framing says so, or failed."""
        at, packet = self._body.last
        self._body.end(at, packet, self._events, stop, complete=not self._body.failed)
        if self._body.failed:
            self._lose_step()
        elif not self._may_switch:
            self.stage = Stage.START
        elif self._requests:
            self.stage = Stage.PAUSED
            self._position = stop
        else:
            self.stage = Stage.DONE
            self._position = stop
            self._events.append(Switched(self._rest, stop))

    # -- out of step -----------------------------------------------------------

    def _break_off(self, at: int, packet: int, *, lost: bool) -> None:
        """The stream broke off here, by a gap (`lost`) or its end: end the open message."""
        if self.stage is Stage.BODY:
            self._body.end(at, packet, self._events, self._position, complete=False)
        elif self.stage is Stage.HEAD:
            reader = self._head_reader
            reader.break_off()
            if reader.head:
                self._begin_cut(reader.head, at, packet, lost=lost)
            else:
                self._fault(reader.fault, reader.first_packet)
                self._tell_cut_line()
        self._lose_step()

    def _tell_cut_line(self) -> None:
        telling = self._head_reader.telling if self._placed else 0
        if telling:
            self._events.append(CutLine(Extent(self._head_at, self._head_at + telling)))

    def _lose_step(self) -> None:
        self._head_reader.clear()
        self.stage = Stage.RESYNC

    def _come_into_step(self, segments: list[Segment]) -> None:
        """A message begins at the first of `segments`, if there are any: read them again."""
        if segments:
            if not self._quiet:
                self._fault("resynchronised", segments[0][1])
            self._quiet = False
            self.stage = Stage.START
            self._replay = segments

    def _fault(self, name: str, packet: int, detail: str = "") -> None:
        self._events.append(Fault(name, packet, detail))
