"""All that belongs to one thing of a report, whichever of its ids is named."""

from __future__ import annotations

from dataclasses import replace

import pytest

from inspector.model.ids import exchange_id
from inspector.model.report import Report, nothing_to_analyse
from inspector.report.detail.facts import Detail
from inspector.report.detail.gather import Details, UnknownId


def _legs(detail: Detail) -> list[str]:
    return [leg.exchange.id for leg in detail.legs]


def test_a_call_comes_with_what_was_asked_upstream_its_tunnel_and_both_connections(
    cut: Report,
) -> None:
    detail = Details(cut).of("e1")
    assert _legs(detail) == ["e1", "e2"]
    assert [tunnel.id for tunnel in detail.tunnels] == ["t1"]
    assert [connection.id for connection in detail.connections] == ["c1", "c2"]
    assert [leg.connection and leg.connection.id for leg in detail.legs] == ["c1", "c2"]


@pytest.mark.parametrize("identifier", ["e1", "e2", "e3", "h1"])
def test_each_leg_of_a_call_and_its_chain_show_the_same_call(
    by_squid: Report, identifier: str
) -> None:
    detail = Details(by_squid).of(identifier)
    assert _legs(detail) == ["e1", "e2", "e3"]
    assert detail.id == identifier


def test_a_tunnel_comes_with_the_call_that_it_was_opened_for(cut: Report) -> None:
    detail = Details(cut).of("t1")
    assert _legs(detail) == ["e1", "e2"]
    assert [chain.id for chain in detail.chains] == ["h1"]


def test_a_tunnel_of_no_call_comes_alone(died: Report) -> None:
    detail = Details(died).of("t2")
    assert (detail.legs, detail.chains) == ((), ())
    assert len(detail.connections) == 1


def test_a_connection_comes_with_what_it_carried(cut: Report) -> None:
    assert _legs(Details(cut).of("c1")) == ["e1"]
    assert [tunnel.id for tunnel in Details(cut).of("c2").tunnels] == ["t1"]


def test_findings_that_name_it_are_said_and_the_cause_is_told_apart(died: Report) -> None:
    named = {each.code: each.is_cause for each in Details(died).of("e1").findings}
    assert named == {"proxy-died": True, "credentials-differ": False}
    assert [each.code for each in Details(died).of("t1").findings] == ["api-proxy-bypassed"]


@pytest.mark.parametrize("identifier", ["e99", "t0", "x1", "", "E1", "e1\x1b[31m"])
def test_an_unknown_id_names_those_that_there_are(died: Report, identifier: str) -> None:
    with pytest.raises(UnknownId) as error:
        Details(died).of(identifier)
    said = str(error.value)
    assert "exchange e1, tunnels t1 to t4, connections c1 to c15, chain h1" in said
    assert "\x1b" not in said


def test_a_report_of_nothing_says_that_it_has_nothing() -> None:
    with pytest.raises(UnknownId, match="neither exchanges nor connections"):
        Details(nothing_to_analyse("nothing")).of("e1")


def test_references_that_point_nowhere_or_in_a_circle_are_passed_over(by_squid: Report) -> None:
    first, second, *rest = by_squid.exchanges
    circle = replace(
        by_squid,
        exchanges=(replace(first, relays=second.id), replace(second, relays=first.id), *rest),
        connections=(),
        tunnels=(),
        chains=(replace(by_squid.chains[0], agent_exchange=exchange_id(99)),),
    )
    assert set(_legs(Details(circle).of("e1"))) == {"e1", "e2"}
    assert Details(circle).of("h1").legs == ()
