"""What a tunnel carried, read with its keys, joined with the call that it was opened for.

Time tells which tunnel is whose (`join`); content proves it.  The API proxy gives each call an id,
sends it in `x-request-id` to the API and in the answer to the agent: equal ids are one call, unless
a client chose the id, or several answers have it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from inspector.credentials.scrubbing import NOT_SHOWN
from inspector.exchanges.calls import is_upstream
from inspector.fact import replace
from inspector.model.conclusions import Chain, HeaderChange, HeaderFate, StreamDiff, StreamLeg
from inspector.model.http import Exchange, Request, Response, header
from inspector.model.ids import ExchangeId, TunnelId
from inspector.model.topology import Topology
from inspector.packed import PackedList

_ID: Final = "x-request-id"
#: What the reason of a proven link begins with.
PROVEN: Final = "the id in its answer is that of the request inside"


class Insides:
    """What the API proxy asked in its tunnels, by tunnel and by the id that it gave the call."""

    def __init__(self, exchanges: Iterable[Exchange], topology: Topology) -> None:
        proxies = frozenset(topology.api_proxy)
        self._by_tunnel: dict[TunnelId, list[Exchange]] = {}
        self._by_id: dict[str, list[Exchange]] = {}
        #: Ids that clients sent, which prove nothing, and how many answers to clients have each.
        self._brought: set[str] = set()
        self._answers: Counter[str] = Counter()
        for exchange in exchanges:
            if exchange.client.ip not in proxies:
                self._note_clients(exchange)
            elif exchange.tunnel is not None and is_upstream(exchange, proxies):
                self._by_tunnel.setdefault(exchange.tunnel, []).append(exchange)
                if (given := _id_of(exchange.request)) is not None:
                    self._by_id.setdefault(given, []).append(exchange)

    def _note_clients(self, exchange: Exchange) -> None:
        if (sent := _id_of(exchange.request)) is not None:
            self._brought.add(sent)
        # What came by way of another host is one answer on two legs.
        if exchange.relays is None and (got := _id_of(exchange.response)) is not None:
            self._answers[got] += 1

    def __bool__(self) -> bool:
        return bool(self._by_tunnel)

    def of(self, call: Exchange, chain: Chain) -> tuple[tuple[Exchange, ...], bool]:
        """What was asked for a call, in order, and whether an id proves it."""
        found = self._proven(call)
        if found:
            return found, True
        names = (*chain.attempts, *(() if chain.tunnel is None else (chain.tunnel,)))
        return tuple(
            inner
            for name in names
            for inner in self._by_tunnel.get(name, ())
            if _is_within(inner, call)
        ), False

    def _proven(self, call: Exchange) -> tuple[Exchange, ...]:
        """The requests inside with the id of this call's answer, if the API proxy chose it.

        None where a client may have chosen it: one that saw the id of another call could send it
        with its own.
        """
        given = _id_of(call.response)
        if given is None or NOT_SHOWN in (given, _id_of(call.request)):
            return ()
        found = self._by_id.get(given, [])
        is_ambiguous = given in self._brought or self._answers[given] != 1
        if is_ambiguous or not all(_is_within(inner, call) for inner in found):
            return ()
        return tuple(found)


def with_insides(
    chains: Sequence[Chain], exchanges: Sequence[Exchange], topology: Topology
) -> Sequence[Chain]:
    """The chains with what their tunnels carried, and moved where that proves another tunnel."""
    insides = Insides(exchanges, topology)
    if not insides:
        return chains
    calls = {chain.agent_exchange for chain in chains}
    by_id = {exchange.id: exchange for exchange in exchanges if exchange.id in calls}
    return PackedList(_told(chain, by_id, insides) for chain in chains)


def _told(chain: Chain, calls: Mapping[ExchangeId, Exchange], insides: Insides) -> Chain:
    call = calls.get(chain.agent_exchange)
    if call is None:
        return chain
    inner, is_proven = insides.of(call, chain)
    if not inner:
        return chain
    last = inner[-1]
    chain = replace(
        chain,
        upstream_exchanges=tuple(exchange.id for exchange in inner),
        header_diff=tuple(header_diff(call, last)),
        stream_diff=stream_diff(call, last),
    )
    if not is_proven:
        return chain
    tunnels = tuple(dict.fromkeys(each.tunnel for each in inner if each.tunnel is not None))
    answered = last.response is not None and last.response.status == chain.status
    return replace(
        chain,
        tunnel=tunnels[-1],
        attempts=tunnels[:-1],
        confidence=1.0,
        reasons=(f"{PROVEN} {tunnels[-1]}",),
        answered_by="upstream" if answered else chain.answered_by,
    )


def _is_within(inner: Exchange, call: Exchange) -> bool:
    """Whether it was asked while the call was under way."""
    asked, request = inner.request, call.request
    if asked is None or request is None or asked.started_at < request.started_at:
        return False
    ended = None if call.response is None else call.response.ended_at
    return ended is None or asked.started_at <= ended


def _id_of(message: Request | Response | None) -> str | None:
    return None if message is None else header(message, _ID)


def header_diff(call: Exchange, inner: Exchange) -> Iterator[HeaderChange]:
    """Each field of either request, in the client's order and then the API proxy's."""
    if call.request is None or inner.request is None or not inner.request.complete:
        return
    client, upstream = _values(call.request.headers), _values(inner.request.headers)
    credentials = {auth.name.lower() for auth in (*call.request.auth, *inner.request.auth)}
    for name in (*client, *(name for name in upstream if name not in client)):
        sent, got = client.get(name), upstream.get(name)
        yield HeaderChange(name, _fate(sent, got, name in credentials), sent, got)


def _fate(sent: str | None, got: str | None, is_credential: bool) -> HeaderFate:
    if got is None:
        return "stripped"
    if sent is None:
        return "injected"
    if sent == got:
        return "passed"
    return "replaced" if is_credential else "changed"


def _values(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in headers:
        folded = name.lower()
        found[folded] = f"{found[folded]}, {value}" if folded in found else value
    return found


def stream_diff(call: Exchange, inner: Exchange) -> StreamDiff | None:
    """Both legs of an answer, where one of them is an event stream."""
    ours, theirs = call.response, inner.response
    if ours is None or theirs is None or (ours.stream is None and theirs.stream is None):
        return None
    return StreamDiff(_leg(ours), _leg(theirs))


def _leg(response: Response) -> StreamLeg:
    stream = response.stream
    return StreamLeg(
        None if stream is None else stream.events,
        response.body_bytes,
        response.started_at,
        None if stream is None else stream.longest_silence,
    )
