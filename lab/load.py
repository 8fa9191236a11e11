"""Hundreds of calls in flight through the lab's API proxy, and which tunnel carried which.

The truth is the API proxy's own record: it knows by its request id who asked, and from which
port each tunnel was opened.  Envoy in its place keeps its tunnels, and its access log knows which
one carried which call.  `judge` holds a report's chains against either.
"""

from __future__ import annotations

import json
import random
import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, TypeAlias

from inspector import Report
from inspector.inspection import Inspector
from inspector.model.conclusions import RELIABLE
from inspector.model.ids import ExchangeId, TunnelId
from inspector.model.network import Endpoint, Tunnel
from inspector.pcap.reader import merged, open_captures
from lab import gateways, proxy, squid, upstream
from lab.clients import ANTHROPIC_PLACEHOLDER
from lab.join_score import JoinScore, score
from lab.network import Network
from lab.processes import Process, until

CLIENT: Final = Path(__file__).with_name("clients") / "burst.py"


#: A call by where its client stood, and how many calls came from there before: under load the
#: kernel gives a port again.
_Place: TypeAlias = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Played:
    """A load that was played: for each call the ports of its tunnels, in their order."""

    tunnels: Mapping[_Place, tuple[str, ...]]
    #: How many calls got which status.
    statuses: Mapping[str, int]


def play(
    network: Network,
    capture: Path,
    calls: int,
    *,
    stream: bool = True,
    within: float = 0.2,
    alike: bool = False,
    again: bool = False,
    pooled: bool = False,
    seed: int = 1,
) -> Played:
    """Make so many calls within so many seconds, and record the bridge into `capture`.

    `alike`: with equal bodies, else each of its own length.  `again`: each is tried again by the
    API proxy, without a beta that is retired.  `pooled`: through Envoy, which sends call after call
    through each of its tunnels.
    """
    place = network.directory / f"load-{calls}-{seed}"
    apis = upstream.start(
        network,
        directory=place / "upstream",
        behaviour={"*": {"first_byte": 0.3, "pace": 0.1, "tickets": 1}},
    )
    gateway = squid.start(network)
    with network.capture(capture):
        program = _envoy(network, place, apis) if pooled else _stand_in(network, place, apis)
        headers = [("x-api-key", ANTHROPIC_PLACEHOLDER), ("anthropic-version", "2023-06-01")]
        headers += [("content-type", "application/json")]
        if again:
            headers.append(("anthropic-beta", "context-1m-2025-08-07"))
        spec = {
            "url": f"http://{network.api_proxy.address}:{proxy.PORTS['anthropic']}/v1/messages",
            "headers": headers,
            "bodies": [_body(length, stream) for length in _lengths(calls, alike, seed)],
            "within": within,
        }
        done = network.agent.run(
            [sys.executable, "-I", CLIENT], input=json.dumps(spec), timeout=240.0
        )
        if isinstance(program, proxy.Proxy):
            stand_in = program
            until(lambda: _answered(stand_in) >= calls, "the API proxy's account of its answers")
            stand_in.process.stop()
            tunnels = _tunnels(stand_in.records())
        else:
            program.stop()
            tunnels = _used((place / "envoy.log").read_text())
    gateway.process.stop()
    apis.process.stop()
    return Played(tunnels, json.loads(done.stdout))


def _stand_in(network: Network, place: Path, apis: upstream.Upstream) -> proxy.Proxy:
    return proxy.start(network, directory=place / "proxy", ca=apis.authority.root)


def _envoy(network: Network, place: Path, apis: upstream.Upstream) -> Process:
    return gateways.start(
        network,
        "envoy",
        proxy.PORTS["anthropic"],
        place / "gateway",
        {"access_log": str(place / "envoy.log")},
        key=proxy.ANTHROPIC_KEY,
        ca=apis.authority.root,
    )


def _used(access_log: str) -> dict[_Place, tuple[str, ...]]:
    """Which of Envoy's tunnels carried which call."""
    places = _Places()
    lines = (line.split() for line in access_log.splitlines())
    return {places.next(client): () if own == "-" else (own,) for client, own, _ in lines}


class _Places:
    """Tells calls from one port apart, which are met in their order."""

    def __init__(self) -> None:
        self._met: Counter[str] = Counter()

    def next(self, port: str) -> _Place:
        """The next call from there."""
        self._met[port] += 1
        return port, self._met[port] - 1


def _answered(stand_in: proxy.Proxy) -> int:
    return sum(row["event"] == "answered" for row in stand_in.records())


def _lengths(calls: int, alike: bool, seed: int) -> list[int]:
    chance = random.Random(seed)
    return [2000 if alike else chance.randrange(10, 20_000) for _ in range(calls)]


def _body(length: int, stream: bool) -> str:
    message = {"role": "user", "content": "hello " * (length // 6)}
    asked: dict[str, Any] = {"model": "claude-lab-1", "max_tokens": 64, "stream": stream}
    return json.dumps({**asked, "messages": [message]})


def _tunnels(records: list[dict[str, Any]]) -> dict[_Place, tuple[str, ...]]:
    places = _Places()
    calls = {
        row["request"]: places.next(row["agent"]) for row in records if row["event"] == "request"
    }
    found: dict[_Place, list[str]] = {call: [] for call in calls.values()}
    for row in records:
        if row["event"] == "attempt" and row["request"] in calls and row.get("tunnel"):
            found[calls[row["request"]]].append(row["tunnel"])
    return {call: tuple(tunnels) for call, tunnels in found.items()}


def losing(capture: Path, percent: float, seed: int = 1) -> Report:
    """The report of a recording that lost each of its frames with this probability."""
    chance, inspector = random.Random(f"{percent} {seed}"), Inspector()
    readers = open_captures((str(capture),))
    for batch in merged(readers):
        kept = [record for record in batch.records if chance.random() * 100 >= percent]
        if kept:
            inspector.feed(replace(batch, records=kept))
    for reader in readers:
        reader.close()
    return inspector.finish()


def judge(report: Report, played: Played) -> JoinScore:
    """The report's chains held against what the API proxy recorded."""
    opened: dict[str, list[Tunnel]] = {}
    for tunnel in report.tunnels:
        opened.setdefault(_text(tunnel.client), []).append(tunnel)
    truth: dict[ExchangeId, TunnelId | None] = {}
    places = _Places()
    for exchange in report.exchanges:
        tunnels = played.tunnels.get(places.next(_text(exchange.client)))
        if tunnels is None:
            continue
        from_there = opened.get(tunnels[-1], []) if tunnels else []
        if len(from_there) > 1:
            if exchange.response is None:
                continue  # which of them is not known
            from_there = _opened_before(exchange.response.started_at, from_there)
        truth[exchange.id] = from_there[-1].id if from_there else None
    return score(report.chains, truth)


def _opened_before(moment: int, tunnels: list[Tunnel]) -> list[Tunnel]:
    """Of tunnels from one port, of which one is over before the next is opened, those till then.

    What brought an answer was open when the answer began.
    """
    return [tunnel for tunnel in tunnels if tunnel.opened_at <= moment]


def _text(end: Endpoint) -> str:
    """The address as Node writes it into the API proxy's record."""
    return f"[{end.ip}]:{end.port}" if ":" in end.ip else f"{end.ip}:{end.port}"


__all__ = ["RELIABLE", "Played", "judge", "losing", "play"]
