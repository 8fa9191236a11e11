"""JSON's tokens stand where they are said to; what is not JSON is told by name, and ends them."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from typing import NoReturn

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector.protocols.extent import Extent
from inspector.protocols.json_tokens import (
    BROKEN,
    DEPTH_LIMIT,
    NUMBER_LIMIT,
    Broken,
    JsonTokens,
    Token,
)
from inspector.wire import Segment
from tests.protocols.conftest import every_way, packets

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=12),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4)
    ),
    max_leaves=12,
)


def tokens(document: bytes, start: int = 0) -> list[Token | Broken]:
    json_tokens = JsonTokens(start)
    return [*json_tokens.feed(document), *json_tokens.finish()]


def cut_tokens(batches: Sequence[Sequence[Segment]]) -> list[Token | Broken]:
    json_tokens = JsonTokens()
    found = [token for batch in batches for _, _, data in batch for token in json_tokens.feed(data)]
    return [*found, *json_tokens.finish()]


def is_json(document: bytes) -> bool:
    def refuse(name: str) -> NoReturn:
        raise ValueError(name)  # NaN and Infinity, which Python takes

    try:
        json.loads(document.decode("latin-1"), parse_constant=refuse)
    except ValueError:
        return False
    return True


@given(VALUES, st.sampled_from([None, 1]), st.booleans(), st.integers(0, 1 << 40))
def test_the_tokens_are_the_document_but_for_white_space(
    value: object, indent: int | None, ascii_only: bool, start: int
) -> None:
    document = json.dumps(value, indent=indent, ensure_ascii=ascii_only).encode(
        "utf-8", "surrogatepass"
    )
    end = start
    texts = []
    for token in tokens(document, start):
        assert isinstance(token, Token)
        assert not document[end - start : token.extent.start - start].strip(b" \n")
        end = token.extent.stop
        text = document[token.extent.start - start : end - start]
        texts.append(text)
        if token.kind in ("name", "string"):
            assert isinstance(json.loads(text), str)
        elif token.kind == "number":
            assert isinstance(json.loads(text), int | float)
        else:
            assert text in ((b"true", b"false", b"null") if token.kind == "literal" else b"{}[]:,")
    compact = json.dumps(value, ensure_ascii=ascii_only, separators=(",", ":"))
    assert b"".join(texts) == compact.encode("utf-8", "surrogatepass")


@given(VALUES)
def test_names_are_told_from_strings(value: object) -> None:
    names: list[str] = []

    def note(pairs: list[tuple[str, object]]) -> None:
        names.extend(name for name, _ in pairs)

    document = json.dumps({"a": value}).encode()
    json.loads(document, object_pairs_hook=note)
    found = [
        json.loads(document[token.extent.start : token.extent.stop])
        for token in tokens(document)
        if isinstance(token, Token) and token.kind == "name"
    ]
    assert sorted(found) == sorted(names)


PARTS = [b"{", b"}", b"[", b"]", b":", b",", b'"', b'"a"', b"1", b"-", b"0", b".5", b"e3", b" "]
PARTS += [b"true", b"nul", b"l", b"\\", b"\\n", b"\\u00e", b"9", b"\\x", b"\n", b"\x01", b"\xe9"]


@given(st.lists(st.sampled_from(PARTS), max_size=12).map(b"".join))
def test_what_is_json_is_decided_as_python_does(document: bytes) -> None:
    found = tokens(document)
    assert (not any(isinstance(token, Broken) for token in found)) is is_json(document)
    assert not any(isinstance(token, Broken) for token in found[:-1])


@given(VALUES, st.randoms(use_true_random=False))
def test_a_damaged_document_gives_the_tokens_before_the_damage(
    value: object, chance: random.Random
) -> None:
    document = bytearray(json.dumps(value).encode())
    place = chance.randrange(len(document))
    before = bytes(document)
    document[place] = chance.choice(b'\x00\x1f"\\{}[],:x9- ')
    for batches in every_way(packets(bytes(document))):
        found = cut_tokens(batches)
        assert found == tokens(bytes(document))
        whole = [
            token
            for token in tokens(before)
            if isinstance(token, Token) and token.extent.stop < place
        ]
        assert found[: len(whole)] == whole


@given(VALUES)
def test_tokens_do_not_depend_on_how_the_document_is_cut(value: object) -> None:
    document = json.dumps(value, indent=1).encode()
    for batches in every_way(packets(document)):
        assert cut_tokens(batches) == tokens(document)


@pytest.mark.parametrize(
    ("document", "name", "at"),
    [
        (b"", "json-unfinished", 0),
        (b'{"a', "json-unfinished", 3),
        (b'{"a": "b\\', "json-unfinished", 9),
        (b"{]", "json-unexpected-byte", 1),
        (b"[1,]", "json-unexpected-byte", 3),
        (b'{"a" 1}', "json-unexpected-byte", 5),
        (b"{1: 2}", "json-unexpected-byte", 1),
        (b'["a\nb"]', "json-control-byte", 3),
        (b'["a\\x"]', "json-bad-escape", 3),
        (b'["\\u12g4"]', "json-bad-escape", 2),
        (b"[01]", "json-bad-number", 1),
        (b"-", "json-bad-number", 0),
        (b"[nulll]", "json-bad-literal", 1),
        (b"[tru", "json-bad-literal", 1),
        (b"{} {}", "json-trailing-bytes", 3),
    ],
)
def test_what_is_not_json_has_a_name_and_a_place(document: bytes, name: str, at: int) -> None:
    assert name in BROKEN
    for batches in every_way(packets(document)):
        assert cut_tokens(batches)[-1] == Broken(name, at)


def test_a_string_of_any_size_is_told_while_it_goes_on_and_not_kept() -> None:
    json_tokens = JsonTokens()
    assert json_tokens.feed(b'{"key":"' + b"x" * 100) == [
        Token("punctuation", Extent(0, 1)),
        Token("name", Extent(1, 6)),
        Token("punctuation", Extent(6, 7)),
    ]
    for _ in range(100):
        assert json_tokens.feed(b"x" * 1000) == []
    assert json_tokens.begun == Token("string", Extent(7, 100_108))
    assert json_tokens.feed(b'"}') == [
        Token("string", Extent(7, 100_109)),
        Token("punctuation", Extent(100_109, 100_110)),
    ]
    assert json_tokens.finish() == []


def test_depth_and_digits_are_bounded() -> None:
    deep = b"[" * DEPTH_LIMIT + b"]" * DEPTH_LIMIT
    assert not any(isinstance(token, Broken) for token in tokens(deep))
    assert tokens(b"[" + deep + b"]")[-1] == Broken("json-too-deep", DEPTH_LIMIT)
    assert tokens(b"1" * NUMBER_LIMIT) == [Token("number", Extent(0, NUMBER_LIMIT))]
    for batches in every_way(packets(b"1" * (NUMBER_LIMIT + 1) + b" ")):
        assert cut_tokens(batches) == [Broken("json-bad-number", 0)]


@given(st.binary(max_size=40))
def test_no_bytes_raise(data: bytes) -> None:
    tokens(data)
