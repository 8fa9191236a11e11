"""A file whose capture was killed, or whose disk was full, is not taken for a complete capture."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from inspector import Options, inspect
from inspector.cli.main import main
from inspector.live.files import CaptureFiles, Described
from inspector.live.session import Session
from inspector.model.report import Report
from inspector.pcap.writer import PcapngWriter
from inspector.redaction import redact_into
from tests.diagnosis.calls import WELL
from tests.exchanges.network import Network, request, response, say
from tests.live.sources import Counters, FileSource

#: Writes what is on standard input as a live capture does, and waits to be killed.
WRITER = """
import sys
from pathlib import Path
from inspector.live.files import CaptureFiles, Described
from inspector.pcap.reader import open_captures
from tests.live.sources import Counters

files = CaptureFiles(Path(sys.argv[2]), lambda _: Counters(received=9, dropped=0))
files.add_interface(Described("fw-bridge", 1))
[reader] = open_captures([sys.argv[1]])
for batch in reader:
    files.write(batch, 0)
print("written", flush=True)
sys.stdin.read()
"""
#: The last block: its frame and fields, two counters of eight bytes, the end of options.
STATISTICS = 12 + 12 + 2 * (4 + 8) + 4
DOUBT = (
    "1 file has no end: its capture was killed, the disk was full, or another program rewrote it"
)


def conversation(folder: Path) -> Path:
    """A whole conversation, as another program captured it."""
    net = Network()
    answer = response("200 OK", "content-type: application/json", body=WELL)
    say(net.to_api_proxy(), request(), answer).close()
    path = folder / "source.pcapng"
    with path.open("wb") as out:
        writer = PcapngWriter(out)
        writer.interface()
        for packet in net.wire.packets:
            writer.packet(packet.at, packet.frame)
    return path


def live(source: Path, path: Path) -> Report:
    session = Session(Options(), [FileSource(source)], path=path)
    while session.take(session.sources[0]):
        pass
    return session.report()


def test_what_the_writer_left_when_it_was_killed_is_not_complete(tmp_path: Path) -> None:
    source, path = conversation(tmp_path), tmp_path / "live.pcapng"
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, source, path],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=Path(__file__).parents[2],
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert process.stdout.readline() == b"written\n"
        process.kill()
    report = inspect(path)
    assert [e.ended_by for e in report.exchanges] == ["complete"]
    assert report.captures[0].unended
    assert (report.completeness.verdict, report.completeness.because) == ("unknown", (DOUBT,))


def test_a_file_cut_between_two_packets_does_not_pass_a_gate(tmp_path: Path) -> None:
    path = tmp_path / "live.pcapng"
    assert live(conversation(tmp_path), path).completeness.verdict == "complete"
    passing = CliRunner().invoke(main, ["analyze", "--fail-on", "error", str(path)])
    assert passing.exit_code == 0, passing.output
    path.write_bytes(path.read_bytes()[:-STATISTICS])
    report = inspect(path)
    assert report.captures[0].cut is None
    assert report.completeness.because == (DOUBT,)
    assert CliRunner().invoke(main, ["analyze", "--fail-on", "error", str(path)]).exit_code == 5
    assert CliRunner().invoke(main, ["check", str(path)]).exit_code == 5


def test_a_full_disk_leaves_a_file_without_an_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Though statistics would have found room: they are smaller than a packet."""
    source, path = conversation(tmp_path), tmp_path / "live.pcapng"
    files = CaptureFiles(path, lambda _: Counters(received=9, dropped=0))
    files.add_interface(Described("fw-bridge", 1))
    real = os.write

    def full(descriptor: int, data: bytes) -> int:
        if len(data) > 300:
            raise OSError(28, "No space left on device")
        return real(descriptor, data)

    monkeypatch.setattr(os, "write", full)
    for batch in FileSource(source).read():
        files.write(batch, 0)
    files.close()
    assert files.failed is not None
    assert inspect(path).captures[0].unended


def test_other_programs_promise_no_end(tmp_path: Path) -> None:
    report = inspect(conversation(tmp_path))
    assert not report.captures[0].unended
    assert report.completeness.verdict == "complete"


@pytest.mark.parametrize("killed", [True, False])
def test_a_redacted_copy_has_an_end_if_its_original_has(killed: bool, tmp_path: Path) -> None:
    path, copy = tmp_path / "live.pcapng", tmp_path / "copy.pcapng"
    live(conversation(tmp_path), path)
    if killed:
        path.write_bytes(path.read_bytes()[:-STATISTICS])
    for source in (path, conversation(tmp_path)):
        with copy.open("w+b") as out:
            redact_into(source, out)
        assert inspect(copy).captures[0].unended == (killed and source is path)
