"""What was not read touches its connection, and the capture is then not complete."""

from __future__ import annotations

import zlib

import pytest

from inspector import unread
from inspector.exchanges.http import HttpLayer
from inspector.inspection import Inspector
from inspector.model.capture import Completeness, Unread
from inspector.model.ids import connection_id
from inspector.model.report import Report
from inspector.options import Options
from inspector.unread import UnreadLog
from tests.exchanges.network import API_PROXY, Network, line, report, request, response, say


def touched(told: Completeness) -> list[tuple[str | None, str]]:
    return [(item.connection, item.reason) for item in told.unread]


def of_one_side(net: Network, client: str) -> Report:
    """The report without the frames of the end that is not `client`."""
    return report([packet for packet in net.wire.packets if packet.up])


def test_a_healthy_capture_is_complete_and_nothing_is_unread() -> None:
    net = Network()
    say(net.to_api_proxy(), request(), response()).close()

    told = net.report().completeness

    assert told.verdict == "complete"
    assert (told.unread, told.because) == ((), ())


def test_a_connection_given_up_for_a_bug_is_unread(monkeypatch: pytest.MonkeyPatch) -> None:
    net = Network()
    say(net.to_api_proxy(), request(), response()).close()

    def fails(*args: object) -> None:
        raise MemoryError

    monkeypatch.setattr(HttpLayer, "receive", fails)
    inspector = Inspector(Options())
    inspector.feed(net.wire.batch())
    told = inspector.finish().completeness

    assert touched(told) == [("c1", "internal-error")]
    assert told.verdict == "incomplete"
    assert told.because == (
        "1 connection was given up: the inspector failed on it (internal-error)",
    )


def test_fields_beyond_the_limit_are_unread() -> None:
    net = Network()
    say(net.to_api_proxy(), request("GET / HTTP/1.1", *2100 * ["a: b"]), response()).close()
    say(net.to_api_proxy(), request("GET / HTTP/1.1", *1900 * ["a: b"]), response()).close()

    found = net.report()
    told = found.completeness

    assert touched(told) == [("c1", "limit")]
    asked = [exchange.request for exchange in found.exchanges]
    assert [each.complete for each in asked if each] == [False, True]
    assert told.limits_hit == ("header fields of a message",)
    assert told.verdict == "incomplete"


def test_a_body_in_more_codings_than_are_undone_is_unread() -> None:
    body = b"{}"
    for _ in range(6):
        body = zlib.compress(body)
    coded = "Content-Encoding: " + ", ".join(6 * ["deflate"])
    net = Network()
    answer = response("200 OK", "Content-Type: application/json", coded, body=body)
    say(net.to_api_proxy(), request(), answer).close()

    assert touched(net.report().completeness) == [("c1", "limit")]


def test_bytes_sent_twice_with_other_content_are_unread() -> None:
    net = Network()
    decoy, real = request("GET /decoy HTTP/1.1"), request("GET /other HTTP/1.1")
    net.to_api_proxy().up(decoy).up(real, 0).ack(False).down(response()).close()

    told = net.report().completeness

    assert touched(told) == [("c1", "conflict")]
    assert told.because == ("1 connection carried bytes twice with different content",)


def test_of_a_gap_the_connection_is_known() -> None:
    net = Network()
    say(net.to_api_proxy(), request(), response()).close()
    lossy = net.to_api_proxy().up(request())
    lossy.down(response()[10:], offset=10).ack(True).close()

    assert touched(net.report().completeness) == [("c2", "gap")]


def test_of_a_cut_segment_the_connection_is_known() -> None:
    net = Network()
    net.to_api_proxy().up(request(), snap=20).ack(False).down(response()).ack(True).close()

    assert ("c1", "truncated") in touched(net.report().completeness)


def test_an_unfinished_request_is_of_its_connection() -> None:
    net = Network()
    net.to_api_proxy().up(request())

    assert touched(net.report().completeness) == [("c1", "capture-end")]


def test_one_half_heard_connection_among_whole_ones_makes_the_capture_incomplete() -> None:
    net = Network()
    say(net.to_api_proxy(), request(), response()).close()
    say(net.to_squid(), request(), response()).close()
    heard = [p for p in net.wire.packets if p.up or p.frame[26:30] == b"\xac\x1e\x00\x1e"]

    told = report(heard)

    assert touched(told.completeness) == [("c2", "one-sided")]
    assert told.completeness.verdict == "incomplete"
    assert told.completeness.because == ("1 connection was captured in one direction only",)


def test_how_a_call_ended_whose_server_was_not_heard_is_not_known() -> None:
    net = Network()
    say(net.to_api_proxy(), request(), response()).close()

    told = of_one_side(net, API_PROXY)

    assert [line(exchange) for exchange in told.exchanges] == ["POST /v1/messages - gap"]
    assert told.completeness.verdict == "unknown"


def test_a_syn_that_nobody_answers_is_not_half_heard() -> None:
    net = Network()
    say(net.to_api_proxy(), request(), response()).close()
    net.wire.packets += Network().to_squid().wire.packets[:1]

    assert net.report().completeness.verdict == "complete"


def test_more_unread_connections_than_are_listed_are_of_any(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(unread, "UNREAD_KEPT", 2)
    log = UnreadLog()
    for number in range(5):
        log.note(number, "gap", 10 + number)
        log.note(number, "gap", 20 + number)

    assert log.overflow
    assert log.facts() == (
        Unread(connection_id(0), "gap", 10),
        Unread(None, "gap", 12),
        Unread(connection_id(1), "gap", 11),
    )


def test_what_precedes_the_subnet_s_first_connection_is_forgotten() -> None:
    net = Network()
    net.to("198.51.100.9", 80, "198.51.100.8").up(request(), snap=20)
    say(net.to_api_proxy(), request(), response()).close()

    assert net.report().completeness.unread == ()


def test_a_packet_cut_before_its_ports_may_be_of_any_connection() -> None:
    net = Network()
    say(net.to_api_proxy(), request(), response()).close()
    net.wire.packets.append(net.wire.packets[3]._replace(frame=net.wire.packets[3].frame[:40]))

    told = net.report().completeness

    assert touched(told) == [(None, "truncated")]
    assert told.because == ("1 packet was cut short by the snap length",)


def test_a_packet_with_too_many_headers_may_be_of_any_connection() -> None:
    net = Network()
    say(net.to_api_proxy(), request(), response()).close()
    frame = net.wire.packets[3].frame
    nested = frame[:14] + 40 * _ip_in_ip(frame) + frame[14:]
    net.wire.packets.append(net.wire.packets[3]._replace(frame=nested, wire=len(nested)))

    told = net.report().completeness

    assert touched(told) == [(None, "limit")]
    assert told.because == ("1 packet has more headers inside one another than are followed",)
    assert told.limits_hit == ("headers of a packet",)


def _ip_in_ip(frame: bytes) -> bytes:
    """The IP header of a frame, as one that carries another (RFC 2003)."""
    return frame[14:16] + b"\x7f\xff" + frame[18:23] + b"\4" + frame[24:34]


def test_a_connection_that_its_client_acknowledged_was_not_left_unanswered() -> None:
    net = Network()
    net.to_api_proxy()

    told = report([packet for packet in net.wire.packets if packet.up])

    assert [connection.outcome for connection in told.connections] == ["established"]
    assert touched(told.completeness) == [("c1", "one-sided")]


def test_a_server_that_speaks_without_its_syn_ack_was_not_heard_whole() -> None:
    net = Network()
    say(net.to_api_proxy(), request(), response()).close()
    del net.wire.packets[1]

    told = net.report().completeness

    assert touched(told) == [("c1", "gap")]
    assert told.because == ("1 connection was answered by a SYN-ACK that was not captured",)


def test_of_a_server_only_acknowledgements_were_captured_so_its_answer_may_be_missing() -> None:
    """A capture that lost the SYN-ACK and the answer: both ends acknowledge what is not there."""
    net = Network()
    say(net.to_api_proxy(), request(), response()).ack(False).close()
    heard = [p for p in net.wire.packets if p.up or (not p.frame[47] & 0x03 and len(p.frame) < 70)]
    assert 0 < len([p for p in heard if not p.up]) < len([p for p in net.wire.packets if not p.up])

    told = report(heard)

    assert [connection.outcome for connection in told.connections] == ["established"]
    assert [line(exchange) for exchange in told.exchanges] == ["POST /v1/messages - gap"]
    assert touched(told.completeness) == [("c1", "gap")]
    assert told.completeness.because == (
        "1 connection was answered by a SYN-ACK that was not captured",
    )


def test_an_acknowledgement_in_answer_to_a_syn_opens_nothing() -> None:
    """RFC 9293 3.5.2: an old connection's end asks whether the SYN is meant (a challenge)."""
    net = Network()
    say(net.to_api_proxy(), request(), response()).close()
    other = Network().to_squid()
    syn, acknowledgement = other.ack(False).wire.packets[0], other.wire.packets[-1]
    net.wire.packets += [syn, acknowledgement]

    told = net.report()

    assert [connection.outcome for connection in told.connections] == ["established", "unanswered"]
    assert told.completeness.verdict == "complete"


@pytest.mark.parametrize(
    ("turns", "noticed"),
    [
        ((b"LABONLY\r\n" + request(), response()), 4),
        ((request() + b"\x01\x02LABONLY\r\n\r\n", response()), 4),
        ((request(), response() + b"!LABONLY\r\n"), 6),
        ((request() + b"GET /LABONLY\r\n\r\n", response()), 4),
        (
            (
                b"POST / HTTP/1.1\r\nHost: lab.test\r\nTransfer-Encoding: chunked\r\n\r\n"
                b"zz\r\nx-api-key: LABONLY\r\n\r\n",
                response("400 Bad"),
            ),
            4,
        ),
    ],
    ids=["before it", "behind it", "behind an answer", "no version", "instead of a chunk"],
)
def test_bytes_that_are_no_message_were_not_read(turns: tuple[bytes, ...], noticed: int) -> None:
    net = Network()
    say(net.to_api_proxy(), *turns).close()

    told = net.report().completeness

    assert [(item.connection, item.reason) for item in told.unread] == [("c1", "protocol")]
    assert told.unread[0].packet == noticed
    assert told.verdict == "complete", "no packet is missing, and none was cut off"


def test_a_message_that_ended_before_its_connection_did_is_not_under_way() -> None:
    net = Network()
    answers = response("408 Request Timeout"), request(), response()
    tcp = net.to_api_proxy()
    for up, data in zip((False, True, False), answers, strict=True):
        tcp.send(up, data)
        tcp.ack(not up)
    tcp.close()

    told = net.report().completeness

    assert (told.verdict, told.because) == ("complete", ())


_CUT = b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{}"
_UNTIL_CLOSE = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n{}"


@pytest.mark.parametrize("answer", [_UNTIL_CLOSE, _CUT, b""])
def test_an_end_that_was_acknowledged_and_not_captured_is_nobodys_leaving(answer: bytes) -> None:
    net = Network()
    tcp = net.to_api_proxy().up(request())
    if answer:
        tcp.down(answer)
    tcp.end(False)
    del net.wire.packets[-1]
    tcp.end(True)

    told = net.report()

    [exchange] = told.exchanges
    assert exchange.ended_by == "gap"
    assert told.findings == () or "client-aborted" not in {found.code for found in told.findings}
    assert touched(told.completeness) == [("c1", "gap")]
    assert told.completeness.because == (
        "1 answer broke off where the server's end was acknowledged but not captured",
    )


def test_a_client_that_left_has_left() -> None:
    net = Network()
    net.to_api_proxy().up(request()).down(_CUT).ack(True).end(True).end(False)

    told = net.report()

    assert [exchange.ended_by for exchange in told.exchanges] == ["client"]
    assert told.completeness.verdict == "complete"
