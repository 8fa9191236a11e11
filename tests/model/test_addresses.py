"""Addresses in messages are taken apart, and no text that was captured raises."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector.model.addresses import (
    is_address,
    path_of,
    split_authority,
    split_location,
    split_target,
)


def test_authorities_are_taken_apart() -> None:
    assert split_authority("api.anthropic.com:443") == ("api.anthropic.com", 443)
    assert split_authority("[fd00::30]:10001") == ("fd00::30", 10001)
    assert split_authority("[FD00:0:0::0030]:1") == ("fd00::30", 1)
    assert split_authority("user:pass@host:1") == ("host", 1)
    assert split_authority("host") == ("host", None)
    assert split_authority("Api.Anthropic.com.:443") == ("api.anthropic.com", 443)
    for bad in (
        "",
        ".",
        ":443",
        "host:99999",
        "[fd00::30",
        "host:x",
        "host:\xb2",
        "host:" + "9" * 9000,
    ):
        assert split_authority(bad) is None


def test_what_is_asked_for_is_the_same_in_every_form() -> None:
    asked = ("/v1/messages?a=1", "http://172.30.0.30:10001/v1/messages?a=1#x")

    assert [split_target(target).resource for target in asked] == ["/v1/messages?a=1"] * 2
    assert [path_of(target) for target in asked] == ["/v1/messages"] * 2


@pytest.mark.parametrize(
    ("target", "told"),
    [
        ("http://172.30.0.30", ("172.30.0.30", 80, "/")),
        ("HTTPS://Api.Test:8443?x", ("api.test", 8443, "/")),
        ("wss://[fd00::30]/a", ("fd00::30", 443, "/a")),
        ("/a://b?http://c", ("", None, "/a://b")),
        ("//v1/messages", ("", None, "//v1/messages")),
        ("host:443", ("", None, "host:443")),
        ("*", ("", None, "*")),
        ("http://[", ("", None, "http://[")),
        ("http://host:99999/a", ("", None, "http://host:99999/a")),
    ],
)
def test_a_target_has_a_host_in_absolute_form_alone(
    target: str, told: tuple[str, int | None, str]
) -> None:
    address = split_target(target)

    assert (address.host, address.port, address.path) == told


def test_a_location_may_leave_out_the_scheme() -> None:
    found = split_location("//other.test/a?b")
    assert (found.host, found.port) == ("other.test", 443)
    assert split_location("/v1/messages/").path == "/v1/messages/"
    assert split_location("//[").host == ""


def test_an_address_is_no_name() -> None:
    assert is_address("172.30.0.30")
    assert is_address("fd00::30")
    assert not is_address("api.test")
    assert not is_address("")


@given(
    st.text(alphabet=st.sampled_from("htps:/[]{}@?#%.0129a\xb2\u2100\uff0f\\ "), max_size=24)
    | st.text(max_size=24)
)
def test_no_text_raises(text: str) -> None:
    for form in (text, f"http://{text}", f"//{text}", f"/{text}", f"{text}:443"):
        split_authority(form)
        split_location(form)
        assert isinstance(path_of(form), str)
        is_address(form)
