"""What an HTTP/1.x parser answers: the events of one direction of a connection.

An observer's events differ from a participant's (h11) in three ways: heads
keep raw bytes, order, case and duplicates; a message may start or end unseen;
and every event names its packet and time, and where in the stream its bytes
stand (`extent.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple, TypeAlias

from inspector.fact import Fact
from inspector.model.capture import Fault
from inspector.protocols.extent import Extent, Extents, FieldLines, FieldPlace, HeadLayout
from inspector.regex import regex
from inspector.wire import Segment

#: More bytes than any stream has: "skip to the end of the connection".
EVERYTHING = 1 << 62

#: A line break inside a value and the blanks around it (RFC 9112 5.2), which mean one space.
#: The look-behind keeps a long run of spaces from being tried at each of its places.
FOLD: Final = regex(rb"(?:(?<![ \t])[ \t]+)?\r?\n[ \t]+")
#: Asked for by its number: of bytes Python asks first whether they are one, and writes an error
#: where they are not, which costs ten times the search.
LF: Final = 0x0A


class Field(NamedTuple):
    """One header field: `name` as sent, `raw` all bytes after the colon up to the line end."""

    name: bytes
    raw: bytes

    @property
    def value(self) -> bytes:
        """The field value of RFC 9110 5.5: surrounding white space dropped, folds joined."""
        raw = self.raw
        if LF in raw:
            raw = FOLD.sub(b" ", raw)
        return raw.strip(b" \t")


def by_name(fields: Sequence[Field]) -> dict[bytes, Field]:
    """The first field of each name, by the name in lower case (RFC 9110 5.1)."""
    return {field[0].lower(): field for field in reversed(fields)}


class _Head:
    """What both heads have."""

    __slots__ = ()
    fields: tuple[Field, ...]
    named: Mapping[bytes, Field]
    start: int
    layout: HeadLayout

    def first(self, name: bytes) -> Field | None:
        """The first field `name` (given in lower case), or None."""
        return self.named.get(name)

    def get(self, name: bytes) -> bytes | None:
        """The value of the first field `name` (given in lower case), or None."""
        found = self.named.get(name)
        return None if found is None else found.value

    def text(self, name: bytes) -> str | None:
        """`get` decoded as Latin-1, which keeps every byte."""
        value = self.get(name)
        return None if value is None else value.decode("latin-1")

    @property
    def extent(self) -> Extent:
        """All of the head, the empty line included; of a head that was cut, what came of it."""
        return Extent(self.start, self.start + self.layout.size)

    @property
    def line_extent(self) -> Extent:
        """The start line with its line end."""
        return Extent(self.start, self.start + self.layout.fields)

    @property
    def field_lines(self) -> FieldLines:
        """The lines after the start line, the empty one included."""
        layout = self.layout
        return FieldLines(self.start + layout.fields, self.start + layout.size, layout.odd)

    def field_places(self) -> tuple[FieldPlace, ...]:
        """Where each of `fields` stands, in their order."""
        return self.field_lines.places(self.fields)


class RequestHead(_Head, Fact):
    """A request line and its fields.

    `packet`, `at`: where its first byte was; `start`: which of the stream it was.  `named`: its
    fields `by_name`.
    """

    method: bytes
    target: bytes
    version: bytes
    fields: tuple[Field, ...]
    named: Mapping[bytes, Field]
    packet: int
    at: int
    start: int
    layout: HeadLayout

    @property
    def is_connect(self) -> bool:
        return self.method == b"CONNECT"

    @property
    def method_extent(self) -> Extent:
        return Extent(self.start, self.start + len(self.method))

    @property
    def target_extent(self) -> Extent:
        start = self.start + self.layout.target
        return Extent(start, start + len(self.target))

    @property
    def version_extent(self) -> Extent:
        start = self.start + self.layout.version
        return Extent(start, start + len(self.version))


class ResponseHead(_Head, Fact):
    """A status line and its fields.  1xx other than 101 are interim (RFC 9110 15.2).

    `named`, `packet`, `at`, `start`: as in `RequestHead`.  `ends_body_at_close`:
    close-delimited (RFC 9112 6.3 rule 8).
    """

    status: int
    reason: bytes
    version: bytes
    fields: tuple[Field, ...]
    named: Mapping[bytes, Field]
    packet: int
    at: int
    start: int
    layout: HeadLayout
    ends_body_at_close: bool = False

    @property
    def is_interim(self) -> bool:
        return 100 <= self.status < 200 and self.status != 101

    @property
    def version_extent(self) -> Extent:
        return Extent(self.start, self.start + len(self.version))

    @property
    def status_extent(self) -> Extent:
        start = self.version_extent.stop + 1
        return Extent(start, start + 3)

    @property
    def reason_extent(self) -> Extent:
        """Empty where there is none."""
        stop = self.start + self.layout.line
        return Extent(stop - len(self.reason), stop)


#: Where pieces stand of which nobody asked.
NOWHERE: Final = Extents()


class Body(Fact):
    """Body bytes after removal of the chunked coding, as pieces with their packets.

    Only for messages whose head `wants_body` accepted.  Pieces keep segment
    borders, so that events of a stream can be timed.  `places`: where each
    piece stands, if the parser was asked for places.
    """

    pieces: Sequence[Segment]
    places: Extents = NOWHERE


class ChunkLines(Fact):
    """What stands between the data of chunks, if the parser was asked for places.

    Each extent begins where the data before it ends, and goes to the end of
    the next chunk's size line (RFC 9112 7.1): what is between two of them is
    data, whether it is wanted or not.
    """

    places: Extents


class BodyGap(Fact):
    """`missing` bytes of a wanted body were not captured; framing was not lost.

    `start`: which byte of the stream the first of them was.
    """

    missing: int
    packet: int
    start: int = 0


class MessageEnd(Fact):
    """The last byte of a message, or the place where it stopped.

    `complete` is true only when the framing says that the message ended here
    and every byte of it was captured; `lost` when a gap is to blame.
    `body_bytes` counts the body's bytes on the wire after removal of the
    chunked coding, content coding left on, missing ones included where the
    framing tells their number.  `extent`: the body as it stands in the stream,
    from the head's end to here, chunk lines and `trailer_lines` included.
    """

    complete: bool
    body_bytes: int
    packet: int
    at: int
    trailers: tuple[Field, ...] = ()
    lost: bool = False
    extent: Extent = Extent(0, 0)
    trailer_lines: FieldLines | None = None

    def trailer_places(self) -> tuple[FieldPlace, ...]:
        """Where each of `trailers` stands, in their order."""
        return () if self.trailer_lines is None else self.trailer_lines.places(self.trailers)


class Switched(Fact):
    """The stream stopped being HTTP here: a CONNECT took effect, or a 101.

    `rest` holds the bytes already received past that point; further ones
    belong to whoever takes over.  `start`: which byte of the stream is the
    first past that point.
    """

    rest: list[Segment]
    start: int = 0


class CutLine(Fact):
    """A start line whose end is out of reach, if the parser was asked for places.

    `extent`: what tells that it is one: a method and the blank behind it, or a version and
    a status, as far as these came.
    """

    extent: Extent


Event: TypeAlias = (
    RequestHead
    | ResponseHead
    | Body
    | ChunkLines
    | BodyGap
    | MessageEnd
    | Switched
    | CutLine
    | Fault
)
