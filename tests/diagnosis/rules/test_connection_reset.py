"""connection-reset: where it is found, and where something only resembles it."""

from __future__ import annotations

from typing import Final

from inspector.model.report import Report
from tests.diagnosis.calls import API_SAYS, CALL, OTHER, cause, found
from tests.exchanges.network import Network, response, say

SECOND: Final = 1_000_000_000


def reset_after(silence: int, *, lives: bool = True, by_fin: bool = False) -> Report:
    net = Network()
    tcp = net.to_api_proxy().up(CALL).ack(False)
    tcp.send(False, b"", flags=0x11 if by_fin else 0x14, ident=0, after=silence)
    if by_fin:
        tcp.fin[False] = True
        tcp.end(True)
    if lives:
        say(net.to_api_proxy(), b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n", response()).close()
    else:
        net.refused_at_api_proxy()
    return net.report()


def test_a_reset_after_seconds_of_silence_is_no_death_of_a_proxy_that_lives() -> None:
    told = cause(reset_after(5 * SECOND))

    assert (told.code, told.explains, told.of) == ("connection-reset", 1, 1)
    assert "5.0 s of silence" in told.sentence
    assert told.details == ("The API proxy lives: it took or used connections afterwards.",)


def test_a_proxy_that_uses_an_older_connection_afterwards_lives() -> None:
    net = Network()
    other = net.to_api_proxy()
    tcp = net.to_api_proxy().up(CALL).ack(False)
    tcp.send(False, b"", flags=0x14, ident=0, after=5 * SECOND)
    other.send(True, OTHER, after=SECOND)
    other.down(response("200 OK", *API_SAYS))

    assert cause(net.report()).code == "connection-reset"


def test_a_reset_at_once_a_close_and_a_proxy_that_is_gone_are_something_else() -> None:
    for report in (
        reset_after(SECOND // 100),
        reset_after(5 * SECOND, by_fin=True),
        reset_after(5 * SECOND, lives=False),
    ):
        assert "connection-reset" not in found(report)


def test_a_well_answered_call_and_an_error_were_not_reset() -> None:
    net = Network()
    say(net.to_api_proxy(), CALL, response("200 OK", *API_SAYS)).close()
    say(net.to_api_proxy(), CALL, response("500 Error", *API_SAYS)).close()

    assert "connection-reset" not in found(net.report())
