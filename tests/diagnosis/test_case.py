"""What is a call, what became of it, and who is to blame when it never reached the API proxy."""

from __future__ import annotations

from dataclasses import replace

import pytest

from inspector import inspect
from inspector.diagnosis.case import Case
from inspector.model.conclusions import Chain
from inspector.model.report import Report
from tests.diagnosis.matrix import GOLDEN
from tests.exchanges.network import AGENT, Network, report, request, response, say
from tests.flows.build import START

SQUID_PAGE = (
    "Server: squid/5.7",
    "X-Squid-Error: ERR_ACCESS_DENIED 0",
    "Content-Type: text/html",
)
CALL = request("POST /v1/messages HTTP/1.1", "x-api-key: sk-ant-placeholder-key")


HOUR = 3_600 * 10**9


def essence(told: Report) -> tuple[object, ...]:
    """The cause and the verdicts."""
    cause = told.root_cause
    return (None if cause is None else cause.code, *[item.verdict for item in told.hypotheses])


def codes(report: Report) -> set[str]:
    return {item.code for item in report.findings}


@pytest.mark.parametrize("path", ["/health", "/reflect", "/metrics", "/"])
def test_the_api_proxys_own_pages_are_no_calls(path: str) -> None:
    net = Network()
    say(net.to_api_proxy(), request(f"GET {path} HTTP/1.1"), response("503 Unavailable")).close()

    report = net.report()

    assert report.root_cause is None
    assert codes(report) == {"no-api-call"}


def test_a_call_that_squid_did_not_pass_on_is_a_failed_call() -> None:
    net = Network()
    absolute = request("POST http://172.30.0.30:10001/v1/messages HTTP/1.1")
    say(net.to_squid(client=AGENT), absolute, response("403 Forbidden", *SQUID_PAGE)).close()

    report = net.report()

    assert report.root_cause is not None
    assert (report.root_cause.code, report.root_cause.of) == ("squid-denied", 1)
    assert codes(report) == {"squid-denied"}


def test_the_three_403s_are_told_apart() -> None:
    answers = {
        "squid-denied": SQUID_PAGE,
        "proxy-refused": ("Content-Type: application/json",),
        "upstream-forbidden": ("content-type: application/json", "request-id: req_1"),
    }
    for code, fields in answers.items():
        net = Network()
        say(net.to_api_proxy(), CALL, response("403 Forbidden", *fields)).close()

        cause = net.report().root_cause

        assert cause is not None
        assert cause.code == code


def test_a_connection_that_was_closed_without_an_answer_and_then_nobody() -> None:
    """A death needs a sign that the process went; nobody asked for one here."""
    net = Network()
    net.to_api_proxy().up(CALL).end(False).end(True)

    cause = net.report().root_cause

    assert cause is not None
    assert cause.code == "call-unanswered"
    assert "whether it lives is not known" in cause.details[0]


def test_the_same_close_is_no_death_when_a_later_call_is_answered() -> None:
    net = Network()
    net.to_api_proxy().up(CALL).end(False).end(True)
    say(net.to_api_proxy(), request("POST /v1/other HTTP/1.1"), response()).close()

    report = net.report()

    assert report.root_cause is not None
    assert report.root_cause.code == "call-unanswered"


# -- times that do not tell what came first ---------------------------------------

FLOORS = {"one second": 10**9, "a tenth of a second": 10**8, "no times": 10**20}


@pytest.mark.parametrize("unit", FLOORS.values(), ids=FLOORS)
def test_a_death_is_told_by_the_order_of_packets_where_times_do_not_differ(unit: int) -> None:
    """Attempts after a death bear the time of the last connection that was taken."""
    net = Network()
    net.wire.now = START // 10**9 * 10**9
    net.to_api_proxy().up(CALL).end(False).end(True)
    for _ in range(4):
        net.refused_at_api_proxy()

    cause = report([packet._replace(at=packet.at // unit * unit) for packet in net.wire.packets])

    assert cause.root_cause is not None
    assert (cause.root_cause.code, cause.root_cause.explains) == ("proxy-died", 1)
    assert cause.root_cause.details[0].startswith(
        "Since then 4 connection attempts to it failed, 0 accepted"
    )


def test_a_death_is_told_by_the_order_of_packets_where_the_clock_steps_back() -> None:
    net = Network()
    net.to_api_proxy().up(CALL).end(False).end(True)
    for _ in range(4):
        net.refused_at_api_proxy()
    told = essence(net.report())

    for where in range(len(net.wire.packets)):
        packets = [
            packet._replace(at=packet.at - (HOUR if number >= where else 0))
            for number, packet in enumerate(net.wire.packets)
        ]
        assert essence(report(packets)) == told


def test_attempts_refused_while_it_lives_are_no_death_whatever_the_clock_says() -> None:
    net = Network()
    for _ in range(2):
        net.refused_at_api_proxy()
    say(net.to_api_proxy(10000), CALL, response()).close()
    told = essence(net.report())
    assert told[0] == "proxy-not-listening"

    for unit in FLOORS.values():
        packets = [packet._replace(at=packet.at // unit * unit) for packet in net.wire.packets]
        assert essence(report(packets)) == told


# -- chains ----------------------------------------------------------------------------


def with_chain(told: Report, chain: Chain) -> Case:
    """The case of a report's facts with this chain alone."""
    return Case(
        exchanges=told.exchanges,
        tunnels=told.tunnels,
        connections=told.connections,
        direct_tls=told.direct_tls,
        chains=[chain],
        topology=told.topology,
        completeness=told.completeness,
    )


@pytest.mark.parametrize(("confidence", "relied_on"), [(0.8, True), (0.79, False)])
def test_a_call_has_the_tunnel_of_a_chain_from_a_confidence_of_0_8_on(
    confidence: float, *, relied_on: bool
) -> None:
    told = inspect(GOLDEN / "squid-denied")
    chain = told.chains[0]
    case = with_chain(told, replace(chain, confidence=confidence))

    call = next(iter(case.failed_calls()))

    assert call.exchange.id == chain.agent_exchange
    assert [tunnel.id for tunnel in call.tunnels] == ([chain.tunnel] if relied_on else [])
    assert case.may_have_tunnel(call)


@pytest.mark.parametrize(("confidence", "may_have"), [(0.5, True), (0.7, False)])
def test_that_a_call_has_no_tunnel_is_no_more_than_a_guess_up_to_a_confidence_of_0_5(
    confidence: float, *, may_have: bool
) -> None:
    told = inspect(GOLDEN / "proxy-guard-403")
    chain = next(chain for chain in told.chains if chain.status == 403)
    assert chain.tunnel is None
    case = with_chain(told, replace(chain, confidence=confidence))

    assert case.may_have_tunnel(next(iter(case.failed_calls()))) is may_have
