from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from typing import Any

from inspector.model.conclusions import Hypothesis
from inspector.model.ids import tunnel_id
from inspector.model.report import Report
from inspector.report.formats.whole import stable_part

_ID = ("id", "connection", "relays", "tunnel", "exchange", "agent_exchange")
_IDS = ("exchanges", "attempts")
#: What conclusions tell with ids, packet numbers and durations.
_SENTENCES = (
    "reasons", "title", "advice", "sentence", "details", "not_in_packets", "because", "what",
)  # fmt: skip


def _otherwise(value: Any) -> Any:
    """The same sentence, or sentences, about other packets."""
    if isinstance(value, tuple):
        return tuple(map(_otherwise, value))
    return f"{value} (packet 4711 of ze1)"


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
        elif field.name == "id" and isinstance(fact, Hypothesis):
            pass
        elif field.name in _ID:
            value = f"z{value}"
        elif field.name in _IDS and all(isinstance(v, str) for v in value):
            value = tuple(f"z{v}" for v in value)
        elif field.name in _SENTENCES:
            value = _otherwise(value)
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
    assert stable_part(other) == stable_part(report)


_LISTS = (
    "clients", "connections", "exchanges", "tunnels", "direct_tls", "oddities",
    "chains", "hypotheses", "findings",
)  # fmt: skip


def test_the_order_of_recording_does_not_matter(report: Report) -> None:
    chance = random.Random(7)
    shuffled: dict[str, Any] = {}
    for name in _LISTS:
        items = list(getattr(report, name))
        chance.shuffle(items)
        shuffled[name] = tuple(items)
    assert stable_part(replace(report, **shuffled)) == stable_part(report)


def test_no_time_id_or_fingerprint_is_in_the_stable_part(report: Report) -> None:
    stable = stable_part(report)
    leaves = {leaf for leaf in _leaves(stable) if isinstance(leaf, str)}
    assert not {leaf for leaf in leaves if leaf.startswith("2026-08-03T")}
    assert not leaves & {"c1", "e1", "e3", "t1", "t4", "d1", "h1", "5d0f3a91c2e4", "e41a6b0d93c7"}
    assert 41498 not in set(_leaves(stable))


def test_what_differs_in_substance_differs_in_the_stable_part(report: Report) -> None:
    exchange = report.exchanges[0]
    assert exchange.response is not None
    other = replace(exchange, response=replace(exchange.response, status=403))
    assert stable_part(replace(report, exchanges=(other,))) != stable_part(report)


def test_references_by_id_become_what_they_point_at(report: Report) -> None:
    stable = stable_part(report)
    relaying = [e for e in stable["exchanges"] if e["relays"]]
    assert [e["client"] for e in relaying] == ["172.30.0.10"]
    inside = [e for e in stable["exchanges"] if e["tunnel"]]
    assert [e["tunnel"] for e in inside] == ["172.30.0.30:10001"]
    assert [t["exchanges"] for t in stable["tunnels"] if t["protocol"] == "http/1.1"] == [1]


def test_a_chain_tells_whose_call_took_which_tunnel_and_who_answered(report: Report) -> None:
    (chain,) = stable_part(replace(report, chains=report.chains[:1]))["chains"]
    assert chain == {
        "agent_exchange": "agent-to-api-proxy anthropic POST /v1/messages?beta=true: 401",
        "tunnel": "172.30.0.30 CONNECT api.anthropic.com:443: 200",
        "attempts": [],
        "answered_by": "upstream",
        "status": 401,
    }


def test_the_decisions_of_conclusions_are_kept(report: Report) -> None:
    stable = stable_part(report)
    assert {h["id"]: h["verdict"] for h in stable["hypotheses"]} == {
        "H1": "refuted",
        "H2": "refuted",
        "H3": "refuted",
        "H4a": "confirmed",
        "H4b": "confirmed",
    }
    cause = stable["root_cause"]
    assert (cause["code"], cause["explains"], cause["of"]) == ("upstream-rejected-credential", 2, 2)
    assert [f["count"] for f in stable["findings"] if f["code"] == cause["code"]] == [2]
    denied = [f for f in stable["findings"] if f["severity"] == "warning"]
    assert denied[0]["evidence"] == ["172.30.0.20 CONNECT telemetry.example.com:443: 403"]


def test_another_decision_is_another_stable_part(report: Report) -> None:
    cause, chain, hypothesis = report.root_cause, report.chains[0], report.hypotheses[0]
    assert cause is not None
    others = [
        replace(report, root_cause=None),
        replace(report, root_cause=replace(cause, explains=1)),
        replace(report, chains=(replace(chain, answered_by="api-proxy"), *report.chains[1:])),
        replace(report, chains=(replace(chain, tunnel=tunnel_id(2)), *report.chains[1:])),
        replace(report, hypotheses=(replace(hypothesis, verdict="confirmed"),)),
        replace(report, findings=(replace(report.findings[0], count=9), *report.findings[1:])),
    ]
    assert stable_part(report) not in [stable_part(other) for other in others]


def test_an_id_without_a_place_is_said_not_guessed(report: Report) -> None:
    nowhere = replace(report.chains[0], tunnel=tunnel_id(99))
    (chain,) = stable_part(replace(report, chains=(nowhere,)))["chains"]
    assert chain["tunnel"] == "not in this report"


def test_an_event_may_be_named_like_a_field(report: Report) -> None:
    exchange = report.exchanges[1]
    assert exchange.response is not None
    assert exchange.response.stream is not None
    stream = replace(exchange.response.stream, names={"id": 1, "seen_at": 2, "packet": 3})
    odd = replace(exchange, response=replace(exchange.response, stream=stream))
    (stable,) = stable_part(replace(report, exchanges=(odd,)))["exchanges"]
    assert stable["response"]["stream"]["names"] == {"id": 1, "seen_at": 2, "packet": 3}


def test_the_stable_part_is_json(report: Report) -> None:
    assert json.loads(json.dumps(stable_part(report))) == stable_part(report)
