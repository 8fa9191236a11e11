"""Keys are known by their pieces, however many there are, and none comes out of the vault."""

from __future__ import annotations

import copy
import hashlib
import pickle
import random
import string
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector.secret import Secret
from inspector.secrets import vault as vault_module
from inspector.secrets.grammar import merged
from inspector.secrets.public import is_mask, is_public
from inspector.secrets.vault import Vault
from inspector.secrets.windows import PIECE
from tests.growth import steps

LETTERS = string.ascii_letters + string.digits
KEY = "".join(random.Random(1).choices(LETTERS, k=40)).encode()


def keys(count: int, length: int = 40) -> list[bytes]:
    rng = random.Random(count)
    return ["".join(rng.choices(LETTERS, k=length)).encode() for _ in range(count)]


def knowing(*known: bytes) -> Vault:
    vault = Vault(b"made up")
    for key in known:
        vault.learn(Secret(key))
    return vault


@given(st.integers(0, 40 - PIECE), st.integers(PIECE, 40), st.integers(0, 20), st.integers(0, 20))
def test_every_piece_of_twelve_bytes_is_found_wherever_it_stands(
    start: int, length: int, before: int, behind: int
) -> None:
    piece = KEY[start : start + length]
    text = b"-" * before + piece + b"-" * behind
    if len(piece) >= PIECE:
        assert knowing(KEY).spans(text) == [(before, before + len(piece))]


@given(st.integers(0, 60), st.binary(max_size=60), st.integers(0, 9), st.sampled_from([40, 5000]))
def test_where_none_may_be_held_none_is_found(
    start: int, text: bytes, before: int, length: int
) -> None:
    key = (KEY * 125)[:length]
    vault = knowing(key, b"LAB0nly7")
    for view in (text, text[:before] + key[start:] + text, text[:before] + b"LAB0nly7" + text):
        assert vault.may_hold(view) or vault.spans(view) == []
    assert vault.may_hold(text[:before] + key[:PIECE])
    assert not knowing(KEY).may_hold(b"-" * 100)


def test_a_shorter_piece_is_not() -> None:
    assert not knowing(KEY).finds(b"before " + KEY[: PIECE - 1] + b" after")


def test_case_makes_no_difference() -> None:
    assert knowing(KEY).spans(KEY.swapcase()) == [(0, 40)]


def test_several_pieces_are_found_apart() -> None:
    other = keys(2)[0]
    text = b"%s and %s." % (KEY[:15], other[9:])
    assert knowing(KEY, other).spans(text) == [(0, 15), (20, 51)]


def test_a_key_met_whole_is_told_from_a_piece() -> None:
    vault = knowing(KEY)
    assert vault.knows(KEY)
    assert not vault.knows(KEY[1:])
    assert vault.whole(b"sid=" + KEY, 1, 44) == (4, 44)


def test_a_short_key_is_known_as_a_whole_if_it_is_no_word() -> None:
    vault = knowing(b"robin7nest", b"sparrowhawk")
    assert vault.spans(b"password robin7nest!") == [(9, 19)]
    assert not vault.finds(b"password robin7ne")
    assert not vault.finds(b"a sparrowhawk flew")


def test_all_of_ten_thousand_keys_are_known() -> None:
    many = keys(10_000)
    vault = knowing(*many)
    assert len(vault) == 10_000
    assert not vault.is_full
    assert all(vault.finds(b"no such key: " + key[7:30]) for key in many)


def test_what_is_held_and_looked_at_grows_with_the_bytes_of_the_keys_alone() -> None:
    # Counted, not timed: windows are one for each byte, and a text is looked at in its words.
    for count in (500, 1000, 2000):
        assert len(knowing(*keys(count))._windows) <= count * 40


def test_beyond_its_bound_it_says_that_it_is_full(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vault_module, "WINDOWS_LIMIT", 100)
    first, second, third = keys(3)
    assert not knowing(first, second).is_full
    vault = knowing(first, second, third)
    assert vault.is_full
    assert len(vault._windows) <= 100
    assert vault.finds(first)
    assert not vault.finds(third)


LONG_KEYS = keys(20, 8000)


@pytest.mark.parametrize("length", [12, 13, 16, 17, 40, 1000])
def test_every_piece_of_a_long_key_is_found(length: int) -> None:
    vault = knowing(*LONG_KEYS)
    rng = random.Random(length)
    for key in LONG_KEYS:
        at = rng.randrange(len(key) - length)
        text = b"no: " + key[at : at + length] + b"!"
        assert vault.spans(text) == [(4, 4 + length)]
        assert vault.finds(key[:PIECE])
        assert vault.finds(key[-PIECE:])


def test_a_vault_of_one_long_key_is_not_empty() -> None:
    assert knowing(LONG_KEYS[0])
    assert not knowing()


def test_a_window_that_a_long_key_shares_with_other_text_is_none() -> None:
    key = b"%s the model is %s" % (LONG_KEYS[0][:700], LONG_KEYS[1][:700])
    vault = knowing(key)
    for text in (b"and the model was", b"in the modern age"):
        assert not vault.finds(text)
    assert vault.finds(b"so the model is good")


def test_parts_of_a_long_key_take_no_room_of_their_own() -> None:
    whole = b"; ".join(b"c%d=%s" % (at, key[:80]) for at, key in enumerate(LONG_KEYS))
    vault = knowing(whole)
    held = len(vault._long_windows)
    for key in LONG_KEYS:
        vault.learn(Secret(key[:80]))
    assert (len(vault._long_windows), len(vault._windows)) == (held, 0)
    assert vault.knows(LONG_KEYS[3][:80])


def test_a_hundred_long_keys_fit_many_times_and_take_no_more_room_than_that() -> None:
    vault = knowing(*keys(256, 8192))
    assert not vault.is_full
    assert len(vault._long_windows) < 256 * 8192 / 4


def test_looks_into_long_keys_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vault_module, "_COMPARED", 100)
    vault = knowing(b"abcdefgh" * 1000)
    for _ in range(100):
        assert vault.finds(b"1abcdefghabcdefgh1") or vault._compared >= 100
    assert vault._compared <= 100
    assert vault.finds(b"..abcdefgh..."), "then a window is enough"


def test_it_takes_no_more_than_64_mb(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vault_module, "WINDOWS_LIMIT", vault_module.WINDOWS_LIMIT // 8)
    tracemalloc.start()
    try:
        vault = Vault(b"made up")
        number = 0
        while not vault.is_full:
            vault.learn(
                Secret(hashlib.sha256(b"%d" % number).hexdigest()[: 12 + number % 50].encode())
            )
            number += 1
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held < 8 << 20


def test_learning_the_same_key_again_changes_nothing() -> None:
    vault = knowing(KEY)
    generation = vault.generation
    assert not vault.learn(Secret(KEY))
    assert vault.generation == generation


def test_masks_of_a_redacted_capture_are_no_pieces_of_each_other() -> None:
    vault = knowing(b"sk-ant-api03-" + b"x" * 80 + b"12345678")
    assert not vault.finds(b"key " + b"x" * 60 + b"87654321")
    assert vault.finds(b"key sk-ant-api03-" + b"x" * 80 + b"12345678")


def test_it_gives_nothing_away_of_itself() -> None:
    vault = knowing(KEY)
    shown = f"{vault!r} {vault}"
    assert KEY.decode()[:8] not in shown
    assert not hasattr(vault, "__dict__")
    for take in (pickle.dumps, copy.copy, copy.deepcopy, lambda v: v.__getstate__()):
        with pytest.raises(TypeError):
            take(vault)


@given(st.lists(st.binary(max_size=60), max_size=8), st.binary(max_size=400))
def test_whatever_is_learnt_and_looked_at_nothing_raises(known: list[bytes], text: bytes) -> None:
    spans = knowing(*known).spans(text)
    assert all(0 <= start < stop <= len(text) for start, stop in spans)
    assert spans == sorted(spans)


@pytest.mark.parametrize(
    ("text", "learnt"),
    [
        (b"the model did not answer the request in time, try it again", False),
        (b"Number of request tokens has exceeded your rate limit: 400 tokens", False),
        (b"correct horse battery staple window river lamp", True),
        (b"the model did not answer LABONLY77fq2x9z in time, try it again", True),
        (b"kxq trw plz vbn mwq zxr pkt ldw vgh", True),
    ],
)
def test_sentences_are_no_keys_and_pass_phrases_are(text: bytes, learnt: bool) -> None:
    assert Vault(b"lab").learn(Secret(text)) is learnt


FILL = st.lists(st.sampled_from([b"x" * 5, b"x" * 30, b"XX", b"LABonly7", b"-"]), max_size=12)


@given(FILL, FILL)
def test_a_key_with_a_run_of_what_masks_are_filled_with_is_found_as_any_other(
    parts: list[bytes], more: list[bytes]
) -> None:
    """Every stretch of the text whose windows are all windows of the key, and that is no mask."""
    key, text = b"LAB-" + b"".join(parts) + b"-only", b"".join(more)
    vault = knowing(key)
    low = text.lower()
    windows = {key.lower()[at : at + 8] for at in range(len(key) - 7)}
    hits = [at for at in range(len(low) - 7) if low[at : at + 8] in windows]
    runs: list[list[int]] = []
    for at in hits:
        if runs and runs[-1][1] == at + 7:
            runs[-1][1] = at + 8
        else:
            runs.append([at, at + 8])
    pieces = [
        (start, stop)
        for start, stop in runs
        if stop - start >= PIECE and not is_mask(text[start:stop])
        and not is_public(text[start:stop]) and not is_public(text[start:stop].strip(b"xX"))
    ]  # fmt: skip
    assert vault.spans(text) == merged(pieces)


def test_a_text_that_is_blank_costs_little_though_a_key_is_filled_like_it() -> None:
    vault = knowing(b"LABonly7" + b"x" * 80 + b"zz9")
    blank = [(b"x" * 120 + b'", "') * count for count in (100, 200)]

    for text in blank:
        assert vault.spans(text) == []
    few, many = (steps(lambda text=text: vault.spans(text)) for text in blank)  # type: ignore[misc]
    assert few / 100 < 80  # a stretch of 120 bytes, not each of them
    assert many < 2.2 * few


def test_a_key_that_looks_like_a_mask_is_found_whole_and_blank_text_is_passed_over() -> None:
    """What stands before the fill, or behind it, tells it; of fill alone nothing is a piece."""
    for key in (b"sk-" + b"x" * 18, b"sk-" + b"x" * 18 + b"12345678", b"sk-xx-" + b"x" * 18):
        vault = knowing(key)
        assert vault
        for before, behind in ((b'"', b'"'), (b"x" * 0, b" and"), (b"a ", b"")):
            text = before + key + behind
            assert vault.spans(text) == [(len(before), len(before) + len(key))]
            assert not vault.is_clear(b"-" * 300 + text, as_it_is)
        for blank in (b"x" * 40, b'{"a":"' + b"x" * 300 + b'"}', b"X" * 12 + b"x" * 9):
            assert vault.spans(blank) == []
            assert not vault.may_hold(blank)


def as_it_is(text: bytes) -> tuple[bytes]:
    return (text,)


def test_what_was_made_of_a_text_that_is_clear_holds_until_a_key_is_learnt_that_is_in_it() -> None:
    vault, text = knowing(KEY), b"content-type: text/LABONLY7-words"
    unknown = vault.stamp(text)
    assert vault.is_clear(text, as_it_is)
    clear = vault.stamp(text)
    assert vault.holds(unknown)
    assert vault.holds(clear)

    vault.learn(Secret(b"another-4711-Q9zTxW"))
    assert not vault.holds(unknown)
    assert vault.holds(clear)

    vault.learn(Secret(b"--text/LABONLY7-words--"))
    assert not vault.holds(clear)
    assert not vault.is_clear(text, as_it_is)
    assert vault.stamp(text) == vault.generation


@given(st.lists(st.binary(max_size=40), max_size=5), st.binary(max_size=60))
def test_what_holds_of_a_text_is_that_no_key_is_in_it(keys: list[bytes], text: bytes) -> None:
    vault = Vault(b"made up")
    for key in (*keys, text[:20], text):
        clear = vault.is_clear(text, as_it_is)
        stamp = vault.stamp(text)
        vault.learn(Secret(key))
        assert not (clear and vault.holds(stamp)) or not vault.spans(text)
