"""A report as HAR: valid by the specification, in the order of time, nothing claimed."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from inspector import inspect
from inspector.model.ids import exchange_id
from inspector.model.report import Report, nothing_to_analyse
from inspector.options import Options
from inspector.report.formats.har import write_har
from tests.report.har_schema import SCHEMA

CAPTURES = Path(__file__).parent.parent.parent / "captures"
VALID = Draft202012Validator(SCHEMA)


def har_of(report: Report) -> dict[str, Any]:
    out = io.BytesIO()
    write_har(report, out)
    har: dict[str, Any] = json.loads(out.getvalue())
    assert [error.message for error in VALID.iter_errors(har)] == []
    return har


def entries_of(report: Report) -> dict[str, Any]:
    return {entry["_id"]: entry for entry in har_of(report)["log"]["entries"]}


@pytest.fixture(scope="module")
def opened() -> Report:
    """Calls that were read on both legs, the second inside TLS."""
    return inspect(CAPTURES / "h4-401-inside-tunnel", options=Options(finds_keys=True))


def test_the_example_with_all_that_a_report_can_hold_is_valid(report: Report) -> None:
    entries = entries_of(report)
    assert set(entries) == {*(e.id for e in report.exchanges), *(t.id for t in report.tunnels)}


@pytest.mark.parametrize(
    "name", ["squid-denied", "one-network", "websocket", "ipv6-bridge", "mid-stream-start"]
)
def test_archives_of_captures_are_valid(name: str) -> None:
    entries = har_of(inspect(CAPTURES / name))["log"]["entries"]
    assert entries
    assert [e["startedDateTime"] for e in entries] == sorted(e["startedDateTime"] for e in entries)


def test_a_report_of_nothing_is_an_archive_of_nothing() -> None:
    assert har_of(nothing_to_analyse("made for a test"))["log"]["entries"] == []


def test_both_legs_of_a_call_and_its_connect_are_entries_that_name_each_other(
    opened: Report,
) -> None:
    entries = entries_of(opened)
    agent, upstream, connect = entries["e1"], entries["e2"], entries["t1"]
    assert agent["request"]["url"] == "http://172.30.0.30:10001/v1/messages"
    assert upstream["request"]["url"] == "https://api.anthropic.com:443/v1/messages"
    assert (agent["_hop"], upstream["_hop"]) == ("agent-to-api-proxy", "inside-tunnel")
    assert upstream["_tunnel"] == connect["_tunnel"] == "t1"
    assert connect["request"]["method"] == "CONNECT"
    assert connect["response"]["status"] == 200
    assert agent["response"]["status"] == 401
    assert agent["_packets"] == {"request": 6, "response": 24}


def test_a_credential_is_its_label_as_in_the_report(opened: Report) -> None:
    headers = {h["name"]: h["value"] for h in entries_of(opened)["e2"]["request"]["headers"]}
    assert headers == dict(opened.exchanges[1].request.headers)  # type: ignore[union-attr]
    assert headers["x-api-key"].startswith("<anthropic-api-key sk-ant-api03- 108 bytes ")


def test_bodies_are_not_kept_and_no_post_data_is_null(opened: Report) -> None:
    for entry in entries_of(opened).values():
        assert "postData" not in entry["request"]
        assert "text" not in entry["response"]["content"]


def test_times_are_milliseconds_and_add_up(opened: Report) -> None:
    entry = entries_of(opened)["e2"]
    request, response = opened.exchanges[1].request, opened.exchanges[1].response
    assert request is not None
    assert request.ended_at is not None
    assert response is not None
    waited = (response.started_at - request.ended_at) / 1e6
    assert entry["timings"]["wait"] == pytest.approx(waited)
    parts = ("send", "wait", "receive")
    assert entry["time"] == pytest.approx(sum(entry["timings"][part] for part in parts))
    assert {entry["timings"][p] for p in ("blocked", "dns", "connect", "ssl")} == {-1}


def test_what_is_not_in_the_capture_is_minus_one_and_said(opened: Report) -> None:
    exchange = replace(opened.exchanges[0], timing=None)  # as in a report of an earlier version
    assert exchange.response is not None
    unanswered = replace(exchange, response=None, ended_by="reset-by-server")
    unasked = replace(exchange, id=exchange_id(2), request=None)
    open_end = replace(
        exchange,
        id=exchange_id(3),
        response=replace(exchange.response, ended_at=None, complete=False),
    )
    entries = entries_of(replace(opened, exchanges=(unanswered, unasked, open_end), tunnels=()))
    assert entries["e1"]["response"]["status"] == 0
    assert entries["e1"]["response"]["_error"] == "reset-by-server"
    assert entries["e1"]["timings"]["wait"] == entries["e1"]["timings"]["receive"] == -1
    assert entries["e2"]["request"]["method"] == "unknown"
    assert entries["e2"]["request"]["url"] == "http://172.30.0.30:10001/"
    assert entries["e2"]["timings"]["wait"] == -1
    assert entries["e3"]["timings"]["receive"] == -1
    assert "cut" in entries["e3"]["response"]["comment"]


@pytest.mark.parametrize(
    ("target", "host", "url"),
    [
        ("/v1/a?x=<36 bytes 0f>", "api.lab", "http://api.lab/v1/a?x=%3C36%20bytes%200f%3E"),
        ("http://api.lab:80/v1", None, "http://api.lab:80/v1"),
        ("*", "api.lab", "http://api.lab/*"),
        ("/", "<36 bytes 0f9e8d7c6b5a>", "http://172.30.0.30:10001/"),
        ("/", "user@evil.lab", "http://172.30.0.30:10001/"),
        ("/\u202e\x1b", "api.lab", "http://api.lab/%E2%80%AE%1B"),
    ],
)
def test_an_address_is_a_url_whatever_the_client_sent(
    target: str, host: str | None, url: str, opened: Report
) -> None:
    exchange = opened.exchanges[0]
    assert exchange.request is not None
    request = replace(exchange.request, target=target, host=host)
    entries = entries_of(replace(opened, exchanges=(replace(exchange, request=request),)))
    assert entries["e1"]["request"]["url"] == url


def test_a_target_of_a_million_parameters_costs_a_few(opened: Report) -> None:
    exchange = opened.exchanges[0]
    assert exchange.request is not None
    request = replace(exchange.request, target="/?" + "a=1&" * 1_000_000)
    entries = entries_of(replace(opened, exchanges=(replace(exchange, request=request),)))
    assert len(entries["e1"]["request"]["queryString"]) == 200


def test_packets_of_several_files_carry_their_file(opened: Report) -> None:
    several = replace(opened, captures=opened.captures * 2)
    assert entries_of(several)["e1"]["_packets"] == {"request": "1:6", "response": "1:24"}
