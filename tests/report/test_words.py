from __future__ import annotations

from dataclasses import replace

import pytest

from inspector.model.credentials import Credential
from inspector.model.http import EventStream
from inspector.model.network import Endpoint, Process
from inspector.model.report import Report
from inspector.report.page import words
from inspector.report.page.view import shared_prefix


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (92_875, "92.9 kB"),
        (999_949, "999.9 kB"),
        (999_950, "1.0 MB"),
        (5_000_000_000_000, "5000.0 GB"),
    ],
)
def test_sizes_have_decimal_units(count: int, text: str) -> None:
    assert words.size(count) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0.0 s"), (186.3, "186.3 s"), (600, "10.0 min"), (36_000, "10.0 h")]
)
def test_long_times_are_told_in_larger_units(seconds: float, text: str) -> None:
    assert words.duration(int(seconds * 1e9)) == text


def test_a_list_tells_how_many_more_there_are() -> None:
    assert words.some(["a", "b", "c"]) == "a, b, c"
    assert words.some(["a", "b", "c", "d", "e"]) == "a, b, c +2"


@pytest.mark.parametrize(
    ("name", "width", "text"),
    [
        ("bridge.pcapng", 20, "bridge.pcapng"),
        ("runs/monday/first/capture.pcapng", 24, ".../first/capture.pcapng"),
        ("captures/issue-1527/capture.pcapng", 28, "issue-1527/capture.pcapng"),
        ("captures/h4-401-inside-tunnel/capture.pcapng", 28, ".../h4-401-inside-tunnel/"),
        ("captures/h4-401-inside-tunnel/capture.pcapng", 22, "h4-401-inside-tunnel/"),
        ("a-very-long-name-of-a-capture.pcapng", 20, "...-a-capture.pcapng"),
    ],
)
def test_a_path_keeps_its_end(name: str, width: int, text: str) -> None:
    assert words.file_name(name, width) == text


def test_an_address_of_the_bridge_is_its_last_part() -> None:
    prefix = shared_prefix(["172.30.0.0/24"])
    assert words.service(Endpoint("172.30.0.30", 10001), prefix) == ".30:10001"
    assert words.service(Endpoint("172.30.1.30", 10001), prefix) == "172.30.1.30:10001"
    assert words.service(Endpoint("fd00::30", 10001), prefix) == "[fd00::30]:10001"


@pytest.mark.parametrize(
    "subnets",
    [[], ["10.0.0.0/8"], ["fd00::/64"], ["nonsense"], ["172.30.0.0/24", "172.31.0.0/24"]],
)
def test_where_the_last_part_would_not_tell_hosts_apart_addresses_stay_whole(
    subnets: list[str],
) -> None:
    assert shared_prefix(subnets) is None


def test_a_credential_is_told_by_its_label_and_what_is_wrong_with_it() -> None:
    key = Credential("anthropic-api-key", "sk-ant-api03-", 108, "a1b2c3d4e5f6", None)
    assert words.credential(key) == "anthropic-api-key sk-ant-api03- 108 bytes a1b2c3d4e5f6"
    quoted = replace(key, anomalies=("quoted", "trailing-space"))
    assert words.credential(quoted).endswith(" (quoted, trailing-space)")
    empty = Credential("empty", None, 0, None, None, ("empty",))
    assert words.credential(empty) == "empty"


def test_a_stream_says_whether_it_came_to_its_end() -> None:
    stream = EventStream(6, {"message": 6}, None, None, None, False, None, 0, False)
    assert words.stream(stream) == "6 events, NO END"
    assert words.stream(replace(stream, terminated=True)) == "6 events, ended"
    broken = replace(stream, error="overloaded_error", malformed=2)
    assert words.stream(broken) == "6 events, error overloaded_error, 2 malformed, NO END"


def test_a_tunnel_tells_how_far_tls_came(report: Report) -> None:
    tls, _, refused, plain, _ = report.tunnels
    assert tls.tls is not None
    assert words.tls_outcome(tls) == "complete"
    assert words.tls_outcome(refused) == "ERR_ACCESS_DENIED"
    assert words.tls_outcome(plain) == "no, http/1.1"
    failed = replace(tls.tls, handshake="failed", alerts=("fatal unknown_ca (client)",))
    assert words.tls_outcome(replace(tls, tls=failed)) == "failed: fatal unknown_ca (client)"
    silent = replace(tls, tls=None, protocol="none")
    assert words.tls_outcome(silent) == "silence"
    assert words.tls_outcome(replace(silent, established=None)) == "-"
    assert words.connect_reply(replace(silent, connect_status=None)) == "no reply"
    assert words.connect_reply(replace(silent, connect_status=None, authority=None)) == "not seen"


@pytest.mark.parametrize(
    ("process", "shown"),
    [
        (Process(pid=1, comm="curl"), None),
        (Process(pid=1, comm="curl", container_id="0123456789abcdef" * 4), "0123456789ab"),
        (Process(pid=1, comm="curl", container="awf-agent", container_id="f" * 64), "awf-agent"),
    ],
)
def test_a_container_without_a_name_is_shown_by_its_short_id(
    process: Process, shown: str | None
) -> None:
    assert words.container(process) == shown


def test_many_statuses_are_told_by_the_most_frequent_ones() -> None:
    statuses = {str(400 + number): 1 for number in range(20)} | {"200": 7}

    assert words.answers(statuses, 3) == "7 got 200, 1 got 400, 19 got 19 other statuses"
    assert words.answers({"200": 7, "none": 1}, 2) == "7 got 200, 1 got no answer"
    assert words.answers(statuses).count(" got ") == 21
