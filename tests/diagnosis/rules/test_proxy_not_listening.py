"""proxy-not-listening: where it is found, and where something only resembles it."""

from __future__ import annotations

from tests.diagnosis.calls import CALL, cause, found, golden
from tests.exchanges.network import Network, response, say


def test_a_port_that_refuses_while_the_api_proxy_lives_has_no_listener() -> None:
    assert "proxy-not-listening" in found(golden("proxy-not-listening"))


def test_a_port_that_refuses_once_the_api_proxy_is_gone_says_nothing_of_listeners() -> None:
    assert "proxy-not-listening" not in found(golden("proxy-gone"))


def test_all_attempts_that_are_refused_are_counted_whether_or_not_it_lives() -> None:
    net = Network()
    for _ in range(4):
        net.refused_at_api_proxy()
    report = net.report()
    told = cause(report)

    assert (told.code, told.explains, told.of) == ("proxy-not-listening", 4, 4)
    assert told.details == (
        "Nothing shows whether the API proxy lives: not started, or dead before.",
    )
    assert "no-api-call" not in found(report)


def test_a_port_that_takes_connections_later_was_waited_for() -> None:
    net = Network()
    net.refused_at_api_proxy()
    say(net.to_api_proxy(), CALL, response()).close()

    assert "proxy-not-listening" not in found(net.report())
