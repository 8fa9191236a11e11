"""Where windows stand in a text, with the compiled core and without it."""

from __future__ import annotations

import copy
import pickle
import random
import re
import tracemalloc
from collections.abc import Iterator
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector.native.used import USED
from inspector.secrets import windows as module
from inspector.secrets.windows import WIDTH, Windows, word_at
from tests.flows.build import native_core

#: Letters of few kinds, so that words come again.
LETTERS = st.binary(max_size=400).map(lambda data: bytes(97 + byte % 3 for byte in data))
APART = st.sampled_from([1, 4])


def of(*texts: bytes) -> set[int]:
    return {word_at(text, at) for text in texts for at in range(len(text) - WIDTH + 1)}


def made(*texts: bytes) -> Iterator[Windows]:
    """The windows of some texts as both engines hold them."""
    for core in (native_core(), None):
        with patch.object(USED, "core", core):
            windows = Windows()
            for text in texts:
                windows.add(text)
            yield windows


@given(LETTERS, LETTERS, LETTERS, APART)
def test_both_engines_find_each_place_where_a_window_stands(
    first: bytes, second: bytes, text: bytes, apart: int
) -> None:
    known = of(first[:30]) | of(second[:30])
    text += first[3:17] + text + second[:12]
    expected = [at for at in range(0, len(text) - WIDTH + 1, apart) if word_at(text, at) in known]
    for windows in made(first[:30], second[:30]):
        assert len(windows) == len(known)
        assert windows.places(text, apart) == expected
        assert windows.stand_in(text, apart) == bool(expected)


FILLED = st.lists(
    st.sampled_from(
        [b"x" * 3, b"x" * 7, b"x" * 8, b"x" * 19, b"-x", b"x-", b"ab", b"-", b"LABONLY9"]
    ),
    max_size=9,
).map(b"".join)


@given(FILLED, FILLED, APART)
def test_fill_that_nothing_else_of_a_key_stands_beside_may_be_left_out(
    key: bytes, text: bytes, apart: int
) -> None:
    fill = int.from_bytes(b"x" * 8, "little")
    known = of(key) | {fill}
    hits = [at for at in range(0, len(text) - WIDTH + 1, apart) if word_at(text, at) in known]
    runs = [(run.start(), run.end()) for run in re.finditer(rb"x{8,}", text)]
    alone = [
        (begin, end)
        for begin, end in runs
        if not (begin and word_at(text, begin - 1) in known)
        and not (end < len(text) and word_at(text, end - 7) in known)
    ]
    expected = [at for at in hits if not any(begin <= at <= end - 8 for begin, end in alone)]
    for windows in made(key, b"x" * 8):
        found = windows.places(text, apart, but_fill=True)
        assert set(found) <= set(expected)
        assert {word_at(text, at) for at in found} == {word_at(text, at) for at in expected}
        assert windows.stand_in(text, apart, but_fill=True) == bool(expected)


@given(st.binary(max_size=30), st.binary(max_size=60), st.binary(max_size=60), APART)
def test_windows_that_fold_stand_in_a_text_of_any_case(
    key: bytes, before: bytes, behind: bytes, apart: int
) -> None:
    key = b"Ab-LABONLY@[`{\xc1\xe1" + key
    text = before + key.upper() + b"xX" * 9 + key.swapcase() + behind
    for core in (native_core(), None):
        with patch.object(USED, "core", core):
            folding, plain = Windows(folds=True), Windows()
            for windows in (folding, plain):
                windows.add(key.lower())
                windows.add(b"x" * WIDTH)
            low = text.lower()
            for but_fill in (False, True):
                expected = plain.places(low, apart, but_fill=but_fill)
                assert folding.places(text, apart, but_fill=but_fill) == expected
                assert folding.stand_in(text, apart, but_fill=but_fill) == bool(expected)
            for at in range(len(text) - WIDTH + 1):
                assert folding.stands_at(text, at) == plain.stands_at(low, at)


def test_few_words_and_many_are_found_in_the_same_places(monkeypatch: pytest.MonkeyPatch) -> None:
    text = random.Random(1).randbytes(2000)
    [_, windows] = made(text[100:300], text[700:720])
    found = windows.places(text, 1)
    assert found == [*range(100, 293), *range(700, 713)]
    monkeypatch.setattr(module, "_FEW", 1 << 20)
    assert windows.places(text, 1) == found


@given(LETTERS, LETTERS, st.integers(1, 8))
def test_of_a_text_the_windows_at_multiples_alone_may_be_entered(
    key: bytes, text: bytes, apart: int
) -> None:
    known = {word_at(key, at) for at in range(0, len(key) - WIDTH + 1, apart)}
    text = key + text
    places = [at for at in range(len(text) - WIDTH + 1) if word_at(text, at) in known]
    for core in (native_core(), None):
        with patch.object(USED, "core", core):
            windows = Windows()
            windows.add(key, apart)
        assert len(windows) == len(known)
        assert windows.places(text, 1) == places
        assert [at for at in range(len(text) - WIDTH + 1) if windows.stands_at(text, at)] == places


def test_the_table_grows_with_the_windows_and_forgets_none() -> None:
    text = random.Random(2).randbytes(40_000)
    [windows, _] = made(b"")
    with patch.object(USED, "core", native_core()):
        for at in range(0, len(text), 500):
            windows.add(text[at : at + 500])
            assert windows.places(text[at : at + 500], 1) == [*range(len(text[at : at + 500]) - 7)]
        assert windows.stand_in(b"." * 200 + text[:8], 4)
        assert (
            sum(windows.stand_in(random.Random(n).randbytes(5000), 1) for n in range(90, 99)) == 0
        )
        windows.add(text)
        assert windows.places(text, 1) == [*range(len(text) - 7)]


@pytest.mark.parametrize("count", [1000, 10_000, 100_000])
def test_of_the_compiled_core_a_window_takes_few_bytes(count: int) -> None:
    text = random.Random(3).randbytes(count)
    with patch.object(USED, "core", native_core()):
        tracemalloc.start()
        try:
            windows = Windows()
            for at in range(0, count, 40):
                windows.add(text[at : at + 47])
            held, most = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert len(windows) >= count * 0.99
    assert held < 13 * count + 3000
    assert most < 25 * count + 3000  # while it grows


def test_where_words_that_belong_last_find_no_room_the_table_grows(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Nearly every slot may be taken, and one alone is behind them.
    monkeypatch.setattr(module, "_TAKEN", 1.0)
    monkeypatch.setattr(module, "_BEHIND", 1)
    monkeypatch.setattr(module, "_SMALLEST", 1)
    for seed in range(20):
        text = random.Random(seed).randbytes(300)
        [windows, _] = made(text)
        assert windows.places(text, 1) == [*range(293)]
        assert windows.places(text[::-1], 1) == []


def test_the_engine_that_enters_the_first_window_keeps_them() -> None:
    text = b"a" * 150 + b"LABONLY9" + b"a" * 10
    for first, second in ((None, native_core()), (native_core(), None)):
        windows = Windows()
        with patch.object(USED, "core", first):
            assert windows.places(text, 1) == []
            windows.add(b"LABONLY9")
        with patch.object(USED, "core", second):
            assert windows.places(text, 1) == [150]
            windows.add(b"aLABONLY")
            assert windows.places(text, 1) == [149, 150]


def test_windows_show_and_serialise_nothing() -> None:
    windows = Windows()
    windows.add(b"LABONLY-LABONLY")
    assert repr(windows) == "<Windows 8>"
    for serialise in (copy.copy, copy.deepcopy, pickle.dumps):
        with pytest.raises(TypeError):
            serialise(windows)


FILLED = st.lists(st.sampled_from([b"x" * 3, b"x" * 40, b"X" * 9, b"ab", b"c"]), max_size=30).map(
    lambda parts: b"".join(parts).lower()
)


@given(FILLED, FILLED, APART)
def test_of_a_run_of_what_masks_are_filled_with_the_first_place_is_told(
    key: bytes, text: bytes, apart: int
) -> None:
    known = of(key + b"x" * 12)
    expected: list[int] = []
    filled = 0
    for at in range(0, len(text) - WIDTH + 1, apart):
        if word_at(text, at) in known and at + WIDTH > filled:
            expected.append(at)
            if text[at : at + WIDTH] == b"x" * WIDTH:
                filled = at + len(text[at:]) - len(text[at:].lstrip(b"x"))

    for windows in made(key + b"x" * 12):
        assert windows.places(text, apart) == expected
        assert windows.stand_in(text, apart) == bool(expected)
