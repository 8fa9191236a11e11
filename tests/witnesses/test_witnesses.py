"""The logs beside real recordings of the lab, held against their packets."""

from __future__ import annotations

import gzip
import json
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from inspector import Report, inspect
from inspector.credentials import CredentialReader
from inspector.inspection import Options
from inspector.model.conclusions import Witnesses
from inspector.pcap.beside import LogError
from inspector.witnesses.lines import read
from inspector.witnesses.weigh import Scales
from tests.diagnosis.peeking import OPENED, TUNNELED, TUNNELED_500, line, with_log
from tests.exchanges.network import (
    API,
    API_PROXY,
    ESTABLISHED,
    FINGERPRINT_KEY,
    Network,
    connect,
    play,
    request,
    response,
    say,
    tls,
)
from tests.flows.build import Tcp
from tests.truth.real import RECORDINGS, needs_recordings

CAPTURES = Path(__file__).resolve().parents[2] / "captures"
FOLDERS = sorted(path.parent for path in CAPTURES.glob("*/access.log"))


def witnesses(report: Report) -> Witnesses:
    assert report.witnesses is not None
    return report.witnesses


@pytest.fixture
def spoilt(tmp_path: Path) -> Callable[..., Report]:
    """The report of a golden folder whose `access.log` was changed."""

    def report(name: str, change: Callable[[str], str], log: str = "access.log") -> Report:
        folder = tmp_path / name
        shutil.copytree(CAPTURES / name, folder)
        (folder / log).write_text(change((folder / log).read_text()))
        return inspect(folder)

    return report


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_logs_and_packets_of_one_run_agree(folder: Path) -> None:
    kinds = [item.kind for item in witnesses(inspect(folder)).disagreements]
    empty = ("tls-silence", "peek-connection-refused", "peek-name-denied", "tls-expected")
    assert kinds == (["empty-tunnel"] if folder.name in empty else [])


@needs_recordings
def test_logs_and_packets_of_the_real_stack_agree() -> None:
    folders = sorted(path.parent for path in RECORDINGS.glob("*/truth.json"))
    assert folders
    for folder in folders:
        assert witnesses(inspect(folder)).disagreements == (), folder.name


def test_each_line_is_joined_to_its_tunnel_or_exchange() -> None:
    report = inspect(CAPTURES / "healthy-json")
    joined = witnesses(report).joined
    assert [item.tunnel for item in joined if item.witness == "forward-proxy"] == [
        tunnel.id for tunnel in report.tunnels
    ]
    assert [item.exchange for item in joined if item.witness == "api-proxy"] == [
        exchange.id for exchange in report.exchanges
    ]


def test_a_200_in_the_log_whose_tunnel_carried_nothing_back_is_told() -> None:
    report = inspect(CAPTURES / "tls-silence")
    (item,) = witnesses(report).disagreements
    assert (item.kind, item.logged_status, item.evidence.tunnel) == ("empty-tunnel", 200, "t1")


def test_a_status_unlike_the_packets_is_told(spoilt: Callable[..., Report]) -> None:
    report = spoilt("healthy-json", lambda log: log.replace("CONNECT 200", "CONNECT 503", 1))
    (item,) = witnesses(report).disagreements
    assert item.kind == "status-differs"
    assert (item.logged_status, item.captured_status) == (503, 200)
    assert report.completeness.verdict == "complete"


def test_a_status_of_the_api_proxy_unlike_the_packets_is_told(
    spoilt: Callable[..., Report],
) -> None:
    report = spoilt(
        "healthy-json", lambda log: log.replace('"status":200', '"status":401'), "api-proxy.jsonl"
    )
    assert {item.kind for item in witnesses(report).disagreements} == {"status-differs"}
    assert {item.witness for item in witnesses(report).disagreements} == {"api-proxy"}


def test_a_logged_tunnel_without_packets_makes_the_capture_incomplete(
    spoilt: Callable[..., Report],
) -> None:
    def add_line(log: str) -> str:
        first, *_, last = log.splitlines()
        port = first.split()[1]
        return log + last.replace(last.split()[1], port.rpartition(":")[0] + ":1") + "\n"

    report = spoilt("healthy-json", add_line)
    (item,) = witnesses(report).disagreements
    assert (item.kind, item.line) == ("not-captured", 6)
    assert report.completeness.verdict == "incomplete"
    assert report.completeness.because == ("1 calls or tunnels in the logs have no packets",)


def test_a_logged_call_without_packets_makes_the_capture_incomplete(
    spoilt: Callable[..., Report],
) -> None:
    def add_call(log: str) -> str:
        line = next(line for line in reversed(log.splitlines()) if "request_complete" in line)
        return log + line.replace('"request_id":"', '"request_id":"other-').replace(
            '"path":"', '"path":"/other'
        )

    report = spoilt("healthy-json", add_call, "api-proxy.jsonl")
    assert [item.kind for item in witnesses(report).disagreements] == ["not-captured"]
    assert report.completeness.verdict == "incomplete"


def test_logs_of_another_run_do_not_accuse_the_capture() -> None:
    folder = CAPTURES / "healthy-json"
    report = inspect(
        folder / "capture.pcapng",
        options=Options(logs=(CAPTURES / "healthy-sse" / "access.log",)),
    )
    assert report.completeness.verdict == "complete"
    assert witnesses(report).disagreements == ()
    assert "logs of another run?" in witnesses(report).notes[0]


def test_no_log_no_witness() -> None:
    assert inspect(CAPTURES / "healthy-json" / "capture.pcapng").witnesses is None


def test_a_tunnel_without_a_line_is_no_disagreement(spoilt: Callable[..., Report]) -> None:
    """Squid writes its line when the tunnel closes: no line proves nothing."""
    report = spoilt("healthy-json", lambda log: "".join(log.splitlines(keepends=True)[:2]))
    assert witnesses(report).disagreements == ()


def test_a_named_log_may_be_gzip_and_lie_beside_the_capture_too(tmp_path: Path) -> None:
    folder = CAPTURES / "healthy-json"
    packed = tmp_path / "access.log.gz"
    packed.write_bytes(gzip.compress((folder / "access.log").read_bytes()))
    alone = inspect(folder / "capture.pcapng", options=Options(logs=(packed,)))
    twice = inspect(folder, options=Options(logs=(folder / "access.log",)))
    assert witnesses(alone).squid_lines == witnesses(twice).squid_lines == 5


def test_a_log_of_no_known_format_is_said_to_be_one(tmp_path: Path) -> None:
    log = tmp_path / "other.log"
    log.write_text("hello\n")
    report = inspect(CAPTURES / "healthy-json" / "capture.pcapng", options=Options(logs=(log,)))
    assert witnesses(report).notes == ("other.log: no line of a known format",)


def test_a_named_log_that_is_not_there_is_an_error_of_usage(tmp_path: Path) -> None:
    with pytest.raises(LogError, match="cannot be read"):
        inspect(
            CAPTURES / "healthy-json" / "capture.pcapng",
            options=Options(logs=(tmp_path / "absent.log",)),
        )


def test_disagreements_are_findings_with_the_tunnel_as_evidence(
    spoilt: Callable[..., Report],
) -> None:
    report = spoilt("healthy-json", lambda log: log.replace("CONNECT 200", "CONNECT 503", 1))
    (finding,) = [item for item in report.findings if item.code.startswith("log-")]
    assert (finding.code, finding.severity, finding.count) == ("log-status-differs", "warning", 1)
    assert finding.evidence[0].tunnel == "t1"


def test_an_empty_tunnel_logged_as_200_is_a_note_beside_its_cause() -> None:
    report = inspect(CAPTURES / "tls-silence")
    assert {item.code: item.severity for item in report.findings}["log-tunnel-empty"] == "note"


# -- what the report shows as labels -----------------------------------------------------


def test_a_line_finds_its_call_by_an_id_that_the_report_shows_as_a_label(
    spoilt: Callable[..., Report],
) -> None:
    def elsewhere(log: str) -> str:
        return log.replace('"path":"', '"path":"/elsewhere')

    report = spoilt("healthy-json", elsewhere, "api-proxy.jsonl")
    assert witnesses(report).disagreements == ()
    assert [item.witness for item in witnesses(report).joined].count("api-proxy") > 1


def test_a_line_finds_its_call_by_a_path_that_the_report_shows_in_part() -> None:
    net = Network()
    path = "/v1/files/file-qwertyuiop1234"
    net.to_api_proxy().up(request(f"GET {path} HTTP/1.1")).down(response()).close()
    report = net.report()
    (call,) = report.exchanges
    assert call.request is not None
    assert path not in call.request.target
    line = {
        "ts": call.request.started_at / 1e9, "event": "request_complete", "request_id": "r1",
        "method": "GET", "path": path, "status": 200,
    }  # fmt: skip
    credentials = CredentialReader(FINGERPRINT_KEY)
    scales = Scales((0, 1 << 62), credentials.target, credentials.label)
    scales.packets(report.exchanges, report.tunnels, report.connections)
    scales.log("api-proxy.jsonl", read([json.dumps(line).encode()]))
    assert [item.exchange for item in scales.verdict().joined] == [call.id]


# -- a Squid that peeks: two lines, one tunnel -------------------------------------------


def _twin(at: int, status: int, decision: str, url: str = API) -> bytes:
    """A line of the JSON twin, which has no port."""
    stamp = datetime.fromtimestamp(at / 1e9, UTC).isoformat()
    fields = {"_schema": "audit/v0.28.23", "timestamp": stamp, "event": "http_access"}
    fields |= {"client": API_PROXY, "host": url, "method": "CONNECT", "url": url}
    return json.dumps(fields | {"status": status, "decision": decision}).encode()


def _tunnel() -> tuple[Network, Tcp]:
    net = Network()
    return net, play(say(net.to_squid(), connect(), ESTABLISHED), tls()).close()


def test_of_two_lines_about_one_tunnel_neither_disagrees_with_the_packets() -> None:
    net, tunnel = _tunnel()

    told = witnesses(with_log(net, line(tunnel, OPENED), line(tunnel, TUNNELED_500)))

    assert told.disagreements == ()
    assert [item.tunnel for item in told.joined] == ["t1", "t1"]


def test_a_second_line_without_the_first_disagrees() -> None:
    net, tunnel = _tunnel()

    (item,) = witnesses(with_log(net, line(tunnel, TUNNELED_500))).disagreements

    assert item.kind == "status-differs"


def test_an_end_without_a_request_is_a_line_of_squids_and_says_nothing() -> None:
    net, tunnel = _tunnel()
    ended = line(tunnel, "-:- 0.0 - 0 NONE_NONE:HIER_NONE", "error:transaction-end-before-headers")

    told = witnesses(with_log(net, line(tunnel, TUNNELED), ended))

    assert (told.squid_lines, told.unread_lines, told.disagreements) == (2, 0, ())


def test_the_json_twin_has_two_lines_as_well() -> None:
    net, _ = _tunnel()
    begin, end = net.wire.packets[0].at, net.wire.now

    told = witnesses(with_log(net, _twin(begin, 200, "NONE_NONE"), _twin(end, 500, "TCP_TUNNEL")))

    assert told.disagreements == ()
    assert [item.tunnel for item in told.joined] == ["t1", "t1"]


def test_a_host_that_the_log_must_not_name_is_joined_by_time_and_never_missed() -> None:
    net, _ = _tunnel()
    begin, end = net.wire.packets[0].at, net.wire.now

    told = witnesses(with_log(net, _twin(end, 200, "TCP_TUNNEL", "[REDACTED]")))
    assert [item.tunnel for item in told.joined] == ["t1"]

    net.wire.now = end + 60_000_000_000
    say(net.to_api_proxy(client=API_PROXY), request(), response()).close()
    late = _twin((begin + net.wire.now) // 2, 200, "TCP_TUNNEL", "[REDACTED]")
    assert witnesses(with_log(net, late)).disagreements == ()
