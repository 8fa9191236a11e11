"""The ladder of a call as it is drawn: lanes beside each other, steps between them, where it broke.

The steps are those of `detail` (what `inspector show` tells); here they get an address for each
lane, a note and a tone.  It is drawn in report.html and, as Mermaid, in summary.md.  What nobody
saw (Squid's own connection on another network) is a step of the tone "unknown", and so is all of a
tunnel that is not certainly the call's.  All texts are escaped.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Literal, NamedTuple, TypeAlias

from inspector.diagnosis.outcome import SUCCEEDED
from inspector.fact import Fact, replace
from inspector.model.conclusions import RELIABLE, AnsweredBy
from inspector.model.http import Exchange
from inspector.model.network import Handshake, Tunnel
from inspector.report.detail import facts
from inspector.report.detail.facts import Detail
from inspector.report.detail.gather import Details
from inspector.report.page import grouping, words
from inspector.report.page.escape import clipped
from inspector.report.page.view import View

#: How a step is to be taken: as a matter of course, as it ought to be, as a failure, as not known.
StepTone: TypeAlias = Literal["plain", "good", "bad", "unknown"]

_TEXT: Final = 80
_NOTE: Final = 160
_WROTE: Final[dict[AnsweredBy, str]] = {
    "upstream": "the API wrote it",
    "api-proxy": "the API proxy wrote it",
    "forward-proxy": "Squid wrote it",
    "nobody": "nobody answered",
    "unknown": "who wrote it is not known",
}
_HANDSHAKES: Final[dict[Handshake, StepTone]] = {
    "complete": "good",
    "failed": "bad",
    "incomplete": "bad",
    "not seen": "unknown",
}
#: From left to right.
_LANES: Final[tuple[facts.Lane, ...]] = ("client", "api-proxy", "forward-proxy", "upstream")
_TITLES: Final[dict[facts.Lane, str]] = {
    "client": "client",
    "api-proxy": "API proxy",
    "forward-proxy": "Squid",
    "upstream": "API",
}


class DrawnLane(NamedTuple):
    """A host on the way: what it is called, and its address or name."""

    title: str
    place: str


class DrawnStep(Fact):
    """One thing that went from a lane to another.

    `at` is null for what nobody saw, `of` the id of the exchange, tunnel or connection that it is a
    part of; `inside`: through a tunnel, not from host to host.
    """

    at: int | None
    source: DrawnLane
    target: DrawnLane
    text: str
    of: str
    note: str = ""
    packet: int | None = None
    tone: StepTone = "plain"
    inside: bool = False


class Drawing(Fact):
    """The steps of one call, or of a tunnel or connection that is no call's."""

    id: str
    title: str
    ids: tuple[str, ...]
    lanes: tuple[DrawnLane, ...]
    steps: tuple[DrawnStep, ...]
    failed: bool

    @property
    def broke(self) -> int | None:
        """The first step that failed; of a call that did not fail there is none."""
        bad = (at for at, step in enumerate(self.steps) if step.tone == "bad")
        return next(bad, None) if self.failed else None


class Drawings:
    """The ladders of a report."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._details = Details(view.report)

    def of(self, identifier: str) -> Drawing:
        """The ladder of what has this id.  Raises `UnknownId`."""
        return _Drawn(self._view, self._details.of(identifier)).ladder()

    def all(self, limit: int | None = None) -> Iterator[Drawing]:
        """Calls, then exchanges, tunnels and connections that are in none of them."""
        told: set[str] = set()
        made = 0
        for identifier in self._ids():
            if identifier in told:
                continue
            if made == limit:
                return
            made += 1
            ladder = self.of(identifier)
            told.update(ladder.ids)
            yield ladder

    def _ids(self) -> Iterator[str]:
        report, page = self._view.report, self._view.page
        yield from (call.id for call in page.asked)
        yield from self._details.exchanges
        yield from (tunnel.id for tunnel in report.tunnels)
        yield from (direct.id for direct in report.direct_tls)
        yield from (each.id for group in page.silent for each in group)


class _Drawn:
    """One thing of a report, being drawn."""

    def __init__(self, view: View, detail: Detail) -> None:
        self._view, self._detail = view, detail
        self._exchanges: dict[str, Exchange] = {
            leg.exchange.id: leg.exchange for leg in detail.legs
        }
        self._tunnels: dict[str, Tunnel] = {tunnel.id: tunnel for tunnel in detail.tunnels}
        self._lanes: dict[facts.Lane, DrawnLane] = {}
        #: Tunnels of which it is not certain that they are this call's, and those that are.
        self._unsure: set[str] = set()
        self._carrier: str | None = None
        self._wrote: dict[str, str] = {}
        for chain in detail.chains:
            if chain.confidence < RELIABLE:
                self._unsure.update(filter(None, (*chain.attempts, chain.tunnel)))
            elif chain.answered_by == "upstream":
                self._carrier = chain.tunnel
            self._wrote[view.call(chain.agent_exchange)] = _WROTE[chain.answered_by]
        self._call = self._exchanges.get(detail.id)
        self._failed = self._call is not None and view.outcome(self._call) not in SUCCEEDED

    def ladder(self) -> Drawing:
        detail = self._detail
        steps = tuple(self._steps())
        if self._call is None:
            self._failed = any(step.tone == "bad" for step in steps)
        used = {lane for step in steps for lane in (step.source, step.target)}
        own = (*self._exchanges, *self._tunnels, *(direct.id for direct in detail.direct_tls))
        return Drawing(
            id=detail.id,
            title=self._title(),
            ids=tuple(dict.fromkeys((detail.id, *own, *(step.of for step in steps)))),
            lanes=tuple(self._lane(lane) for lane in _LANES if self._lanes.get(lane) in used),
            steps=steps,
            failed=self._failed,
        )

    def _title(self) -> str:
        detail = self._detail
        if self._call is not None:
            request, response = self._call.request, self._call.response
            asked = "request not seen"
            if request is not None:
                asked = f"{clipped(request.method, 20)} {clipped(request.target, _TEXT)}"
            return f"{asked}: {'no answer' if response is None else response.status}"
        tunnel = self._tunnels.get(detail.id)
        if tunnel is not None:
            asked = clipped(tunnel.authority or "not seen", _TEXT)
            return f"CONNECT {asked}: {words.connect_reply(tunnel)}"
        if detail.direct_tls:
            return f"TLS to {self._place_of_upstream()}"
        connection = detail.connections[0] if detail.connections else None
        if connection is None:
            return detail.id
        place = words.service(connection.server, self._view.prefix)
        return f"TCP to {place}: {connection.outcome}"

    # -- lanes -----------------------------------------------------------------------

    def _lane(self, lane: facts.Lane) -> DrawnLane:
        found = self._lanes.get(lane)
        if found is None:
            found = self._lanes[lane] = self._placed(lane)
        return found

    def _placed(self, lane: facts.Lane) -> DrawnLane:
        if lane == "upstream":
            return DrawnLane(_TITLES[lane], self._place_of_upstream())
        view = self._view
        detail = self._detail
        pairs = [(each.client, each.server) for each in self._exchanges.values()]
        pairs += [(each.client, each.proxy) for each in detail.tunnels]
        pairs += [(each.client, each.server) for each in detail.connections]
        for client, server in pairs:
            for end, other in ((client, "client"), (server, "upstream")):
                role = view.role(end.ip)
                if (role if role in _TITLES else other) == lane:
                    title = role if lane == "client" and role == "agent" else _TITLES[lane]
                    return DrawnLane(title, words.address(end.ip, view.prefix))
        return DrawnLane(_TITLES[lane], "")

    def _place_of_upstream(self) -> str:
        detail = self._detail
        names = [tunnel.host or tunnel.authority or "" for tunnel in detail.tunnels]
        names += [direct.tls.sni or direct.server.ip for direct in detail.direct_tls]
        # What is plain HTTP in a CONNECT may be for the API proxy itself.
        names.sort(key=lambda name: self._view.role(name) != "other")
        if not names:
            names = [
                connection.server.ip
                for connection in detail.connections
                if self._view.role(connection.server.ip) == "other"
            ]
        return clipped(names[0], 60) if names else ""

    # -- steps -----------------------------------------------------------------------

    def _steps(self) -> Iterator[DrawnStep]:
        for fact in self._detail.steps:
            tunnel = None if fact.tunnel is None else self._tunnels.get(fact.tunnel)
            if fact.exchange is not None:
                drawn = self._of_exchange(fact, self._exchanges[fact.exchange])
            elif tunnel is not None:
                drawn = self._of_tunnel(fact, tunnel)
            else:
                drawn = self._of_connection(fact)
            unsure = fact.exchange is None and fact.tunnel in self._unsure
            for step in drawn:
                yield _uncertain(step) if unsure else step

    def _step(
        self,
        fact: facts.Step,
        note: str = "",
        tone: StepTone | None = None,
        *,
        inside: bool = False,
    ) -> DrawnStep:
        return DrawnStep(
            fact.at,
            self._lane(fact.source),
            self._lane(fact.target),
            clipped(fact.said, _TEXT),
            fact.exchange or fact.tunnel or fact.connection or "",
            note,
            fact.packet,
            tone or ("bad" if fact.broken else "plain"),
            inside,
        )

    def _of_connection(self, fact: facts.Step) -> Iterator[DrawnStep]:
        """What went wrong with it; all of one that carried nothing that could be read."""
        carries = self._exchanges or self._tunnels
        if fact.kind == "close" and fact.broken:
            left = (e for e in self._exchanges.values() if e.connection == fact.connection)
            call = next(left, None)
            note = "" if call is None or call.response else self._wrote.get(call.id, "")
            yield self._step(fact, note)
        elif fact.broken or not carries:
            note = ""
            if self._detail.direct_tls:
                done = self._detail.direct_tls[0].tls.handshake
                note = f"TLS handshake {done}; past the forward proxy"
            yield self._step(fact, note)

    def _of_exchange(self, fact: facts.Step, exchange: Exchange) -> Iterator[DrawnStep]:
        inside = exchange.tunnel is not None
        request, response = exchange.request, exchange.response
        if fact.kind == "request" and request is not None:
            sent = [f"{words.header(a)}: {words.credential(a.credential)}" for a in request.auth]
            none = "no auth header" if request.complete else "auth not known: it is not whole"
            note = clipped(", ".join(sent), _NOTE) if sent else none
            yield self._step(fact, note, inside=inside)
        if response is None or fact.kind not in ("response", "response-end"):
            return
        lasts = response.stream is not None or not response.complete
        has_end = lasts and response.status < 400 and response.ended_at is not None
        if fact.kind == "response-end" and not has_end:
            return
        said = clipped(grouping.failure(exchange), _NOTE)
        outcome = self._view.outcome(exchange)
        tone: StepTone = "good" if outcome == "answered" else "bad"
        if outcome in ("unknown", "unread"):
            tone = "unknown"
        wrote = self._wrote.get(exchange.id, "")
        if fact.kind == "response":
            note = "; ".join(filter(None, (wrote, "" if has_end else said)))
            yield self._step(fact, note, "plain" if has_end else tone, inside=inside)
        else:
            shown = "" if response.stream is None else words.stream(response.stream)
            yield self._step(fact, said or f"event stream: {shown}", tone, inside=inside)

    def _of_tunnel(self, fact: facts.Step, tunnel: Tunnel) -> Iterator[DrawnStep]:
        tls = tunnel.tls
        if fact.kind == "connect":
            yield self._step(fact)
        elif fact.kind == "connect-reply":
            note = "" if fact.broken else "no word of the API yet"
            yield self._step(fact, note)
            yield from self._beyond(tunnel)
        elif fact.kind == "tunnel-last-byte":
            yield from self._last(fact, tunnel)
        elif fact.kind == "tunnel-first-byte" and tls is not None:
            yield self._step(
                fact,
                f"handshake {words.tls_outcome(tunnel)}",
                _HANDSHAKES[tls.handshake],
                inside=True,
            )
            if self._judged(tunnel):
                # Where in those bytes the answer was, nobody knows: it came before the agent's.
                yield DrawnStep(
                    None,
                    self._lane(fact.target),
                    self._lane(fact.source),
                    _volume(tunnel),
                    tunnel.id,
                    "the answer is in there, encrypted",
                    None,
                    "bad",
                    inside=True,
                )

    def _beyond(self, tunnel: Tunnel) -> Iterator[DrawnStep]:
        """What became of an open tunnel of which no byte tells: nobody saw the API's side."""
        if not tunnel.established:
            return
        proxy, client = self._lane("forward-proxy"), self._lane(self._opener(tunnel))
        upstream = self._lane("upstream")
        leads_out = self._view.role(tunnel.host) == "other"
        if tunnel.egress is None and leads_out:
            yield DrawnStep(
                None,
                proxy,
                upstream,
                "on another network",
                tunnel.id,
                "Squid's own connection is not on this bridge",
                tone="unknown",
            )
        if tunnel.inner is not None:
            said = f"{tunnel.inner.status} {clipped(tunnel.inner.error or '', 60)}".rstrip()
            yield DrawnStep(
                None,
                proxy,
                client,
                said,
                tunnel.id,
                "plain HTTP where TLS was due",
                tunnel.inner.packet,
                "bad",
            )
        elif tunnel.tls is not None and tunnel.first_data_at is None:
            yield DrawnStep(
                None,
                client,
                upstream,
                clipped(tunnel.tls.version or "TLS", 20),
                tunnel.id,
                f"handshake {words.tls_outcome(tunnel)}",
                tone=_HANDSHAKES[tunnel.tls.handshake],
                inside=True,
            )

    def _opener(self, tunnel: Tunnel) -> facts.Lane:
        return "api-proxy" if self._view.role(tunnel.client.ip) == "api-proxy" else "client"

    def _last(self, fact: facts.Step, tunnel: Tunnel) -> Iterator[DrawnStep]:
        """Bytes that came back and nobody read."""
        failed = tunnel.tls is not None and tunnel.tls.handshake == "failed"
        if not (tunnel.exchanges or tunnel.inner is not None or failed or self._judged(tunnel)):
            step = self._step(fact, "nobody read it", "unknown", inside=True)
            yield replace(step, text=_volume(tunnel))

    def _judged(self, tunnel: Tunnel) -> bool:
        """Whether the API's answer in it made the call fail, and nobody read it."""
        return self._failed and tunnel.id == self._carrier and not tunnel.exchanges


def _volume(tunnel: Tunnel) -> str:
    return f"{words.size(tunnel.bytes_up)} up, {words.size(tunnel.bytes_down)} down"


def _uncertain(step: DrawnStep) -> DrawnStep:
    """A step of a tunnel that may be another call's."""
    note = "; ".join(filter(None, (step.note, "whether it is this call's is not certain")))
    return replace(step, note=note, tone="unknown")
