"""A failed call: its facts, and what they say together."""

from __future__ import annotations

from inspector.diagnosis.index import closed_moment, opened_moment
from inspector.diagnosis.outcome import CallOutcome
from inspector.fact import Fact
from inspector.model.conclusions import AnsweredBy
from inspector.model.http import Exchange, header
from inspector.model.ids import ExchangeId
from inspector.model.network import Connection, Tunnel
from inspector.wire import Moment, precedes


class FailedCall(Fact):
    """One agent's call: its leg at the API proxy, and what became of it."""

    exchange: Exchange
    outcome: CallOutcome
    answered_by: AnsweredBy
    tunnels: tuple[Tunnel, ...]
    connection: Connection | None
    given_up_by: ExchangeId | None = None
    """The next leg of the call, still unanswered when a proxy before the API proxy answered."""
    refused: Tunnel | None = None
    """A CONNECT whose refusal explains it: its own, or one of several that all were refused alike.

    Which of several tunnels is whose need not be known where they all tell the same.
    """

    inner: Exchange | None = None
    """What the API proxy asked the API for it, read inside the tunnel; the last of several."""

    @property
    def tunnel(self) -> Tunnel | None:
        """The tunnel that carried it, the last one opened for it."""
        return self.tunnels[-1] if self.tunnels else None

    @property
    def status(self) -> int | None:
        """The status of its answer: the one that the error states over a WebSocket or in gRPC."""
        response = self.exchange.response
        if response is None:
            return None
        error = response.api_error
        is_outer = response.status == 101 or self.exchange.grpc is not None
        stated = None if error is None or not is_outer else error.status
        return stated or response.status

    @property
    def is_read(self) -> bool:
        """Whether its answer was captured whole, so that the error's text is known."""
        response = self.exchange.response
        return response is not None and response.complete

    @property
    def message(self) -> str:
        """What the error in its answer says, folded to lower case."""
        response = self.exchange.response
        error = response.api_error if response is not None else None
        return "" if error is None else f"{error.type or ''} {error.message or ''}".lower()

    @property
    def words(self) -> str:
        """The type, code and message of the error in its answer, folded to lower case.

        AWS has the type in a header (`x-amzn-errortype`) where its body has a message alone.
        """
        response = self.exchange.response
        if response is None:
            return ""
        error = response.api_error
        parts = [self.header("x-amzn-errortype").partition(":")[0]]
        if error is not None:
            parts += [error.type or "", error.code or "", error.message or ""]
        return " ".join(" ".join(parts).lower().split())

    def header(self, name: str) -> str:
        """The value of a header of its answer, by folded name; empty without one."""
        response = self.exchange.response
        return "" if response is None else header(response, name) or ""

    @property
    def packet(self) -> int:
        """The packet that shows best what became of it."""
        exchange = self.exchange
        if exchange.response is not None:
            return exchange.response.packet
        return exchange.request.packet if exchange.request is not None else 1

    @property
    def is_late(self) -> bool:
        """Whether it was written after the server's side had closed its connection.

        It was not processed: the server's kernel answers what follows a close with a reset.
        """
        request, connection = self.exchange.request, self.connection
        closed = closed_moment(connection)
        if request is None or connection is None or closed is None:
            return False
        if connection.closed_by not in ("server", "reset-by-server"):
            return False
        return precedes(closed, (request.started_at, request.packet))

    @property
    def closed(self) -> Moment:
        """When its connection was closed; when it was opened where that was not seen."""
        connection = self.connection
        if connection is None:
            return 0, 0
        return closed_moment(connection) or opened_moment(connection)

    @property
    def silence(self) -> int | None:
        """Nanoseconds from the last that was said of it to its connection's close.

        None where the close, or the end of what was said, is not known.
        """
        exchange, connection = self.exchange, self.connection
        request, response = exchange.request, exchange.response
        if request is None or connection is None or connection.closed_at is None:
            return None
        last = request.ended_at
        if response is not None:
            last = response.started_at
            if response.stream is not None:
                last = response.stream.last_event_at or last
            elif response.body_bytes:
                return None  # when its last piece came is not kept
        return None if last is None else connection.closed_at - last
