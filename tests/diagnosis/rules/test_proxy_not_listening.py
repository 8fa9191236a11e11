"""proxy-not-listening: where it is found, and where something only resembles it."""

from __future__ import annotations

from tests.diagnosis.calls import found, golden


def test_a_port_that_refuses_while_the_api_proxy_lives_has_no_listener() -> None:
    assert "proxy-not-listening" in found(golden("proxy-not-listening"))


def test_a_port_that_refuses_once_the_api_proxy_is_gone_says_nothing_of_listeners() -> None:
    assert "proxy-not-listening" not in found(golden("proxy-gone"))
