"""What becomes of bodies, tunnels and plaintext of any kind; of bodies, when they are kept."""

from __future__ import annotations

import gzip
import re
from collections.abc import Sequence

import pytest

from inspector.credentials.masking import Masker
from inspector.redaction import RedactionSummary
from inspector.redaction.listening import Listening
from inspector.wire import Segment
from tests.exchanges.network import ESTABLISHED, Network, connect, play, say, tls
from tests.flows.build import Tcp
from tests.redaction.test_packets import payloads, redacted

KEY = b"sk-proj-" + 40 * b"LABONLY9"
PUBLIC = b"sk-ant-placeholder-key-for-credential-isolation"
UNSHAPED = b"LABONLY-of-no-known-shape"
ASKED = b"POST /v1 HTTP/1.1\r\nX-Api-Key: " + PUBLIC + b"\r\nContent-Length: 0\r\n\r\n"


def response(body: bytes, *fields: bytes) -> bytes:
    lines = (b"HTTP/1.1 401 No", *fields, b"Content-Length: %d" % len(body))
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def chunked(*chunks: bytes) -> bytes:
    body = b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks)
    return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + body + b"0\r\n\r\n"


def said(answer: bytes, asked: bytes = ASKED, size: int = 1448) -> tuple[bytes, RedactionSummary]:
    """Everything in the redacted packets of one exchange."""
    tcp = Tcp().open().up(asked)
    for at in range(0, len(answer), size):
        tcp.down(answer[at : at + size])
    out, summary = redacted(tcp.close().wire.packets, keep_bodies=True)
    return payloads(out), summary


def test_placeholders_stay() -> None:
    data, summary = said(response(b"{}"))
    assert PUBLIC in data
    assert summary.changed == 0


@pytest.mark.parametrize("size", [1448, 100, 9])
def test_a_key_of_no_shape_is_masked_where_its_refusal_echoes_it(size: int) -> None:
    data, summary = said(
        response(b"<p>no such key: " + UNSHAPED + b"</p>"),
        ASKED.replace(PUBLIC, UNSHAPED),
        size,
    )
    assert UNSHAPED not in data
    # The mask is as long as the key; its digits tell keys apart.  What stands around it stays.
    assert re.search(rb"<p>no such key: x{%d}[0-9]{8}</p>" % (len(UNSHAPED) - 8), data)
    assert summary.echoes == 1


@pytest.mark.parametrize("size", [1448, 5])
def test_a_key_across_chunks_is_masked_and_the_chunks_stay(size: int) -> None:
    data, _ = said(chunked(b'{"a":"' + KEY[:20], KEY[20:90], KEY[90:] + b'"}'), size=size)
    assert b"LABONLY9" not in data
    assert b'{"a":"sk-proj-xxxx' in data
    assert b"\r\n46\r\n" in data


def test_a_long_body_is_masked_wherever_a_key_stands_in_it() -> None:
    for at in range(15_000, 18_000, 97):
        body = b"word, " * (at // 6) + b" " * (at % 6) + KEY + b" and more" * 3000
        data, summary = said(response(body), size=16_000)
        assert b"LABONLY9" not in data
        assert b"word, " * (at // 6 - 2000) in data
        assert summary.echoes >= 1


def test_a_compressed_body_without_a_key_stays() -> None:
    body = gzip.compress(b'{"text":"hello"}' * 50)
    data, summary = said(response(body, b"Content-Encoding: gzip"))
    assert body in data
    assert not summary.blanked


def test_a_compressed_body_with_a_key_is_blanked_whole() -> None:
    body = gzip.compress(b'{"error":"bad key ' + KEY + b'"}' + b"more " * 999)
    data, summary = said(response(body, b"Content-Encoding: gzip"), size=60)
    assert b"\r\n\r\n" + b"x" * 20 in data
    assert body[8:28] not in data
    assert summary.blanked["compressed"] == 1


def test_what_only_claims_to_be_compressed_is_masked_as_text() -> None:
    body = b"a plain page that shows " + KEY + b" to everyone"
    data, _ = said(response(body, b"Content-Encoding: gzip"))
    assert b"a plain page that shows sk-proj-xxxx" in data
    assert b"LABONLY9" not in data


def test_a_masked_echo_in_any_spelling_gives_nothing_away() -> None:
    for mask in ("...", "***", "\u2026", "\\u2026", "\u2022" * 3):
        echo = f"sk-proj-LABO{mask}NLY9".encode()
        data, _ = said(response(b'{"error":"Incorrect API key provided: ' + echo + b'"}'))
        assert b"NLY9" not in data
        assert b"LABO" not in data


def test_of_records_of_tls_stay_their_headers() -> None:
    header = b"\x17\x03\x03\0\x40"
    record = header + 8 * b"Bearer k"
    hello = b"\x16\x03\x01\0\x04\x01\0\0\0"
    connect = (
        b"CONNECT lab.test:443 HTTP/1.1\r\nProxy-Authorization: Basic " + UNSHAPED + b"\r\n\r\n"
    )
    tcp = Tcp().open().up(connect).down(b"HTTP/1.1 200 Connection established\r\n\r\n")
    tcp.up(hello).down(hello).up(record).down(record)
    out, summary = redacted(tcp.close().wire.packets)
    data = payloads(out)
    assert UNSHAPED not in data
    assert header + 64 * b"x" in data
    assert record not in data
    assert summary.positions == {"proxy-authorization": 1}
    assert summary.blanked["tls"] == 2
    assert record in payloads(redacted(tcp.wire.packets, keep_ciphertext=True)[0])


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many segments a copy was told of each time."""
    counts: list[int] = []
    came = Listening.bytes_came

    def counted(self: Listening, up: bool, segments: Sequence[Segment]) -> None:
        counts.append(len(segments))
        came(self, up, segments)

    monkeypatch.setattr(Listening, "bytes_came", counted)
    return counts


def test_what_a_tunnel_carries_is_told_to_a_copy_once_a_batch(told: list[int]) -> None:
    """Once the handshake is over no order between its directions has to be kept."""
    net = Network()
    tcp = play(say(net.to_squid(), connect(), ESTABLISHED), tls())
    record = b"\x17\x03\x03\x05\x8f" + 1423 * b"k"
    for _ in range(100):
        tcp.down(record)
    out, _ = redacted(tcp.close().wire.packets)
    assert max(told) >= 100
    assert payloads(out).count(record[:5] + 1423 * b"x") == 200, "packets, and their stream"


@pytest.mark.parametrize(("body", "shown"), [(b"LABONLY9", 1), (b"xxxxxxxx", 5)])
def test_of_a_long_record_in_a_handshake_a_copy_is_shown_its_beginning(
    told: list[int], body: bytes, shown: int
) -> None:
    """But where nothing was hidden so far: whether that is so of the rest, its bytes tell."""
    hello = b"\x16\x03\x01\0\x04\x01\0\0\0"
    record = b"\x17\x03\x03\x20\0" + body * 1024
    tcp = Tcp().open().up(hello).down(hello)
    for at in range(0, len(record), 2048):
        tcp.up(record[at : at + 2048])
    out, summary = redacted(tcp.close().wire.packets)
    assert len(told) == 2 + shown, "the hellos, and it"
    assert record[:5] + 8192 * b"x" in payloads(out)
    assert summary.changed == (5 if shown == 1 else 0)


def test_http2_without_tls_is_blanked_behind_its_preface() -> None:
    preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
    tcp = Tcp().open().up(preface + b"\0\0\0\x04\0\0\0\0\0" + UNSHAPED)
    out, summary = redacted(tcp.down(b"\0\0\0\x04\0\0\0\0\0" + UNSHAPED).close().wire.packets)
    data = payloads(out)
    assert preface in data
    assert UNSHAPED not in data
    assert summary.blanked["plaintext"]


def test_plaintext_that_is_no_http_is_no_body_that_could_be_kept() -> None:
    tcp = Tcp().open().up(b"\x01LAB hello\nX-Api-Key: " + UNSHAPED + b"\n" + KEY + b"\n")
    data = payloads(redacted(tcp.close().wire.packets, keep_bodies=True)[0])
    assert b"xxxxxxxxxx\nxxxx" in data
    assert b"LAB" not in data


@pytest.mark.parametrize("method", ["field", "text", "target"])
def test_a_bug_in_the_masker_blanks_and_lets_nothing_out(
    method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> str:
        raise ValueError("a bug")

    monkeypatch.setattr(Masker, method, fail)
    tcp = Tcp().open().up(ASKED.replace(PUBLIC, UNSHAPED)).down(response(b"{}")).up(ASKED)
    data = payloads(redacted(tcp.close().wire.packets)[0])
    assert UNSHAPED not in data
