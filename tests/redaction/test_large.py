"""Large transfers come out with their masks alone changed, whatever order they were captured in."""

from __future__ import annotations

import base64
import random
import zlib
from collections.abc import Callable

import pytest

from inspector.redaction import Redactor
from inspector.wire import Batch
from tests.exchanges.network import KEY, Network
from tests.flows.build import Packet, Tcp, batch
from tests.redaction.test_canary import report_of

#: What segmentation offload makes of a transfer on a bridge.
SEGMENT = 64_000
FIELD = b"X-Api-Key: " + KEY.encode()

Message = Callable[[bytes], tuple[bool, bytes]]


def upload(body: bytes) -> tuple[bool, bytes]:
    head = b"POST /v1/messages HTTP/1.1\r\nHost: lab.test\r\n%s\r\nContent-Length: %d\r\n\r\n"
    return True, head % (FIELD, len(body)) + body


def chunked(body: bytes) -> tuple[bool, bytes]:
    head = b"HTTP/1.1 200 OK\r\nSet-Cookie: a=LABONLY-cookie\r\nTransfer-Encoding: chunked\r\n\r\n"
    pieces = (body[at : at + 1000] for at in range(0, len(body), 1000))
    return False, head + b"".join(b"%x\r\n%s\r\n" % (len(p), p) for p in pieces) + b"0\r\n\r\n"


def zipped(body: bytes) -> tuple[bool, bytes]:
    body = zlib.compress(body, 0)
    head = b"POST /v1 HTTP/1.1\r\n%s\r\nContent-Encoding: deflate\r\nContent-Length: %d\r\n\r\n"
    return True, head % (FIELD, len(body)) + body


def letters(size: int) -> bytes:
    return b'{"text":"' + size * b"a" + b'"}'


def encoded(size: int) -> bytes:
    """Base64, as of an image; made without a seed in which something looks like a key."""
    return b'{"data":"' + base64.b64encode(random.Random(2).randbytes(size * 3 // 4)) + b'"}'


def captured(message: Message, bodies: list[bytes], late: int, chance: random.Random) -> Network:
    """The messages on connections of their own, interleaved; `late` packets overtaken by others."""
    net = Network()
    waiting: list[tuple[Tcp, bool, list[bytes]]] = []
    for body in bodies:
        tcp = net.to_api_proxy()
        up, data = message(body)
        if not up:
            tcp.up(b"GET /v1 HTTP/1.1\r\n" + FIELD + b"\r\n\r\n")
        waiting.append(
            (tcp, up, [data[at : at + SEGMENT] for at in range(0, len(data), SEGMENT)])
        )  # fmt: skip
    begun = len(net.wire.packets)
    for tcp, up, pieces in waiting:
        tcp.send(up, pieces.pop(0))
    while waiting:
        talk = chance.choice(waiting)
        if talk[2]:
            talk[0].send(talk[1], talk[2].pop(0))
        else:
            waiting.remove(talk)
    packets = net.wire.packets
    for _ in range(late):
        at = chance.randrange(begun, len(packets) - 8)
        packets.insert(at + chance.randrange(1, 8), packets.pop(at))
    return net


def redacted(
    packets: list[Packet], sizes: Callable[[], int], *, keep_bodies: bool = True
) -> tuple[list[Batch], Redactor]:
    redactor = Redactor(keep_bodies=keep_bodies)
    out: list[Batch] = []
    at = 0
    while at < len(packets):
        size = sizes()
        out += redactor.feed(batch(packets[at : at + size], at + 1))
        at += size
    return [*out, *redactor.finish()], redactor


def without(data: bytes) -> bytes:
    """A head without the values that are masked."""
    head, end, body = data.partition(b"\r\n\r\n")
    lines = [
        line.partition(b":")[0] if line.startswith((b"X-Api", b"Set-Cookie")) else line
        for line in head.split(b"\r\n")
    ]
    return b"\r\n".join(lines) + end + body


@pytest.mark.parametrize("late", [0, 6], ids=["in order", "overtaken"])
@pytest.mark.parametrize(
    ("message", "bodies"),
    [
        (upload, [letters(1 << 20)]),
        (upload, [letters(4_000_000), letters(3_000_000)]),
        (upload, [encoded(300_000), letters(1 << 20)]),
        (chunked, [letters(4_000_000), letters(4_000_000), letters(1 << 19)]),
        (zipped, [letters(900_000), letters(700_000)]),
    ],
    ids=["a megabyte", "uploads", "base64", "chunks", "compressed"],
)
@pytest.mark.parametrize("whole", [True, False], ids=["one batch", "batches"])
def test_a_large_transfer_has_its_masks_alone_changed(
    message: Message, bodies: list[bytes], late: int, whole: bool
) -> None:
    chance = random.Random(len(bodies) * 100 + late)
    packets = captured(message, bodies, late, chance).wire.packets
    out, redactor = redacted(packets, lambda: 1 << 20 if whole else chance.randrange(1, 40))
    after = [b.data[start : start + size] for b in out for _, start, size, _ in b.records]
    assert redactor.summary.blanked == {}
    assert [without(frame) for frame in after] == [without(packet.frame) for packet in packets]
    assert report_of(out) == report_of([batch(packets)])


@pytest.mark.parametrize("late", [0, 6], ids=["in order", "overtaken"])
@pytest.mark.parametrize("message", [upload, chunked, zipped])
def test_of_a_large_transfer_the_structure_alone_is_left(message: Message, late: int) -> None:
    chance = random.Random(late)
    packets = captured(message, [letters(600_000), encoded(100_000)], late, chance).wire.packets
    out, redactor = redacted(packets, lambda: chance.randrange(1, 40), keep_bodies=False)
    after = [b.data[start : start + size] for b in out for _, start, size, _ in b.records]
    assert redactor.summary.blanked == {"bodies": 2}
    assert [len(frame) for frame in after] == [len(packet.frame) for packet in packets]
    assert b"aaaaaaaaaaaa" not in b"".join(after)
    assert report_of(out) == report_of([batch(packets)])


def test_a_retransmission_of_what_is_forgotten_is_not_called_one_with_other_bytes() -> None:
    tcp = Network().to_api_proxy()
    data = upload(letters(1 << 20))[1]
    for at in range(0, len(data), SEGMENT):
        tcp.up(data[at : at + SEGMENT])
    tcp.up(data[:SEGMENT], offset=0)
    _, redactor = redacted(tcp.wire.packets, lambda: 2)
    assert redactor.summary.blanked == {"forgotten": 1}
