"""Of JSON the structure stays, of strings what is granted, of anything else nothing."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from inspector.credentials.masking import Masker
from inspector.protocols import api
from inspector.protocols.api import parse_json
from inspector.redaction.blanks import SIGNS, TAIL, Blank, BodyMasker, blanked
from inspector.redaction.bodies import _MASKED, STRING_LIMIT, JsonBody
from inspector.redaction.body_grants import STRINGS
from inspector.secrets.constants import PLACEHOLDERS
from tests.credentials.canary import PREFIXED

PLACEHOLDER = b"sk-ant-placeholder-key-for-credential-isolation"
KEY = b"sk-proj-" + 40 * b"LABONLY9"


def masker() -> Masker:
    return Masker(b"lab")


def whole(body: BodyMasker, data: bytes) -> bytes:
    return body.feed(data) + body.finish()


def pieces(body: BodyMasker, data: bytes, cuts: list[int]) -> bytes:
    out = b""
    for start, stop in zip([0, *cuts], [*cuts, len(data)], strict=True):
        out += body.feed(data[start:stop])
        assert len(out) <= stop
    return out + body.finish()


def asked(data: bytes) -> bytes:
    return whole(JsonBody(masker()), data)


def answered(data: bytes, *, failed: bool = False) -> bytes:
    return whole(JsonBody(masker(), answers=True, failed=failed), data)


def test_strings_are_hidden_and_all_else_of_a_document_stays() -> None:
    data = b'{"messages": [{"text": "a word", "n": -1.5e3}, true, null], "k": ""}\r\n'
    assert (
        asked(data) == b'{"messages": [{"text": "xxxxxx", "n": -1.5e3}, true, null], "k": ""}\r\n'
    )


@pytest.mark.parametrize("text", [*sorted(PLACEHOLDERS), "ERR_ACCESS_DENIED"])
def test_what_stays_of_blank_text_has_a_sign_that_it_is_looked_for_by(text: str) -> None:
    kept = text.encode()
    assert any(sign in kept for sign in SIGNS)
    assert blanked(b"a word " + kept + b" more") == b"xxxxxxx" + kept + b"xxxxx"


def test_an_escape_is_hidden_as_a_whole() -> None:
    assert asked(rb'["a\"b\\", "\u00e4\n", "\\"]') == rb'["xxxxxx", "xxxxxxxx", "xx"]'


@pytest.mark.parametrize(
    "member",
    [
        b'"role":"user"', b'"type":"invalid_request_error"', b'"model":"claude-opus-4-20250514"',
        b'"model":"gpt-4o"', b'"model":"models/gemini-2.5-pro"', b'"stop_reason":"end_turn"',
        b'"finishReason":"MAX_TOKENS"', b'"status":"RESOURCE_EXHAUSTED"',
        b'"code":"OperationNotSupported"', b'"object":"chat.completion.chunk"',
        b'"model":"accounts/fireworks/models/llama-v3p1-405b-instruct"',
        b'"type":["object","null"]',
    ],
)  # fmt: skip
def test_a_listed_member_keeps_a_value_of_its_form(member: bytes) -> None:
    assert asked(b"{" + member + b"}") == b"{" + member + b"}"


@pytest.mark.parametrize("name", ["type", "role", "model", "code", "status", "stop_reason"])
@pytest.mark.parametrize(
    "value",
    [
        "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEYab", "qwertzuiopasdfghjklyxcvbnm",
        "3fa85f64-5717-4562-b3fc-2c963f66afa6", "a whole sentence of nine words or even more",
        "a\\nb",
        "0123456789012345", "a" * 65,
    ],
)  # fmt: skip
def test_a_listed_member_with_another_value_is_hidden(name: str, value: str) -> None:
    data = f'{{"{name}":"{value}"}}'.encode()
    assert asked(data) == f'{{"{name}":"{"x" * len(value)}"}}'.encode()


def test_a_key_in_a_listed_member_is_masked_as_one() -> None:
    shown = asked(b'{"model":"' + KEY + b'"}')
    assert shown.startswith(b'{"model":"sk-proj-xxxx')
    assert b"LABONLY" not in shown


def test_a_name_that_is_no_identifier_or_looks_like_a_key_is_hidden() -> None:
    shown = asked(b'{"a sentence":1,"%s":2,"%s":3}' % (KEY[:40], 41 * b"a"))
    assert shown == b'{"xxxxxxxxxx":1,"%s":2,"%s":3}' % (40 * b"x", 41 * b"x")


@pytest.mark.parametrize(
    "name", [b"tKq7RmZ2xV9bLw4NcY8pHd3Fs", b"qzvtkwpxbrmf", b"sess.Kq7RmZ2xV9bLw4NcY8pHd"]
)
def test_a_name_that_is_no_words_is_hidden_whatever_it_looks_like(name: bytes) -> None:
    shown = asked(b'{"sessions":{"%s":{"type":"text"}}}' % name)
    assert shown == b'{"sessions":{"%s":{"type":"text"}}}' % (len(name) * b"x")


def test_all_names_that_a_report_reads_stay() -> None:
    paths = [
        path
        for table in (api.MODEL_PATHS, api.STOP_PATHS, api.USAGE_PATHS, api.ERROR_PATHS,
                      api.ERROR_TYPE_PATHS, api.STRING_ERROR_TEXTS, api.BARE_ERROR_TEXTS,
                      api.BARE_ERROR_TYPES)
        for path in table
    ]  # fmt: skip
    names = {name for path in paths for name in path if isinstance(name, str)}
    for name in (*names, *api.INPUT_NAMES, *api.OUTPUT_NAMES, *STRINGS):
        document = b'{"%s":1}' % name.encode()
        assert asked(document) == document


def test_a_number_that_was_sent_as_a_key_is_hidden_and_is_a_number() -> None:
    known = masker()
    known.field("x-api-key", "9182736455463728190")
    shown = whole(JsonBody(known), b'{"a":9182736455463728190,"b":12}')
    assert shown == b'{"a":1111111111111111111,"b":12}'


TEXT = b'"no such model: \\"x\\""'


@pytest.mark.parametrize(
    "document",
    [
        b'{"error":{"message":%s}}', b'{"error":%s}', b'{"response":{"error":{"message":%s}}}',
        b'{"error":"Proxy error","message":%s}', b'{"type":"error","message":%s}',
        b'[{"error":{"message":%s}}]',
    ],
)  # fmt: skip
def test_the_text_of_an_error_stays_in_an_answer_alone(document: bytes) -> None:
    assert answered(document % TEXT) == document % TEXT
    assert b"such" not in asked(document % TEXT)


@pytest.mark.parametrize("name", [b"message", b"detail"])
def test_a_text_beside_no_error_stays_if_the_status_is_one(name: bytes) -> None:
    document = b'{"%s":"no such thing"}' % name
    assert answered(document, failed=True) == document
    assert b"such" not in answered(document)
    assert b"such" not in answered(b'{"a":{"%s":"no such thing"}}' % name, failed=True)


def test_a_key_in_the_text_of_an_error_is_masked_and_the_text_stays() -> None:
    shown = answered(b'{"error":{"message":"not a key: %s, sorry"}}' % KEY)
    assert b'"message":"not a key: sk-proj-xxxx' in shown
    assert b', sorry"}}' in shown
    assert b"LABONLY" not in shown


@pytest.mark.parametrize("shape", sorted(PREFIXED))
def test_a_text_of_an_error_with_letters_of_any_alphabet_stays_json(shape: str) -> None:
    key = (shape + "LABONLY" + 80 * "B").encode()
    text = "„nö \U0001f511".encode()
    data = b'{"error":{"message":"%s%s%s \\ud83d"}}' % (text, key, text)
    parse_json(data)
    parse_json(answered(data))
    assert len(answered(data)) == len(data)


def test_of_a_long_text_of_an_error_the_beginning_stays() -> None:
    text = b"it said: \\u2026" * 2000
    shown = answered(b'{"error":{"message":"' + text + b'"}}')
    assert shown.startswith(b'{"error":{"message":"' + text[:1500])
    assert len(json.loads(shown)["error"]["message"]) > 1500
    assert shown.count(b"it") < 200
    assert len(shown) == len(text) + 24


@pytest.mark.parametrize(
    "text", [b"%s", b"a %s b", b'\\"%s\\"', b"\\n%s\\n", 9000 * b"a " + b"%s " + 9000 * b"b"]
)
def test_placeholders_stay_in_any_string(text: bytes) -> None:
    data = b'{"prompt":"' + text.replace(b"%s", PLACEHOLDER) + b'"}'
    assert PLACEHOLDER in asked(data)
    assert PLACEHOLDER in whole(Blank(), data)
    # A word that goes on is no placeholder.
    assert PLACEHOLDER not in asked(data.replace(PLACEHOLDER, PLACEHOLDER + b"LABONLY"))


@pytest.mark.parametrize(
    ("data", "shown"),
    [
        (b'{"a":1}word', b'{"a":1}xxxx'),
        (b'{"a":"b', b'{"a":"x'),
        (b'{"a":"b\nc"}', b'{"a":"xxxxx'),
        (b'{"a":tru}', b'{"a":xxxx'),
        (b'{"a":0123,"b":"c"}', b'{"a":' + 13 * b"x"),
        (b"words", b"xxxxx"),
        (b'["a\\x"]', b'["xxxxx'),
    ],
)
def test_what_is_no_json_is_hidden_from_there_on_and_stays_none(data: bytes, shown: bytes) -> None:
    assert answered(data) == shown
    for document in (data, shown):
        with pytest.raises(ValueError, match=r"."):
            parse_json(document)


def test_behind_a_mark_of_byte_order_nothing_stays() -> None:
    """RFC 8259 8.1 forbids it to who writes JSON; the report's reader passes it over."""
    assert set(answered(b'\xef\xbb\xbf{"model":"m"}')) == {ord("x")}


def test_text_that_is_not_utf_8_is_none_in_the_copy_either() -> None:
    for text in (b"a\xe4b", b"a\xe2\x80", b"z" * 3 * STRING_LIMIT + b"\xff", b"\xed\xa0\x80"):
        with pytest.raises(ValueError, match=r"."):
            parse_json(answered(b'{"a":"' + text + b'"}'))
    assert parse_json(answered('{"a":"ä„€\U0001f511"}'.encode()))


def test_behind_a_gap_nothing_is_understood() -> None:
    body = JsonBody(masker(), answers=True)
    shown = body.feed(b'{"type":"message","a":"wo') + body.flush()
    body.gap()
    assert shown + body.feed(b'rd","type":"message"}') + body.finish() == (
        b'{"type":"message","a":"xx' + b"x" * 21
    )


def test_what_is_held_back_is_bounded() -> None:
    body = JsonBody(masker(), answers=True)
    shown = len(body.feed(b'{"error":{"message":"'))
    fed = 21
    for _ in range(100):
        shown += len(body.feed(b"some words " * 100))
        fed += 1100
        assert fed - shown <= STRING_LIMIT + 1100 + 2 * TAIL


documents: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-999, 999) | st.text(max_size=9)
    | st.sampled_from(["error", "user", PLACEHOLDER.decode(), "a" * 300]),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(["type", "error", "message", "a", "ä", "model"]), inner),
)  # fmt: skip


@example({"type": [["error"]], "error": None, "message": "0"}, False, 0)
@example({"type": None, "error": "00\x80"}, False, 0)
@settings(max_examples=200)
@given(documents, st.booleans(), st.integers(0, 1 << 32))
@example({"error": "00\x80"}, False, 0)  # a number beside a control byte is no number
def test_cut_anywhere_it_is_the_same_json(document: Any, ascii: bool, seed: int) -> None:
    data = json.dumps(document, ensure_ascii=ascii).encode()
    chance = random.Random(seed)
    cuts = sorted(chance.sample(range(len(data) + 1), min(len(data), chance.randrange(6))))
    shown = answered(data)
    assert len(shown) == len(data)
    assert pieces(JsonBody(masker(), answers=True), data, cuts) == shown
    assert pieces(JsonBody(masker(), answers=True), data, list(range(1, len(data)))) == shown
    assert _outline(json.loads(shown)) == _outline(document)
    assert answered(shown) == shown


def _outline(value: Any) -> Any:
    """A document without its strings and names."""
    if isinstance(value, dict):
        return (
            ["object", *[_outline(item) for item in value.values()]] if len(value) < 2 else "many"
        )
    if isinstance(value, list):
        return [_outline(item) for item in value]
    return "text" if isinstance(value, str) else value


@given(st.binary(max_size=400), st.lists(st.integers(0, 400), max_size=5))
def test_bytes_of_any_kind_keep_their_number_and_no_word(data: bytes, cuts: list[int]) -> None:
    cuts = sorted(cut for cut in cuts if cut <= len(data))
    for body in (Blank(), JsonBody(masker(), answers=True, failed=True)):
        assert len(pieces(body, data, cuts)) == len(data)


def test_the_name_of_squids_error_stays_in_its_page() -> None:
    page = b"<!-- ERR_ACCESS_DENIED --><p>LABONLY ERR_words</p>"
    assert whole(Blank(), page) == (
        b"x" * 5 + b"ERR_ACCESS_DENIED" + b"x" * (len(page) - 5 - len(b"ERR_ACCESS_DENIED"))
    )


@pytest.mark.parametrize("behind", ["!a", "1234567890a", "\xbfa"])
def test_a_long_fill_with_something_else_behind_it_is_decided_at_once(behind: str) -> None:
    # Each look of a pattern that may cut the fill anywhere would double with its length.
    assert _MASKED.fullmatch("x" * 5000 + behind) is None
    assert _MASKED.fullmatch("x" * 5000 + "12345678") is not None


@pytest.mark.parametrize("name", ["model", "type", "role", "stop_reason"])
def test_of_a_value_that_a_grammar_grants_nothing_stands_without_its_end(name: str) -> None:
    for value in (b"claude-lab-1", b"eElVzkuPI", b"end_turn"):
        body = JsonBody(Masker(b"lab"), answers=True)
        begun = b'{"' + name.encode() + b'":"'
        assert body.feed(begun + value) + body.flush() == begun + b"x" * len(value)


@pytest.mark.parametrize("name", ["type", "model", "status"])
def test_a_key_in_pieces_is_no_enumerated_word(name: str) -> None:
    """Each of its pieces has the form of one; it may be sent as a key later in the file."""
    document = b'{"error":{"%s":"rzhx-ztrv-ftjv-lpuy-kdin"}}' % name.encode()
    assert b"ztrv" not in answered(document, failed=True)
