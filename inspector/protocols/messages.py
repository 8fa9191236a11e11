"""What an HTTP/1.x parser answers: the events of one direction of a connection.

An observer's events differ from a participant's (h11) in three ways: heads
keep raw bytes, order, case and duplicates; a message may start or end unseen;
and every event names its packet and time.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from inspector.facts import Fault
from inspector.packets import Segment

#: More bytes than any stream has: "skip to the end of the connection".
EVERYTHING = 1 << 62

# A look-behind keeps this linear in runs of spaces.
_FOLD = re.compile(rb"(?:(?<![ \t])[ \t]+)?\r?\n[ \t]+")


class Field(NamedTuple):
    """One header field: `name` as sent, `raw` all bytes after the colon up to the line end."""

    name: bytes
    raw: bytes

    @property
    def value(self) -> bytes:
        """The field value of RFC 9110 5.5: surrounding white space dropped, folds joined."""
        raw = self.raw
        if b"\n" in raw:
            raw = _FOLD.sub(b" ", raw)
        return raw.strip(b" \t")


class _Fields:
    """Look-ups shared by both heads; names are compared without case (RFC 9110 5.1)."""

    __slots__ = ()
    fields: tuple[Field, ...]

    def get(self, name: bytes) -> bytes | None:
        """The value of the first field `name` (given in lower case), or None."""
        for field in self.fields:
            if field.name.lower() == name:
                return field.value
        return None

    def text(self, name: bytes) -> str | None:
        """`get` decoded as Latin-1, which keeps every byte."""
        value = self.get(name)
        return None if value is None else value.decode("latin-1")


@dataclass(frozen=True, slots=True)
class RequestHead(_Fields):
    """A request line and its fields.  `packet`, `at`: where its first byte was."""

    method: bytes
    target: bytes
    version: bytes
    fields: tuple[Field, ...]
    packet: int
    at: int

    @property
    def is_connect(self) -> bool:
        return self.method == b"CONNECT"


@dataclass(frozen=True, slots=True)
class ResponseHead(_Fields):
    """A status line and its fields.  1xx other than 101 are interim (RFC 9110 15.2).

    `ends_body_at_close`: close-delimited (RFC 9112 6.3 rule 8).
    """

    status: int
    reason: bytes
    version: bytes
    fields: tuple[Field, ...]
    packet: int
    at: int
    ends_body_at_close: bool = False

    @property
    def is_interim(self) -> bool:
        return 100 <= self.status < 200 and self.status != 101


@dataclass(frozen=True, slots=True)
class Body:
    """Body bytes after removal of the chunked coding, as pieces with their packets.

    Only for messages whose head `wants_body` accepted.  Pieces keep segment
    borders, so that events of a stream can be timed.
    """

    pieces: list[Segment]


@dataclass(frozen=True, slots=True)
class BodyGap:
    """`missing` bytes of a wanted body were not captured; framing was not lost."""

    missing: int
    packet: int


@dataclass(frozen=True, slots=True)
class MessageEnd:
    """The last byte of a message, or the place where it stopped.

    `complete` is true only when the framing says that the message ended here
    and every byte of it was captured; `lost` when a gap is to blame.
    `body_bytes` counts the body's bytes on the wire after removal of the
    chunked coding, content coding left on, missing ones included where the
    framing tells their number.
    """

    complete: bool
    body_bytes: int
    packet: int
    at: int
    trailers: tuple[Field, ...] = ()
    lost: bool = False


@dataclass(frozen=True, slots=True)
class Switched:
    """The stream stopped being HTTP here: a CONNECT took effect, or a 101.

    `rest` holds the bytes already received past that point; further ones
    belong to whoever takes over.
    """

    rest: list[Segment]


Event: TypeAlias = RequestHead | ResponseHead | Body | BodyGap | MessageEnd | Switched | Fault
