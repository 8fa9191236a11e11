"""Which credentials a head carries, and how the head is shown without them."""

from __future__ import annotations

import base64
import pickle
import re
import tracemalloc
from collections.abc import Sequence
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector.credentials import (
    CREDENTIAL_HEADERS,
    CREDENTIAL_QUERY,
    PLACEHOLDERS,
    CredentialReader,
)
from inspector.credentials.memo import Memo
from inspector.credentials.steering import steering
from inspector.credentials.targets import read_target
from inspector.model.credentials import AuthHeader
from inspector.native.used import USED
from inspector.protocols.messages import Field
from inspector.secrets.positions import GATEWAY_HEADERS
from tests.credentials.canary import PREFIXED, leaks, secrets
from tests.flows.build import native_core

RUN = bytes(range(32))
KEY = b"sk-ant-api03-LABONLYqwertyuiop"
CLAUDE = "sk-ant-placeholder-key-for-credential-isolation"


@pytest.fixture
def reader() -> CredentialReader:
    return CredentialReader(RUN, ["X-Lab-Key"])


def one(reader: CredentialReader, raw: bytes, name: bytes = b"Authorization") -> AuthHeader:
    (found,) = reader.auth([Field(name, raw)], b"/v1/messages")
    return found


@pytest.mark.parametrize(
    ("raw", "scheme", "kind", "length", "anomalies"),
    [
        # as clients should send it
        (b" Bearer " + KEY, "Bearer", "anthropic-api-key", 30, ()),
        (b"Bearer " + KEY, "Bearer", "anthropic-api-key", 30, ()),
        (b" bearer " + KEY, "bearer", "anthropic-api-key", 30, ()),
        (b" token gho_LABONLY", "token", "github-token", 11, ()),
        (b" Basic bGFiOm9ubHk=", "Basic", "basic", 12, ()),
        (b" Foo LABONLY", "Foo", "unknown", 7, ()),
        (b" " + KEY, None, "anthropic-api-key", 30, ()),
        (b" Bearer eyJsYWIiOjF9.eyJsYWIiOjF9.TEFC", "Bearer", "jwt", 30, ()),
        (
            b" AWS4-HMAC-SHA256 Credential=AKIALABONLY/20260801/lab/lab/aws4_request",
            "AWS4-HMAC-SHA256",
            "aws-sigv4",
            52,
            (),
        ),
        # space
        (b"  Bearer " + KEY, "Bearer", "anthropic-api-key", 30, ("leading-space",)),
        (b"\tBearer " + KEY, "Bearer", "anthropic-api-key", 30, ("leading-space",)),
        (b" Bearer  " + KEY, "Bearer", "anthropic-api-key", 30, ("leading-space",)),
        (b" Bearer " + KEY + b" ", "Bearer", "anthropic-api-key", 30, ("trailing-space",)),
        (b" " + KEY + b"\t", None, "anthropic-api-key", 30, ("trailing-space",)),
        # damage
        (b" Bearer " + KEY + b"\x0b", "Bearer", "anthropic-api-key", 31, ("control-character",)),
        (b" " + KEY + b"\r", None, "anthropic-api-key", 31, ("control-character",)),
        (b" Bearer\r\n " + KEY, "Bearer", "anthropic-api-key", 30, ("control-character",)),
        (b' Bearer "' + KEY + b'"', "Bearer", "anthropic-api-key", 32, ("quoted",)),
        (b" Bearer '" + KEY, "Bearer", "anthropic-api-key", 31, ("quoted",)),
        (b" Bearer Bearer " + KEY, "Bearer", "anthropic-api-key", 37, ("doubled-scheme",)),
        (b" Bearer token " + KEY, "Bearer", "anthropic-api-key", 36, ("doubled-scheme",)),
        (b" Bearer LAB\xc3\xa9", "Bearer", "unknown", 5, ("non-ascii",)),
        # nothing there
        (b"", None, "empty", 0, ("empty",)),
        (b"   ", None, "empty", 0, ("empty",)),
        (b" Bearer", "Bearer", "empty", 0, ("empty",)),
        (b" Bearer ", "Bearer", "empty", 0, ("empty",)),
        (b' ""', None, "empty", 2, ("quoted", "empty")),
        (b" Bearer Bearer", "Bearer", "empty", 6, ("doubled-scheme", "empty")),
    ],
)
def test_an_authorization_header_splits_into_scheme_and_credential(
    reader: CredentialReader,
    raw: bytes,
    scheme: str | None,
    kind: str,
    length: int,
    anomalies: tuple[str, ...],
) -> None:
    found = one(reader, raw)
    assert found.name == "Authorization"
    assert found.scheme == scheme
    assert found.credential.kind == kind
    assert found.credential.length == length
    assert found.credential.anomalies == anomalies
    assert (found.credential.fingerprint is None) == (kind == "empty")


@pytest.mark.parametrize("name", [b"x-api-key", b"X-Api-Key", b"api-key", b"x-goog-api-key"])
def test_a_key_header_has_no_scheme(reader: CredentialReader, name: bytes) -> None:
    found = one(reader, b" " + KEY, name)
    assert (found.name, found.scheme) == (name.decode(), None)
    assert found.credential.prefix == "sk-ant-api03-"
    assert one(reader, b" two words", name).scheme is None


def test_a_scheme_in_a_key_header_is_shown_as_the_mistake_it_is(reader: CredentialReader) -> None:
    found = one(reader, b" Bearer " + KEY, b"x-api-key")
    assert (found.scheme, found.credential.kind) == ("Bearer", "anthropic-api-key")


def test_a_key_with_a_space_in_it_is_no_scheme(reader: CredentialReader) -> None:
    for raw in (b" sk-ant-api03-LABONLY99887766 x", b" LAB0123456789 x", b" " + b"L" * 30 + b" x"):
        assert one(reader, raw).scheme is None


def test_a_damaged_copy_of_a_key_has_the_keys_fingerprint(reader: CredentialReader) -> None:
    copies = [b" %s", b" Bearer %s", b" %s ", b" '%s'", b" Bearer Bearer %s", b" %s\x0c"]
    assert len({one(reader, copy % KEY).credential.fingerprint for copy in copies}) == 1
    assert one(reader, b" %sx" % KEY).credential.fingerprint != (
        one(reader, b" %s" % KEY).credential.fingerprint
    )


def test_credentials_come_in_wire_order_and_as_often_as_sent(reader: CredentialReader) -> None:
    fields = [
        Field(b"Host", b" 172.30.0.30"),
        Field(b"x-api-key", b" " + KEY),
        Field(b"Authorization", b" Bearer a"),
        Field(b"X-LAB-KEY", b" b"),
        Field(b"authorization", b" Bearer c"),
        Field(b"Cookie", b" d=e; f=g"),
    ]
    assert [found.name for found in reader.auth(fields, b"/v1?apiKey=h&x=1&KEY=i")] == [
        "?apiKey",
        "?KEY",
        "x-api-key",
        "Authorization",
        "X-LAB-KEY",
        "authorization",
        "Cookie",
    ]


@pytest.mark.parametrize("constant", sorted(PLACEHOLDERS))
def test_a_placeholder_is_shown_in_full(reader: CredentialReader, constant: str) -> None:
    raw = b" Bearer " + constant.encode()
    assert one(reader, raw).credential.placeholder == constant
    assert reader.headers([Field(b"Authorization", raw)]) == (
        ("Authorization", f"Bearer {constant}"),
    )
    assert reader.target(f"/v1?key={constant}".encode()) == f"/v1?key={constant}"


def test_a_query_value_is_read_as_its_recipient_decodes_it(reader: CredentialReader) -> None:
    (found,) = reader.auth([], b"/v1beta/models?alt=sse&k%65y=AIza%4CABONLY%0A")
    assert found.name == "?k%65y"
    assert found.credential.kind == "google-api-key"
    assert found.credential.length == len("AIzaLABONLY\n")
    assert found.credential.anomalies == ("control-character",)


def test_a_query_without_a_value_carries_nothing(reader: CredentialReader) -> None:
    assert reader.auth([], b"/v1?key") == ()
    (found,) = reader.auth([], b"/v1?key=")
    assert found.credential.kind == "empty"
    assert reader.target(b"/v1?key=&key&a=b") == "/v1?key=<empty>&key&a=b"


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        (b"/v1/messages?beta=true", "/v1/messages?beta=true"),
        (b"*", "*"),
        (b"api.anthropic.com:443", "api.anthropic.com:443"),
        (b"http://172.30.0.30:10001/v1/messages", "http://172.30.0.30:10001/v1/messages"),
        (b"/users/a@b?c=d@e", "/users/a@b?c=d@e"),
        (b"/v1?max=5;n=1&&x", "/v1?max=5;n=1&&x"),
    ],
)
def test_a_target_without_credentials_is_shown_as_sent(
    reader: CredentialReader, raw: bytes, shown: str
) -> None:
    assert reader.target(raw) == shown


def test_user_information_is_replaced_and_its_host_kept(reader: CredentialReader) -> None:
    assert reader.target(b"http://lab:LABONLY@squid/x?y=1").startswith("http://<basic 11 bytes ")
    assert reader.target(b"http://lab:LABONLY@squid/x?y=1").endswith(">@squid/x?y=1")
    assert reader.target(b"lab:LABONLY@squid:443").endswith(">@squid:443")


def test_headers_keep_order_case_duplicates_and_odd_bytes() -> None:
    fields = [Field(b"ACCEPT", b" */* "), Field(b"accept", b"\x1b[31m\xe9"), Field(b"Empty", b"")]
    reader = CredentialReader(b"test", kept_headers=["Accept"])
    assert reader.headers(fields) == (("ACCEPT", "*/*"), ("accept", "\x1b[31m\xe9"), ("Empty", ""))


def test_a_folded_value_is_joined(reader: CredentialReader) -> None:
    assert reader.headers([Field(b"a", b" b\r\n\t c")]) == (("a", "b c"),)


def test_a_long_run_of_spaces_is_read_in_one_go(reader: CredentialReader) -> None:
    spaces = 500_000 * b" "  # minutes, if the look for a fold began anew at each of them
    found = one(reader, b" Bearer " + spaces + KEY + b"\n")
    assert found.credential.anomalies == ("leading-space", "control-character")


def test_the_scheme_stays_before_the_label(reader: CredentialReader) -> None:
    ((_, value),) = reader.headers([Field(b"authorization", b" Bearer " + KEY)])
    fingerprint = one(reader, b" " + KEY).credential.fingerprint
    assert value == f"Bearer <anthropic-api-key sk-ant-api03- 30 bytes {fingerprint}>"


def test_counters_and_nonces_are_not_taken_for_credentials(reader: CredentialReader) -> None:
    fields = [
        Field(b"anthropic-ratelimit-tokens-remaining", b" 79000"),
        Field(b"Sec-WebSocket-Key", b" dGhlIHNhbXBsZSBub25jZQ=="),
        Field(b"WWW-Authenticate", b' Bearer realm="lab", error="invalid_token"'),
        Field(b"x-request-id", b" 5f3c1a52-0b8f-4d0a-9a52-5e5a2b9d7c11"),
        Field(b"idempotency-key", b" stainless-node-retry-5f3c1a52"),
    ]
    shown = reader.headers(fields)
    assert shown == reader.response_headers(fields)
    assert shown[0][1] == "79000"
    assert shown[2][1] == 'Bearer realm="lab", error="invalid_token"'
    # No grammar tells an id or a nonce from a key; but neither is it called one.
    assert [value for _, value in shown if "unknown" in value] == []
    assert [shown[at][1].split(" ")[1] for at in (1, 3)] == ["bytes", "bytes"]
    assert reader.auth(fields, b"/") == ()


# -- what no table grants ---------------------------------------------------------------


def test_a_value_that_nothing_grants_is_its_length_and_its_fingerprint(
    reader: CredentialReader,
) -> None:
    fields = [Field(b"X-Lab", b" LABONLYqwerty"), Field(b"x-lab", b"LABONLYqwerty ")]
    (_, one), (_, other) = reader.headers([*fields])
    assert re.fullmatch(r"<13 bytes [0-9a-f]{12}>", one)
    assert one == other == reader.label("LABONLYqwerty")
    ((_, another),) = reader.headers([Field(b"X-Lab", b" LABONLYqwertz")])
    assert another != one


def test_a_key_of_a_documented_shape_is_named_where_nothing_is_granted(
    reader: CredentialReader,
) -> None:
    ((_, value),) = reader.headers([Field(b"X-Lab", b" it is " + KEY)])
    assert re.fullmatch(r"<6 bytes \w{12}><anthropic-api-key sk-ant-api03- 30 bytes \w{12}>", value)


@pytest.mark.parametrize("constant", sorted(PLACEHOLDERS))
def test_a_placeholder_is_shown_where_nothing_is_granted(
    reader: CredentialReader, constant: str
) -> None:
    ((_, value),) = reader.headers([Field(b"X-Lab", f" LABONLY {constant}".encode())])
    assert value.endswith(f">{constant}")
    assert "LABONLY" not in value


def test_of_a_granted_header_the_words_that_its_grammar_lacks_are_hidden(
    reader: CredentialReader,
) -> None:
    fields = [Field(b"User-Agent", b" curl/7.88.1 (LABqwe8rty3uiop2asd)")]
    ((_, value),) = reader.headers(fields)
    assert re.fullmatch(r"curl/7\.88\.1 \(<19 bytes \w{12}>\)", value)


def test_a_header_that_a_user_names_is_shown_but_for_keys_in_it() -> None:
    reader = CredentialReader(b"test", kept_headers=["X-Lab"])
    ((_, value),) = reader.headers([Field(b"x-lab", b" LABONLY-words and " + KEY)])
    assert value.startswith("LABONLY-words and <anthropic-api-key sk-ant-api03- 30 bytes ")
    assert reader.value(b"x-other", "LABONLY-words") != "LABONLY-words"


def test_a_key_that_was_met_is_hidden_where_words_are_granted(reader: CredentialReader) -> None:
    fields = [Field(b"x-api-key", b" corgi-beagle-whippet"), Field(b"Server", b" beagle-whippet")]
    assert "beagle" not in str(reader.headers(fields))


def test_query_values_and_segments_that_nothing_grants_are_labels(reader: CredentialReader) -> None:
    shown = reader.target(b"/bot123456:AAqwertyuiop/sendMessage?alt=sse&session=LABONLYqwerty")
    assert re.fullmatch(
        r"/<9 bytes \w{12}>:<12 bytes \w{12}>/<11 bytes \w{12}>\?alt=sse&session=<13 bytes \w{12}>",
        shown,
    )


def test_nothing_of_the_reader_shows_what_it_remembers(reader: CredentialReader) -> None:
    reader.headers([Field(b"x-api-key", b" " + KEY)])
    reader.auth([Field(b"x-api-key", b" " + KEY)], b"/?key=LABONLYqwertyuiop")
    shown = repr(reader) + repr(vars(reader)) + str(reader)
    assert leaks("LABONLYqwertyuiop", shown) == []


def test_facts_can_be_pickled_and_secrets_cannot(reader: CredentialReader) -> None:
    facts = reader.auth([Field(b"x-api-key", b" " + KEY)], b"/")
    assert pickle.loads(pickle.dumps(facts)) == facts
    assert leaks("LABONLYqwertyuiop", pickle.dumps(facts).decode("latin-1")) == []


def everything(reader: CredentialReader, fields: Sequence[Field], target: bytes) -> str:
    """All that the reader says of one request and of a response with the same fields."""
    return repr(
        (
            reader.auth(fields, target),
            steering(fields, reader.headers(fields)),
            reader.headers(fields),
            reader.response_headers(fields),
            reader.target(target),
            reader,
        )
    )


SHAPES_IN_HEADERS = st.sampled_from(
    [
        "%s",
        "Bearer %s",
        "token  %s ",
        '"%s"',
        "Bearer Bearer %s",
        "Foo %s",
        "a %s b",
        "%s b",
        "\x00%s\x7f",
    ]
)


@given(
    st.sampled_from(
        [
            *sorted(CREDENTIAL_HEADERS),
            b"set-cookie",
            b"x-lab-key",
            b"X-Amz-Security-Token",
            b"x-auth-token",
            b"my-secret",
        ]
    ),
    st.sampled_from(["", *PREFIXED]),
    secrets,
    SHAPES_IN_HEADERS,
)
def test_no_credential_position_shows_its_value(
    name: bytes, prefix: str, secret: str, form: str
) -> None:
    reader = CredentialReader(RUN, ["x-lab-key"])
    raw = b" " + (form % (prefix + secret)).encode()
    where = [Field(name, raw)]
    if name == b"set-cookie":  # a response's; a request has no such header
        shown = repr(reader.response_headers(where))
    else:
        shown = everything(reader, where, b"/")
    assert leaks(secret, shown) == []


@given(
    st.sampled_from(
        [*sorted(CREDENTIAL_QUERY), "API_KEY", "Access_Token", "k%65y", "X-Amz-Signature"]
    ),
    st.sampled_from(["", *PREFIXED]),
    secrets,
    st.sampled_from(["/p?%s", "/p?a=b&%s&c=d", "http://h:1/p?%s", "/p?a;%s", "/p?x=?%s", "h?%s#f"]),
)
def test_no_credential_parameter_shows_its_value(
    name: str, prefix: str, secret: str, form: str
) -> None:
    target = (form % f"{name}={prefix}{secret}").encode()
    reader = CredentialReader(RUN)
    fields = [Field(b"Referer", b" http://lab" + target), Field(b"Location", b" " + target)]
    assert leaks(secret, everything(reader, fields, target)) == []


@given(secrets)
def test_basic_and_user_information_are_not_shown(secret: str) -> None:
    encoded = base64.b64encode(f"user:{secret}".encode()).decode()
    reader = CredentialReader(RUN)
    fields = [Field(b"Proxy-Authorization", f" Basic {encoded}".encode())]
    shown = everything(reader, fields, f"http://user:{secret}@host/path".encode())
    assert leaks(secret, shown) == []
    assert leaks(encoded, shown) == []


@given(st.lists(st.tuples(st.binary(max_size=30), st.binary(max_size=60))), st.binary(max_size=80))
def test_nothing_captured_raises(fields: list[tuple[bytes, bytes]], target: bytes) -> None:
    reader = CredentialReader(RUN)
    wire = [Field(name, raw) for name, raw in fields]
    wire += [Field(b"authorization", raw) for _, raw in fields]
    assert len(reader.headers(wire)) == len(wire)
    assert everything(reader, wire, target + b"?key=" + target)
    assert everything(reader, wire, target) == everything(reader, wire, target)


# -- keys for gateways, and in other positions that are named after secrets -----------

GATEWAY_KEY = "sk-LABONLY" + 30 * "g"


def names(reader: CredentialReader, *fields: Field, target: bytes = b"/") -> list[str]:
    return [auth.name for auth in reader.auth(fields, target)]


@pytest.mark.parametrize("name", sorted(GATEWAY_HEADERS))
@pytest.mark.parametrize("form", ["%s", "Bearer %s"])
def test_a_gateways_header_carries_a_credential(name: bytes, form: str) -> None:
    field = Field(name, (" " + form % GATEWAY_KEY).encode())
    (auth,) = CredentialReader(RUN).auth([field])
    assert (auth.name, auth.credential.prefix) == (name.decode(), "sk-")
    assert auth.credential.length == len(GATEWAY_KEY)


@pytest.mark.parametrize(
    ("name", "value", "counts"),
    [
        (b"X-My-Gateway-Token", GATEWAY_KEY, True),
        (b"x-internal-authorization", f"Bearer {GATEWAY_KEY}", True),
        (b"x-other-secret", "sk-placeholder-for-api-proxy", True),
        (b"x-csrf-token", "0123456789abcdef0123456789abcdef", False),
        (b"x-next-page-token", "eyJwYWdlIjoyfQ.e30.c2ln", False),
        (b"x-note", GATEWAY_KEY, False),
    ],
)
def test_another_header_named_after_a_secret_counts_where_its_value_is_a_keys(
    name: bytes, value: str, *, counts: bool
) -> None:
    assert bool(names(CredentialReader(RUN), Field(name, b" " + value.encode()))) is counts


@pytest.mark.parametrize(
    ("query", "counts"),
    [
        (f"key={GATEWAY_KEY}", True),
        ("key=opaque", True),
        (f"token={GATEWAY_KEY}", True),
        ("token=opaque", False),
        (f"page={GATEWAY_KEY}", False),
    ],
)
def test_so_does_a_query_parameter(query: str, *, counts: bool) -> None:
    reader = CredentialReader(RUN)
    assert bool(names(reader, target=f"/p?{query}".encode())) is counts


@pytest.mark.parametrize(
    ("pair", "prefix"),
    [
        ("x-access-token:ghs_LABONLY" + 30 * "t", "ghs_"),
        ("ghp_LABONLY" + 30 * "t" + ":x-oauth-basic", "ghp_"),
        ("x-access-token:ghu_" + 36 * "a", None),
        ("user:password", None),
        ("no colon", None),
    ],
)
def test_a_key_within_basic_has_its_prefix_shown(pair: str, prefix: str | None) -> None:
    value = base64.b64encode(pair.encode())
    (auth,) = CredentialReader(RUN).auth([Field(b"Authorization", b" Basic " + value)])
    assert (auth.credential.kind, auth.credential.prefix) == ("basic", prefix)
    assert leaks(pair.partition(":")[2] or pair, repr(auth)) == []


@pytest.mark.parametrize("value", [b"=", b"a", b"!!!!", b"\xff\xfe", b"====", b""])
def test_what_is_no_base64_after_basic_is_basic_all_the_same(value: bytes) -> None:
    (auth,) = CredentialReader(RUN).auth([Field(b"Authorization", b" Basic " + value)])
    assert auth.credential.prefix is None


@pytest.mark.parametrize(
    ("cookies", "prefix"),
    [
        (f"theme=dark; key={GATEWAY_KEY}", "sk-"),
        (f'key="{GATEWAY_KEY}"', "sk-"),
        ("session=opaque; theme=sk-placeholder-for-api-proxy", None),
    ],
)
def test_a_key_in_a_cookie_has_its_prefix_shown(cookies: str, prefix: str | None) -> None:
    (auth,) = CredentialReader(RUN).auth([Field(b"Cookie", b" " + cookies.encode())])
    assert (auth.credential.kind, auth.credential.prefix) == ("unknown", prefix)
    assert leaks(GATEWAY_KEY, repr(auth)) == []


def test_a_key_in_the_name_of_a_header_is_in_no_text(reader: CredentialReader) -> None:
    key = b"sk-ant-api03-" + 6 * b"LABONLY7"
    other = b"sk-ant-api03-" + 6 * b"qZ4wR8tX"
    fields = [(key + b"-secret", other), (b"X-" + key, other), (key, b"y")]
    shown = repr(
        (reader.auth(fields), reader.headers(fields), steering(fields, reader.headers(fields)))
    )
    assert "LABONLY7LABO" not in shown
    assert [header.name[:11] for header in reader.auth(fields)] == ["<anthropic-"]


def test_what_a_target_was_taken_apart_into_shows_no_value() -> None:
    target = read_target("/v1?key=LABONLYqwerty#LABONLYfragment")
    assert "LABONLY" not in repr((target, list(target.parameters())))


def head(number: int) -> list[Field]:
    key = f" sk-ant-api03-LABONLY{number:012d}".encode() + b"q7Zw" * 7
    sent = [(b"host", b" api-proxy:10001"), (b"x-api-key", key), (b"accept", b" */*")]
    return [Field(*each) for each in sent]


def test_a_line_with_a_key_is_digested_once_a_head(
    reader: CredentialReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    digested: list[tuple[bytes, bytes]] = []
    digest = Memo._digest

    def counted(self: Memo[object], field: tuple[bytes, bytes]) -> bytes:
        digested.append(field)
        return digest(self, field)

    monkeypatch.setattr(Memo, "_digest", counted)
    for number in (1, 2, 1, 1):  # new keys, and one that is known
        fields = head(number)
        digested.clear()
        notes = reader.study(fields, b"/v1/messages")
        auth = reader.auth(fields, b"/v1/messages", 0, notes)
        shown = reader.headers(fields, notes)
        assert [field for field in digested if field[0] == b"x-api-key"] == [fields[1]]
        assert auth == reader.auth(fields)
        assert shown == reader.headers(fields)
        assert shown[1][1].startswith("<anthropic-api-key sk-ant-api03- 60 bytes ")


def test_notes_of_a_head_hold_no_longer_than_what_is_known_of_its_texts(
    reader: CredentialReader,
) -> None:
    fields = [Field(b"x-lab", b" LABONLY7qwertyui"), Field(b"x-api-key", b" " + KEY)]
    notes = reader.study(fields)
    assert reader.headers(fields, notes)[0][1] != "LABONLY7qwertyui"
    kept = [Field(b"x-api-key", b" sk-ant-api03-LABONLY8asdfghjkl")]
    reader.study(kept)  # a key is learnt between the two heads
    assert reader.headers(fields, notes) == reader.headers(fields)


@pytest.mark.parametrize("beside", [True, False])
def test_what_a_head_showed_when_it_was_studied_is_hidden_if_a_key_with_it_is_learnt_since(
    reader: CredentialReader, *, beside: bool
) -> None:
    fields = [Field(b"user-agent", b" labonly-agentry"), Field(b"accept", b" */*")]
    for _ in range(2):  # the second time it is known to be shown as it is
        assert reader.headers(fields) == (("user-agent", "labonly-agentry"), ("accept", "*/*"))
    key = [Field(b"x-api-key", b" 7Hq2-labonly-agentry-9Xw4")]
    fields += key if beside else []  # learnt with the head itself, or with a later one
    notes = reader.study(fields)
    reader.study(key)
    assert reader.headers(fields, notes) == reader.headers(fields)
    assert "agentry" not in repr(reader.headers(fields, notes))


def test_of_a_key_less_than_a_kilobyte_stays_in_memory(reader: CredentialReader) -> None:
    with patch.object(USED, "core", native_core()):
        for number in range(20):
            reader.headers(head(number))
        tracemalloc.start()
        try:
            for number in range(1000, 2000):
                fields = head(number)
                notes = reader.study(fields)
                reader.auth(fields, notes=notes)
                reader.headers(fields, notes)
            held, _ = tracemalloc.get_traced_memory()
            for number in range(2000, 6000):
                reader.headers(head(number))
            more = tracemalloc.get_traced_memory()[0] - held
        finally:
            tracemalloc.stop()
    assert held < 900 * 1000  # with the notes, of which so many are kept
    assert more < 100 * 4000
