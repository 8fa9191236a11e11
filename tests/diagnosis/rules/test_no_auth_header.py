"""no-auth-header: where it is found, and where something only resembles it."""

from __future__ import annotations

from typing import Final

import pytest

from tests.diagnosis.calls import API_SAYS, CALL, PROXY_SAYS, called, error, found
from tests.exchanges.network import Network, request, response, say

BARE: Final = request("POST /v1/messages HTTP/1.1", body=b"{}")


@pytest.mark.parametrize(
    ("answer", "severity"),
    [
        (response("200 OK", *API_SAYS), "note"),
        (response("401 Unauthorized", *PROXY_SAYS), "error"),
        (response("403 Forbidden", *PROXY_SAYS), "note"),
        (response("401 Unauthorized", *API_SAYS, body=error("x-api-key is required")), "error"),
        (response("403 Forbidden", *API_SAYS, body=error("unregistered callers")), "error"),
        (response("401 Unauthorized", *API_SAYS, body=error("invalid x-api-key")), "note"),
        (response("500 Internal Server Error", *API_SAYS), "note"),
    ],
    ids=["200", "401-proxy", "403-guard", "401-api", "403-api", "401-about-a-key", "500"],
)
def test_no_credential_is_an_error_only_where_the_answer_shows_that_one_lacked(
    answer: bytes, severity: str
) -> None:
    assert found(called(BARE, answer))["no-auth-header"].severity == severity
    assert "no-auth-header" not in found(called(CALL, answer))


def test_no_credential_is_claimed_of_a_head_that_was_not_read_to_its_end() -> None:
    """The key stands beyond the limit of fields, or in a line that the answer came before."""
    many = request("POST /v1/messages HTTP/1.1", *("X-Pad: 1" for _ in range(2100)), "x-api-key: k")
    refused = response("401 Unauthorized", *PROXY_SAYS)
    net = Network()
    tcp = net.to_api_proxy()
    for start in range(0, len(many), 1400):
        tcp.up(many[start : start + 1400])
    tcp.ack(False).down(refused).ack(True).close()

    told = net.report()

    assert told.exchanges[0].request is not None
    assert not told.exchanges[0].request.complete
    assert "no-auth-header" not in found(told)
    assert "no-auth-header" not in found(called(CALL[: CALL.index(b"x-api-key") + 12], refused))


def test_one_error_among_healthy_calls_is_what_is_shown() -> None:
    net = Network()
    for answer in (response(), response("401 Unauthorized", *PROXY_SAYS), response()):
        say(net.to_api_proxy(), BARE, answer).close()

    finding = found(net.report())["no-auth-header"]

    assert (finding.severity, finding.count) == ("error", 3)
    assert [item.exchange for item in finding.evidence] == ["e2"]
