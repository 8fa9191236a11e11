"""gRPC is named, and its own status decides: 200 is what HTTP says of every answer of it."""

from __future__ import annotations

from typing import Final

import pytest

from inspector.diagnosis.outcome import outcome_of
from inspector.exchanges.grpc import CODES
from inspector.model.http import Exchange, Grpc
from inspector.model.report import Report
from inspector.report.page.terminal import render
from tests.exchanges.network import KEY, Network, only_exchange, request, say
from tests.flows.build import batch
from tests.protocols.http2_memory import Pairs, Talk
from tests.redaction.test_canary import report_of
from tests.redaction.test_packets import redacted

CALL: Final = "/google.ai.generativelanguage.v1beta.GenerativeService/GenerateContent"
ASK: Final = (
    (":method", "POST"),
    (":scheme", "http"),
    (":authority", "172.30.0.30:10003"),
    (":path", CALL),
    ("content-type", "application/grpc"),
    ("te", "trailers"),
    ("grpc-timeout", "10S"),
    ("x-goog-api-key", "AIza" + "LABONLY" * 5),
)
HEAD: Final = ((":status", "200"), ("content-type", "application/grpc"))
#: A message of gRPC: not compressed, its length, some protobuf.
MESSAGE: Final = b"\0\0\0\0\x07\x0a\x05hello"


def call(*pieces: bytes, head: Pairs = HEAD, trailers: Pairs | None = None) -> Network:
    """A call, and its answer; with `trailers` these end it."""
    talk, net = Talk(), Network()
    stream = talk.ask(ASK, MESSAGE)
    talk.answer(stream, head, *pieces, ends=trailers is None)
    if trailers is not None:
        talk.server.send_headers(stream, list(trailers), end_stream=True)
        talk.pump()
    tcp = net.to_api_proxy(10003)
    for up, data in talk.flights:
        tcp.send(up, data)
        tcp.ack(not up)
    tcp.close()
    return net


def ended(report: Report) -> tuple[Grpc | None, str]:
    exchange = only_exchange(report)
    return exchange.grpc, outcome_of(exchange)


def error(exchange: Exchange) -> tuple[str | None, str | None, int | None]:
    assert exchange.response
    assert exchange.response.api_error
    found = exchange.response.api_error
    return found.type, found.message, found.status


def test_a_call_that_succeeded_is_answered() -> None:
    net = call(MESSAGE, trailers=(("grpc-status", "0"),))
    report = net.report()
    assert ended(report) == (Grpc(0, "OK"), "answered")
    exchange = only_exchange(report)
    assert exchange.response
    assert exchange.response.api_error is None
    assert exchange.request
    assert ("grpc-timeout", "10S") in exchange.request.headers


@pytest.mark.parametrize("in_head", [False, True], ids=["in trailers", "in the head alone"])
def test_a_call_that_failed_did_so_by_its_own_status(in_head: bool) -> None:
    fields = (("grpc-status", "16"), ("grpc-message", "API%20key%20not%20valid"))
    net = call(head=(*HEAD, *fields)) if in_head else call(MESSAGE, trailers=fields)
    report = net.report()
    assert ended(report) == (Grpc(16, "UNAUTHENTICATED"), "status")
    assert error(only_exchange(report)) == ("UNAUTHENTICATED", "API key not valid", 401)
    assert "call-failed" in {finding.code for finding in report.findings}
    page = render(report, width=200, verbosity=1)
    assert "gRPC status 16 UNAUTHENTICATED" in page
    assert "API key not valid" in page


def test_a_status_that_has_no_name_is_told_by_its_number() -> None:
    report = call(MESSAGE, trailers=(("grpc-status", "99"),)).report()
    assert ended(report) == (Grpc(99, None), "status")
    assert error(only_exchange(report)) == ("grpc-status 99", None, 500)


@pytest.mark.parametrize("value", ["", "OK", "-1", "1" * 20, "0 "])
def test_what_is_no_status_is_not_taken_for_one(value: str) -> None:
    report = call(MESSAGE, trailers=(("grpc-status", value.strip() or "x"),)).report()
    grpc, outcome = ended(report)
    assert grpc in (Grpc(None, None), Grpc(0, "OK"))
    assert outcome == "answered"


def test_without_its_trailers_nothing_is_claimed_of_it() -> None:
    report = call(MESSAGE).report()
    assert ended(report)[0] == Grpc(None, None)


def test_other_content_types_are_no_grpc() -> None:
    head = ((":status", "200"), ("content-type", "application/grpcx"), ("grpc-status", "7"))
    talk, net = Talk(), Network()
    stream = talk.ask((*ASK[:4], ("content-type", "application/json")), b"{}")
    talk.answer(stream, head)
    tcp = net.to_api_proxy(10003)
    for up, data in talk.flights:
        tcp.send(up, data)
    assert ended(net.report())[0] is None


def test_in_the_trailers_of_http_1_it_is_read_alike() -> None:
    net = Network()
    answer = (
        b"HTTP/1.1 200 OK\r\nContent-Type: application/grpc+proto\r\nTransfer-Encoding: chunked\r\n"
        b"\r\n5\r\n\0\0\0\0\0\r\n0\r\ngrpc-status: 8\r\ngrpc-message: quota exceeded\r\n\r\n"
    )
    say(net.to_api_proxy(10003), request("POST /lab.Lab/Do HTTP/1.1", body=b"{}"), answer).close()
    report = net.report()
    assert ended(report) == (Grpc(8, "RESOURCE_EXHAUSTED"), "status")
    assert error(only_exchange(report)) == ("RESOURCE_EXHAUSTED", "quota exceeded", 429)


@pytest.mark.parametrize("escaped", [KEY, KEY.replace("-", "%2D"), KEY.replace("L", "%4C")])
def test_a_key_in_its_message_is_not_shown(escaped: str) -> None:
    fields = (("grpc-status", "16"), ("grpc-message", f"no%20such%20key%3A%20{escaped}"))
    net = call(MESSAGE, trailers=fields)
    report = net.report()
    message = error(only_exchange(report))[1]
    assert message
    assert "LABONLY" not in message
    assert "xxxxxxxx" not in message


def test_a_copy_says_the_same() -> None:
    fields = (("grpc-status", "16"), ("grpc-message", "API%20key%20LABONLY0123456%20not%20valid"))
    packets = call(MESSAGE, trailers=fields).wire.packets
    out, _ = redacted(packets)
    assert report_of(out) == report_of([batch(packets)])
    assert b"LABONLY" not in b"".join(part.data for part in out)


def test_the_names_are_those_of_google_rpc() -> None:
    assert set(CODES) == set(range(17))
    assert all(200 <= status < 600 for _, status in CODES.values())
