from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from typing import Any

from inspector.report.model import Report


def _again(fact: Any, shift: int) -> Any:
    """The same scenario in another recording: later, other ports, ids, packets, fingerprints."""
    if isinstance(fact, tuple):
        return tuple(_again(item, shift) for item in fact)
    if not is_dataclass(fact) or isinstance(fact, type):
        return fact
    changes: dict[str, Any] = {}
    for field in fields(fact):
        value = getattr(fact, field.name)
        if value is None:
            continue
        if field.name.endswith("_at") or field.name == "packet":
            value += shift
        elif field.name == "fingerprint":
            value = "0123456789ab"
        elif field.name == "client" and not isinstance(value, str):
            value = replace(value, port=value.port + shift)
        elif field.name in ("id", "connection", "relays", "tunnel"):
            value = f"z{value}"
        elif field.name == "exchanges" and all(isinstance(v, str) for v in value):
            value = tuple(f"z{v}" for v in value)
        elif field.name in ("reply_latency", "longest_silence"):
            value += 0.5
        else:
            value = _again(value, shift)
        changes[field.name] = value
    return replace(fact, **changes)


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        for item in value.values():
            yield from _leaves(item)
    elif isinstance(value, list):
        for item in value:
            yield from _leaves(item)
    else:
        yield value


def test_another_recording_of_the_scenario_has_the_same_stable_part(report: Report) -> None:
    other = _again(report, 1234)
    assert other != report
    assert other.stable() == report.stable()


def test_the_order_of_recording_does_not_matter(report: Report) -> None:
    chance = random.Random(7)
    items = [
        list(getattr(report, name))
        for name in ("clients", "connections", "exchanges", "tunnels", "direct_tls", "oddities")
    ]
    for item in items:
        chance.shuffle(item)
    clients, connections, exchanges, tunnels, direct_tls, oddities = map(tuple, items)
    shuffled = replace(
        report,
        clients=clients,
        connections=connections,
        exchanges=exchanges,
        tunnels=tunnels,
        direct_tls=direct_tls,
        oddities=oddities,
    )
    assert shuffled.stable() == report.stable()


def test_no_time_id_or_fingerprint_is_in_the_stable_part(report: Report) -> None:
    stable = report.stable()
    leaves = {leaf for leaf in _leaves(stable) if isinstance(leaf, str)}
    assert not {leaf for leaf in leaves if leaf.startswith("2026-08-03T")}
    assert not leaves & {"c1", "e1", "e3", "t1", "t4", "d1", "5d0f3a91c2e4", "e41a6b0d93c7"}
    assert 41498 not in set(_leaves(stable))


def test_what_differs_in_substance_differs_in_the_stable_part(report: Report) -> None:
    exchange = report.exchanges[0]
    assert exchange.response is not None
    other = replace(exchange, response=replace(exchange.response, status=403))
    assert replace(report, exchanges=(other,)).stable() != report.stable()


def test_references_by_id_become_what_they_point_at(report: Report) -> None:
    stable = report.stable()
    relaying = [e for e in stable["exchanges"] if e["relays"]]
    assert [e["client"] for e in relaying] == ["172.30.0.10"]
    inside = [e for e in stable["exchanges"] if e["tunnel"]]
    assert [e["tunnel"] for e in inside] == ["172.30.0.30:10001"]
    assert [t["exchanges"] for t in stable["tunnels"] if t["protocol"] == "http/1.1"] == [1]


def test_an_event_may_be_named_like_a_field(report: Report) -> None:
    exchange = report.exchanges[1]
    assert exchange.response is not None
    assert exchange.response.stream is not None
    stream = replace(exchange.response.stream, names={"id": 1, "seen_at": 2, "packet": 3})
    odd = replace(exchange, response=replace(exchange.response, stream=stream))
    (stable,) = replace(report, exchanges=(odd,)).stable()["exchanges"]
    assert stable["response"]["stream"]["names"] == {"id": 1, "seen_at": 2, "packet": 3}


def test_the_stable_part_is_json(report: Report) -> None:
    assert json.loads(json.dumps(report.stable())) == report.stable()
