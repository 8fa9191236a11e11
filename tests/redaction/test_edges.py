"""Pieces of learnt keys across packets of one direction, whatever the bytes around them mean."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from inspector.flows.tcp import RST
from tests.flows.build import Tcp, Wire
from tests.redaction.test_rereading import OK, asked, frames, redacted, saved

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
