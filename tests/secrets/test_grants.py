"""The table of headers."""

from __future__ import annotations

import random
import string

import pytest

from inspector.secrets.grants import GRANTS, granted
from inspector.secrets.positions import (
    CREDENTIAL_HEADERS,
    RESPONSE_HEADERS,
    STEERING_HEADERS,
    URL_HEADERS,
    is_secret_name,
)
from tests.leaks.cases import NAMES


@pytest.mark.parametrize("name", sorted(GRANTS))
def test_a_grant_is_of_one_name_with_a_reason_and_hides_a_key(name: bytes) -> None:
    grammar, reason = GRANTS[name].grammar, GRANTS[name].reason
    assert name == name.lower().strip()
    assert b"*" not in name
    assert len(reason) > 5
    chance = random.Random(name)
    key = "".join(chance.choices(string.ascii_letters, k=40))
    assert grammar.hidden(key) == [(0, 40)]


def test_no_header_that_carries_a_credential_or_a_url_is_in_the_table() -> None:
    others = {*CREDENTIAL_HEADERS, *RESPONSE_HEADERS, *URL_HEADERS}
    assert GRANTS.keys() & others == set()
    assert [name for name in GRANTS if is_secret_name(name)] == []


def test_all_that_steers_is_in_the_table() -> None:
    assert STEERING_HEADERS - GRANTS.keys() == set()


@pytest.mark.parametrize("name", [b"x-request-id", b"etag", b"traceparent", b"x-lab", *NAMES])
def test_ids_and_names_that_nobody_knows_are_not_granted(name: bytes) -> None:
    assert granted(name) is None
