"""squid-cannot-connect: where it is found, and where something only resembles it."""

from __future__ import annotations

from tests.diagnosis.calls import CALL, PROXY_SAYS, called, found, golden
from tests.exchanges.network import response


def test_squids_connect_error_with_an_errno_is_one() -> None:
    assert "squid-cannot-connect" in found(golden("squid-connection-refused"))


def test_squids_dns_error_is_not() -> None:
    assert "squid-cannot-connect" not in found(golden("squid-dns-failure"))


def test_a_503_of_the_api_proxys_own_is_not_squids() -> None:
    answer = response("503 Service Unavailable", *PROXY_SAYS, body=b'{"error":')

    assert "squid-cannot-connect" not in found(called(CALL, answer))
