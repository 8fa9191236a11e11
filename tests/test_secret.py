"""A secret leaves through one door only."""

from __future__ import annotations

import copy
import hmac
import json
import pickle
import traceback
from collections.abc import Callable

import orjson
import pytest

from inspector.secret import FINGERPRINT_DIGITS, Secret, fingerprint

VALUE = b"sk-ant-api03-LABONLY-not-a-key"
SECRET = Secret(VALUE)


@pytest.mark.parametrize(
    "show",
    [
        repr,
        str,
        ascii,
        lambda secret: f"{secret} {secret!r} {secret:>40}",
        lambda secret: "%s %r" % (secret, secret),  # noqa: UP031
        lambda secret: repr([secret, {"key": secret}]),
        lambda secret: format(secret, "x"),
    ],
)
def test_every_way_of_showing_it_tells_its_length_alone(show: Callable[[Secret], str]) -> None:
    shown = show(SECRET)

    assert f"<Secret {len(VALUE)} bytes>" in shown
    assert "LABONLY" not in shown
    assert "sk-" not in shown


@pytest.mark.parametrize(
    "write",
    [
        pickle.dumps,
        copy.deepcopy,
        json.dumps,
        orjson.dumps,
        bytes,
        lambda secret: b"%s" % secret,
    ],
)
def test_it_is_not_serialised_nor_copied_out(write: Callable[[Secret], object]) -> None:
    with pytest.raises(TypeError) as caught:
        write(SECRET)

    assert "LABONLY" not in "".join(traceback.format_exception(caught.value))


def test_reveal_is_the_door() -> None:
    assert SECRET.reveal() == VALUE
    assert len(SECRET) == len(VALUE)


def test_secrets_are_compared_by_value_and_with_nothing_else() -> None:
    assert Secret(VALUE) == SECRET
    assert Secret(b"other") != SECRET
    assert SECRET != VALUE


def test_a_secret_has_no_hash_that_would_be_an_unkeyed_fingerprint() -> None:
    with pytest.raises(TypeError):
        hash(SECRET)


def test_the_fingerprint_is_a_short_hmac_under_the_runs_key() -> None:
    whole = hmac.new(b"run", VALUE, "sha256").hexdigest()

    assert SECRET.fingerprint(b"run") == whole[:FINGERPRINT_DIGITS]
    assert len(SECRET.fingerprint(b"run")) == 12
    assert SECRET.fingerprint(b"run") != SECRET.fingerprint(b"other run")
    assert SECRET.fingerprint(b"run") != Secret(b"other").fingerprint(b"run")


@pytest.mark.parametrize("length", [0, 32, 63, 64, 65, 200])
def test_a_fingerprint_is_that_of_hmac_for_keys_of_any_length(length: int) -> None:
    key = bytes(range(length))
    for value in (b"", VALUE, VALUE * 10):
        digits = hmac.new(key, value, "sha256").hexdigest()[:FINGERPRINT_DIGITS]
        assert fingerprint(value, key) == Secret(value).fingerprint(key) == digits
