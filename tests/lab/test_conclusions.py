"""What ought to be concluded follows from what was done and from the logs."""

from __future__ import annotations

from typing import Any

import pytest

from lab.conclusions import conclusions, weighty
from lab.pattern import deviations

TUNNEL = "172.30.0.30:4002"
HOLDS = {"H1": False, "H2": False, "H3": False, "H4a": True, "H4b": True}


def scenario(
    cause: str | None = None, *, partial: bool = False, undecided: tuple[str, ...] = ()
) -> dict[str, Any]:
    expect: dict[str, Any] = {name: value for name, value in HOLDS.items() if name not in undecided}
    expect |= {"undecided": list(undecided), "findings": [] if cause is None else [cause]}
    if cause is not None:
        expect["root_cause"] = cause
    return {"expect": expect, "report": {"partial": partial}}


def request(status: int | None, **more: Any) -> dict[str, Any]:
    return {
        "client": "172.30.0.20:4001",
        "server": "172.30.0.30:10001",
        "kind": "http",
        "method": "POST",
        "target": "/v1/messages",
        "status": status,
        "response_finished": True,
        "answered_by": "upstream",
        "upstream_content_type": "application/json",
        "tunnels": [TUNNEL],
        **more,
    }


def truth(*requests: dict[str, Any]) -> dict[str, Any]:
    tunnel = {"client": TUNNEL, "authority": "api.anthropic.com:443", "status": 200}
    return {"agent_requests": list(requests), "proxy_tunnels": [tunnel], "client_calls": []}


def verdicts(pattern: dict[str, Any]) -> dict[str, str | None]:
    return {item["id"]: item.get("verdict") for item in pattern["hypotheses"]}


def test_a_chain_names_the_tunnel_the_call_got_and_who_answered_it() -> None:
    (chain,) = conclusions(scenario(), truth(request(200)))["chains"]
    assert chain == {
        "agent_exchange": "agent-to-api-proxy anthropic POST /v1/messages: 200",
        "tunnel": "172.30.0.30 CONNECT api.anthropic.com:443: 200",
        "attempts": [],
        "answered_by": "upstream",
        "status": 200,
    }


def test_tunnels_before_the_last_are_attempts() -> None:
    (chain,) = conclusions(scenario(), truth(request(200, tunnels=[TUNNEL, TUNNEL])))["chains"]
    assert chain["attempts"] == [chain["tunnel"]]


def test_a_call_that_came_through_squid_is_its_leg_at_the_api_proxy() -> None:
    told = truth(request(200, client="172.30.0.10:4001"))
    (chain,) = conclusions(scenario(), told)["chains"]
    assert chain["agent_exchange"].startswith("forward-proxy-to-api-proxy ")


def test_a_call_without_tunnel_and_answer_got_it_from_nobody() -> None:
    lost = request(None, tunnels=[], answered_by=None, response_finished=None)
    (chain,) = conclusions(scenario("proxy-died"), truth(lost))["chains"]
    assert (chain["tunnel"], chain["answered_by"], chain["status"]) == (None, "nobody", None)


@pytest.mark.parametrize(
    ("cause", "failed"),
    [
        ("upstream-overloaded", request(529)),
        ("proxy-died", request(None)),
        ("response-cut", request(200, response_finished=False)),
        ("stream-malformed", request(200, upstream_content_type="text/event-stream")),
    ],
)
def test_the_cause_explains_the_calls_that_failed_and_no_others(
    cause: str, failed: dict[str, Any]
) -> None:
    pattern = conclusions(scenario(cause), truth(request(200), failed, failed))
    assert pattern["root_cause"] == {"code": cause, "explains": 2, "of": 2}
    assert pattern["findings"] == [{"code": cause}]


def test_where_no_call_failed_there_is_no_cause() -> None:
    assert conclusions(scenario(), truth(request(200)))["root_cause"] is None


def test_a_hypothesis_is_confirmed_or_refuted_unless_it_can_be_defended_either_way() -> None:
    pattern = conclusions(scenario(undecided=("H3",)), truth(request(401)))
    assert verdicts(pattern) == {
        "H1": "refuted",
        "H2": "refuted",
        "H3": None,
        "H4a": "confirmed",
        "H4b": "confirmed",
    }


def test_what_the_packets_cannot_tell_is_as_the_scenario_says() -> None:
    told = scenario("stream-malformed")
    told["report"]["verdicts"] = {"H3": "not observable"}
    assert verdicts(conclusions(told, truth(request(200))))["H3"] == "not observable"


def test_without_a_call_there_was_no_traffic() -> None:
    told = scenario()
    told["expect"] |= dict.fromkeys(HOLDS, False)
    assert set(verdicts(conclusions(told, truth())).values()) == {"no traffic"}


def test_of_a_capture_that_lacks_something_only_alarms_are_certain() -> None:
    pattern = conclusions(scenario(partial=True), truth(request(200)))
    assert pattern == {"findings": [], "root_cause": None}


def test_notes_are_not_compared_and_warnings_are() -> None:
    note, warning = {"code": "a", "severity": "note"}, {"code": "b", "severity": "warning"}
    assert weighty({"findings": [note, warning]})["findings"] == [warning]
    assert deviations({"findings": []}, {"findings": [note]}) == []
    assert deviations({"findings": [{"code": "b"}]}, {"findings": [note, warning]}) == []
    assert deviations({"findings": []}, {"findings": [warning]}) != []
    assert deviations({"findings": [{"code": "b"}]}, {"findings": [note]}) != []


def test_behind_a_gateway_the_clients_say_which_calls_failed() -> None:
    calls = [{"status": status, "response_finished": True} for status in (200, 503, None)] + [
        {"status": 200, "response_finished": False}
    ]
    told = scenario("gateway-timeout") | {"lab": {"gateway": "envoy"}}

    pattern = conclusions(told, truth() | {"client_calls": calls})

    assert pattern["root_cause"] == {"code": "gateway-timeout", "explains": 3, "of": 3}
    assert "chains" not in pattern
