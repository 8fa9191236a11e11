"""Bodies in a copy are masked alike by both engines, byte for byte, however they are cut."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector.credentials.known_tokens import PLACES, KnownTokens
from inspector.credentials.masking import Masker
from inspector.native.functions import Core
from inspector.native.layout import KNOWN_NAME, KNOWN_TEXT
from inspector.native.used import USED
from inspector.protocols import json_tokens
from inspector.protocols.extent import Extents
from inspector.redaction.blanks import BodyMasker
from inspector.redaction.bodies import JsonBody
from inspector.redaction.body_grants import STRINGS
from inspector.redaction.compiled_bodies import CompiledMasking
from inspector.redaction.event_bodies import EventsBody
from inspector.redaction.messages import _laid
from inspector.secret import Secret
from tests.flows.build import native_core

KEY = b"sk-ant-api03-" + 5 * b"LABONLY7"
PUBLIC = "sk-ant-placeholder-key-for-credential-isolation"

names = st.sampled_from([
    *STRINGS, "error", "message", "detail", "details", "error_description", "response", "text",
    "a b", "x" * 41, "", "f\u00fcr", "na\nme", PUBLIC, KEY.decode(), "ERR_LAB", "$ref", "-a",
])  # fmt: skip
strings = st.sampled_from([
    "error", "text_delta", "claude-lab-1", "two words, and more", "", "x", "xxxx", PUBLIC,
    KEY.decode(), "ERR_LAB_NAME", "a ghu_aaaa b", "f\u00fcr \U0001f600", "a\\n\"b/\t", "user",
    "invalid x-api-key", "w" * 5000, "sk-ant-api03-xxxxxxxx12345678", "\x7f", "placeholde",
])  # fmt: skip
numbers = st.integers(-(10**9), 10**14) | st.sampled_from([
    0, -1, 0.5, 1e300, 1.5e-7, 0.30000000000000004, 10**20, 12345678901, 123456789012,
])  # fmt: skip
documents = st.recursive(
    st.none() | st.booleans() | numbers | strings,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=4),
    max_leaves=12,
)
damages = st.sampled_from([
    b"", b"{", b"}", b"[", b"]", b",", b":", b'"', b"\\", b"\\u12", b"\\ud800", b"\xff",
    b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xc0\x80", b"\x1f", b"01", b"1.", b"1e", b"-", b"tru",
    b"nulls", b" ", b"\n", b"\r\n\r\n", b'{"error":"a"}', b"data: ", b"\xe2\x82",
])  # fmt: skip


@contextmanager
def engine(core: Core | None) -> Iterator[None]:
    with patch.object(USED, "core", core):
        yield


def masker() -> Masker:
    made = Masker(b"lab")
    made.vault.learn(Secret(KEY))
    return made


def pieces(data: bytes, chance: random.Random, way: int) -> list[bytes]:
    """Whole, byte by byte, or split at random."""
    if way == 0:
        return [data]
    if way == 1:
        return [data[at : at + 1] for at in range(len(data))]
    cuts = sorted(chance.randint(0, len(data)) for _ in range(chance.randint(1, 5)))
    return [data[a:b] for a, b in zip([0, *cuts], [*cuts, len(data)], strict=True)]


Made = Callable[[Masker], BodyMasker]


def masked(make: Made, shared: Masker, texts: list[bytes], seed: int) -> list[object]:
    """What each text gives; now and then what is here is decided, and some of it lacks."""
    chance, said = random.Random(seed), list[object]()
    for text in texts:
        body, out = make(shared), b""
        for piece in pieces(text, chance, chance.randrange(4)):
            out += body.feed(piece)
            if chance.random() < 0.02:
                said.append(out + body.flush())
                out = b""
                if chance.random() < 0.5:
                    body.gap()
        said += (out + body.finish(), body.changed)
        if chance.random() < 0.3:
            shared.vault.learn(Secret(b"LABONLY-%d-and-more" % chance.randrange(9)))
    return said


def same(make: Made, texts: list[bytes], seed: int) -> list[object]:
    with engine(None):
        pure = masked(make, masker(), texts, seed)
    with engine(native_core()):
        compiled = masked(make, masker(), texts, seed)
    assert compiled == pure
    return compiled


def damaged(data: bytes, at: int, put: bytes, instead: bool) -> bytes:
    at %= len(data) + 1
    return data[:at] + put + data[at + instead :]


def dumped(document: object, style: int) -> bytes:
    text = json.dumps(document, ensure_ascii=style & 1 == 0, indent=2 if style & 2 else None)
    return text.encode("utf-8", "surrogatepass")


places = st.integers(0, 400)


@given(
    st.lists(st.tuples(documents, st.integers(0, 3), places, damages, st.booleans()), max_size=3),
    st.booleans(), st.booleans(), places,
)  # fmt: skip
def test_documents(
    drawn: list[tuple[object, int, int, bytes, bool]], answers: bool, failed: bool, seed: int
) -> None:
    texts = []
    for document, style, at, put, instead in drawn:
        whole = dumped(document, style)
        texts += [whole, damaged(whole, at, put, instead), whole]
    same(lambda shared: JsonBody(shared, answers=answers, failed=failed), texts, seed)


texts = st.lists(st.sampled_from([
    b"words of a string", b"w", b'\\"', b"\\\\", b"\\n", b"\\u00e9", b"f\xc3\xbcr", b"\xff", b'"',
    b"\x1f", b"\\", b"\\u12", b"\\x", b"\x20", b"\x7f", b"\x80", b"!", b"#", b"[", b"]",
]), max_size=12).map(b"".join)  # fmt: skip


@given(texts, st.integers(0, 9))
def test_how_far_a_string_goes(text: bytes, start: int) -> None:
    start = min(start, len(text))
    stop = start
    while run := json_tokens._STRING.match(text, stop):
        stop = run.end()
    assert native_core().string(text, len(text), start) == stop


gaps = st.sampled_from([
    b"", b"5\r\n", b"\r\n5\r\n", b"\nfF\n", b"\r\n\r\n", b"\r5\r\n", b"5", b"5;a=b\r\n", b" 5\r\n",
    b"g\n", b"\r\n5\r\n\r\n0\r\n", b"0123456789abcdef\n", b"0123456789abcdef0\n", b"\r\n5\r",
])  # fmt: skip


@given(st.lists(st.tuples(gaps, st.binary(min_size=1, max_size=5)), min_size=1, max_size=5))
def test_what_is_laid_between_chunk_lines(parts: list[tuple[bytes, bytes]]) -> None:
    raw, places = b"", Extents()
    for number, (gap, piece) in enumerate(parts):
        raw += gap if number else b""
        places.add(100 + len(raw), 100 + len(raw) + len(piece))
        raw += piece
    body = b"".join(piece for _, piece in parts)
    with engine(None):
        pure = _laid(raw, 100, places, b"x" * len(body))
    with engine(native_core()):
        assert _laid(raw, 100, places, b"x" * len(body)) == pure
        assert _laid(raw, 100, places, body) in (raw, None)


lines = st.sampled_from([
    b"event: content_block_delta", b"event: error", b"event:ping", b"event: a b", b"event: " + KEY,
    b"id: 7", b": a comment", b"retry: 3000", b"data: [DONE]", b"data:[DONE]", b"data: [DONE] ",
    b"data", b"data:", b"\xef\xbb\xbfdata: 1", b"words", b'{"error":"a"}', b"data:  {}",
])  # fmt: skip


@given(
    st.lists(st.lists(documents | lines, max_size=3), max_size=5),
    st.sampled_from([b"\n", b"\r\n", b"\r", b"\n\n", b"\r\n\n"]),
    places, damages, st.integers(0, 3),
)  # fmt: skip
def test_events(drawn: list[list[object]], end: bytes, seed: int, put: bytes, style: int) -> None:
    events = [
        b"".join(
            (line if isinstance(line, bytes) else b"data: " + dumped(line, style & 1)) + end
            for line in event
        ) + end
        for event in drawn
    ]  # fmt: skip
    stream = b"".join(events)
    same(EventsBody, [stream, damaged(stream, seed, put, instead=False), stream + stream], seed)


USUAL = (
    b"event: content_block_delta\ndata: "
    b'{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"%s"}}\n\n'
)


def events_taken(*streams: bytes, learnt: bytes = b"") -> list[int]:
    """How much the core takes by itself of each stream, after Python has seen those before it."""
    shared, taken = masker(), []
    core = native_core()
    with engine(core):
        for stream in streams:
            taken.append(CompiledMasking(core, shared.tokens, stream).events(0)[0])
            body = EventsBody(shared)
            body.feed(stream)
            body.finish()
            if learnt:
                shared.vault.learn(Secret(learnt))
    return taken


def test_an_event_whose_words_are_known_is_taken_whatever_it_says() -> None:
    first = USUAL % b"a"
    others = b"".join(USUAL % said for said in (b"", b"\\u00e9\\n", "für".encode(), b"1" * 9000))
    assert events_taken(first, others, first) == [0, len(others), len(first)]


def test_an_event_is_left_that_may_hold_a_placeholder_or_is_not_known() -> None:
    first = USUAL % b"a"
    for said in (PUBLIC.encode(), b"ERR_LAB", b"ghu_aaaa", b"\xff", b"\\x", b'", "status": "new'):
        stream = first + USUAL % said + first
        assert events_taken(first, stream) == [0, len(first)]


def test_what_is_known_is_forgotten_when_a_key_is_learnt_that_is_in_it() -> None:
    first = USUAL % b"a"
    assert events_taken(first, first, learnt=b"LABONLY-no-part-of-it") == [0, len(first)]
    assert events_taken(first, first, learnt=b"content_block_delta_7x") == [0, 0]


def test_a_document_is_left_in_front_of_each_token_that_is_not_known() -> None:
    core, tokens = native_core(), KnownTokens()
    data = b'{"model": [1, -0.5, true, null, 123456789012]}'
    with engine(core):
        passed = CompiledMasking(core, tokens, data).json(0, 0, [], answers=False)
        assert passed is not None
        assert data[passed.at :].startswith(b'"model"')
        tokens.know(KNOWN_NAME, b"model")
        passed = CompiledMasking(core, tokens, data).json(0, 0, [], answers=False)
        assert passed is not None
        assert data[passed.at :].startswith(b"123")
        assert (passed.path, passed.brackets) == ([None, "[]"], [*b"{["])


@pytest.mark.parametrize("depth", [60, 61, 1024])
def test_brackets_deeper_than_the_core_follows_are_followed_by_python(depth: int) -> None:
    data = b"[" * depth + b'"words"' + b"]" * depth
    done = same(JsonBody, [data], 0)
    assert b"".join(part for part in done if isinstance(part, bytes)).count(b"xxxxx") == 1


def test_more_tokens_than_have_room_are_still_masked_alike() -> None:
    texts = [json.dumps({f"name_{n}_{at}": n for n in range(PLACES // 4)}).encode()
             for at in range(9)]  # fmt: skip
    same(JsonBody, texts, 0)
    tokens = KnownTokens()
    with engine(native_core()):
        tokens.know(KNOWN_NAME, b"w" * KNOWN_TEXT)
        tokens.know(KNOWN_NAME, b"w" * (KNOWN_TEXT + 1))
        tokens.clear()
