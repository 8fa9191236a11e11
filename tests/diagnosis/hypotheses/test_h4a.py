"""H4a: whether calls failed although tunnels were opened, where tunnels may be out of sight."""

from __future__ import annotations

from inspector.model.report import Report
from tests.diagnosis.calls import API_SAYS, CALL, called, cause, golden
from tests.exchanges.network import ESTABLISHED, Network, connect, play, report, response, say, tls

_OVERLOADED = b'{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}'


def verdict(told: Report) -> str:
    return next(item.verdict for item in told.hypotheses if item.id == "H4a")


def test_an_answer_of_whom_nobody_knows_needs_a_tunnel_that_was_not_captured() -> None:
    assert verdict(called(CALL, response("500 X", *API_SAYS[:1]))) == "not observable"


def test_of_a_client_that_left_it_is_not_known_what_the_api_proxy_did_out_of_sight() -> None:
    """Which of the two closes first is a race, so that the scenario leaves it open."""
    assert verdict(golden("h2c-prior-knowledge")) == "not observable"


def test_a_tunnel_whose_opening_was_lost_is_no_refusal_of_the_api_proxys() -> None:
    net = Network()
    tcp = net.to_api_proxy()
    tcp.send(True, CALL).ack(False)
    far = say(net.to_squid(), connect(), ESTABLISHED)
    play(far, tls())
    overloaded = response("529 X", *API_SAYS[:1], body=_OVERLOADED)
    tcp.send(False, overloaded).ack(True).close()
    far.close()
    packets = [packet for packet in net.wire.packets if packet.data != ESTABLISHED]
    assert len(packets) == len(net.wire.packets) - 1

    told = report(packets)

    assert cause(told).code == "upstream-overloaded"
    assert [tunnel.tls and tunnel.tls.handshake for tunnel in told.tunnels] != ["failed"]
