"""The shipped demo capture is what its generator writes, and tells its six stories."""

from __future__ import annotations

from pathlib import Path

import pytest

from inspector.inspection import Options, inspect_captures
from inspector.report.model import Report
from tools import make_demo_capture

DEMO = Path(__file__).parent.parent / "captures" / "demo"


@pytest.fixture(scope="module")
def report() -> Report:
    return inspect_captures([DEMO], Options())


def test_the_shipped_file_is_what_the_generator_writes(tmp_path: Path) -> None:
    written = tmp_path / "capture.pcapng"

    make_demo_capture.main(written)

    assert written.read_bytes() == (DEMO / "capture.pcapng").read_bytes()


def test_each_agent_call_has_its_answer(report: Report) -> None:
    told = [
        (exchange.server.port, exchange.request.target, exchange.response.status)
        for exchange in report.exchanges
        if exchange.request and exchange.response
    ]

    assert told == [
        (10000, "/health", 200),
        (10001, "/v1/messages?beta=true", 401),
        (10001, "/v1/messages", 200),
        (10001, "/v1/messages", 200),
        (10000, "/v1/responses", 403),
    ]


def test_one_stream_ends_as_it_should_and_one_is_cut(report: Report) -> None:
    streams = [
        exchange.response.stream
        for exchange in report.exchanges
        if exchange.response and exchange.response.stream
    ]

    assert [stream.terminated for stream in streams] == [True, False]
    assert [stream.truncated for stream in streams] == [False, True]


def test_tunnels_are_told_by_opener_and_outcome(report: Report) -> None:
    told = [
        (tunnel.client.ip, tunnel.authority, tunnel.connect_status, tunnel.proxy_error)
        for tunnel in report.tunnels
    ]

    assert told == [
        ("172.30.0.30", "api.anthropic.com:443", 200, None),
        ("172.30.0.30", "api.anthropic.com:443", 200, None),
        ("172.30.0.30", "api.anthropic.com:443", 200, None),
        ("172.30.0.30", "api.openai.com:443", 403, "ERR_ACCESS_DENIED 0"),
        ("172.30.0.20", "api.github.com:443", 200, None),
    ]


def test_knocking_at_a_closed_port_is_evidence_too(report: Report) -> None:
    refused = [each for each in report.connections if each.outcome == "refused"]

    assert [each.server.port for each in refused] == [10003] * 3
