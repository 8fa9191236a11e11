"""A copy says what its reader cannot see any more, and its report is that of the original."""

from __future__ import annotations

import gzip
import io
import json
import random
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from inspector import Options, inspect
from inspector.exchanges.marks import BlankStretch, read
from inspector.exchanges.response_bodies import JSON_LIMIT
from inspector.model.capture import Redacted
from inspector.pcap import block_types
from inspector.pcap.writer import PcapngWriter
from inspector.redaction import LIVE, redact_into
from inspector.report.page.terminal import render
from inspector.wire import Batch
from tests.exchanges.test_websocket import (
    ASK,
    BEGUN,
    DEFLATE,
    DONE,
    OFFER,
    PIECE,
    REFUSED,
    TAKEN,
)
from tests.flows.build import Tcp, Wire, batch
from tests.protocols.http2_memory import ASK as ASKED_H2
from tests.protocols.http2_memory import EVENTS as EVENTS_H2
from tests.protocols.http2_memory import JSON as JSON_H2
from tests.protocols.http2_memory import Talk
from tests.protocols.test_websocket import TEXT, close, deflated, frame
from tests.redaction.test_canary import report_of
from tests.redaction.test_files import comparable, redacted
from tests.redaction.test_packets import redacted as redacted_packets
from tests.redaction.test_streams import ASKED

SAID = b"LABONLY words"
ERROR = b'{"type":"error","error":{"type":"invalid_request_error","message":"%s"}}' % SAID
ANSWER = b'{"model":"claude-lab-1","stop_reason":"end_turn","text":"%s","usage":' % SAID
ANSWER += b'{"input_tokens":3,"output_tokens":9}}'
EVENTS = b"".join(
    b"event: %s\ndata: %s\n\n" % (name, data)
    for name, data in (
        (b"message_start", b'{"type":"message_start","message":{"model":"claude-lab-1"}}'),
        (b"content_block_delta", b'{"type":"content_block_delta","delta":{"text":"LABONLY"}}'),
        (b"message_stop", b'{"type":"message_stop"}'),
    )
)


def deflated_twice(text: bytes) -> bytes:
    return gzip.compress(zstandard.compress(text))


CODINGS: dict[str, Callable[[bytes], bytes]] = {
    "zstd": zstandard.compress,
    "zstd, gzip": deflated_twice,
    "gzip, gzip": lambda text: gzip.compress(gzip.compress(text)),
}
BODIES = {
    "an error": (400, b"application/json", ERROR),
    "an answer": (200, b"application/json", ANSWER),
    "a stream": (200, b"text/event-stream", EVENTS),
    "a stream that is cut": (200, b"text/event-stream", EVENTS[:-30]),
    "a text": (502, b"text/plain", b"upstream is gone: " + SAID + b"\nmore\n"),
    "no JSON": (400, b"application/json", b"<html>" + SAID),
}


def answered(status: int, kind: bytes, coding: str, body: bytes, *, chunked: bool = False) -> bytes:
    head = b"HTTP/1.1 %d Lab\r\nContent-Type: %s\r\nContent-Encoding: %s\r\n" % (
        status, kind, coding.encode(),
    )  # fmt: skip
    if not chunked:
        return head + b"Content-Length: %d\r\n\r\n" % len(body) + body
    parts = [body[at : at + 40] for at in range(0, len(body), 40)]
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts)
    return head + b"Transfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n"


def exchange(answer: bytes, size: int = 60, tcp: Tcp | None = None) -> Tcp:
    tcp = (Tcp() if tcp is None else tcp).open().up(ASKED)
    for at in range(0, len(answer), size):
        tcp.down(answer[at : at + size])
    return tcp


def same(tcp: Tcp | Wire, **more: bool) -> list[Batch]:
    """The copy, whose report is that of what was captured."""
    packets = tcp.packets if isinstance(tcp, Wire) else tcp.wire.packets
    out, _ = redacted_packets(packets, **more)
    assert report_of(out) == report_of([batch(packets)])
    return out


def saved(wire: Wire, folder: Path) -> Path:
    path = folder / "source.pcapng"
    with path.open("wb") as out:
        writer = PcapngWriter(out)
        writer.interface()
        for packet in wire.packets:
            writer.packet(packet.at, packet.frame, packet.wire)
    return path


@pytest.mark.parametrize("name", BODIES)
@pytest.mark.parametrize("coding", CODINGS)
@pytest.mark.parametrize(("size", "chunked"), [(1448, False), (60, True), (7, False)])
def test_a_body_that_is_blank_says_what_it_said(
    name: str, coding: str, size: int, chunked: bool
) -> None:
    status, kind, text = BODIES[name]
    answer = answered(status, kind, coding, CODINGS[coding](text), chunked=chunked)
    out = same(exchange(answer, size).close())
    assert SAID[:7] not in b"".join(part.data for part in out)
    assert any(part.marks for part in out)


@pytest.mark.parametrize(
    "page",
    [
        b"<html>LABONLY<hr><center>nginx/1.24.0</center></html>",
        b"<!-- ERR_ACCESS_DENIED --><p>LABONLY</p>The Squid Software Foundation",
        b"<html>LABONLY nobody's</html>",
    ],
    ids=["nginx", "Squid", "nobody"],
)
@pytest.mark.parametrize("coding", [None, "gzip", "zstd"])
def test_a_page_says_whose_it_was(page: bytes, coding: str | None) -> None:
    body = page if coding is None else {"gzip": gzip.compress, **CODINGS}[coding](page)
    answer = answered(503, b"text/html", coding or "identity", body)
    out = same(exchange(answer).close())
    assert b"LABONLY" not in b"".join(part.data for part in out)


@pytest.mark.parametrize("ending", ["closed", "reset", "open"])
def test_a_body_without_a_length_is_whole_when_its_sender_says_so(ending: str) -> None:
    body = zstandard.compress(EVENTS)
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Encoding: zstd\r\n\r\n"
    tcp = exchange(head + body)
    if ending == "closed":
        tcp.close()
    elif ending == "reset":
        tcp.reset(False)
    same(tcp)


@pytest.mark.parametrize("lost", [150, 230, 300])
def test_what_is_missing_costs_the_copy_what_it_costs_the_original(lost: int) -> None:
    answer = answered(400, b"application/json", "zstd", zstandard.compress(ERROR))
    tcp = exchange(answer[:lost], 50)
    tcp.down(answer[lost + 5 :], offset=lost + 5)
    same(tcp.close())


def test_of_two_answers_in_one_packet_each_has_its_own_mark() -> None:
    first = answered(400, b"application/json", "zstd", zstandard.compress(ERROR))
    second = answered(200, b"application/json", "zstd", zstandard.compress(ANSWER))
    tcp = Tcp().open().up(ASKED + ASKED).down(first + second).close()
    same(tcp)
    [told] = [e["response"]["model"] for e in report_of(same(tcp))["exchanges"][1:]]
    assert told == "claude-lab-1"


def test_a_file_carries_its_marks_and_a_copy_of_a_copy_repeats_them(tmp_path: Path) -> None:
    answer = answered(400, b"application/json", "zstd", zstandard.compress(ERROR))
    source = saved(exchange(answer).close().wire, tmp_path)
    options = Options(scope="all", fingerprint_key=b"lab")
    first = redacted(source, tmp_path)
    said = comparable(source, options)
    for turn in range(2):
        assert comparable(first, options) == said
        [capture] = inspect(first, options=options).captures
        assert capture.redacted == Redacted(bodies=True, ciphertext=True)
        again = tmp_path / f"again-{turn}.pcapng"
        with again.open("w+b") as out:
            redact_into(first, out)
        first = again


def test_a_key_in_what_an_error_says_is_in_no_mark(tmp_path: Path) -> None:
    key = b"sk-ant-api03-LABONLY" + 73 * b"k" + b"AA"
    text = ERROR.replace(SAID, b"no such key: " + key)
    answer = answered(401, b"application/json", "zstd", zstandard.compress(text))
    source = saved(exchange(answer).close().wire, tmp_path)
    copy = redacted(source, tmp_path)
    assert b"LABONLY" not in copy.read_bytes()
    assert b"no such key: sk-ant-api03-xxxx" in copy.read_bytes()


def test_the_first_page_says_that_it_is_a_copy_and_what_is_blank(tmp_path: Path) -> None:
    source = saved(exchange(answered(200, b"application/json", "gzip", b"")).close().wire, tmp_path)
    options = Options(scope="all")
    for more, said in (
        ({}, "what bodies say, what is encrypted in TLS and all that was not understood are"),
        ({"keep_bodies": True}, "what is encrypted in TLS and all that was not understood are"),
        ({"keep_bodies": True, "keep_ciphertext": True}, "all that was not understood is"),
    ):
        page = render(inspect(redacted(source, tmp_path, **more), options=options), width=200)
        assert f"The capture is a redacted copy: credentials are masked in it, and {said}" in page
    assert "redacted copy" not in render(inspect(source, options=options), width=200)


def without(path: Path, kept: int) -> Path:
    """A copy without its marks but for the first `kept` of them."""
    data, at, out, met = path.read_bytes(), 0, b"", 0
    while at < len(data):
        kind, length = (int.from_bytes(data[at + i : at + i + 4], "little") for i in (0, 4))
        met += kind == block_types.CUSTOM
        if kind != block_types.CUSTOM or met <= kept:
            out += data[at : at + length]
        at += length
    target = path.with_name("without.pcapng")
    target.write_bytes(out)
    return target


def test_without_its_mark_a_blank_body_proves_nothing(tmp_path: Path) -> None:
    answer = answered(400, b"application/json", "zstd", zstandard.compress(ERROR))
    source = saved(exchange(answer).close().wire, tmp_path)
    report = inspect(without(redacted(source, tmp_path), 1), options=Options(scope="all"))
    [exchange_] = report.exchanges
    assert exchange_.response is not None
    assert exchange_.response.api_error is None
    assert exchange_.response.oddities == ()
    assert [entry.reason for entry in report.completeness.unread] == ["blanked"]
    assert report.completeness.verdict == "incomplete"
    assert "1 connection carried a body that is blanked in this copy" in (
        report.completeness.because
    )


PLAIN = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"


@pytest.mark.parametrize(
    "text", [ANSWER[:-30], ANSWER[:70], b"LABONLY words", b"{]" + ANSWER, b'{"a":x}']
)
@pytest.mark.parametrize("size", [1448, 7])
def test_json_that_is_broken_is_so_in_a_copy(text: bytes, size: int, tmp_path: Path) -> None:
    tcp = exchange(PLAIN % len(text) + text, size).close()
    same(tcp)
    copy = redacted(saved(tcp.wire, tmp_path), tmp_path)
    for path, oddities, unread in (
        (copy, ("json-broken",), []),
        # A stretch that is blank for want of time may have broken it: nothing is concluded.
        (without(copy, 1), (), ["blanked"]),
    ):
        report = inspect(path, options=Options(scope="all"))
        [found] = report.exchanges
        assert found.response is not None
        assert found.response.oddities == oddities
        assert [entry.reason for entry in report.completeness.unread] == unread


def test_a_mark_never_stands_against_packets(tmp_path: Path) -> None:
    plain = answered(400, b"application/json", "zstd", zstandard.compress(ERROR))
    tcp = exchange(plain).close()
    [mark] = [mark for part in same(tcp) for mark in part.marks]
    forged = mark.replace(b"invalid_request_error", b"forged_error")
    seen = batch(tcp.wire.packets)
    with_mark = Batch(seen.data, seen.records, seen.link_type, 1, marks=(forged,))
    assert report_of([with_mark]) == report_of([seen])


def test_a_long_answer_in_a_coding_that_is_blank_was_not_read_in_either() -> None:
    coded = zstandard.compress(random.Random(7).randbytes(JSON_LIMIT + 1))
    same(exchange(answered(200, b"application/json", "zstd", coded), 60_000).close())


@pytest.mark.parametrize("keep_bodies", [False, True], ids=["", "bodies kept"])
def test_a_copy_says_that_a_key_stood_in_the_body_of_a_request(keep_bodies: bool) -> None:
    key = b"sk-ant-api03-LABONLY" + 73 * b"k" + b"AA"
    said = b'{"messages":[{"role":"user","content":"%s %s"}]}' % (b"lab " * 900, key)
    head = b"POST /v1/messages HTTP/1.1\r\nContent-Type: application/json\r\n"
    head += b"Content-Length: %d\r\n\r\n" % len(said)
    for size in (100, 1448):
        tcp = Tcp().open()
        for at in range(0, len(head + said), size):
            tcp.up((head + said)[at : at + size])
        tcp.down(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").close()
        out = same(tcp, keep_bodies=keep_bodies)
        [told] = report_of(out)["exchanges"]
        assert told["request"]["key_in_body"] == "sk-ant-api03-"
        assert told["request"]["body_searched"] is True
        assert whys(out) == [("text", len(said))]
        assert b"LABONLY" not in b"".join(part.data for part in out)


def whys(out: list[Batch], rest: tuple[bytes, ...] = ()) -> list[tuple[str, int]]:
    told = [read(mark) for mark in (*(mark for part in out for mark in part.marks), *rest)]
    return [(one.why, one.length) for one in told if isinstance(one, BlankStretch)]


def test_a_direction_of_tls_is_marked() -> None:
    tcp = Tcp().open().up(b"CONNECT lab.test:443 HTTP/1.1\r\n\r\n")
    tcp.down(b"HTTP/1.1 200 Connection established\r\n\r\n")
    tcp.up(b"\x17\x03\x03\x00\x07LABONLY").down(b"\x17\x03\x03\x00\x02no")
    assert sorted(whys(same(tcp.close()))) == [("tls", 7), ("tls", 12)]


def test_a_direction_of_a_protocol_that_nobody_read_is_marked_and_is_no_finding() -> None:
    tcp = Tcp().open().up(b"CONNECT lab.test:443 HTTP/1.1\r\n\r\n")
    tcp.down(b"HTTP/1.1 200 Connection established\r\n\r\n")
    tcp.up(b"SSH-2.0-LABONLY\r\n").down(b"SSH-2.0-x\r\n").up(b"\0\0LABONLY")
    assert sorted(whys(same(tcp.close()))) == [("plaintext", 11), ("plaintext", 26)]


def test_bytes_behind_a_hole_that_begin_no_message_are_marked() -> None:
    tcp = Tcp().open().up(b"POST /v1/messages HTTP/1.1\r\nHost: lab.test\r\nX-Lab: LAB")
    tcp.up(b"a hole of forty bytes".ljust(40)).ack(False)
    del tcp.wire.packets[-2]
    tcp.up(b"LABONLY, which is no head of any message").ack(False)
    out = same(tcp.close())
    assert whys(out) == [("plaintext", len("X-Lab: LAB") + 40 + 40)]


def test_a_live_copy_has_a_mark_before_the_packet_that_ends_its_stretch() -> None:
    answer = answered(400, b"application/json", "zstd", zstandard.compress(ERROR))
    tcp = exchange(answer).close()
    out, _ = redacted_packets(tcp.wire.packets, size=1, limits=LIVE)
    assert report_of(out) == report_of([batch(tcp.wire.packets)])
    before = [part.first_packet for part in out if part.marks]
    assert before == [packet for packet in before if packet <= len(tcp.wire.packets) - 3]


def test_blocks_of_others_are_left_alone(tmp_path: Path) -> None:
    out = io.BytesIO()
    writer = PcapngWriter(out)
    writer.interface()
    ours = (block_types.ENTERPRISE).to_bytes(4, "little") + block_types.MARKS_MAGIC
    statement = json.dumps({"v": 1, "copy": {"bodies": False, "ciphertext": False}}).encode()
    for head in (b"", b"\1\2\3\4", b"\0" * 4 + block_types.MARKS_MAGIC, ours[:4] + b"elsewhat"):
        writer.block(block_types.CUSTOM, head + statement)
    tcp = exchange(answered(200, b"application/json", "gzip", b"")).close()
    for packet in tcp.wire.packets:
        writer.packet(packet.at, packet.frame)
    path = tmp_path / "others.pcapng"
    path.write_bytes(out.getvalue())
    [capture] = inspect(path, options=Options(scope="all")).captures
    assert capture.redacted is None


@pytest.mark.parametrize("taken", [TAKEN, DEFLATE], ids=["plain", "compressed"])
@pytest.mark.parametrize("ending", ["closed", "cut", "refused", "unknown", "lost", "open", "key"])
def test_of_a_websocket_stays_what_its_messages_stated(
    taken: bytes, ending: str, tmp_path: Path
) -> None:
    said = [BEGUN, PIECE, DONE]
    if ending == "refused":
        said = [REFUSED]
    elif ending == "unknown":
        said = [SAID, b"{}", b"x" * 300]
    elif ending == "cut":
        said = said[:2]
    coded, bits = (deflated(*said), 0x40) if taken is DEFLATE else (said, 0)
    asked = ASK
    if ending == "key":
        asked = ASK.replace(b"LABONLY", b"sk-ant-api03-LABONLY0123456789abcdefg")
    [ask] = deflated(asked) if bits else [asked]
    tcp = Tcp().open().up(OFFER).down(taken)
    tcp.up(frame(TEXT, ask if ending != "unknown" else SAID, mask=b"lab!", bits=bits))
    for data in coded:
        tcp.down(frame(TEXT, data, bits=bits))
    if ending == "lost":
        tcp.down(b"lost").wire.packets.pop()
    tcp.up(frame(0x9, SAID, mask=b"LAB?"))
    if ending != "open":
        tcp.down(close(1011, b"the key LABONLY1234567890 failed")).up(close(1000, mask=b"1234"))
        tcp.close()
    source = saved(tcp.wire, tmp_path)
    options = Options(scope="all", fingerprint_key=b"lab")
    copy = redacted(source, tmp_path)
    assert comparable(copy, options) == comparable(source, options)
    payload = copy.read_bytes()
    assert b"LABONLY" not in payload
    assert ending in ("open", "lost") or b"the key xxx" in payload
    if ending == "open":  # its mark stands behind the last packet
        return
    out = same(tcp)
    marks = [read(mark) for part in out for mark in part.marks]
    assert any(isinstance(mark, BlankStretch) and mark.why == "body" for mark in marks)


SECRET = "sk-ant-api03-LABONLY" + 73 * "x" + "AA"
ASKING = (*ASKED_H2, ("authorization", "Bearer " + SECRET), ("x-lab", "LABONLY nobody's"))


@pytest.mark.parametrize(
    "case", ["whole", "hole", "reset", "key", "upgraded", "midstream", "coded"]
)
def test_of_http_2_stays_what_its_streams_stated(case: str, tmp_path: Path) -> None:
    talk = Talk(upgraded=case == "upgraded")
    tcp = Tcp().open()
    if case == "upgraded":
        tcp.up(OFFER.replace(b"websocket", b"h2c"))
        tcp.down(TAKEN.replace(b"websocket", b"h2c"))
        talk.answer(1, EVENTS_H2, EVENTS)
    said = b"sk-ant-api03-LABONLY0123456789abcdefg" if case == "key" else SAID
    first = talk.ask(ASKING, b'{"text":"%s"}' % said)
    second = talk.ask(ASKING)
    talk.answer(second, EVENTS_H2, EVENTS[:90], EVENTS[90:])
    error = ERROR.replace(SAID, b"is not known")
    coded = (*JSON_H2, ("content-encoding", "zstd")) if case == "coded" else JSON_H2
    talk.answer(first, coded, zstandard.compress(error) if case == "coded" else error)
    third = talk.ask(ASKING)
    if case == "reset":
        talk.server.reset_stream(third, 2)
    talk.server.close_connection(additional_data=SAID)
    for number, (up, data) in enumerate(talk.pump().flights):
        tcp.send(up, data)
        if (case == "hole" and number == 5) or (case == "midstream" and number < 2):
            tcp.wire.packets.pop()
        tcp.ack(not up)
    tcp.close()
    if case == "midstream":
        del tcp.wire.packets[:3]

    source = saved(tcp.wire, tmp_path)
    options = Options(scope="all", fingerprint_key=b"lab")
    copy = redacted(source, tmp_path)
    assert comparable(copy, options) == comparable(source, options)
    assert b"LABONLY" not in copy.read_bytes()
    report = inspect(copy, options=options)
    assert len(report.exchanges) >= 2
    assert any(exchange.request and exchange.request.auth for exchange in report.exchanges)
    if case == "key":
        assert report.exchanges[0].request is not None
        assert report.exchanges[0].request.key_in_body == "sk-ant-api03-"
