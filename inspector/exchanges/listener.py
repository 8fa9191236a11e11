"""A second reader of one parse: told what the layers of a connection understood, and where.

Whoever copies a capture has to know which byte is a header's value and which an event's
name.  The layers know, as they read it for the report.  So they tell: a listener gets the
bytes of a connection as they came, then what was read in them, with the extents that
`protocols` gives its events, and then how far reading has come.  What nobody told it
about was not understood.

Offsets count a direction's bytes from the first that was captured, missing ones included.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeAlias

from inspector.exchanges.marks import BodyFacts
from inspector.flows.contract import ConnectionView
from inspector.protocols.extent import Extent
from inspector.protocols.messages import Event
from inspector.wire import Segment

#: The name and the value of a field of HTTP/2; names that begin with a colon are of its own.
Pair: TypeAlias = tuple[bytes, bytes]


class Listener(Protocol):
    """Hears one connection.  To it, as to the layers, `up` is from the client.

    It never raises: what fails in it must not cost the report a connection.
    """

    def bytes_came(self, up: bool, segments: Sequence[Segment]) -> None:
        """The next bytes of a direction, before any layer gets them."""

    def bytes_passed(self, up: bool, count: int) -> None:
        """The next bytes were captured, and no layer asked to be shown them."""

    def passable(self, up: bool, count: int) -> int:
        """How many of the next bytes it need not be shown, of `count` that no layer needs."""

    def bytes_lack(self, up: bool, count: int) -> None:
        """The next bytes were not captured, or cut away; a layer is told after this."""

    def turned(self) -> None:
        """The ends were guessed the wrong way round: what was up is down."""

    def http(self, up: bool, events: Sequence[Event]) -> None:
        """What a parser of HTTP/1 read, in the order of the stream."""

    def http_over(self) -> None:
        """Both directions stop being HTTP: no more events of a message that has begun."""

    def body(
        self, up: bool, at: int, extent: Extent, facts: BodyFacts | None, key: str | None
    ) -> None:
        """What was found in a message's body at `extent`, whose head came `at` this time (ns).

        `facts`: in a response's; `key`: the prefix of what looks like a key in a request's.
        """

    def records(self, up: bool, start: int) -> None:
        """From the byte at `start` on a direction consists of TLS records."""

    def constant(self, up: bool, extent: Extent) -> None:
        """Bytes that are the same in every connection of their protocol, or hardly differ."""

    def numbers(self, up: bool, extent: Extent) -> None:
        """Lengths, types and statuses of a protocol's frames."""

    def head(self, up: bool, at: int, extent: Extent, pairs: Sequence[Pair]) -> None:
        """What a header block of HTTP/2 says, that began `at` this time (ns): names and values."""

    def blank(self, up: bool, extent: Extent) -> None:
        """Bytes that were read, of which nothing may stay: what is to be told of them is told."""

    def words(self, up: bool, extent: Extent, mask: bytes) -> None:
        """Free text, on which `mask` lies (RFC 6455 5.3); empty for none."""

    def conversation(self, at: int, extent: Extent, facts: BodyFacts) -> None:
        """What was found in a server's messages, behind a head that came `at` this time (ns)."""

    def settled(self, up: bool, before: int) -> None:
        """Whatever is to be told of the bytes before this one was told."""

    def failed(self, error: Exception) -> None:
        """A layer failed on the connection: nothing more is read, and nothing can be told."""

    def finished(self) -> None:
        """Nothing more of the connection will be seen."""


class Audience(Protocol):
    """Whoever listens to all connections of a capture."""

    def listen(self, connection: ConnectionView) -> Listener:
        """A connection begins."""

    def forget(self) -> None:
        """The scope has become narrower: no connection goes on, and numbers begin anew."""
