"""A key that is sent after a text quoted it stands in no output, told early or late."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from inspector.exchanges.cleaning import without_free_text
from inspector.inspection import Inspector, Options
from inspector.model.http import ApiError, Exchange
from tests.flows.build import Tcp, Wire
from tests.leaks.artifacts import artifacts
from tests.redaction.test_audit import OK, asked, saved

#: Words that each may be shown, and together are a key; and one that is none.
KEYS = (b"winter garden paper", b"q7zxktw4labonlymd83hfs2x")


def in_an_error(key: bytes) -> bytes:
    body = b'{"type":"error","error":{"type":"authentication_error","message":"not %s"}}' % key
    head = b"HTTP/1.1 401 No\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    return head % len(body) + body


def in_an_error_event(key: bytes) -> bytes:
    event = b'event: error\ndata: {"type":"error","error":{"type":"api_error","message":"%s"}}\n\n'
    body = event % key
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: %d\r\n\r\n"
    return head % len(body) + body


def in_plain_text(key: bytes) -> bytes:
    head = b"HTTP/1.1 403 No\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n"
    return head % len(key) + key


def in_a_reason(key: bytes) -> bytes:
    return b"HTTP/1.1 403 %s\r\nContent-Length: 0\r\n\r\n" % key


ANSWERS = (in_an_error, in_an_error_event, in_plain_text, in_a_reason)


def quoted_then_sent(answer: bytes, key: bytes) -> Wire:
    """An answer that quotes a key on a connection that is over when the key is sent."""
    tcp = Tcp().open().up(b"GET /v1/models HTTP/1.1\r\nHost: lab.test\r\n\r\n").down(answer).close()
    later = Tcp(tcp.wire, client=("172.30.0.20", 40001)).open()
    return later.up(asked(key=key)).down(OK).close().wire


@pytest.mark.parametrize("key", KEYS, ids=["words", "no words"])
@pytest.mark.parametrize("answer", ANSWERS, ids=lambda answer: answer.__name__)
def test_no_output_has_a_key_that_was_sent_after_it_was_quoted(
    answer: Any, key: bytes, tmp_path: Path
) -> None:
    source = saved(tmp_path, quoted_then_sent(answer(key), key).packets)
    made = artifacts(source.read_bytes(), tmp_path / "made")
    assert {"report.json", "report.html", "exchanges.har", "jsonl", "terminal"} <= made.keys()
    pieces = [key[at : at + 12] for at in range(len(key) - 11)]
    leaking = [name for name, data in made.items() if any(p in data.lower() for p in pieces)]
    assert leaking == []


def test_a_key_that_an_answer_announces_is_hidden_in_the_request_that_it_answers() -> None:
    key = b"interleaved-thinking-2025-05-14"
    wire = Tcp().open().up(
        b"GET /v1/models HTTP/1.1\r\nHost: lab.test\r\nanthropic-beta: %s\r\n\r\n" % key
    ).down(in_an_error(b"api_key=" + key)).close().wire  # fmt: skip
    inspector = Inspector(Options(scope="all"))
    inspector.feed(wire.batch())
    [exchange] = inspector.finish().exchanges
    assert key.decode() not in repr(exchange)


def test_a_key_that_is_sent_while_a_socket_is_open_is_hidden_in_what_it_was_upgraded_to() -> None:
    key = b"winter-garden-paper"
    tcp = Tcp().open()
    tcp.up(
        b"GET /v1/models HTTP/1.1\r\nHost: lab.test\r\nConnection: upgrade\r\nUpgrade: h\r\n\r\n"
    )
    tcp.down(
        b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: %s\r\n\r\n" % key
    )
    later = Tcp(tcp.wire, client=("172.30.0.20", 40001)).open().up(asked(key=key)).down(OK)
    inspector = Inspector(Options(scope="all"))
    inspector.feed(later.wire.batch())
    assert key.decode() not in repr(inspector.finish().exchanges)


def test_a_key_that_is_sent_is_hidden_in_the_name_of_a_header_that_came_before_it() -> None:
    """Which tells by itself that its value is a credential, and was read then."""
    key, real = b"winter-garden-paper", b"sk-ant-api03-LABONLYq7zxktw4labonlymd83hfs2xAbCdEf"
    asking = b"GET /v1/models HTTP/1.1\r\nHost: lab.test\r\n%s: %s\r\n\r\n"
    tcp = Tcp().open()
    for name, value in ((key + b"-token", real), (b"x-api-key", key), (key + b"-token", real)):
        tcp.up(asking % (name, value)).down(OK)
    inspector = Inspector(Options(scope="all"))
    inspector.feed(tcp.close().wire.batch())
    exchanges = inspector.finish().exchanges
    assert [bool(exchange.request and exchange.request.auth) for exchange in exchanges] == [
        True
    ] * 3
    assert key.decode() not in repr(exchanges)


def test_what_is_told_before_the_end_has_granted_values_and_no_free_text() -> None:
    told: list[Exchange] = []
    inspector = Inspector(Options(scope="all"), on_exchange=told.append)
    inspector.feed(quoted_then_sent(in_an_error(b"known"), KEYS[0]).batch())
    report = inspector.finish()
    first, last = told[0].response, report.exchanges[0].response
    assert first is not None
    assert last is not None
    assert first.api_error == ApiError("authentication_error", None)
    assert last.api_error == ApiError("authentication_error", "not known")
    assert told[0].request == report.exchanges[0].request
    assert first.headers == last.headers


def test_the_last_line_of_an_exchange_has_the_text_that_the_first_had_not(tmp_path: Path) -> None:
    source = saved(tmp_path, quoted_then_sent(in_an_error(b"known"), KEYS[0]).packets)
    lines = artifacts(source.read_bytes(), tmp_path / "made")["jsonl"].splitlines()
    said = [
        line["exchange"]["response"]["api_error"]["message"]
        for line in map(json.loads, lines)
        if "exchange" in line and line["exchange"]["id"] == "e1"
    ]
    assert said == [None, "not known"]


def test_a_record_without_free_text_stays_itself() -> None:
    told: list[Exchange] = []
    inspector = Inspector(Options(scope="all"), on_exchange=told.append)
    inspector.feed(quoted_then_sent(OK, KEYS[0]).batch())
    [_, request] = [exchange.request for exchange in told]
    assert without_free_text(request) is request


def test_nor_has_any_output_a_key_that_was_the_name_of_a_host_before_it_was_sent(
    tmp_path: Path,
) -> None:
    """Whom a client asked is told in its row, too."""
    key = b"winter-garden-paper"
    asks = b"GET http://%s.lab.test/v1/models HTTP/1.1\r\nHost: lab.test\r\n\r\n" % key
    tcp = Tcp(server=("172.30.0.10", 3128)).open().up(asks).down(OK).close()
    wire = Tcp(tcp.wire, client=("172.30.0.20", 40001)).open().up(asked(key=key)).down(OK).close()
    source = saved(tmp_path, wire.wire.packets)
    made = artifacts(source.read_bytes(), tmp_path / "made")
    told = ("report.json", "report.html", "summary.md", "terminal", "redact")
    assert [name for name in told if key[:12] in made[name].lower()] == []
