"""In a stream nothing leaves that was not granted: bodies in chunks and cut, other protocols."""

from __future__ import annotations

import gzip

import pytest

from tests.flows.build import Tcp, batch
from tests.redaction.test_canary import report_of
from tests.redaction.test_packets import payloads, redacted
from tests.redaction.test_streams import ASKED, PUBLIC

SAID = b"LABONLY words"
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
JSON = b'{"model":"claude-lab-1","text":"%s","usage":{"input_tokens":3,"output_tokens":9}}' % SAID
HIDDEN = JSON.replace(SAID, b"x" * len(SAID))


def exchange(answer: bytes, size: int = 1448) -> Tcp:
    tcp = Tcp().open().up(ASKED)
    for at in range(0, len(answer), size):
        tcp.down(answer[at : at + size])
    return tcp


def masked(tcp: Tcp) -> bytes:
    """The redacted streams, whose report is that of what was captured."""
    out, _ = redacted(tcp.wire.packets)
    assert report_of(out) == report_of([batch(tcp.wire.packets)])
    data = payloads(out)
    assert SAID[:7] not in data
    return data


@pytest.mark.parametrize("size", [1448, 60, 1])
def test_a_body_in_chunks_keeps_its_chunks_and_its_structure(size: int) -> None:
    chunks = b"".join(b"%x;note=LABONLY\r\n%s\r\n" % (len(c), c) for c in (JSON[:37], JSON[37:]))
    answer = HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n"
    data = masked(exchange(answer, size).close())
    assert HIDDEN[:37] + b"\r\n%x;xxxx=xxxxxxx\r\n" % len(JSON[37:]) + HIDDEN[37:] in data


@pytest.mark.parametrize("size", [1448, 60, 1])
@pytest.mark.parametrize("odd", [0, 1, 2])
def test_a_chunk_line_that_says_something_is_masked_among_those_that_do_not(
    size: int, odd: int
) -> None:
    def chunks(body: bytes, note: bytes) -> bytes:
        parts = [body[:20], body[20:40], body[40:]]
        notes = [note if number == odd else b"" for number in range(3)]
        return b"".join(
            b"%x%s\r\n%s\r\n" % (len(part), said, part)
            for part, said in zip(parts, notes, strict=True)
        )

    answer = HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + chunks(JSON, b";a=LABONLY")
    data = masked(exchange(answer + b"0\r\n\r\n", size).close())
    assert data.endswith(chunks(HIDDEN, b";x=xxxxxxx") + b"0\r\n\r\n")


@pytest.mark.parametrize("size", [1448, 60, 7])
def test_a_compressed_answer_says_what_it_said_but_for_its_words(size: int) -> None:
    body = gzip.compress(JSON)
    answer = HEAD + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    tcp = exchange(answer, size).close()
    masked(tcp)
    [told] = report_of([batch(tcp.wire.packets)])["exchanges"]
    assert told["response"]["model"] == "claude-lab-1"


def test_of_a_body_that_is_cut_stays_what_came_before() -> None:
    answer = HEAD + b"Content-Length: %d\r\n\r\n" % len(JSON) + JSON
    cut = answer.index(b"words")
    tcp = exchange(answer[:cut]).down(answer[cut + 3 :], offset=cut + 3).close()
    data = masked(tcp)
    assert HIDDEN[:30] in data
    assert b"usage" not in data
    masked(exchange(answer[:cut]))


def test_of_frames_behind_an_upgrade_their_heads_stay_and_of_garbage_the_ends_of_lines() -> None:
    upgrade = b"GET /live HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
    switched = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"
    frame = b"\x81\x0e" + SAID + b"!"
    tcp = Tcp().open().up(upgrade).down(switched).up(frame).down(frame + b"\r\n" + frame)
    data = masked(tcp.close())
    assert b"\x81\x0e" + b"x" * 14 + b"\r\n" + b"x" * 16 in data


@pytest.mark.parametrize(
    "said",
    [
        b"*2\r\n$4\r\nAUTH\r\n$13\r\nLABONLY words\r\n", b"USER robin\r\nPASS LABONLY\r\n",
        b"\x05\x01\x02\x01\x05robin\x07LABONLY", b"AUTH PLAIN LABONLY\r\n",
    ],
    ids=["redis", "FTP", "SOCKS", "SMTP"],
)  # fmt: skip
@pytest.mark.parametrize("server_first", [False, True])
def test_of_a_protocol_that_is_not_read_nothing_stays(said: bytes, server_first: bool) -> None:
    tcp = Tcp().open()
    if server_first:
        tcp.down(b"220 LABONLY ready\r\n")
    masked(tcp.up(said).down(b"+OK LABONLY\r\n").close())


@pytest.mark.parametrize(
    "begun",
    [b"\x16\x03\x01\0\x04\x01\0\0\0", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"],
    ids=["TLS", "HTTP/2"],
)
def test_a_plain_answer_to_what_is_no_http_keeps_its_status(begun: bytes) -> None:
    answer = b"HTTP/1.1 400 Bad Request\r\nServer: " + SAID + b"\r\n\r\n"
    data = masked(Tcp().open().up(begun).down(answer).close())
    assert b"HTTP/1.1 400 xxx" in data


def test_a_placeholder_stays_in_any_of_them() -> None:
    line = b"key " + PUBLIC + b" and " + SAID + b"\r\n"
    assert b"xxxx" + PUBLIC + b"xxxx" in masked(Tcp().open().up(line).down(b"+\r\n").close())


def test_a_message_behind_garbage_is_read_in_the_copy_too() -> None:
    answer = HEAD + b"Content-Length: %d\r\n\r\n" % len(JSON) + JSON
    tcp = Tcp().open().up(ASKED).down(answer).up(b"LABONLY: garbage\r\n\r\n").up(ASKED).down(answer)
    data = masked(tcp.close())
    assert data.count(HIDDEN) >= 2
