"""A learnt key is found in every writing, and hidden where it stands."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inspector.secret import Secret
from inspector.secrets.echoes import echoes, is_remembered, may_echo, whole_keys
from inspector.secrets.vault import Vault
from tests.leaks.cases import WRITINGS, pair

KEY = pair("an echo", "unshaped")[0].text
SHAPED = pair("an echo", "anthropic")[0].text


def knowing(*known: bytes) -> Vault:
    vault = Vault(b"made up")
    for key in known:
        vault.learn(Secret(key))
    return vault


@pytest.mark.parametrize("writing", WRITINGS)
def test_a_key_is_found_in_every_writing(writing: str) -> None:
    text = b'{"message":"saw ' + WRITINGS[writing](KEY) + b' here"}'
    hidden = text
    for start, stop in reversed(echoes(knowing(KEY), text)):
        hidden = hidden[:start] + b"(key)" + hidden[stop:]
    around = b'{"message":"saw (key) here"}'
    assert (
        hidden.replace(b"==", b"").replace(b"(key)=", b"(key)").replace(b"(key)\0", b"(key)")
        == around
        or hidden == around
    )


CODES: Final[dict[str, Callable[[bytes], bytes]]] = {
    "base64": base64.urlsafe_b64encode,
    "base64 twice": lambda value: base64.b64encode(base64.b64encode(value)),
    "hex": lambda value: value.hex().encode(),
    "hex behind a digit": lambda value: b"7" + value.hex().encode(),
}


@pytest.mark.parametrize("writing", CODES)
@given(
    st.lists(st.binary(min_size=12, max_size=60), max_size=6), st.integers(0, 6), st.integers(0, 9)
)
def test_of_many_coded_runs_the_one_with_a_key_is_told(
    writing: str, others: list[bytes], place: int, before: int
) -> None:
    """All runs are looked at together first: where they meet, nothing is lost and nothing made."""
    code = CODES[writing]
    runs = [code(other) for other in others]
    key = code(b"-" * before + KEY[:30])
    runs.insert(place, key)
    text = b" ".join(runs)

    start = text.index(key)
    assert echoes(knowing(KEY), text) == [(start, start + len(key))]


@pytest.mark.parametrize(
    "text",
    [
        b'<a href="?a=%20b&amp;c">fish &#38; chips</a>',
        b'{"text":"a\\u0020b\\n\\tc","data":"' + base64.b64encode(bytes(range(256))) + b'"}',
        bytes(range(256)) * 4,
    ],
)
def test_a_text_without_one_is_left_alone(text: bytes) -> None:
    assert echoes(knowing(KEY), text) == []


def test_a_piece_is_that_of_its_word_since_the_rest_of_another_key_would_have_no_shape() -> None:
    # Both begin alike: sk-ant-api03- and three letters.
    other = SHAPED[:16] + KEY
    text = b"no such key: " + other + b"."
    assert echoes(knowing(SHAPED), text) == [(13, 13 + len(other))]


def test_a_whole_key_that_stands_by_itself_is_no_more_than_itself() -> None:
    vault = knowing(KEY, b"sid=" + KEY[::-1])
    text = b"sid=" + KEY + b"; x"
    assert whole_keys(vault, text) == echoes(vault, text) == [(4, 44)]


def test_a_whole_key_within_a_longer_word_is_a_piece_of_that() -> None:
    text = b"a " + KEY + b"QRS b"
    assert whole_keys(knowing(KEY), text) == []
    assert echoes(knowing(KEY), text) == [(2, 45)]


@given(st.binary(max_size=300))
def test_nothing_captured_raises(text: bytes) -> None:
    spans = echoes(knowing(KEY, SHAPED), text)
    assert all(0 <= start < stop <= len(text) for start, stop in spans)


@pytest.mark.parametrize("behind", [b"n", b"r", b"t"])
@pytest.mark.parametrize("between", [b"\\\\n", b"\\\\t", b"\\\xc2\xad", b"\\\x1b[0m"])
def test_what_parts_a_key_is_not_read_together_with_what_follows(
    between: bytes, behind: bytes
) -> None:
    """A line end in JSON within JSON is two backslashes and a letter; the next may be an r."""
    key = KEY[:7] + behind + KEY[8:16]  # on neither side has a piece room
    text = b"saw " + key[:7] + between + key[7:] + b" here"
    assert echoes(knowing(key), text) == [(4, len(text) - 5)]


def test_in_a_long_text_a_writing_is_found_where_it_stands() -> None:
    written = b"".join(b"%%%02X" % byte for byte in KEY)
    far = b"lab " * 10_000
    text = far + b"a%20b " + far + written + b" " + far + b"c%20d"
    start = text.index(written)
    assert echoes(knowing(KEY), text) == [(start, start + len(written))]


@pytest.mark.parametrize("writing", WRITINGS)
@pytest.mark.parametrize(
    "key", [b"ab1cd2ef", KEY, (KEY + b".") * 40], ids=["short", "usual", "long"]
)
def test_a_text_that_was_clear_before_a_key_was_learnt_is_searched_for_it(
    key: bytes, writing: str
) -> None:
    whole = WRITINGS[writing](KEY if len(key) > 8 else key + b"-none")
    text = b'{"message":"saw ' + whole + b' here"}'
    vault = knowing(b"another made-up key, 0123456789")
    assert echoes(vault, text) == whole_keys(vault, text) == []
    vault.learn(Secret(key))
    assert echoes(vault, text) == echoes(knowing(b"another made-up key, 0123456789", key), text)
    assert echoes(vault, text) or len(key) == 8


@settings(max_examples=25)
@given(st.lists(st.sampled_from([*b"ab \\%=&;n2", 0]), max_size=80).map(bytes), st.data())
def test_what_is_clear_at_a_glance_is_clear_when_it_is_searched(
    around: bytes, data: st.DataObject
) -> None:
    piece = data.draw(st.sampled_from([WRITINGS[name](KEY) for name in WRITINGS]))
    text = around + piece[: data.draw(st.integers(0, len(piece)))] + around
    padded = text + b"\n" * (16 << 10)  # longer than what is glanced at
    assert bool(echoes(knowing(KEY), text)) == bool(echoes(knowing(KEY), padded))


@settings(max_examples=25)
@given(
    st.lists(
        st.lists(st.sampled_from([*b"ab \\%=&;n2+/", 0, 0xA0]), max_size=30).map(bytes), max_size=8
    ),
    st.data(),
)
def test_of_many_texts_that_are_looked_at_together_none_is_missed(
    others: list[bytes], data: st.DataObject
) -> None:
    text = data.draw(st.sampled_from([WRITINGS[name](KEY) for name in WRITINGS]))
    place = data.draw(st.integers(0, len(others)))
    vault = knowing(KEY)
    assert echoes(vault, text)
    assert may_echo(vault, b"\0".join([*others[:place], text, *others[place:]]))


@pytest.mark.parametrize("writing", WRITINGS)
def test_what_is_remembered_is_so_until_a_key_comes_that_stands_there(writing: str) -> None:
    vault = Vault(b"made up")
    text = b"saw " + WRITINGS[writing](KEY)[:200]
    assert is_remembered(vault, text)
    epoch = vault.epoch
    vault.learn(Secret(b"another made-up key, 0123456789"))
    assert vault.epoch == epoch
    vault.learn(Secret(KEY))
    assert vault.epoch != epoch
    assert not is_remembered(vault, text)


def test_what_others_have_pushed_out_is_not_remembered() -> None:
    vault = Vault(b"made up")
    assert is_remembered(vault, b"a text of no meaning")
    epoch = vault.epoch
    for number in range(5_000):
        assert is_remembered(vault, b"text number %d" % number)
    assert vault.epoch != epoch


def test_a_long_text_is_not_remembered() -> None:
    assert not is_remembered(Vault(b"made up"), b"word " * 60)
