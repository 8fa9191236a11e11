"""What could not be read inside TLS is told as missing, in its size where that is known."""

from __future__ import annotations

import random
import tracemalloc
from collections.abc import Sequence
from pathlib import Path

import pytest

from inspector import Options, Report, inspect
from inspector.decryption.keystore import Keystore
from inspector.decryption.records import LostRecords, RecordReader, SealedRecord
from inspector.decryption.session import TlsSession
from inspector.decryption.side import LOST
from inspector.wire import Segment
from tests.canary.wire import OPENED, Description, Lost, capture
from tests.canary.wire import Talk as Packets
from tests.decryption.made import CCS, DATA, HANDSHAKE, Sealer, Talk, log, message, record
from tests.decryption.test_session import LABELS, contexts, holes, read, said, store, told
from tests.protocols.tls_memory import converse


def keys_of(talk: Talk, *labels: str) -> list[bytes]:
    return log(talk.suite, *(labels or LABELS))


def opened(talk: Talk, *labels: str) -> TlsSession:
    return TlsSession(store(keys_of(talk, *labels)))


# -- records -----------------------------------------------------------------------------


def test_a_record_that_is_not_whole_yet_is_told_from_one_that_is() -> None:
    reader = RecordReader()
    data = record(DATA, bytes(20))
    for at in range(len(data)):
        reader.receive([(0, 1, data[at : at + 1])])
        assert reader.is_whole is (at == len(data) - 1)
    reader.receive([(0, 1, data[:10])])
    reader.gap(5, 0, 1)
    assert not reader.is_whole
    reader.receive([(0, 1, data[15:])])
    assert reader.is_whole


def test_a_gap_that_reaches_behind_a_spoilt_record_counts_its_bytes_once() -> None:
    first, second, third = (record(DATA, bytes((65 + n,)) * 95) for n in range(3))
    reader = RecordReader()
    reader.receive([(0, 1, first[:40])])
    pieces = reader.gap(20, 0, 2)
    assert pieces == [LostRecords(100, DATA, 0, 2)]
    pieces = reader.gap(40 + len(second), 0, 3) + reader.receive([(0, 4, third)])
    assert pieces[0] == LostRecords(len(second), None, 0, 4)
    assert isinstance(pieces[1], SealedRecord)


def test_what_was_held_of_a_record_is_among_the_bytes_that_were_lost_with_it() -> None:
    reader = RecordReader()
    reader.receive([(0, 1, record(DATA, bytes(95))[:40])])
    reader.lose(60)
    assert reader.receive([(0, 2, record(DATA, b"x"))])[0] == LostRecords(100, None, 0, 2)


# -- a session ---------------------------------------------------------------------------


def test_a_record_that_is_cut_by_the_end_makes_it_partial() -> None:
    talk = Talk().tell(True, b"ask").tell(False, b"answer")
    talk.say(False, talk.keys[False].seal(DATA, b"more of it")[:-4])
    up, down, session = read(talk.flights, store(keys_of(talk)))
    assert (up, down, session.state) == (b"ask", b"answer", "partial")


def test_where_the_reading_ends_a_hole_of_unknown_size_is_told_once() -> None:
    talk = Talk().tell(True, b"ask").tell(False, b"answer")
    for number in range(3):
        talk.say(False, record(DATA, bytes((number,)) * 60))
    session = opened(talk)
    found = told(talk.flights, session)
    assert holes(found) == [(False, LOST)]
    assert (said(found, False), session.state) == (b"answer", "partial")


def test_records_that_are_lost_at_the_end_are_a_hole() -> None:
    talk = Talk().tell(True, b"ask").tell(False, b"answer")
    session = opened(talk)
    found = told(talk.flights[:-1], session)
    found += session.gap(False, 500, 0, 1) + session.end(False, 0, 1)
    assert holes(found) == [(False, LOST)]


@pytest.mark.parametrize("missing", [0, 2])
def test_bytes_lost_about_the_end_of_a_handshake_are_no_measure(missing: int) -> None:
    """Which of them were the handshake's, and which application data, nobody knows."""
    talk = Talk()
    whole = b"".join(data for up, data in talk.flights if not up)
    parts = [talk.keys[False].seal(DATA, bytes((65 + n,)) * 50) for n in range(4)]
    session = opened(talk)
    session.receive(True, [(0, 1, talk.flights[0][1])])
    found = session.receive(False, [(0, 2, whole[:-60])])
    found += session.gap(False, 60 + sum(map(len, parts[:missing])), 0, 3)
    for part in parts[missing:]:
        found += session.receive(False, [(0, 4, part)])
    assert said(found, False) == b"".join(bytes((65 + n,)) * 50 for n in range(missing, 4))
    assert holes(found) == ([(False, LOST)] if missing else [])


def test_without_secrets_of_the_handshake_lost_traffic_is_found_again() -> None:
    talk = Talk()
    session = opened(talk, *LABELS[3:])
    for up, data in talk.flights:
        session.receive(up, [(0, 1, data)])
    parts = [talk.keys[False].seal(DATA, bytes((65 + n,)) * 50) for n in range(4)]
    found = session.receive(False, [(0, 2, parts[0][:20])])
    found += session.gap(False, len(parts[0]) - 20, 0, 3)
    for part in parts[1:]:
        found += session.receive(False, [(0, 4, part)])
    assert said(found, False) == b"B" * 50 + b"C" * 50 + b"D" * 50
    assert holes(found) == [(False, LOST)]


def test_a_lost_handshake_message_of_tls_1_2_is_no_application_data(tmp_path: Path) -> None:
    keylog = tmp_path / "keys.log"
    made = converse(*contexts("AES-128-GCM", keylog), requests=2)
    session = TlsSession(store(keylog.read_bytes().splitlines()))
    found = []
    for up, data in made.flights:
        finished = data.rfind(record(CCS, b"\x01")) + 6
        if not up and finished > 5:
            found += session.receive(up, [(0, 1, data[: finished + 8])])
            found += session.gap(up, len(data) - finished - 8, 0, 1)
        else:
            found += session.receive(up, [(0, 1, data)])
    assert holes(found) == []
    assert said(found, False) == 2000 * b"a"


def test_a_lost_change_of_cipher_is_no_record_of_its_key() -> None:
    talk = Talk()
    session = opened(talk)
    for up, data in talk.flights:
        session.receive(up, [(0, 1, data)])
    found = session.receive(False, [(0, 2, record(CCS, b"\x01")[:5])]) + session.gap(False, 1, 0, 2)
    found += session.receive(False, [(0, 3, talk.keys[False].seal(DATA, b"answer"))])
    assert (said(found, False), holes(found)) == (b"answer", [])


# -- early data --------------------------------------------------------------------------


def test_early_data_whose_secret_the_log_lacks_is_missing_if_it_counts() -> None:
    for takes in (True, False):
        talk = Talk(early=b"early", takes=takes).tell(True, b"late").tell(False, b"answer")
        keys = store(keys_of(talk, *LABELS[1:]))
        up, _, session = read(talk.flights, keys, missing=[True] if takes else [])
        assert up == b"late"
        assert session.state == ("partial" if takes else "decrypted")


def test_early_data_that_the_server_was_not_heard_to_take_is_missing() -> None:
    talk = Talk(early=b"early").tell(True, b"late").tell(False, b"answer")
    keys = store(keys_of(talk, LABELS[0], LABELS[1], *LABELS[3:]))
    up, down, session = read(talk.flights, keys, missing=[True])
    assert (up, down, session.state) == (b"late", b"answer", "partial")


def test_early_data_is_read_behind_some_that_was_lost() -> None:
    early = [b"one ", b"two ", b"three "]
    sealer = Sealer(0x1301, LABELS[0])
    sealed = [sealer.seal(DATA, part) for part in early]
    talk = Talk(early=early[0])
    session = opened(talk)
    found = session.receive(True, [(0, 1, talk.flights[0][1] + sealed[0])])
    found += session.gap(True, len(sealed[1]), 0, 2)
    found += session.receive(True, [(0, 3, sealed[2])])
    for up, data in talk.flights[2:4]:
        found += session.receive(up, [(0, 4, data)])
    assert said(found, True) == b"one three "
    assert holes(found) == [(True, len(early[1]))]


def peak_of(session: TlsSession, flights: Sequence[tuple[bool, bytes]]) -> int:
    """The most memory that was held, above what the bytes fed take themselves."""
    tracemalloc.start()
    try:
        for up, data in flights:
            for at in range(0, len(data), 1400):
                session.receive(up, [(0, 1, data[at : at + 1400])])
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


#: Less than a limit of 16 KiB and a segment of empty records take, and what a session is.
BOUND = 160 << 10


def test_empty_records_that_wait_for_the_keys_cost_what_they_take(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("inspector.decryption.session.WAITING_LIMIT", 16 << 10)
    talk = Talk()
    flights = [talk.flights[0], (True, 4000 * record(DATA, b""))]
    assert peak_of(opened(talk), flights) < BOUND


def test_empty_records_that_wait_for_secrets_to_come_cost_what_they_take(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("inspector.decryption.session.SECRETS_LIMIT", 16 << 10)
    talk = Talk()
    session = TlsSession(Keystore(expects=True))
    assert peak_of(session, [talk.flights[0], (True, 4000 * record(DATA, b""))]) < BOUND


def test_small_records_of_early_data_that_wait_cost_what_they_take(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("inspector.decryption.side._EARLY_LIMIT", 16 << 10)
    talk = Talk(early=b"x")
    sealer = Sealer(talk.suite, LABELS[0])
    many = b"".join(sealer.seal(DATA, b"x") for _ in range(4000))
    session = opened(talk, LABELS[0], LABELS[1], *LABELS[3:])
    hello, server = talk.flights[0][1], talk.flights[2][1]
    assert peak_of(session, [(True, hello), (False, server), (True, many)]) < BOUND
    assert session.state == "partial"


def test_early_data_that_was_taken_does_not_count_as_waiting() -> None:
    talk = Talk(early=b"")
    sealer = Sealer(talk.suite, LABELS[0])
    session = opened(talk)
    parts = [bytes((65 + n % 26,)) * 16_000 for n in range(80)]
    flights = [talk.flights[0], *talk.flights[2:4]]
    flights += [(True, sealer.seal(DATA, part)) for part in parts]
    found = [item for up, data in flights for item in session.receive(up, [(0, 1, data)])]
    assert said(found, True) == b"".join(parts)


# -- why not -----------------------------------------------------------------------------


def test_it_is_said_why_a_session_with_secrets_was_not_read() -> None:
    talk = Talk().tell(True, b"ask")
    assert read(talk.flights[:1], store(keys_of(talk)))[2].lack == "server-hello"

    def answered(cipher: bytes, version: bytes, lines: list[bytes]) -> tuple[str, str | None]:
        extension = b"\x00\x2b\x00\x02" + version
        body = b"\x03\x03" + bytes(32) + b"\0" + cipher + b"\0\0\x06" + extension
        hello = record(HANDSHAKE, message(2, body))
        session = read([talk.flights[0], (False, hello)], store(lines))[2]
        return session.state, session.lack

    lines = keys_of(talk)
    assert answered(b"\xc0\x07", b"\x03\x03", lines) == ("failed", "suite")  # RC4
    assert answered(b"\xc0\x2f", b"\x03\x04", lines) == ("failed", "suite")
    assert answered(b"\xc0\x2f", b"\x03\x02", lines) == ("failed", "version")
    assert answered(b"\xc0\x2f", b"\x03\x03", lines) == ("failed", "master")
    assert answered(b"\x13\x01", b"\x03\x04", lines) == ("failed", "fit")


# -- what HTTP makes of it ---------------------------------------------------------------

ASK = b"POST /v1/messages HTTP/1.1\r\nHost: api.lab.test\r\nContent-Length: 2\r\n\r\n{}"
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 40\r\n\r\n"


def reported(talk: Talk, path: Path, keylog: list[bytes], lost: Sequence[int] = ()) -> Report:
    """The report of a tunnel with this conversation; `lost`: flights that were not captured."""
    packets = Packets(server=("172.30.0.10", 3128), client="172.30.0.30")
    packets.up(b"CONNECT api.lab.test:443 HTTP/1.1\r\nHost: api.lab.test:443\r\n\r\n").down(OPENED)
    for number, (up, data) in enumerate(talk.flights):
        packets.said.append((up, Lost(data) if number in lost else data))
    (path / "capture.pcapng").write_bytes(capture([packets], Description()))
    (path / "keys.log").write_bytes(b"\n".join(keylog))
    return inspect(path / "capture.pcapng", options=Options(key_logs=(path / "keys.log",)))


def test_an_answer_that_could_not_be_opened_to_its_end_ends_in_a_gap(tmp_path: Path) -> None:
    talk = Talk().tell(True, ASK).tell(False, HEAD + b"{").say(False, record(DATA, bytes(60)))
    report = reported(talk, tmp_path, keys_of(talk))
    [exchange] = [one for one in report.exchanges if one.decrypted]
    assert exchange.ended_by == "gap"
    [tunnel] = report.tunnels
    assert tunnel.decryption is not None
    assert tunnel.decryption.state == "partial"


def test_an_answer_whose_last_records_were_not_captured_ends_in_a_gap(tmp_path: Path) -> None:
    talk = Talk().tell(True, ASK).tell(False, HEAD + b"{").tell(False, 39 * b" ")
    report = reported(talk, tmp_path, keys_of(talk), lost=[len(talk.flights) - 1])
    [exchange] = [one for one in report.exchanges if one.decrypted]
    assert exchange.ended_by == "gap"


def test_of_a_session_that_could_not_be_opened_nothing_is_said_of_what_was_inside(
    tmp_path: Path,
) -> None:
    talk = Talk().tell(True, ASK).tell(False, HEAD)
    wrong = [line[:-8] + b"00000000" for line in keys_of(talk)]
    report = reported(talk, tmp_path, wrong)
    [tunnel] = report.tunnels
    assert tunnel.decryption is not None
    assert (tunnel.decryption.state, tunnel.decryption.protocol) == ("failed", "none")
    assert not [one for one in report.exchanges if one.decrypted]
    assert tunnel.decryption.because == (
        "no record could be opened with the secrets that the key log has"
    )


@pytest.mark.parametrize("seed", range(40))
def test_segments_together_are_the_same_as_one_by_one(seed: int) -> None:
    """Of records, what is none among them, and how it was cut."""
    rng = random.Random(seed)
    parts = [
        record(DATA, rng.randbytes(rng.choice([0, 1, 40, 300]))) if rng.random() < 0.8
        else rng.randbytes(rng.randrange(1, 60))
        for _ in range(20)
    ]  # fmt: skip
    data = b"".join(parts)
    segments: list[Segment] = []
    at = 0
    while at < len(data):
        size = rng.choice([1, 2, 5, 7, 80, 500])
        segments.append((1000 + at, len(segments) + 1, data[at : at + size]))
        at += size
    together, alone = RecordReader(), RecordReader()
    first, one_by_one = [], []
    while segments:
        count = rng.randrange(1, 9)
        first += together.receive(segments[:count])
        for segment in segments[:count]:
            one_by_one += alone.receive([segment])
        if rng.random() < 0.3:
            gap = rng.choice([1, 30, 400])
            first += together.gap(gap, 5, 6)
            one_by_one += alone.gap(gap, 5, 6)
        assert (together.is_lost, together.is_whole) == (alone.is_lost, alone.is_whole)
        del segments[:count]
    assert first == one_by_one
