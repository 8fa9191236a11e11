"""Who opened which tunnels, and which call went through them.

A tunnel is joined with a call by its chain; one without is somebody's own.  A
call for which no tunnel was opened has a row too: that absence is an answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from inspector.fact import Fact
from inspector.model.conclusions import RELIABLE, Chain
from inspector.model.network import Tunnel
from inspector.model.topology import Role
from inspector.report.page import grouping, words
from inspector.report.page.escape import clipped, visible
from inspector.report.page.view import View

#: What a tunnel carries that no chain joins with a call, by who opened it.
_OWN: Final[Mapping[Role, str]] = {"api-proxy": "joined with no call", "agent": "no proxy call"}


class TunnelRow(Fact):
    """Tunnels alike, in escaped text; `ids` is empty for calls that got none."""

    opened_by: str
    ids: tuple[str, ...]
    authority: str
    connect: str
    opened: bool
    tls: str
    carries: str


def tunnel_rows(view: View) -> tuple[TunnelRow, ...]:
    """The rows, tunnels first in order of their opening."""
    groups = grouping.groups(
        view.report.tunnels,
        lambda tunnel: (*grouping.tunnel_row(tunnel), *_purpose(view, tunnel)),
    )
    return (*(_row(view, group) for group in groups), *_without(view))


def _purpose(view: View, tunnel: Tunnel) -> tuple[object, ...]:
    """Tunnels in one row were opened for the same kind of thing."""
    chains, retried = view.carried.get(tunnel.id, []), view.retried.get(tunnel.id)
    return (
        None if retried is None else retried.confidence >= RELIABLE,
        tuple(dict.fromkeys((c.confidence >= RELIABLE, c.answered_by) for c in chains)),
        not chains and bool(view.waiting.at(tunnel)),
        bool(tunnel.exchanges),
    )


def _row(view: View, group: Sequence[Tunnel]) -> TunnelRow:
    first = group[0]
    authority = "not seen" if first.authority is None else clipped(first.authority, words.CELL)
    egress = sorted({t.egress.server.ip for t in group if t.egress is not None})
    if egress:
        authority += f"\nat {visible(words.some(egress))}"
    return TunnelRow(
        opened_by=f"{view.host(first.client.ip)} x{len(group)}",
        ids=tuple(tunnel.id for tunnel in group),
        authority=authority,
        connect=f"{words.connect_reply(first)} x{len(group)}",
        opened=bool(first.established),
        tls=words.tls_outcome(first),
        carries=_carries(view, group),
    )


def _carries(view: View, group: Sequence[Tunnel]) -> str:
    first = group[0]
    if first.id in view.retried:
        return f"tried for {_joined(view, group, [view.retried[t.id] for t in group])}"
    if first.id in view.carried:
        calls = _joined(view, group, [c for t in group for c in view.carried[t.id]])
        return calls if first.established else f"nothing, for {calls}"
    inside = [exchange for tunnel in group for exchange in tunnel.exchanges]
    if inside:
        own = "its own " if view.role(first.client.ip) == "api-proxy" and first.decryption else ""
        return own + words.some(inside)
    if not first.established:
        return "nothing"
    if view.report.chains or view.report.hypotheses:
        role = view.role(first.client.ip)
        told = _OWN.get(role)
        waited = max(view.waiting.at(tunnel) for tunnel in group)
        if role == "api-proxy" and waited:
            return f"not known:\n{words.count(waited, 'call')} waited"
        if told is not None:
            return told
    up = sum(tunnel.bytes_up for tunnel in group)
    down = sum(tunnel.bytes_down for tunnel in group)
    return f"{words.size(up)} up\n{words.size(down)} down" if up or down else "nothing"


def _joined(view: View, group: Sequence[Tunnel], chains: Sequence[Chain]) -> str:
    """The calls of tunnels, or how many it may be of which it is not known which is which.

    A call is named by a join that may be relied on, else only where no other may be meant.
    """
    calls = _calls(view, chains)
    if all(chain.confidence >= RELIABLE for chain in chains):
        return words.some(calls)
    if len(group) == 1 and len(calls) > 1:
        return f"{words.some(calls)}, not certain"
    if len(group) > 1:
        many = f"{words.count(len(calls), 'call')}, {words.count(len(group), 'tunnel')}"
        return f"{many}:\nwhich is which is not known"
    waited = view.waiting.at(group[0])
    return f"one of {waited} calls" if waited > 1 else f"{calls[0]}, not certain"


def _without(view: View) -> list[TunnelRow]:
    """Calls for which the API proxy opened no tunnel, and those of which it is not known."""
    alone = [chain for chain in view.report.chains if chain.tunnel is None]
    sure = [chain for chain in alone if chain.confidence >= RELIABLE]
    unsure = [chain for chain in alone if chain.confidence < RELIABLE]
    proxies = view.report.topology.api_proxy
    opener = view.host(proxies[0]) if proxies else "api-proxy"
    return [
        TunnelRow(by, (), "-", "-", True, "-", f"{words.some(_calls(view, chains))}{said}")
        for by, chains, said in (
            (f"{opener} x0", sure, " got no tunnel"),
            ("not known", unsure, ": not known"),
        )
        if chains
    ]


def _calls(view: View, chains: Sequence[Chain]) -> list[str]:
    return list(dict.fromkeys(view.call(chain.agent_exchange) for chain in chains))
