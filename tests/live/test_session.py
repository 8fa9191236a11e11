"""A live session reports what `analyze` says of the file it wrote."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from inspector import inspect
from inspector.exchanges.processes import SocketOwner
from inspector.live.files import Rotation
from inspector.live.session import Session
from inspector.model.live import HookCount, Live
from inspector.model.network import Process
from inspector.model.report import Report
from inspector.oddities import CLOCK_SET_BACK
from inspector.options import Options
from inspector.pcap.writer import PcapWriter
from inspector.redaction import LIVE, Redactor
from inspector.report.formats.whole import as_json, stable_part
from inspector.report.page.terminal import render
from inspector.wire import Batch
from lab.index import CAPTURES
from lab.pattern import deviations
from tests.live.offline import read
from tests.live.sources import FileSource, Filter

OPTIONS = Options(fingerprint_key=b"made up")
FOLDERS = sorted(path.parent for path in CAPTURES.glob("*/truth.json"))
DEMO = CAPTURES / "issue-1527"
ARP = b"\xff" * 6 + b"\x02" * 6 + b"\x08\x06"


def play(session: Session) -> Report:
    take_all(session)
    return session.report()


def take_all(session: Session) -> None:
    for source in session.sources:
        while session.take(source):
            pass


def capture_of(folder: Path) -> FileSource:
    return FileSource(folder / "capture.pcapng")


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_the_live_report_is_that_of_the_file_it_wrote(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "live.pcapng"

    report = play(Session(OPTIONS, [capture_of(folder)], path=path))

    assert report == read(path, options=OPTIONS)
    assert stable_part(report) == stable_part(inspect(folder / "capture.pcapng", options=OPTIONS))


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_no_key_is_in_the_file_and_the_report_is_of_the_packets_as_they_were(
    folder: Path, tmp_path: Path
) -> None:
    path = tmp_path / "live.pcapng"
    scrubber = Redactor(limits=LIVE)

    report = play(Session(OPTIONS, [capture_of(folder)], path=path, scrubber=scrubber))

    assert b"LABONLY" not in path.read_bytes()
    assert stable_part(report) == stable_part(inspect(folder / "capture.pcapng", options=OPTIONS))
    offline = read(path, options=OPTIONS)
    assert report.captures == offline.captures
    assert report.completeness == offline.completeness
    assert report.connections == offline.connections


def test_without_a_file_the_report_is_the_same_but_for_the_file(tmp_path: Path) -> None:
    written = play(Session(OPTIONS, [capture_of(DEMO)], path=tmp_path / "live.pcapng"))

    report = play(Session(OPTIONS, [capture_of(DEMO)]))

    assert [capture.format for capture in report.captures] == ["live"]
    assert report.captures[0].packets == written.captures[0].packets
    assert replace(report, captures=written.captures) == written


#: An hour forth and back, some seconds, and less than a connection takes.
JUMPS = (3_600_000_000_000, -3_600_000_000_000, 5_000_000_000, -5_000_000_000, -100_000_000)


@pytest.mark.parametrize("jump", JUMPS)
def test_a_clock_that_is_set_while_a_capture_runs_is_told_as_of_the_file(
    jump: int, tmp_path: Path
) -> None:
    path = tmp_path / "live.pcapng"
    source = capture_of(DEMO)
    half = len(source.waiting) // 2
    for number, batch in enumerate(source.waiting[half:], start=half):
        records = [(time + jump, at, size, wire) for time, at, size, wire in batch.records]
        source.waiting[number] = replace(batch, records=records)

    report = play(Session(OPTIONS, [source], path=path))

    assert report == read(path, options=OPTIONS)
    told = [odd.name for odd in report.oddities if odd.name == CLOCK_SET_BACK]
    assert len(told) == (jump < 0)
    assert len(report.exchanges) == len(play(Session(OPTIONS, [capture_of(DEMO)])).exchanges)


def test_interfaces_that_are_read_in_turn_set_no_clock_back(tmp_path: Path) -> None:
    path = tmp_path / "live.pcapng"
    second = FileSource(CAPTURES / "upstream-403" / "capture.pcapng", interface="other")

    report = play(Session(OPTIONS, [second, capture_of(DEMO)], path=path))

    assert [odd.name for odd in report.oddities] == [
        odd.name for odd in read(path, options=OPTIONS).oddities
    ]


def test_a_ring_of_files_is_one_capture_in_parts(tmp_path: Path) -> None:
    path = tmp_path / "live.pcapng"
    session = Session(OPTIONS, [capture_of(DEMO)], path=path, rotation=Rotation(8_000))

    report = play(session)

    assert session.files is not None
    paths = session.files.paths
    assert [each.name for each in paths[:2]] == ["live-00001.pcapng", "live-00002.pcapng"]
    assert len(paths) > 3
    assert all(each.stat().st_size < 8_300 for each in paths)
    assert report == read(*paths, options=OPTIONS)


def test_of_a_ring_with_a_count_the_oldest_files_are_gone(tmp_path: Path) -> None:
    path = tmp_path / "live.pcapng"
    rotation = Rotation(8_000, count=2)
    session = Session(OPTIONS, [capture_of(DEMO)], path=path, rotation=rotation)

    report = play(session)

    assert len(list(tmp_path.iterdir())) == 2
    assert session.files is not None
    assert session.files.removed == len(report.captures) - 2
    assert stable_part(report) == stable_part(inspect(DEMO / "capture.pcapng", options=OPTIONS))


def test_packets_dropped_by_the_kernel_stand_in_file_and_report(tmp_path: Path) -> None:
    path = tmp_path / "live.pcapng"

    report = play(Session(OPTIONS, [FileSource(DEMO / "capture.pcapng", dropped=5)], path=path))

    assert report.completeness.dropped_by_kernel == 5
    assert report.completeness.verdict == "incomplete"
    assert report == read(path, options=OPTIONS)


def test_several_interfaces_are_told_apart_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "live.pcapng"
    other = FileSource(CAPTURES / "healthy-json" / "capture.pcapng", interface="br-1")

    report = play(Session(OPTIONS, [capture_of(DEMO), other], path=path))

    (capture,) = report.captures
    assert [interface.name for interface in capture.interfaces] == ["fw-bridge", "br-1"]
    assert report == read(path, options=OPTIONS)


def test_a_filter_for_the_subnet_holds_nothing_back_that_the_report_is_about(
    tmp_path: Path,
) -> None:
    source = capture_of(DEMO)
    source.filter = Filter("net 172.30.0.0/24")

    report = play(Session(OPTIONS, [source], path=tmp_path / "live.pcapng"))

    assert report.completeness.capture_filter == "net 172.30.0.0/24"
    assert report.completeness.verdict == "complete"


class Told:
    """An attribution that knows the client of every connection, and one server."""

    def __init__(self, report: Report) -> None:
        process = Process(pid=42, comm="curl", exe="/usr/bin/curl", container="awf-agent")
        self.claims = [
            SocketOwner(
                connection.client, connection.server, "client", connection.opened_at, process
            )
            for connection in report.connections
        ]
        first = report.connections[0]
        self.late = SocketOwner(
            first.client, first.server, "server", first.opened_at, Process(pid=7, comm="squid")
        )
        self.asked = 0

    def fileno(self) -> int:
        raise AssertionError("nobody polls here")

    def read(self) -> list[SocketOwner]:
        self.asked += 1
        if self.asked == 3:
            return [self.late]
        claims, self.claims = self.claims, []
        return claims

    def finish(self) -> list[SocketOwner]:
        return []

    def probes(self, established: int) -> list[HookCount]:
        return [HookCount("inet_sock_set_state", hits=12)]

    def close(self) -> None:
        pass


def test_processes_are_in_the_report_and_come_back_from_the_file(tmp_path: Path) -> None:
    path = tmp_path / "live.pcapng"
    told = Told(inspect(DEMO))

    report = play(Session(OPTIONS, [capture_of(DEMO)], path=path, attribution=told))

    assert {c.client_process.comm for c in report.connections if c.client_process} == {"curl"}
    assert all(connection.client_process for connection in report.connections)
    server = report.connections[0].server_process
    assert server == Process(pid=7, comm="squid")
    assert all(client.process and client.process.pid == 42 for client in report.clients)
    assert report == read(path, options=OPTIONS)


def test_a_connection_that_came_and_went_within_a_reading_has_its_processes() -> None:
    """Measured with twenty calls at once: up to 29 of 80 ends were nobody's."""
    told = Told(inspect(DEMO))
    later, told.claims = told.claims, []

    class AtOnce(FileSource):
        """All packets in one reading; the kernel tells of their processes meanwhile."""

        def read(self) -> Sequence[Batch]:
            if (batches := super().read()) and later:
                told.claims = list(later)
                later.clear()
            return batches

    report = play(
        Session(OPTIONS, [AtOnce(DEMO / "capture.pcapng", at_once=10_000)], attribution=told)
    )

    assert all(connection.client_process for connection in report.connections)


def test_a_program_named_after_a_key_puts_no_key_into_report_or_file(tmp_path: Path) -> None:
    path = tmp_path / "live.pcapng"
    key = "sk-ant-api03-" + "LABONLY" * 13 + "xxAA"
    told = Told(inspect(DEMO))
    told.claims = [
        replace(claim, process=Process(pid=1, comm=key[:15], exe=f"/tmp/{key}"))
        for claim in told.claims
    ]

    report = play(Session(OPTIONS, [capture_of(DEMO)], path=path, attribution=told))

    assert key.encode() not in path.read_bytes()
    assert key.encode() not in as_json(report)
    assert b"/tmp/<anthropic-api-key" in as_json(report)


def test_a_claim_stands_on_the_first_packet_of_its_connection(tmp_path: Path) -> None:
    path = tmp_path / "live.pcapng"
    told = Told(inspect(DEMO))
    play(Session(OPTIONS, [capture_of(DEMO)], path=path, attribution=told))

    from inspector.pcap.reader import open_captures

    (reader,) = open_captures([path])
    commented = {
        batch.first_packet + at: [json.loads(text.partition(" ")[2])["end"] for text in texts]
        for batch in reader
        for at, texts in batch.comments.items()
    }
    firsts = {connection.packet for connection in inspect(DEMO).connections}
    assert {packet for packet, ends in commented.items() if "client" in ends} == firsts


def test_the_golden_report_holds_for_a_session(tmp_path: Path) -> None:
    pattern = json.loads((DEMO / "expected.json").read_text())

    report = play(Session(OPTIONS, [capture_of(DEMO)]))

    assert deviations(pattern, stable_part(report)) == []


def test_what_a_listener_raises_reaches_whoever_feeds_the_session() -> None:
    """The engine takes what is raised within for a fault of the connection."""

    def pipe_is_gone(fact: object) -> None:
        raise BrokenPipeError

    session = Session(OPTIONS, [capture_of(DEMO)], on_exchange=pipe_is_gone)
    with pytest.raises(BrokenPipeError):
        play(session)


def test_without_a_packet_the_verdict_is_unknown_and_stands_first() -> None:
    session = Session(OPTIONS, [])
    report = session.report(doubts=["no interface fw-brigde ever appeared (there are: lo)"])

    assert session.deaf
    assert report.completeness.verdict == "unknown"
    assert report.completeness.because == ("no interface fw-brigde ever appeared (there are: lo)",)
    assert report.topology.notes == ()
    page = render(report)
    assert page.splitlines()[0].endswith("capture UNKNOWN")
    assert "Nothing was captured: no interface fw-brigde ever appeared" in page.splitlines()[2]


def test_a_programs_silence_is_told_only_where_connections_were_established() -> None:
    class Silent(Told):
        def __init__(self) -> None:
            self.established: list[int] = []

        def read(self) -> list[SocketOwner]:
            return []

        def probes(self, established: int) -> list[HookCount]:
            self.established.append(established)
            return []

    live = Live("asked", "", None, "nothing written", "", (), (), ())
    for sources, expected in ([], 0), ([capture_of(DEMO)], 5):
        told = Silent()
        session = Session(OPTIONS, sources, attribution=told)
        take_all(session)
        session.report(live)
        assert told.established == [expected]


@pytest.mark.parametrize(("frame", "silent"), [(ARP, True), (ARP[:12] + b"\x08\x00", False)])
def test_an_interface_with_nothing_but_arp_is_said_with_the_likely_cause(
    tmp_path: Path, frame: bytes, silent: bool
) -> None:
    path = tmp_path / "x.pcap"
    with path.open("wb") as out:
        PcapWriter(out).packet(1, frame.ljust(60, b"\0"))
    source = FileSource(path)
    source.filter = Filter("net 10.77.0.0/24")
    session = Session(OPTIONS, [source])
    while session.take(source):
        pass
    live = session.report(Live("asked", "", None, "nothing written", "", (), (), ())).live

    assert live is not None
    (interface,) = live.interfaces
    assert (interface.note is not None and "the wrong network" in interface.note) is silent
