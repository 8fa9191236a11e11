"""What the page's script draws and filters, as one compact JSON value.

Texts stand once in `texts`, and everywhere else by their number in it: the headers of thousands of
exchanges are mostly the same.  Times are microseconds after `begun`.  All texts are escaped for
people (`page.escape`), so that what is drawn holds no control character and reads from left to
right.  The names of the columns of `exchanges`, `tunnels`, `ladders` and `steps` are in the data.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Any, Final

from inspector.diagnosis.outcome import SUCCEEDED
from inspector.exchanges.timing import timing_of
from inspector.model.http import Exchange, Request, Response
from inspector.model.network import Headers, Tunnel
from inspector.report.drawing import Drawing, Drawings, DrawnLane, DrawnStep
from inspector.report.formats.json import dumps, timestamp
from inspector.report.page import grouping, words
from inspector.report.page.escape import clipped
from inspector.report.page.view import View
from inspector.wire import packet_label

#: Exchanges, and tunnels, that a page holds; the first ones.  report.json has all.
SHOWN: Final = 20_000
#: Header fields of one message that a page holds; the first ones.
FIELDS: Final = 100
#: Characters of one text on a page.
TEXT: Final = 2_000

_MICROSECOND: Final = 1_000


class Pool:
    """Texts by their number, in the order in which they were first met."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self.texts: list[str] = []

    def __call__(self, text: str | None) -> int | None:
        """The number of a text, which is escaped and cut to `TEXT`; None for none."""
        if text is None:
            return None
        number = self._numbers.get(text)
        if number is None:
            number = self._numbers[text] = len(self.texts)
            self.texts.append(clipped(text, TEXT))
        return number

    def all(self, texts: Sequence[str]) -> list[int | None]:
        """The numbers of several texts, most of which were met before."""
        known = list(map(self._numbers.get, texts))
        return [self(text) for text in texts] if None in known else known


def page_data(view: View) -> dict[str, Any]:
    """The data of a report's page."""
    return _Data(view).whole()


def script_safe(data: Mapping[str, Any]) -> str:
    """JSON that may stand in a `<script>` element: there is no `<` in it."""
    return dumps(data).decode().replace("<", "\\u003c")


class _Data:
    def __init__(self, view: View) -> None:
        self._view = view
        self._text = Pool()
        self._lanes: dict[DrawnLane, int] = {}
        report = view.report
        starts = [c.started_at for c in report.captures if c.started_at is not None]
        self._begun = min(starts, default=0)
        self._chains = {view.call(chain.agent_exchange): chain for chain in report.chains}
        self._closed = {each.id: each.closed_at for each in report.connections}
        self._calls = {call.id for call in view.page.asked}

    def whole(self) -> dict[str, Any]:
        report = self._view.report
        ladders = [self._ladder(each) for each in Drawings(self._view).all(SHOWN)]
        exchanges = [self._exchange(each) for each in islice(report.exchanges, SHOWN)]
        tunnels = [self._tunnel(each) for each in islice(report.tunnels, SHOWN)]
        return {
            "begun": timestamp(self._begun),
            "columns": {"exchanges": _EXCHANGE, "tunnels": _TUNNEL, "ladders": _LADDER,
                        "steps": _STEP, "stream": _STREAM},
            "left": {"exchanges": len(report.exchanges) - len(exchanges),
                     "tunnels": len(report.tunnels) - len(tunnels)},
            "lanes": [[self._text(lane.title), self._text(lane.place)] for lane in self._lanes],
            "exchanges": exchanges,
            "tunnels": tunnels,
            "ladders": ladders,
            "texts": self._text.texts,
        }  # fmt: skip

    def _at(self, at: int | None) -> int | None:
        return None if at is None else (at - self._begun) // _MICROSECOND

    def _packet(self, reference: int | None) -> int | str | None:
        if reference is None:
            return None
        return packet_label(reference, several_files=self._view.several_files)

    def _exchange(self, exchange: Exchange) -> list[Any]:
        text, view = self._text, self._view
        request, response = exchange.request, exchange.response
        chain = self._chains.get(exchange.id)
        auth = () if request is None else request.auth
        outcome = view.outcome(exchange)
        return [
            text(exchange.id),
            text(exchange.hop),
            text(exchange.provider),
            text(f"{view.host(exchange.client.ip)}:{exchange.client.port}"),
            text(f"{view.host(exchange.server.ip)}:{exchange.server.port}"),
            text("request not seen" if request is None else clipped(request.method, 20)),
            text("" if request is None else request.target),
            None if response is None else response.status,
            text(outcome),
            int(outcome not in SUCCEEDED),
            int(exchange.id in self._calls),
            text(None if chain is None else chain.answered_by),
            text(exchange.tunnel or (None if chain is None else chain.tunnel)),
            text(exchange.connection),
            text(exchange.ended_by),
            self._at(self._closed.get(exchange.connection)) if response is None else None,
            *self._took(exchange),
            *self._of_request(request),
            *self._of_response(response),
            [text(each.name) for each in auth],
            text(", ".join(f"{words.header(a)}: {words.credential(a.credential)}" for a in auth)),
            text(grouping.failure(exchange)),
            int(exchange.decrypted),
        ]

    def _took(self, exchange: Exchange) -> list[int | None]:
        took = timing_of(exchange)
        parts = (took.request, took.first_byte, took.last_byte)
        return [None if part is None else round(part * 1e6) for part in parts]

    def _of_request(self, request: Request | None) -> list[Any]:
        if request is None:
            return [None, None, None, None, [], 0]
        return [
            self._at(request.started_at),
            self._at(request.ended_at),
            request.body_bytes,
            self._packet(request.packet),
            self._fields(request.headers),
            int(request.complete),
        ]

    def _of_response(self, response: Response | None) -> list[Any]:
        if response is None:
            return [None, None, None, None, [], None, 0, None]
        shown, usage = response.stream, response.usage
        tokens = None
        if usage is not None:
            tokens = f"{usage.input_tokens or 0} in, {usage.output_tokens or 0} out"
        return [
            self._at(response.started_at),
            self._at(response.ended_at),
            response.body_bytes,
            self._packet(response.packet),
            self._fields(response.headers),
            None
            if shown is None
            else [
                shown.events,
                self._at(shown.first_event_at),
                self._at(shown.last_event_at),
                None if shown.longest_silence is None else round(shown.longest_silence * 1e6),
                self._text(words.stream(shown)),
            ],
            int(response.complete),
            self._text(
                "; ".join(filter(None, (response.model, tokens, response.stop_reason))) or None
            ),
        ]

    def _fields(self, headers: Headers) -> list[int | None]:
        """Name, value, name, value, in wire order."""
        return self._text.all([part for field in headers[:FIELDS] for part in field])

    def _tunnel(self, tunnel: Tunnel) -> list[Any]:
        text, view = self._text, self._view
        chains = view.carried.get(tunnel.id, [])
        calls = [view.call(chain.agent_exchange) for chain in chains]
        return [
            text(tunnel.id),
            text(view.host(tunnel.client.ip)),
            text(tunnel.authority or "not seen"),
            text(words.connect_reply(tunnel)),
            None if tunnel.established is None else int(tunnel.established),
            text(words.tls_outcome(tunnel)),
            text(tunnel.tls.sni if tunnel.tls else None),
            text(", ".join(dict.fromkeys((*calls, *tunnel.exchanges)))),
            tunnel.bytes_up,
            tunnel.bytes_down,
            self._at(tunnel.opened_at),
            self._at(tunnel.closed_at),
            text(tunnel.closed_by),
            self._packet(tunnel.packet),
        ]

    def _ladder(self, ladder: Drawing) -> list[Any]:
        return [
            self._text(ladder.id),
            self._text(ladder.title),
            [self._text(id) for id in ladder.ids],
            self._numbers(ladder.lanes),
            [self._step(step) for step in ladder.steps],
            int(ladder.failed),
            ladder.broke,
        ]

    def _step(self, step: DrawnStep) -> list[Any]:
        [source, target] = self._numbers((step.source, step.target))
        return [
            self._at(step.at),
            source,
            target,
            self._text(step.text),
            self._text(step.note),
            self._text(step.of),
            self._packet(step.packet),
            self._text(step.tone),
            int(step.inside),
        ]

    def _numbers(self, lanes: Iterable[DrawnLane]) -> list[int]:
        return [self._lanes.setdefault(lane, len(self._lanes)) for lane in lanes]


_EXCHANGE: Final = (
    "id", "hop", "provider", "client", "server", "method", "target", "status", "outcome", "failed",
    "call", "answeredBy", "tunnel", "connection", "endedBy", "closedAt",
    "tookRequest", "tookFirst", "tookLast",
    "sentAt", "sentEnd", "sentBytes", "sentPacket", "sent", "sentWhole",
    "gotAt", "gotEnd", "gotBytes", "gotPacket", "got", "stream", "gotWhole", "model",
    "authNames", "auth", "failure", "decrypted",
)  # fmt: skip
_STREAM: Final = ("events", "firstAt", "lastAt", "silence", "words")
_TUNNEL: Final = (
    "id", "openedBy", "authority", "connect", "opened", "tls", "sni", "carries", "up", "down",
    "at", "closedAt", "closedBy", "packet",
)  # fmt: skip
_LADDER: Final = ("id", "title", "ids", "lanes", "steps", "failed", "broke")
_STEP: Final = ("at", "source", "target", "text", "note", "of", "packet", "tone", "inside")
