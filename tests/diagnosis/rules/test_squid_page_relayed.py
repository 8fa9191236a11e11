"""squid-page-relayed: where it is found, and where something only resembles it."""

from __future__ import annotations

from tests.diagnosis.calls import found, golden


def test_squids_page_for_an_answer_is_told() -> None:
    assert "squid-page-relayed" in found(golden("squid-denied"))


def test_the_api_proxys_own_403_is_not() -> None:
    assert "squid-page-relayed" not in found(golden("proxy-guard-403"))


def test_the_head_of_a_proxy_behind_squid_is_no_page_of_squids() -> None:
    assert "squid-page-relayed" not in found(golden("parent-proxy-refused"))
