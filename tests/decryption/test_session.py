"""TLS of every kind is read with its keys, and without them nothing is guessed."""

from __future__ import annotations

import random
import ssl
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

import pytest

from inspector.decryption.keystore import Keystore
from inspector.decryption.records import RecordReader, SealedRecord
from inspector.decryption.session import Hole, Plain, TlsSession
from inspector.decryption.side import LOST
from inspector.protocols.tls_hello import parse_server_hello
from tests.decryption.made import ALERT, HANDSHAKE, SUITES, Sealer, Talk, log, message, record
from tests.protocols.tls_memory import client_context, converse, server_context

LABELS: Final = (
    "CLIENT_EARLY_TRAFFIC_SECRET",
    "CLIENT_HANDSHAKE_TRAFFIC_SECRET",
    "SERVER_HANDSHAKE_TRAFFIC_SECRET",
    "CLIENT_TRAFFIC_SECRET_0",
    "SERVER_TRAFFIC_SECRET_0",
)
Flights = Iterable[tuple[bool, bytes]]


def store(lines: Iterable[bytes]) -> Keystore:
    keys = Keystore()
    keys.read(lines, "keylog")
    return keys


def told(flights: Flights, session: TlsSession, size: int = 1 << 20) -> list[Plain | Hole]:
    """All that is told of a conversation to its end, in pieces of this size."""
    found: list[Plain | Hole] = []
    packet = 0
    for up, data in flights:
        for at in range(0, len(data), size):
            packet += 1
            for item in session.receive(up, [(packet * 10**9, packet, data[at : at + size])]):
                found.append(item)
                # Early data was said before it counted.
                assert (item.segment[1] if isinstance(item, Plain) else item.packet) <= packet
    for up in (True, False):
        found += session.end(up, packet * 10**9, packet)
    return found


def said(items: Iterable[Plain | Hole], up: bool) -> bytes:
    return b"".join(item.segment[2] for item in items if isinstance(item, Plain) and item.up is up)


def holes(items: Iterable[Plain | Hole]) -> list[tuple[bool, int]]:
    """The directions and sizes of what is missing."""
    return [(item.up, item.size) for item in items if isinstance(item, Hole)]


def read(
    flights: Flights, keys: Keystore, size: int = 1 << 20, *, missing: Sequence[bool] = ()
) -> tuple[bytes, bytes, TlsSession]:
    """What both directions said (up, down); in which of them there is a hole of unknown size."""
    session = TlsSession(keys)
    found = told(flights, session, size)
    assert holes(found) == [(up, LOST) for up in missing]
    return said(found, True), said(found, False), session


# -- real conversations ------------------------------------------------------------------

#: `SSL_OP_NO_ENCRYPT_THEN_MAC` of OpenSSL, which Python does not name.
MAC_FIRST: Final = 1 << 19
REAL: Final[dict[str, tuple[ssl.TLSVersion, str | None]]] = {
    "TLS 1.3": (ssl.TLSVersion.TLSv1_3, None),
    "AES-128-GCM": (ssl.TLSVersion.TLSv1_2, "ECDHE-ECDSA-AES128-GCM-SHA256"),
    "AES-256-GCM": (ssl.TLSVersion.TLSv1_2, "ECDHE-ECDSA-AES256-GCM-SHA384"),
    "ChaCha20": (ssl.TLSVersion.TLSv1_2, "ECDHE-ECDSA-CHACHA20-POLY1305"),
    "CCM": (ssl.TLSVersion.TLSv1_2, "ECDHE-ECDSA-AES128-CCM"),
    "CCM-8": (ssl.TLSVersion.TLSv1_2, "ECDHE-ECDSA-AES256-CCM8"),
    "CBC-SHA": (ssl.TLSVersion.TLSv1_2, "ECDHE-ECDSA-AES128-SHA"),
    "CBC-SHA256": (ssl.TLSVersion.TLSv1_2, "ECDHE-ECDSA-AES128-SHA256"),
    "CBC-SHA384": (ssl.TLSVersion.TLSv1_2, "ECDHE-ECDSA-AES256-SHA384"),
    "CBC-SHA, MAC first": (ssl.TLSVersion.TLSv1_2, "ECDHE-ECDSA-AES128-SHA"),
    "CBC-SHA384, MAC first": (ssl.TLSVersion.TLSv1_2, "ECDHE-ECDSA-AES256-SHA384"),
}


def contexts(name: str, keylog: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    version, cipher = REAL[name]
    client, server = client_context(version), server_context(version)
    if cipher is not None:
        client.set_ciphers(f"{cipher}:@SECLEVEL=0")
        server.set_ciphers(f"{cipher}:@SECLEVEL=0")
    if name.endswith("MAC first"):
        client.options |= MAC_FIRST
    client.keylog_filename = str(keylog)
    return client, server


def hellos(flights: Flights, up: bool) -> list[bytes]:
    """The bodies of the hellos of a direction, which are in the clear."""
    reader = RecordReader()
    pieces = [
        piece for side, data in flights if side is up for piece in reader.receive([(0, 1, data)])
    ]
    kind = 1 if up else 2
    bodies = [
        piece.body
        for piece in pieces
        if isinstance(piece, SealedRecord) and piece.kind == HANDSHAKE and piece.body[0] == kind
    ]
    # TLS 1.2 seals its Finished in such a record, which may begin with any byte; not with a length.
    lengths = [int.from_bytes(body[1:4], "big") for body in bodies]
    return [
        body[4 : 4 + length]
        for body, length in zip(bodies, lengths, strict=True)
        if length <= len(body) - 4
    ]


@pytest.mark.parametrize("size", [1 << 20, 1448, 7])
@pytest.mark.parametrize("name", REAL)
def test_what_both_ends_said_is_read(name: str, size: int, tmp_path: Path) -> None:
    keylog = tmp_path / "keys.log"
    made = converse(*contexts(name, keylog), requests=3, close=True)
    assert made.client_done
    up, down, session = read(made.flights, store(keylog.read_bytes().splitlines()), size)
    assert (up, down) == (300 * b"q", 3000 * b"a")
    assert (session.state, session.source) == ("decrypted", "keylog")
    [hello] = map(parse_server_hello, hellos(made.flights, False))
    assert hello.mac_last is (name.startswith("CBC") and not name.endswith("MAC first"))


@pytest.mark.parametrize("name", ["TLS 1.3", "AES-128-GCM", "CBC-SHA"])
def test_a_resumed_session_is_read(name: str, tmp_path: Path) -> None:
    keylog = tmp_path / "keys.log"
    client, server = contexts(name, keylog)
    first = converse(client, server, close=True)
    again = converse(client, server, session=first.session, requests=2)
    keys = store(keylog.read_bytes().splitlines())
    for made, count in ((first, 1), (again, 2)):
        up, down, session = read(made.flights, keys)
        assert (up, down, session.state) == (100 * count * b"q", 1000 * count * b"a", "decrypted")


def test_a_hello_that_is_asked_for_twice_is_read(tmp_path: Path) -> None:
    keylog = tmp_path / "keys.log"
    client, server = contexts("TLS 1.3", keylog)
    server.set_ecdh_curve("secp521r1")
    made = converse(client, server)
    assert [len(hellos(made.flights, up)) for up in (True, False)] == [2, 2]
    up, down, session = read(made.flights, store(keylog.read_bytes().splitlines()))
    assert (up, down, session.state) == (100 * b"q", 1000 * b"a", "decrypted")


# -- made ones ---------------------------------------------------------------------------


@pytest.mark.parametrize("suite", SUITES)
def test_each_suite_of_tls_1_3_is_read(suite: int) -> None:
    talk = Talk(suite).tell(True, b"ask").tell(False, b"answer", padding=40).tell(False, b"")
    talk.say(False, talk.keys[False].seal(ALERT, b"\x01\0"))
    for size in (1 << 20, 5):
        up, down, session = read(talk.flights, store(log(suite, *LABELS)), size)
        assert (up, down, session.state) == (b"ask", b"answer", "decrypted")


@pytest.mark.parametrize("is_lost", [False, True])
def test_a_record_that_its_sender_broke_off_is_not_what_was_missed(is_lost: bool) -> None:
    talk = Talk().tell(True, b"ask").tell(False, b"answer").tell(False, b"more")
    up, data = talk.flights[-1]
    *flights, _ = talk.flights
    _, _, session = read([*flights, (up, data[:-1])], store(log(talk.suite, *LABELS)))
    assert session.state == "partial"  # the rest may come
    if is_lost:
        session.gap(up, 1, 0, 9)
    session.is_closed = True
    assert session.state == ("partial" if is_lost else "decrypted")


def test_keys_are_updated_in_both_directions() -> None:
    talk = Talk().tell(True, b"one ").tell(False, b"1 ")
    for side in (True, False, True):
        talk.say(side, talk.keys[side].update())
        talk.tell(side, b"more ")
    up, down, session = read(talk.flights, store(log(talk.suite, *LABELS)))
    assert (up, down, session.state) == (b"one more more ", b"1 more ", "decrypted")


@pytest.mark.parametrize("takes", [True, False])
def test_early_data_counts_if_the_server_takes_it(takes: bool) -> None:
    talk = Talk(early=b"early ", takes=takes).tell(True, b"late").tell(False, b"answer")
    up, down, session = read(talk.flights, store(log(talk.suite, *LABELS)))
    assert up == (b"early late" if takes else b"late")
    assert (down, session.state) == (b"answer", "decrypted")


def test_without_the_secrets_of_the_handshake_the_traffic_is_read() -> None:
    talk = Talk().tell(True, b"ask").tell(False, b"answer")
    up, down, session = read(talk.flights, store(log(talk.suite, *LABELS[3:])))
    assert (up, down, session.state) == (b"ask", b"answer", "decrypted")


@pytest.mark.parametrize("up", [True, False])
def test_with_the_secret_of_one_direction_that_one_is_read(up: bool) -> None:
    talk = Talk().tell(True, b"ask").tell(False, b"answer")
    keys = store(log(talk.suite, *LABELS[:3], LABELS[3 if up else 4]))
    found = read(talk.flights, keys, missing=[not up])
    assert found[:2] == ((b"ask", b"") if up else (b"", b"answer"))
    assert found[2].state == "partial"


@pytest.mark.parametrize("wrong", LABELS[1:])
def test_a_wrong_secret_opens_nothing(wrong: str) -> None:
    talk = Talk().tell(True, b"ask").tell(False, b"answer")
    lines = [line if wrong.encode() not in line else line[:-8] + b"00000000"
             for line in log(talk.suite, *LABELS)]  # fmt: skip
    is_traffic = wrong in LABELS[3:]
    missing = [wrong.startswith("CLIENT")] if is_traffic else []
    up, down, session = read(talk.flights, store(lines), missing=missing)
    assert up == (b"" if missing == [True] else b"ask")
    assert down == (b"" if missing == [False] else b"answer")
    assert session.state == ("partial" if is_traffic else "decrypted")


def test_without_keys_nothing_is_read_and_it_says_so() -> None:
    talk = Talk().tell(True, b"ask")
    up, _, session = read(talk.flights, store([]))
    assert (up, session.state, session.lack, session.is_over) == (b"", "no-keys", "secrets", True)
    _, _, session = read(talk.flights[2:], store(log(talk.suite, *LABELS)))
    assert (session.state, session.lack) == ("no-keys", "client-hello")


def test_of_two_legs_of_one_session_one_is_read() -> None:
    talk = Talk().tell(True, b"ask")
    keys = store(log(talk.suite, *LABELS))
    assert read(talk.flights, keys)[0] == b"ask"
    up, _, session = read(talk.flights, keys)
    assert (up, session.is_other_leg) == (b"", True)


# -- what is missing ---------------------------------------------------------------------


def records_of(talk: Talk, up: bool) -> list[bytes]:
    reader = RecordReader()
    whole = b"".join(data for side, data in talk.flights if side is up)
    pieces = reader.receive([(0, 1, whole)])
    return [piece.header + piece.body for piece in pieces]  # type: ignore[union-attr]


def with_holes(
    talk: Talk, lost: Sequence[int], cut: int = 0
) -> tuple[list[bytes | int], TlsSession]:
    """What the server said, when these of its last records are lost, or only in part."""
    session = TlsSession(store(log(talk.suite, *LABELS)))
    for data in (data for side, data in talk.flights if side):
        session.receive(True, [(0, 1, data)])
    found: list[Plain | Hole] = []
    records = records_of(talk, False)
    first = len(records) - 8
    for number, data in enumerate(records):
        if number - first in lost:
            if cut:
                found += session.receive(False, [(0, 9, data[:cut])])
            found += session.gap(False, len(data) - cut, 0, 9)
        else:
            found += session.receive(False, [(0, 9, data)])
    return [item.segment[2] if isinstance(item, Plain) else item.size for item in found], session


@pytest.mark.parametrize("cut", [0, 3, 5, 12])
@pytest.mark.parametrize("lost", [(2,), (2, 3), (0, 1, 2), (1, 4, 5), (0,)])
def test_behind_lost_records_the_next_one_is_found_and_the_hole_measured(
    lost: tuple[int, ...], cut: int
) -> None:
    talk = Talk()
    parts = [bytes((65 + number,)) * (10 + number) for number in range(8)]
    for part in parts:
        talk.tell(False, part)
    if cut and len(lost) > 1 and cut < 5:
        return  # the rest of a head and the next one's start make no sense together
    found, session = with_holes(talk, lost, cut)
    assert [item for item in found if isinstance(item, bytes)] == [
        part for number, part in enumerate(parts) if number not in lost
    ]
    missing = sum(item for item in found if isinstance(item, int))
    assert missing == sum(len(parts[number]) for number in lost)
    assert session.state == "partial"


def test_more_lost_records_than_are_tried_end_the_reading() -> None:
    talk = Talk()
    for number in range(80):
        talk.tell(False, b"%02d" % number)
    session = TlsSession(store(log(talk.suite, *LABELS)))
    session.receive(True, [(0, 1, talk.flights[0][1])])
    found: list[Plain | Hole] = []
    for number, data in enumerate(records_of(talk, False)):
        lost = 6 <= number < 76
        found += (
            session.gap(False, len(data), 0, 1) if lost else session.receive(False, [(0, 1, data)])
        )
    found += session.end(False, 0, 1)
    assert said(found, False) in (b"00", b"0001")
    assert holes(found) == [(False, LOST)]
    assert session.state == "partial"


def test_what_cbc_lost_is_not_measured(tmp_path: Path) -> None:
    keylog = tmp_path / "keys.log"
    made = converse(*contexts("CBC-SHA", keylog), requests=3)
    session = TlsSession(store(keylog.read_bytes().splitlines()))
    found: list[Plain | Hole] = []
    answers = 0
    for up, data in made.flights:
        answers += not up and data[0] == 23
        if not up and data[0] == 23 and answers == 2:
            found += session.gap(up, len(data), 0, 1)
        else:
            found += session.receive(up, [(0, 1, data)])
    assert holes(found) == [(False, LOST)]
    assert said(found, False) == 2000 * b"a"


def test_random_bytes_never_raise() -> None:
    chance = random.Random(5)
    keys = store(log(0x1301, *LABELS))
    for _ in range(200):
        session = TlsSession(keys)
        keys.forget_taken()
        talk = Talk().tell(True, b"ask").tell(False, b"answer")
        for up, data in talk.flights:
            damaged = bytearray(data)
            for _ in range(chance.randint(0, 3)):
                damaged[chance.randrange(len(damaged))] = chance.randrange(256)
            session.receive(up, [(0, 1, bytes(damaged))])
            if chance.random() < 0.2:
                session.gap(up, chance.randint(1, 50), 0, 1)
        assert session.state in ("decrypted", "partial", "no-keys", "failed")


def test_a_renegotiation_ends_the_reading(tmp_path: Path) -> None:
    keylog = tmp_path / "keys.log"
    made = converse(*contexts("AES-128-GCM", keylog), requests=1)
    flights = [*made.flights, (True, record(20, b"\x01")), (True, record(23, bytes(60)))]
    keys = store(keylog.read_bytes().splitlines())
    up, _, session = read(flights, keys, missing=[True])
    assert (up, session.state) == (100 * b"q", "partial")


def test_a_handshake_message_without_an_end_is_not_kept() -> None:
    talk = Talk()
    sealer = Sealer(talk.suite, "SERVER_TRAFFIC_SECRET_0")
    talk.say(False, sealer.seal(HANDSHAKE, b"\x04\xff\xff\xff" + bytes(100)))
    _, _, session = read(talk.flights, store(log(talk.suite, *LABELS)))
    assert session.state == "partial"
    assert message(4)[:1] == b"\x04"
