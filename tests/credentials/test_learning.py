"""A key that no shape betrays is known once it stood in a credential's place."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from inspector.credentials import CredentialReader
from inspector.secrets import vault

#: Made up, and of no provider's shape.
KEY = "lab only key with no shape".replace(" ", "_")


def reader() -> CredentialReader:
    return CredentialReader(b"made up for tests", extra_headers=["X-Corp-Pass"])


def test_an_echo_of_the_key_is_hidden_whatever_its_shape() -> None:
    credentials = reader()
    message = f"no such key: {KEY}!"
    assert KEY in credentials.scrub(message)  # nobody could know yet

    (auth,) = credentials.auth([(b"X-Corp-Pass", b" " + KEY.encode())])

    shown = credentials.scrub(message)
    assert KEY not in shown
    assert f"{len(KEY)} bytes {auth.credential.fingerprint}" in shown
    assert shown.startswith("no such key: <unknown ")
    assert credentials.scrub(shown) == shown


def test_a_scheme_is_no_part_of_the_key_that_is_learnt() -> None:
    credentials = reader()

    credentials.auth([(b"Authorization", b" Bearer " + KEY.encode())])

    assert KEY not in credentials.scrub(f"<{KEY}>")
    assert credentials.scrub("Bearer authentication failed") == "Bearer authentication failed"


def test_a_key_in_the_query_is_learnt_too() -> None:
    credentials = reader()

    credentials.auth([], b"/v1beta/models?key=" + KEY.encode())

    assert KEY not in credentials.scrub(f"API key {KEY} not valid")


def test_placeholders_and_short_words_stay_readable() -> None:
    credentials = reader()
    placeholder = "placeholder-token-for-credential-isolation"

    credentials.auth([(b"x-api-key", b" " + placeholder.encode()), (b"api-key", b" undefined")])

    assert credentials.scrub(f"{placeholder} is undefined") == f"{placeholder} is undefined"


# -- before it is known ----------------------------------------------------------------

NOTE = (b"X-Note", b" saw " + KEY.encode())
SENT = (b"x-api-key", b" " + KEY.encode())


def test_a_key_is_hidden_in_a_header_that_stands_before_its_own() -> None:
    assert KEY not in str(reader().headers([NOTE, SENT]))


def test_a_field_that_was_written_before_the_key_was_known_is_written_anew() -> None:
    credentials = CredentialReader(b"test", kept_headers=["x-note"])
    assert KEY in str(credentials.headers([NOTE]))  # nobody could know yet
    credentials.auth([SENT])
    assert KEY not in str(credentials.headers([NOTE]))
    assert KEY not in str(credentials.response_headers([NOTE]))


@pytest.mark.parametrize("others", [0, 5_000], ids=["soon", "after many others"])
@pytest.mark.parametrize("length", [0, 300], ids=["short", "long"])
@pytest.mark.parametrize("written", [str, lambda key: key.replace("_", "%5F")], ids=["bare", "%"])
def test_and_that_however_many_were_written_in_between(
    written: Callable[[str], str], length: int, others: int
) -> None:
    credentials = CredentialReader(b"test", kept_headers=["x-note"])
    note = (b"X-Note", f" saw {written(KEY)} {'a b ' * (length // 4)}".encode())
    shown = str(credentials.headers([note]))
    assert written(KEY) in shown  # nobody could know yet
    credentials.headers([(b"X-Note", b" number %d" % number) for number in range(others)])
    assert str(credentials.headers([note])) == shown
    credentials.study([SENT])
    assert written(KEY) not in str(credentials.headers([note]))
    assert written(KEY) not in str(credentials.response_headers([note]))


def test_a_key_that_has_no_word_of_it_leaves_it_as_it_was() -> None:
    credentials = CredentialReader(b"test", kept_headers=["x-note"])
    shown = credentials.headers([NOTE])
    credentials.study([(b"x-api-key", b" another made up key, 0123456789")])
    assert credentials.headers([NOTE]) == shown


def test_a_position_stays_one_whatever_stands_there() -> None:
    credentials = reader()
    placeholder = (b"x-api-key", b" placeholder-token-for-credential-isolation")
    for _ in range(2):
        credentials.headers([placeholder])
        assert [each.name for each in credentials.auth([placeholder])] == ["x-api-key"]


def test_so_is_a_target() -> None:
    credentials = CredentialReader(b"test", paths=[f"/v1/{KEY}"])
    target = f"/v1/{KEY}".encode()
    assert KEY in credentials.target(target)
    credentials.study([SENT])
    assert KEY not in credentials.target(target)


def test_a_key_announced_in_text_is_known_from_then_on() -> None:
    credentials = reader()
    key = "labonly0key1with2digits3"
    assert key not in credentials.scrub(f"got api_key={key} from you")
    assert key not in credentials.scrub(f"no such thing: {key}")


def test_permission_to_send_credentials_is_none() -> None:
    fields = [
        (b"Access-Control-Allow-Credentials", b" true"),
        (b"Access-Control-Allow-Headers", b" x-api-key, authorization"),
        (b"Access-Control-Expose-Headers", b" x-token"),
    ]
    shown = dict(reader().response_headers(fields))
    assert shown["Access-Control-Allow-Credentials"] == "true"
    assert shown["Access-Control-Allow-Headers"] == "x-api-key, authorization"


# -- more than can be known ------------------------------------------------------------


def test_when_more_keys_are_met_than_can_be_known_free_text_is_not_written(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(vault, "WINDOWS_LIMIT", 100)
    credentials = reader()
    others = [f"{number}madeupkey{number}madeup{number}".encode() for number in range(10, 20)]
    for other in others:
        credentials.auth([(b"x-api-key", other)])
    assert credentials.is_full
    for other in others:
        assert other.decode() not in credentials.scrub(f"no such key: {other.decode()}")
        assert other.decode() not in str(credentials.headers([(b"X-Note", other)]))
    assert credentials.scrub("Invalid request: not found.") == "Invalid request: not found."
    assert credentials.target(b"/v1/messages") == "/v1/messages"
    assert credentials.scrub("application/json; charset=utf-8").startswith("application/json")


def test_a_value_without_a_name_is_no_target() -> None:
    credentials = reader()
    credentials.study([(b"", b" words before an @ of nobody")])
    assert "words before an" in credentials.scrub("these words before an end")
