"""squid-dns-failure: where it is found, and where something only resembles it."""

from __future__ import annotations

from tests.diagnosis.calls import CALL, called, cause, found, golden
from tests.exchanges.network import response


def page(error: str, status: str = "503 Service Unavailable") -> bytes:
    return response(status, "Server: squid/6.6", f"X-Squid-Error: {error}", body=b"<html>")


def test_squids_own_name_for_it_is_one() -> None:
    told = cause(called(CALL, page("ERR_DNS_FAIL 0")))

    assert told.code == "squid-dns-failure"
    assert told.sentence.startswith("Squid cannot resolve")


def test_a_name_that_may_mean_a_parent_proxy_as_well_is_not() -> None:
    assert "squid-dns-failure" not in found(golden("squid-dns-failure"))


def test_a_refused_connection_behind_squid_is_not() -> None:
    assert "squid-dns-failure" not in found(golden("squid-connection-refused"))
