"""The display filter shows the packets of one exchange, and tshark agrees."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace

import pytest

from inspector.capture_files import inspect
from inspector.model.report import Report
from inspector.report.detail.gather import Details
from tests.diagnosis.matrix import GOLDEN


def test_addresses_and_ports_name_a_connection_that_carried_nothing_else(died: Report) -> None:
    assert Details(died).of("e1").display_filter == (
        "(ip.addr == 172.30.0.20 && ip.addr == 172.30.0.30"
        " && tcp.port == 57986 && tcp.port == 10001)"
    )


def test_times_tell_apart_what_one_connection_carried_in_turn() -> None:
    details = Details(inspect(GOLDEN / "keep-alive-50"))
    first, second = (details.of(each) for each in ("e1", "e2"))
    assert first.legs[0].exchange.connection == second.legs[0].exchange.connection
    request, answer = first.legs[0].exchange.request, first.legs[0].exchange.response
    assert request is not None
    assert answer is not None
    assert answer.ended_at is not None
    for at in (request.started_at, answer.ended_at):
        assert f"{at // 10**9}.{at % 10**9:09d}" in first.display_filter


def test_a_connection_of_equal_ports_ends_before_the_next_begins(died: Report) -> None:
    own = next(c for c in died.connections if c.id == "c3")
    again = replace(own, id=died.connections[-1].id, opened_at=own.opened_at + 10**9)
    twice = replace(died, connections=(*died.connections[:-1], again))
    begun = f"frame.time_epoch >= {again.opened_at // 10**9}."
    assert begun not in Details(twice).of("c3").display_filter
    assert "frame.time_epoch <= " in Details(twice).of("c3").display_filter
    assert begun in Details(twice).of(again.id).display_filter


def test_ipv6_has_a_field_of_its_own() -> None:
    shown = Details(inspect(GOLDEN / "ipv6-bridge")).of("e1").display_filter
    assert "ipv6.addr == " in shown
    assert "(ip.addr" not in shown


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("tshark") is None, reason="needs tshark")
def test_tshark_shows_the_packets_of_the_call_and_no_others(died: Report) -> None:
    detail = Details(died).of("e1")
    [connection] = detail.connections
    shown = _shown(detail.display_filter)
    assert shown == _shown(f"tcp.port == {connection.client.port}")
    assert str(connection.packet) in shown
    assert str(connection.closed_packet) in shown


def _shown(display_filter: str) -> list[str]:
    """The numbers of the packets that tshark shows of the golden capture."""
    capture = str(GOLDEN / "issue-1527" / "capture.pcapng")
    asked = ["tshark", "-r", capture, "-Y", display_filter, "-T", "fields", "-e", "frame.number"]
    return subprocess.run(asked, capture_output=True, text=True, check=True).stdout.split()
