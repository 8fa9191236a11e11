"""Log lines: every format says the same, and nothing a line holds raises."""

from __future__ import annotations

import random

import pytest

from inspector.witnesses.lines import MAX_LINE, ProxyLine, SquidLine, read

AT = 1_795_459_428_072_000_000

NATIVE = (
    b"1795459428.072    120 172.30.0.30 TCP_TUNNEL/200 3500 CONNECT api.example:443 -"
    b" HIER_DIRECT/203.0.113.20 -"
)
FIREWALL = (
    b"1795459428.072 172.30.0.30:52628 api.example:443 203.0.113.20:443 1.1 CONNECT 200"
    b' TCP_TUNNEL:HIER_DIRECT api.example:443 "-"'
)
AUDIT = (
    b'{"timestamp":"2026-11-23T18:43:48.072Z","event":"http_access","client":"172.30.0.30",'
    b'"host":"api.example:443","dest":"203.0.113.20:443","method":"CONNECT","status":200,'
    b'"decision":"TCP_TUNNEL","url":"api.example:443"}'
)
COMPLETE = (
    b'{"timestamp":"2026-11-23T18:43:48.072Z","event":"request_complete","request_id":"r1",'
    b'"method":"POST","path":"/v1/messages","status":200}'
)


@pytest.mark.parametrize("line", [NATIVE, FIREWALL, AUDIT])
def test_a_tunnel_reads_the_same_in_each_of_squids_formats(line: bytes) -> None:
    (found,) = read([line + b"\n"])
    assert isinstance(found, SquidLine)
    assert (found.at, found.ip, found.method) == (AT, "172.30.0.30", "CONNECT")
    assert (found.status, found.target) == (200, "api.example:443")
    assert found.decision.startswith("TCP_TUNNEL")


def test_only_the_firewalls_format_names_the_clients_port() -> None:
    ports = [line.port for line in read([NATIVE, FIREWALL, AUDIT]) if isinstance(line, SquidLine)]
    assert ports == [None, 52628, None]


def test_zero_is_no_status() -> None:
    lines = read([
        NATIVE.replace(b"/200", b"/000"),
        FIREWALL.replace(b" 200 ", b" 0 "),
        AUDIT.replace(b"200", b"0"),
    ])  # fmt: skip
    assert [line.status for line in lines if isinstance(line, SquidLine)] == [None, None, None]


def test_an_ipv6_client_loses_its_brackets() -> None:
    (line,) = read([FIREWALL.replace(b"172.30.0.30:", b"[fd00::30]:")])
    assert isinstance(line, SquidLine)
    assert (line.ip, line.port) == ("fd00::30", 52628)


def test_the_api_proxys_bare_lines_are_no_statements() -> None:
    lines = list(read([b"[API Proxy] listening on port 10004\n", b"\n", COMPLETE]))
    assert lines == [None, ProxyLine(3, AT, "request_complete", "r1", "POST", "/v1/messages", 200)]


def test_records_of_usage_and_of_guards_are_told_by_their_schema() -> None:
    """`token-usage.jsonl` and `blocked-request-diag.jsonl` stand beside the API proxy's log."""
    at = '"timestamp":"2026-11-23T18:43:48.072Z","request_id":"r1"'
    usage = f'{{"_schema":"token-usage/v0.28.23",{at},"model":"m","status":200,"output_tokens":7}}'
    blocked = (
        f'{{"_schema":"blocked-request-diag/v1",{at},"event":"blocked_request_diag",'
        '"path":"/v1/messages","guard_type":"max_runs_exceeded","content_preview":"LABONLY"}'
    )

    assert list(read([usage.encode(), blocked.encode()])) == [
        ProxyLine(1, AT, "token_usage", "r1", None, None, 200),
        ProxyLine(2, AT, "blocked_request_diag", "r1", None, "/v1/messages", None),
    ]


def test_a_key_preview_is_not_taken_over() -> None:
    line = COMPLETE[:-1] + b',"key_preview":"sk-ant-a...LABONLY","error":"sk-LABONLY"}'
    assert "LABONLY" not in repr(list(read([line])))


@pytest.mark.parametrize(
    "line",
    [
        b"{",
        b"[]",
        b"{}",
        b'{"timestamp":1e999,"event":"request_start"}',
        b'{"timestamp":"9999-99-99","event":"x"}',
        b'{"timestamp":"2026-11-23T18:43:48","event":"request_start"}',
        b'{"timestamp":"2026-11-23T18:43:48Z","event":"::error::no"}',
        b'{"timestamp":"2026-11-23T18:43:48Z","client":"a","decision":"\\u001b[31m","status":1}',
        b"{" * 100_000,
        b"\xff\xfe\x00" * 10,
        b"1" * (MAX_LINE + 1),
    ],
)
def test_a_hostile_line_is_none(line: bytes) -> None:
    assert list(read([line])) == [None]


def test_mutated_lines_never_raise() -> None:
    chance = random.Random("lines")
    for line in (NATIVE, FIREWALL, AUDIT, COMPLETE):
        for _ in range(500):
            spoilt = bytearray(line)
            for _ in range(chance.randrange(1, 4)):
                spoilt[chance.randrange(len(spoilt))] = chance.randrange(256)
            assert len(list(read([bytes(spoilt)]))) <= 1
