"""squid-dns-failure: where it is found, and where something only resembles it."""

from __future__ import annotations

from tests.diagnosis.calls import found, golden


def test_squids_dns_error_is_one() -> None:
    assert "squid-dns-failure" in found(golden("squid-dns-failure"))


def test_a_refused_connection_behind_squid_is_not() -> None:
    assert "squid-dns-failure" not in found(golden("squid-connection-refused"))
