"""Drawings: the steps of a call in the order of time, who said them, and where it broke."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from inspector import inspect
from inspector.model.report import Report
from inspector.options import Options
from inspector.report.drawing import Drawing, Drawings
from inspector.report.page.view import View

CAPTURES = Path(__file__).parent.parent.parent / "captures"
KEYS = Options(finds_keys=True)
OPENED = CAPTURES / "h4-401-inside-tunnel"


def ladders_of(report: Report) -> dict[str, Drawing]:
    return {ladder.id: ladder for ladder in Drawings(View(report)).all()}


def first(name: str) -> Drawing:
    return next(iter(ladders_of(inspect(CAPTURES / name, options=KEYS)).values()))


def told(ladder: Drawing) -> list[str]:
    return [f"{s.source.title} -> {s.target.title}: {s.text}" for s in ladder.steps]


def test_a_call_is_followed_from_the_agent_to_the_api_and_back() -> None:
    ladder = first("h4-401-inside-tunnel")
    assert [lane.title for lane in ladder.lanes] == ["agent", "API proxy", "Squid", "API"]
    assert told(ladder) == [
        "agent -> API proxy: POST /v1/messages",
        "API proxy -> Squid: CONNECT api.anthropic.com:443",
        "Squid -> API proxy: 200: tunnel opened",
        "Squid -> API: on another network",
        "API proxy -> API: TLS for api.anthropic.com: the first encrypted data",
        "API proxy -> API: POST /v1/messages",
        "API -> API proxy: 401 Unauthorized",
        "API proxy -> agent: 401 Unauthorized",
    ]
    assert set(ladder.ids) == {"e1", "t1", "e2"}
    assert ladder.steps[-1].note.startswith("the API wrote it; ")


@pytest.mark.parametrize(
    ("name", "broke"),
    [
        ("issue-1527", "API proxy -> agent: closes the connection before any answer"),
        ("h4-401-inside-tunnel", "API -> API proxy: 401 Unauthorized"),
        ("squid-denied", "Squid -> API proxy: 403 ERR_ACCESS_DENIED 0"),
        ("tls-alert", "API proxy -> API: TLS"),
        ("peek-dns-failure", "Squid -> API proxy: 500 ERR_CANNOT_FORWARD 0"),
        ("proxy-not-configured", "API proxy -> agent: 403 Forbidden"),
        ("upstream-cut-inside-event", "API -> API proxy: the answer is cut short here"),
    ],
)
def test_where_a_call_broke_is_the_step_nearest_to_its_origin(name: str, broke: str) -> None:
    ladder = first(name)
    assert ladder.broke is not None
    assert told(ladder)[ladder.broke] == broke


@pytest.mark.parametrize("name", ["healthy-sse", "one-network", "through-squid-absolute"])
def test_a_call_that_went_well_broke_nowhere(name: str) -> None:
    ladder = first(name)
    assert ladder.broke is None
    assert {step.tone for step in ladder.steps} <= {"plain", "good", "unknown"}


def test_without_keys_the_answer_of_an_api_is_in_the_tunnel_and_not_read() -> None:
    report = inspect(CAPTURES / "h4-401-inside-tunnel")
    ladder = ladders_of(report)["e1"]
    assert ladder.broke is not None
    step = ladder.steps[ladder.broke]
    assert (step.source.title, step.note) == ("API", "the answer is in there, encrypted")


def test_a_connection_that_nobody_accepted_has_a_ladder_of_its_own() -> None:
    ladder = ladders_of(inspect(CAPTURES / "squid-down"))["c2"]
    assert told(ladder) == ["API proxy -> Squid: the connection is refused"]
    assert (ladder.title, ladder.broke) == ("TCP to .10:3128: refused", 0)


def test_a_tunnel_that_is_not_certainly_the_calls_breaks_nothing() -> None:
    report = inspect(CAPTURES / "squid-denied")
    unsure = replace(report, chains=tuple(replace(c, confidence=0.5) for c in report.chains))
    ladder = ladders_of(unsure)["e1"]
    tunnels = [step for step in ladder.steps if step.of == "t1"]
    assert {step.tone for step in tunnels} == {"unknown"}
    assert all("not certain" in step.note for step in tunnels)
    assert told(ladder)[ladder.broke or 0] == "API proxy -> agent: 403 Forbidden"


def test_where_squids_own_leg_is_on_the_bridge_nothing_is_called_unseen() -> None:
    assert "on another network" in [step.text for step in first("healthy-json").steps]
    assert "on another network" not in [step.text for step in first("one-network").steps]


def test_a_report_that_names_what_it_does_not_hold_has_ladders_all_the_same() -> None:
    report = inspect(OPENED, options=KEYS)
    cut = replace(report, exchanges=report.exchanges[:1], tunnels=(), connections=())
    [ladder] = Drawings(View(cut)).all()
    assert told(ladder)[0] == "agent -> API proxy: POST /v1/messages"


@pytest.mark.parametrize(
    "name", ["issue-1527", "agent-bypasses-proxy", "proxy-gone", "keep-alive-50", "websocket"]
)
def test_every_exchange_and_tunnel_stands_in_a_ladder_and_no_ladder_twice(name: str) -> None:
    report = inspect(CAPTURES / name, options=KEYS)
    ladders = list(Drawings(View(report)).all())
    assert len({ladder.id for ladder in ladders}) == len(ladders)
    ids = {id for ladder in ladders for id in ladder.ids}
    assert {exchange.id for exchange in report.exchanges} <= ids
    assert {tunnel.id for tunnel in report.tunnels} <= ids
    assert {direct.id for direct in report.direct_tls} <= ids


@pytest.mark.parametrize("name", ["h4-401-inside-tunnel", "parallel-20", "plain-http-in-connect"])
def test_steps_stand_in_the_order_of_time(name: str) -> None:
    for ladder in ladders_of(inspect(CAPTURES / name, options=KEYS)).values():
        times = [step.at for step in ladder.steps if step.at is not None]
        assert times == sorted(times)


def test_as_many_as_asked_for_are_made() -> None:
    view = View(inspect(CAPTURES / "keep-alive-50"))
    assert len(list(Drawings(view).all(7))) == 7
    assert list(Drawings(view).all(0)) == []
