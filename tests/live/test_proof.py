"""A live capture's files are audited when it is over: what was learnt late is hidden, too."""

from __future__ import annotations

import os
import re
import signal
import threading
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from inspector import Options, inspect
from inspector.live import proof
from inspector.live.files import CaptureFiles, Rotation
from inspector.live.proof import LONGEST, audited
from inspector.live.session import Session
from inspector.live.signals import Signals
from inspector.model.report import Report
from inspector.pcap.reader import merged, open_captures
from inspector.pcap.writer import PcapngWriter
from inspector.redaction import LIVE, Redactor, promise
from inspector.report.formats.whole import stable_part
from tests.exchanges.network import Network, request, response, say
from tests.flows.build import MILLISECOND
from tests.live.sources import FileSource

#: Of words: what else an error says is not written, whoever knows it.
KEY = "the request could not be authenticated"
OPTIONS = Options(fingerprint_key=b"made up")
REFUSED = response(
    "401 Unauthorized",
    "Content-Type: application/json",
    body=b'{"error":{"message":"%s"}}' % KEY.encode(),
)
LEARNT = request("POST /v1/messages HTTP/1.1", f"X-Api-Key: {KEY}")


class Taken:
    """A live capture of a network's packets, into `path`; drained."""

    def __init__(self, net: Network, path: Path, rotation: Rotation | None = None) -> None:
        source = path.with_name("source.pcapng")
        with source.open("wb") as out:
            writer = PcapngWriter(out)
            writer.interface()
            for packet in net.wire.packets:
                writer.packet(packet.at, packet.frame)
        self.scrubber = Redactor(limits=LIVE)
        self.session = Session(
            OPTIONS,
            [FileSource(source, at_once=1)],
            path=path,
            rotation=rotation,
            scrubber=self.scrubber,
        )
        while self.session.take(self.session.sources[0]):
            pass
        self.session.drain()

    @property
    def files(self) -> CaptureFiles:
        assert self.session.files is not None
        return self.session.files

    def audited(self) -> str | None:
        return audited(self.files, self.scrubber.masker.vault)

    def report(self) -> Report:
        return self.session.report()


def windows(data: bytes) -> list[bytes]:
    """The pieces of the key, eight bytes long, that stand in some bytes."""
    key = KEY.encode()
    return [key[at : at + 8] for at in range(len(key) - 7) if key[at : at + 8] in data]


def unquoted(report: object) -> str:
    """A report, without what tells the label of a key from that of its mask."""
    return re.sub(r"<(?:unknown )?(\d+ bytes) [0-9a-f]{12}>", r"<\1>", repr(report))


def echoed_before() -> Network:
    """A key in an answer, before it is sent as one."""
    net = Network()
    say(net.to_api_proxy(), request(), REFUSED).close()
    say(net.to_api_proxy(), LEARNT, response()).close()
    return net


@pytest.mark.parametrize("made", [echoed_before])
def test_what_was_known_too_late_is_hidden_when_the_capture_is_over(
    made: object, tmp_path: Path
) -> None:
    assert callable(made)
    path = tmp_path / "live.pcapng"
    net = made()
    taken = Taken(net, path)
    assert windows(path.read_bytes())
    before = path.stat()
    said = taken.audited()
    assert said is not None
    assert said.startswith("the audit of the capture file blanked 1 place that held")
    assert windows(path.read_bytes()) == []
    after = path.stat()
    assert (after.st_ino, after.st_mode, after.st_uid, after.st_size) == (
        before.st_ino, before.st_mode, before.st_uid, before.st_size,
    )  # fmt: skip
    live, told = stable_part(taken.report()), stable_part(inspect(path, options=OPTIONS))
    assert live != told, "one has a label where the other has a mask"
    print(live)
    print(told)
    records = [(r[0], r[2]) for b in merged(open_captures([path])) for r in b.records]
    assert records == [(packet.at, len(packet.frame)) for packet in net.wire.packets]


def test_a_key_in_pieces_seconds_apart_leaves_none_of_them(tmp_path: Path) -> None:
    """Its halves come five seconds apart; packets are held for three."""
    net = Network()
    tcp = say(net.to_api_proxy(), LEARNT, response())
    answer = REFUSED
    half = answer.index(b"could")
    tcp.up(request()).ack(False).down(answer[:half]).ack(True)
    net.wire.now += 5_000 * MILLISECOND
    tcp.ack(True)
    tcp.down(answer[half:]).ack(True).close()
    path = tmp_path / "live.pcapng"
    Taken(net, path).audited()
    assert windows(path.read_bytes()) == []


def test_a_file_in_which_nothing_was_left_says_that_it_was_audited(tmp_path: Path) -> None:
    net = Network()
    say(net.to_api_proxy(), LEARNT, response()).close()
    path = tmp_path / "live.pcapng"
    taken = Taken(net, path)
    before = path.read_bytes()
    assert promise().encode() in before, "until then it says that it was not"
    assert taken.audited() is None
    after = path.read_bytes()
    said = b"; audited without its source, 0 places blanked. "
    assert b"Redacted by inspector" + said in after
    assert after.replace(said, b"") == before.replace(
        b". It was not audited.".ljust(len(said)), b""
    )


def test_the_files_of_a_ring_are_audited_as_the_one_capture_that_they_are(tmp_path: Path) -> None:
    net = Network()
    say(net.to_api_proxy(), request(), REFUSED).close()
    numbers = b"[" + 10_000 * b"1," + b"271828182]"
    long = net.to_api_proxy().up(request(body=numbers)[:20_000])
    say(net.to_api_proxy(), LEARNT, response()).close()
    body = request(body=numbers)
    long.up(body[20_000:]).ack(False).down(response()).ack(True).close()
    path = tmp_path / "live.pcapng"
    taken = Taken(net, path, Rotation(2_000))
    assert len(taken.files.paths) > 2
    assert taken.audited() is not None
    data = b"".join(kept.read_bytes() for kept in taken.files.paths)
    assert KEY.encode() not in data
    assert b",271828182]" in data, "a connection goes on from one file to the next"
    assert data.count(b"; audited without its source, 1 place blanked. ") == len(taken.files.paths)


def test_what_stands_in_the_files_place_by_now_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "live.pcapng"
    taken = Taken(echoed_before(), path)
    path.rename(tmp_path / "taken away")
    path.write_bytes(b"mine " + KEY.encode())
    said = taken.audited()
    assert said is not None
    assert "it is not the file that was written any more" in said
    assert path.read_bytes() == b"mine " + KEY.encode()


def test_a_link_in_its_place_is_not_followed(tmp_path: Path) -> None:
    path = tmp_path / "live.pcapng"
    taken = Taken(echoed_before(), path)
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    said = taken.audited()
    assert said is not None
    assert "was not audited to its end" in said


def test_what_is_no_file_is_not_audited(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reading = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        said = Taken(echoed_before(), pipe).audited()
    finally:
        os.close(reading)
    assert said is not None
    assert "(it is no file)" in said


def test_the_audit_has_a_longest_time(tmp_path: Path) -> None:
    path = tmp_path / "live.pcapng"
    taken = Taken(echoed_before(), path)
    times: Iterator[float] = (step * (LONGEST + 1) for step in count())
    said = audited(taken.files, taken.scrubber.masker.vault, clock=lambda: next(times))
    assert said is not None
    assert "(it would take over 120 s)" in said
    assert "run inspector redact on it before it is shared" in said
    assert b"Redacted by inspector; audited in part," in path.read_bytes()


def test_a_signal_ends_the_audit(tmp_path: Path) -> None:
    taken = Taken(echoed_before(), tmp_path / "live.pcapng")
    with Signals([signal.SIGUSR1]) as signals:
        # To this thread alone: others of these tests' process do not block it.
        signal.pthread_kill(threading.get_ident(), signal.SIGUSR1)
        said = audited(taken.files, taken.scrubber.masker.vault, signals)
    assert said is not None
    assert "(a signal ended the audit)" in said


def test_who_may_have_to_wait_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    taken = Taken(echoed_before(), tmp_path / "live.pcapng")
    audited(taken.files, taken.scrubber.masker.vault, tell=said.append)
    assert said == []
    monkeypatch.setattr(proof, "SHORT", 0)
    audited(taken.files, taken.scrubber.masker.vault, tell=said.append)
    assert said == ["auditing 0 MiB for credentials that were learnt late; Ctrl-C ends that"]
