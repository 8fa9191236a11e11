from __future__ import annotations

import pytest

from inspector.policy.patterns import is_host, is_host_and_port, is_like


@pytest.mark.parametrize(
    "text",
    ["a:1", "api.lab.test:443", "*.lab.test:443", "*:443", "lab.test:*", "[2001:db8::1]:443",
     "203.0.113.5:443", "_dmarc.lab.test:53"],
)  # fmt: skip
def test_a_host_with_its_port(text: str) -> None:
    assert is_host_and_port(text)


@pytest.mark.parametrize(
    "text",
    ["", ":", "a", "a:", ":443", "a:0", "a:65536", "a:http", "a b:443", "*.*:443", "a.*:443",
     "http://a:443", "a:443/", "-a:443", "2001:db8::1:443 ", "a..b:443", "a:४४३"],
)  # fmt: skip
def test_what_is_none(text: str) -> None:
    assert not is_host_and_port(text)


def test_a_trailing_dot_is_the_same_name() -> None:
    assert is_host("api.lab.test.", 443, ("api.lab.test:443",))


def test_an_unknown_port_is_only_any_port() -> None:
    assert not is_host("lab.test", None, ("lab.test:443",))
    assert is_host("lab.test", None, ("lab.test:*",))


def test_a_pattern_is_of_the_whole_text() -> None:
    assert is_like("curl/8.5", ("curl/*",))
    assert not is_like("not curl/8.5", ("curl/*",))
