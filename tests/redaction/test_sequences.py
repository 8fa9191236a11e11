"""Keys across the packets of one direction are found by sequence number, whatever they mean."""

from __future__ import annotations

import random
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector.flows.tcp import RST, SYN
from inspector.redaction import sequences as sequences_module
from inspector.redaction.sequences import EDGE, Sequences, Stretch
from inspector.secret import Secret
from inspector.secrets.vault import Vault
from tests.flows.build import Packet, Tcp, Wire
from tests.redaction.test_audit import OK, asked, frames, redacted, saved
from tests.redaction.test_frames import ip_fragments

KEY = b"a-word-like-no-other-LABONLY-zyxwvutsrqp"
LONG = b"".join(b"%x-LABONLY%d." % (number * 7919, number) for number in range(400))
CLIENT = ("172.30.0.20", 41000)


def windows(data: bytes, key: bytes, width: int) -> list[bytes]:
    return [
        key[at : at + width] for at in range(len(key) - width + 1) if key[at : at + width] in data
    ]


def learnt(key: bytes = KEY) -> Wire:
    return Tcp().open().up(asked(key=key)).down(OK).close().wire


def record(data: bytes) -> bytes:
    return b"\x17\x03\x03" + len(data).to_bytes(2, "big") + data


#: What is no text that is searched as one: TLS records, HTTP/2, bytes.
OPENINGS = {
    "TLS": b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00" + record(bytes(200) + KEY + bytes(100))[:5],
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "bytes": b"\x00\x01\x02\xff",
}


@pytest.mark.parametrize("size", [1, 3, 7, 11, 20])
@pytest.mark.parametrize("order", ["in order", "backwards", "shuffled"])
@pytest.mark.parametrize("opening", OPENINGS.values(), ids=OPENINGS)
def test_a_key_across_packets_is_found_by_sequence_number(
    opening: bytes, order: str, size: int, tmp_path: Path
) -> None:
    wire = learnt()
    tcp = Tcp(wire, client=CLIENT).open().up(opening)
    data = bytes(50) + KEY + bytes(50)
    begun = len(wire.packets)
    for at in range(0, len(data), size):
        tcp.up(data[at : at + size])
    rest = wire.packets[begun:]
    if order == "backwards":
        rest.reverse()
    elif order == "shuffled":
        random.Random(size).shuffle(rest)
    wire.packets[begun:] = rest
    target, _ = redacted(saved(tmp_path, wire.packets))
    payloads = b"".join(packet.data for packet in wire.packets[begun:] if order == "in order")
    assert order != "in order" or KEY in payloads
    streams = stream_of(target, CLIENT[1])
    assert len(streams) >= len(data)
    assert windows(streams, KEY, 8) == []


def stream_of(path: Path, port: int) -> bytes:
    """What this client sent, by sequence number."""
    pieces: dict[int, bytes] = {}
    for frame in frames(path):
        if int.from_bytes(frame[34:36], "big") == port:
            pieces[int.from_bytes(frame[38:42], "big")] = frame[54:]
    return b"".join(pieces[sequence] for sequence in sorted(pieces))


def cut_by_the_end(tcp: Tcp, answer: bytes, cut: int) -> None:
    tcp.down(answer[:cut])


def cut_by_a_reset(tcp: Tcp, answer: bytes, cut: int) -> None:
    tcp.down(answer[:cut]).ack(True).send(False, b"", flags=RST)


def cut_by_a_gap(tcp: Tcp, answer: bytes, cut: int) -> None:
    tcp.down(answer[:cut]).down(answer[cut + 5 :], offset=len(OK) + cut + 5)
    tcp.ack(True).close()


def cut_by_the_snap_length(tcp: Tcp, answer: bytes, cut: int) -> None:
    tcp.down(answer, snap=cut).ack(True).close()


@pytest.mark.parametrize("kept", [12, 20, 39])
@pytest.mark.parametrize(
    "cutting", [cut_by_the_end, cut_by_a_reset, cut_by_a_gap, cut_by_the_snap_length]
)
def test_an_echo_that_is_cut_leaves_nothing(
    cutting: Callable[[Tcp, bytes, int], None], kept: int, tmp_path: Path
) -> None:
    body = b'{"error":"not a key: %s"}' % KEY
    answer = b"HTTP/1.1 401 Unauthorized\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    tcp = Tcp().open().up(asked(key=KEY)).down(OK).up(asked(key=KEY)).ack(False)
    cutting(tcp, answer, answer.index(KEY) + kept)
    source = saved(tmp_path, tcp.wire.packets)
    target, _ = redacted(source)
    assert windows(source.read_bytes().replace(b"X-Api-Key: " + KEY, b""), KEY, kept)
    assert windows(target.read_bytes(), KEY, 12) == []


@pytest.mark.parametrize("offset", [0, 14_000, 15_000, 16_300])
@pytest.mark.parametrize("size", [1_900, 3_000, 6_000])
def test_a_long_key_leaves_nothing_wherever_a_window_ends(
    size: int, offset: int, tmp_path: Path
) -> None:
    key = LONG[:size]
    body = (
        b'{"text":"' + offset * b"a" + b'","said":"' + key + b'","more":"' + 20_000 * b"b" + b'"}'
    )
    tcp = Tcp().open().up(asked(key=key)).down(OK)
    data = asked(body, key=key)
    for at in range(0, len(data), 1448):
        tcp.up(data[at : at + 1448])
    source = saved(tmp_path, tcp.down(OK).close().wire.packets)
    target, _ = redacted(source, "--keep-bodies")
    assert windows(target.read_bytes(), key, 12) == []
    assert windows(stream_of(target, 40000), key, 12) == []
    assert target.read_bytes().count(b"a" * 500) >= offset // 1448


# -- the directions themselves ---------------------------------------------------------------

NAME = b"client to server"
PIECE = KEY[:24]


def sequences(*keys: bytes) -> Sequences:
    vault = Vault(b"made up")
    for key in keys or (KEY,):
        vault.learn(Secret(key))
    return Sequences(vault)


def hidden(looking: Sequences, *sent: tuple[int, bytes], flags: int = 0, at_once: int = 1) -> bytes:
    """What is left of (sequence number, bytes) that were sent, as they stand one behind another.

    It is looked at whenever so many have come.
    """
    left = bytearray()
    for number, (sequence, data) in enumerate(sent, start=1):
        place = len(left)
        left += data
        if number % 2:
            looking.add(NAME, sequence & 0xFFFFFFFF, flags, data, place)
        else:
            looking.look(NAME, sequence & 0xFFFFFFFF, flags, [Stretch(0, data, place)])
        if number % at_once and number < len(sent):
            continue
        for bad in looking.found():
            left[bad.start : bad.stop] = b"x" * len(bad)
    return bytes(left)


def test_a_piece_within_a_packet_is_no_business_of_it() -> None:
    assert hidden(sequences(), (0, KEY)) == KEY


def test_of_directions_that_are_looked_at_together_none_is_read_on_in_another() -> None:
    looking = sequences()
    for number, half in enumerate((PIECE[:12], PIECE[12:])):
        looking.add(b"direction %d" % number, 7, 0, half, 12 * number)
        looking.add(b"direction %d" % number, 19, 0, b".", 100 + number)
    assert looking.found() == []


def test_numbers_begin_anew_behind_the_last() -> None:
    assert hidden(sequences(), (-10, PIECE[:10]), (0, PIECE[10:])) == b"x" * 24


@pytest.mark.parametrize("first", [True, False], ids=["the first copy", "the last copy"])
def test_of_two_packets_that_differ_either_may_have_been_received(first: bool) -> None:
    rest = b"." * 12
    copies = [(12, PIECE[12:]), (12, rest)]
    sent = copies if first else copies[::-1]
    assert hidden(sequences(), (0, PIECE[:12]), *sent) == b"x" * 36


def test_a_packet_that_was_sent_again_with_other_edges_meets_its_new_neighbours() -> None:
    # The first copy's half was blanked by its writer, the second's was not.
    sent = [(0, PIECE[:8]), (8, b"x" * 16), (30, b"behind"), (4, PIECE[4:])]
    left = hidden(sequences(), *sent)
    assert windows(left, PIECE, 12) == []
    assert b"behind" in left


def test_another_connection_with_the_same_ends_is_no_neighbour() -> None:
    looking = sequences()
    assert hidden(looking, (0, PIECE[:12])) == PIECE[:12]
    assert hidden(looking, (5_000_011, b"+"), flags=SYN) == b"+"
    assert hidden(looking, (5_000_013, PIECE[12:])) == PIECE[12:]


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sequences_module, "TOTAL", 3 << 20)
    looking = sequences()
    for number in range(40):
        for at in range(0, 1 << 19, 1 << 14):
            looking.look(b"%d" % number, at, 0, [Stretch(0, b"a" * (1 << 14), 0)])
            assert looking.found() == []
    held = sum(len(one.data) for one in looking._directions.values())
    assert held == looking._bytes <= (3 << 20) + (1 << 19)
    assert all(len(one.data) >= EDGE for one in looking._directions.values())


@given(st.randoms(use_true_random=False), st.integers(0, 8), st.integers(1, 30))
def test_in_whatever_pieces_and_order_twelve_bytes_never_stay_together(
    chance: random.Random, again: int, at_once: int
) -> None:
    data = b"GET /" + KEY + b" HTTP/1.1"
    inner = (chance.randrange(len(data)) for _ in range(chance.randrange(20)))
    sent = [(a, data[a:b]) for a, b in pairwise(sorted({0, len(data), *inner}))]
    for _ in range(again):
        a, b = sorted(chance.sample(range(len(data)), 2))
        sent.append((a, data[a:b]))
    chance.shuffle(sent)
    sent = [(a, piece) for a, piece in sent if not windows(piece, KEY, 12)]
    left = hidden(sequences(), *sent, at_once=at_once)
    stream: dict[int, int] = {}
    at = 0
    for begin, piece in sent:
        stream |= dict(enumerate(left[at : at + len(piece)], begin))
        at += len(piece)
    seen = bytes(stream.get(at, 0) for at in range(len(data)))
    assert windows(seen, KEY, 12) == []


def test_fragments_of_datagrams_are_put_together_first(tmp_path: Path) -> None:
    wire = learnt()
    begun = len(wire.packets)
    for frame in ip_fragments(b"\0" * 30 + KEY, 24):
        wire.packets.append(Packet(wire.now, frame, len(frame)))
    target, _ = redacted(saved(tmp_path, wire.packets))
    payload = b"".join(frame[34:] for frame in frames(target)[begun:])
    assert windows(payload, KEY, 12) == []
