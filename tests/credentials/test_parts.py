"""Every part of a credential that an error may name by itself is learnt."""

from __future__ import annotations

import base64

import pytest

from inspector.credentials import CredentialReader
from inspector.credentials.parts import parts, subprotocols, user_information
from inspector.secret import Secret
from inspector.secrets.positions import Syntax
from tests.leaks.cases import pair

K, L = (key.text for key in pair("a part", "unshaped"))
BASIC = base64.b64encode(b"robin:" + K)


def revealed(found: object) -> set[bytes]:
    return {secret.reveal() for secret in found}  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("value", "syntax", "scheme", "inside"),
    [
        (BASIC, Syntax.SCHEME, b"basic", {BASIC, K, b"robin"}),
        (b"robin:" + K, Syntax.SCHEME, b"basic", {K}),
        (b"theme=dark; sid=" + K + b"; b=" + L, Syntax.COOKIE, b"", {K, L}),
        (b"sid=" + K + b"; Path=/; HttpOnly", Syntax.COOKIE, b"", {K}),
        (b'sid="' + K + b'"', Syntax.COOKIE, b"", {K}),
        (b"sid=a%20" + K, Syntax.COOKIE, b"", {b"a " + K}),
        (K + b", " + L, Syntax.BARE, b"", {K, L}),
        (K + b", Bearer " + L, Syntax.SCHEME, b"bearer", {K, L}),
        (b'username="robin", response="' + K + b'"', Syntax.SCHEME, b"digest", {K}),
        (
            b"Credential=" + K + b"/20260202/eu/x/aws4_request, Signature=" + L,
            Syntax.SCHEME,
            b"aws4-hmac-sha256",
            {K, L},
        ),
    ],
)
def test_a_value_is_taken_apart(
    value: bytes, syntax: Syntax, scheme: bytes, inside: set[bytes]
) -> None:
    assert inside <= revealed(parts(Secret(value), syntax, scheme))


@pytest.mark.parametrize(
    "open_", [b"/v1/messages", b"api.lab.test", b"Thu, 01 Jan 2026 00:00:00 GMT"]
)
def test_what_is_said_openly_beside_it_is_not_learnt(open_: bytes) -> None:
    digest = b'uri="' + open_ + b'", realm="' + open_ + b'", response="' + K + b'"'
    cookie = b"sid=" + K + b"; Domain=" + open_ + b"; Expires=" + open_
    assert open_ not in revealed(parts(Secret(digest), Syntax.SCHEME, b"digest"))
    assert open_ not in revealed(parts(Secret(cookie), Syntax.COOKIE))


def test_user_information_is_known_as_written_and_decoded() -> None:
    assert revealed(user_information(b"robin:" + K[:9] + b"%2F" + K)) >= {
        b"robin", K[:9] + b"%2F" + K, K[:9] + b"/" + K,
    }  # fmt: skip


@pytest.mark.parametrize(
    "value",
    [
        b"realtime, openai-insecure-api-key." + K,
        b"bearer." + K,
        b"access_token, " + K,
        b"base64url.bearer.authorization.k8s.io." + base64.urlsafe_b64encode(K),
    ],
)
def test_a_key_among_subprotocols_is_known(value: bytes) -> None:
    assert K in revealed(subprotocols(value))


def test_a_subprotocol_is_none() -> None:
    assert revealed(subprotocols(b"realtime, graphql-transport-ws, openai-beta.v1")) == set()


# -- and every one of them is hidden in what is written -------------------------------

HEADS = {
    "basic password": [(b"Authorization", b" Basic " + BASIC)],
    "proxy basic password": [(b"Proxy-Authorization", b"Basic " + BASIC)],
    "cookie": [(b"Cookie", b" theme=dark; sid=" + K)],
    "second of a list": [(b"x-api-key", b" made-up-first, " + K)],
    "subprotocol": [(b"Sec-WebSocket-Protocol", b" realtime, bearer." + K)],
    "referer": [(b"Referer", b" https://lab.test/?token=" + K)],
    "host": [(b"Host", b" robin:" + K + b"@lab.test")],
    "secret name": [(b"X-Lab-Secret", b" " + K)],
}


@pytest.mark.parametrize("fields", HEADS.values(), ids=HEADS)
def test_a_part_is_hidden_in_its_own_head_and_in_all_text(
    fields: list[tuple[bytes, bytes]],
) -> None:
    credentials = CredentialReader(b"made up for tests")
    note = (b"X-Note", b" " + K)
    shown = str(credentials.headers([note, *fields, note]))
    assert K.decode() not in shown
    assert K.decode() not in credentials.scrub(f"no such user or password: {K.decode()}")


def test_a_part_of_a_response_is_hidden_likewise() -> None:
    credentials = CredentialReader(b"made up for tests")
    fields = [(b"X-Note", b" " + K), (b"Set-Cookie", b" sid=" + K + b"; Path=/")]
    assert K.decode() not in str(credentials.response_headers(fields))


@pytest.mark.parametrize(
    "target",
    [
        b"/v1/%s?key=%s" % (K, K),
        b"http://robin:%s@lab.test/%s" % (K, K),
        b"/%s#access_token=%s" % (K, K),
        b"/%s?token=%s" % (K, K.replace(K[3:4], b"%%%02X" % K[3])),
    ],
)
def test_a_part_of_a_target_is_hidden_in_the_whole_of_it(target: bytes) -> None:
    assert K.decode() not in CredentialReader(b"made up for tests").target(target)


def test_a_sentence_with_an_at_sign_in_it_is_no_user_information() -> None:
    assert revealed(user_information(b"words of somebody before an ")) == set()
