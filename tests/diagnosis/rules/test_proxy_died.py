"""proxy-died: where it is found, and where something only resembles it."""

from __future__ import annotations

from typing import Final

from tests.diagnosis.calls import API_SAYS, CALL, OTHER, cause, found, golden
from tests.diagnosis.degraded import frames, report_of
from tests.diagnosis.matrix import GOLDEN
from tests.diagnosis.transforms import CLOCKS
from tests.exchanges.network import Network, response, say

SECOND: Final = 1_000_000_000


def test_a_close_without_an_answer_and_nobody_there_afterwards_is_a_death() -> None:
    assert "proxy-died" in found(golden("issue-1527"))


def test_an_answer_cut_by_a_proxy_that_lives_on_is_none() -> None:
    assert "proxy-died" not in found(golden("upstream-json-cut"))


def test_a_supervisor_that_brings_it_back_does_not_hide_the_deaths() -> None:
    """Each call of them is explained, not the last alone."""
    net = Network()
    for _ in range(3):
        net.to_api_proxy().up(CALL).end(False).end(True)
        net.refused_at_api_proxy()

    told = cause(net.report())

    assert (told.code, told.explains, told.of) == ("proxy-died", 3, 3)


def test_all_connections_that_close_in_one_moment_are_a_death_without_a_refusal() -> None:
    net = Network()
    net.wire.now += SECOND
    idle, busy = net.to_api_proxy(), net.to_api_proxy()
    busy.up(CALL).end(False, after=0)
    idle.end(False, after=1_000_000)
    busy.end(True)
    idle.end(True)
    say(net.to_api_proxy(), OTHER, response("200 OK", *API_SAYS)).close()

    told = cause(net.report())

    assert told.code == "proxy-died"
    assert told.details == (
        "All its connections closed in the same moment.",
        "It came back: 1 connection accepted later.",
    )


def test_a_close_that_nothing_else_goes_with_is_no_death() -> None:
    net = Network()
    net.to_api_proxy().up(CALL).end(False).end(True)

    assert "proxy-died" not in found(net.report())


def test_a_connection_that_the_proxy_goes_on_using_refutes_its_death() -> None:
    net = Network()
    other = net.to_api_proxy()
    net.to_api_proxy().up(CALL).end(False).end(True)
    net.refused_at_api_proxy()
    other.send(True, OTHER, after=SECOND)
    other.down(response("200 OK", *API_SAYS))

    assert "proxy-died" not in found(net.report())


def test_seconds_of_silence_before_the_close_refute_it() -> None:
    net = Network()
    tcp = net.to_api_proxy().up(CALL).ack(False)
    tcp.end(False, after=5 * SECOND).end(True)
    net.refused_at_api_proxy()

    assert "proxy-died" not in found(net.report())


def test_closing_at_once_is_no_sign_where_all_has_one_time() -> None:
    """nginx closes in place of an answer, and lives on; its capture has no times."""
    report = report_of(CLOCKS["all times equal"](frames(GOLDEN / "nginx-closes")))

    assert "proxy-died" not in found(report)
