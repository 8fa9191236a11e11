"""upstream-server-error: where it is found, and where something only resembles it."""

from __future__ import annotations

from tests.diagnosis.calls import CALL, PROXY_SAYS, called, cause, found, golden
from tests.exchanges.network import response


def test_a_500_of_the_api_is_its_failure() -> None:
    assert "upstream-server-error" in found(golden("upstream-500"))


def test_a_529_has_a_cause_of_its_own() -> None:
    assert "upstream-server-error" not in found(golden("upstream-529"))


def test_a_502_of_the_api_proxys_own_without_a_tunnel_is_not_the_apis() -> None:
    answer = response("502 Bad Gateway", *PROXY_SAYS, body=b'{"error":"Proxy error"}')

    assert "upstream-server-error" not in found(called(CALL, answer))


def test_a_tunnel_that_the_apis_side_closed_in_place_of_an_answer_is_its_failure() -> None:
    told = cause(golden("envoy-reset"))

    assert (told.code, told.explains) == ("upstream-server-error", 2)
    assert "closed 2 x without an answer" in told.sentence
