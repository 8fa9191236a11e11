"""A key that no shape betrays is known once it stood in a credential's place."""

from __future__ import annotations

from inspector.credentials import CredentialReader

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
