"""The packets of one exchange alone: no others, masked as in a copy, in a file that says so."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Final

import pytest

from inspector.capture_files import inspect
from inspector.errors import InspectorError
from inspector.model.http import Exchange
from inspector.model.report import Report
from inspector.pcap.reader import open_captures
from inspector.pcap.writer import PcapngWriter
from inspector.redaction.extract import ConnectionRange, extract_into
from inspector.report.detail.gather import Details
from tests.diagnosis.matrix import GOLDEN
from tests.exchanges.network import Network, request, response, say

DIED: Final = GOLDEN / "issue-1527" / "capture.pcapng"
CUT: Final = GOLDEN / "h3-upstream-cut" / "capture.pcapng"


def _ranges(report: Report, identifier: str) -> list[ConnectionRange]:
    return [
        ConnectionRange(each.client, each.server, each.since_at, each.until_at)
        for each in Details(report).of(identifier).packet_ranges
    ]


def _extracted(source: Path, identifier: str, folder: Path) -> Path:
    target = folder / "alone.pcapng"
    with target.open("w+b") as out:
        extract_into(str(source), out, _ranges(inspect(source), identifier))
    return target


def _times(path: Path) -> list[int]:
    [reader] = open_captures([path])
    return [record[0] for batch in reader for record in batch.records]


def _said(exchange: Exchange) -> object:
    """What was said, without the numbers of packets and without fingerprints."""
    request, response = exchange.request, exchange.response
    assert request is not None
    return (
        [name for name, _ in request.headers],
        request.started_at,
        None if response is None else (response.status, response.ended_at, response.stream),
        exchange.ended_by,
    )


def test_the_exchange_is_the_same_in_its_packets_alone(tmp_path: Path) -> None:
    alone = inspect(_extracted(CUT, "e1", tmp_path))
    [exchange] = alone.exchanges
    assert _said(exchange) == _said(inspect(CUT).exchanges[0])
    assert [tunnel.authority for tunnel in alone.tunnels] == ["api.anthropic.com:443"]


def test_only_its_packets_are_there_and_their_times_stay(tmp_path: Path) -> None:
    report = inspect(DIED)
    connection = next(each for each in report.connections if each.id == "c3")
    times = _times(_extracted(DIED, "e1", tmp_path))
    assert len(times) == 10
    assert times[0] == connection.opened_at
    assert set(times) < set(_times(DIED))


def test_nobody_takes_what_was_left_out_for_absent(tmp_path: Path) -> None:
    held = inspect(_extracted(DIED, "e1", tmp_path)).completeness
    assert held.verdict == "unknown"
    assert held.capture_filter is not None
    assert "host 172.30.0.20 and host 172.30.0.30" in held.capture_filter


def test_it_is_a_redacted_copy_whose_audit_found_nothing(tmp_path: Path) -> None:
    target = tmp_path / "alone.pcapng"
    with target.open("w+b") as out:
        summary = extract_into(str(CUT), out, _ranges(inspect(CUT), "e1"))
    assert summary.audit is not None
    assert (summary.audit.told, summary.audit.finished) == ((), True)
    [capture] = inspect(target).captures
    assert capture.redacted is not None


def test_a_credential_of_another_connection_is_masked_in_these_packets_too(
    tmp_path: Path,
) -> None:
    key = "correct-horse-battery-labonly"
    net = Network()
    agent = request("GET /v1/models HTTP/1.1", f"User-Agent: {key}/1.0")
    say(net.to_api_proxy(), agent, response()).close()
    say(net.to_api_proxy(), request("GET /x HTTP/1.1", f"x-api-key: {key}"), response()).close()
    source = tmp_path / "both.pcapng"
    with source.open("wb") as out:
        writer = PcapngWriter(out)
        writer.interface()
        for packet in net.wire.packets:
            writer.packet(packet.at, packet.frame)
    data = _extracted(source, "e1", tmp_path).read_bytes()
    assert b"/v1/models" in data
    assert b"battery" not in data


def test_of_what_one_connection_carried_in_turn_one_exchange_is_taken(tmp_path: Path) -> None:
    source = GOLDEN / "keep-alive-50" / "capture.pcapng"
    alone = inspect(_extracted(source, "e3", tmp_path))
    [exchange] = alone.exchanges
    assert _said(exchange) == _said(inspect(source).exchanges[2])


def test_where_none_of_its_packets_is_that_is_an_error(tmp_path: Path) -> None:
    ranges = _ranges(inspect(DIED), "e1")
    with pytest.raises(InspectorError, match="no packet of these connections"):
        extract_into(str(CUT), io.BytesIO(), ranges)
