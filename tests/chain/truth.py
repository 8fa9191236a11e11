"""Chains held against a `truth.json`: what the programs' logs say of each agent request."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from inspector import Report
from inspector.model.conclusions import Chain
from inspector.model.network import Endpoint

#: The truth's words for who answered.
ANSWERED = {"upstream": "upstream", "proxy": "api-proxy", "squid": "forward-proxy"}


@dataclass(frozen=True)
class Judged:
    """One chain beside the truth; `is_right` is about tunnels, `answered` about who answered."""

    chain: Chain
    true_tunnels: tuple[str, ...] | None
    found_tunnels: tuple[str, ...]
    true_answer: str | None

    @property
    def is_right(self) -> bool:
        return self.true_tunnels is None or self.true_tunnels == self.found_tunnels

    @property
    def answer_is_right(self) -> bool:
        return self.true_answer is None or self.true_answer == self.chain.answered_by


def text(end: Endpoint) -> str:
    return f"[{end.ip}]:{end.port}" if ":" in end.ip else f"{end.ip}:{end.port}"


def truth_of(folder: Path) -> dict[str, Any]:
    truth: dict[str, Any] = json.loads((folder / "truth.json").read_text())
    return truth


def judge(report: Report, truth: dict[str, Any]) -> list[Judged]:
    """Every chain whose call is in the truth; the n-th call of a connection is its n-th there.

    Where a connection shows fewer calls than it had (its beginning was lost)
    they are the last ones; a place that cannot be told is left out.
    """
    exchanges = {exchange.id: exchange for exchange in report.exchanges}
    clients = {tunnel.id: text(tunnel.client) for tunnel in report.tunnels}
    of_connection: dict[str, list[dict[str, Any]]] = {}
    for request in truth["agent_requests"]:
        of_connection.setdefault(request["client"], []).append(request)
    seen = Counter(text(exchanges[chain.agent_exchange].client) for chain in report.chains)
    place: Counter[str] = Counter()
    judged = []
    for chain in report.chains:
        client = text(exchanges[chain.agent_exchange].client)
        requests = of_connection.get(client, [])
        index = place[client]
        place[client] += 1
        if len(requests) != seen[client]:
            continue
        request = requests[index]
        tunnels = request["tunnels"]
        is_upgrade = request["kind"] != "http" and request["status"] is None
        found = (*chain.attempts, *([chain.tunnel] if chain.tunnel else []))
        judged.append(
            Judged(
                chain,
                None if tunnels is None or is_upgrade else tuple(tunnels),
                tuple(clients[tunnel] for tunnel in found),
                _answer(request, truth),
            )
        )
    return judged


def _answer(request: dict[str, Any], truth: dict[str, Any]) -> str | None:
    """Who answered a request: as stated, else by the calls and CONNECTs that the logs have for it.

    The upstream's own log has the status that it gave; a refused CONNECT has Squid's.
    """
    stated, status = request.get("answered_by"), request["status"]
    if stated is not None:
        return ANSWERED[stated]
    if status is None and request.get("request_read", True) is None:
        return None  # when the client gave up on what nobody read is in no log
    if status is None:
        return "nobody" if request["kind"] == "http" else None
    calls, tunnels = request.get("upstream_calls"), request.get("tunnels")
    if request["kind"] != "http" or calls is None or tunnels is None:
        return None
    given = {row["m"]: row.get("status") for row in truth.get("upstream_calls", ())}
    if calls:
        return "upstream" if given.get(calls[-1]) == status else None
    refused = {row["client"]: row["status"] for row in truth.get("proxy_tunnels", ())}
    if tunnels:
        return "forward-proxy" if refused.get(tunnels[-1]) == status else "api-proxy"
    return "api-proxy"
