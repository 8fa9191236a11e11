"""`--keep-bodies` keeps text without its keys, and coded text in which there are none."""

from __future__ import annotations

import gzip
import random
import zlib

import brotli
import pytest

from inspector.credentials.masking import Masker
from inspector.redaction.blanks import BodyMasker
from inspector.redaction.kept_bodies import KeptCoded, KeptText

KEY = b"sk-ant-api03-" + 9 * b"LABONLY7q"
WORDS = b"what a person said, and more of it, in so many words that they are worth a block. "
PLAIN = WORDS + b"f\xc3\xbcr Grieg \xe2\x80\xa6\r\n"


def text() -> KeptText:
    return KeptText(Masker(b"lab"), lambda why: None)


def coded(name: str) -> KeptCoded:
    return KeptCoded(name, Masker(b"lab"), lambda why: None)


def fed(body: BodyMasker, data: bytes, size: int = 1448) -> bytes:
    out = b"".join([body.feed(data[at : at + size]) for at in range(0, len(data), size)])
    return out + body.finish()


def flushed(kind: int, *parts: bytes) -> list[bytes]:
    """A stream of deflate in blocks, the last of which holds the key as it is."""
    made = zlib.compressobj(6, zlib.DEFLATED, kind)
    blocks = [made.compress(part) + made.flush(zlib.Z_FULL_FLUSH) for part in parts]
    stored = zlib.compressobj(0, zlib.DEFLATED, -15)
    blocks.append(stored.compress(KEY) + stored.flush())
    return blocks


@pytest.mark.parametrize("size", [1, 7, 1448])
def test_text_is_kept_and_a_key_in_it_is_not(size: int) -> None:
    data = PLAIN + b"key " + KEY + b" and " + PLAIN
    shown = fed(text(), data, size)
    assert len(shown) == len(data)
    assert shown.startswith(PLAIN + b"key ")
    assert shown.endswith(b" and " + PLAIN)
    assert KEY[13:25] not in shown


@pytest.mark.parametrize("size", [1, 7, 1448])
@pytest.mark.parametrize("odd", [b"\0", b"\x1b", b"\xff", b"\xc3(", b"\xe2\x80"], ids=repr)
def test_what_follows_something_that_is_no_text_is_hidden(odd: bytes, size: int) -> None:
    shown = fed(text(), PLAIN + odd + WORDS, size)
    assert len(shown) == len(PLAIN + odd + WORDS)
    assert shown.startswith(PLAIN)
    assert shown.endswith(len(WORDS) * b"x")


def test_behind_a_gap_text_goes_on_within_a_character() -> None:
    body = text()
    before = body.feed(PLAIN + b"\xe2\x80") + body.flush()
    body.gap()
    after = fed(body, b"\x9d " + WORDS)
    assert before == PLAIN + b"\xe2\x80"
    assert after == b"\x9d " + WORDS


@pytest.mark.parametrize("size", [1, 60, 1448])
@pytest.mark.parametrize("kind", [31, 15, -15], ids=["gzip", "zlib", "deflate"])
@pytest.mark.parametrize("damage", ["first block", "second block", "length"])
def test_behind_damage_in_a_coded_body_nothing_is_kept(kind: int, damage: str, size: int) -> None:
    blocks = flushed(kind, *[WORDS + bytes([65 + n]) for n in range(3)])
    if damage == "length":  # the stored block's length and its complement disagree
        blocks[-1] = blocks[-1][:1] + b"\x07\x07" + blocks[-1][3:]
    else:
        number = 0 if damage == "first block" else 1
        at = {31: 10, 15: 2, -15: 0}[kind] if number == 0 else 0
        block = blocks[number]
        blocks[number] = block[:at] + b"\xff\xff" + block[at + 2 :]
    data = b"".join(blocks)
    assert KEY in data
    shown = fed(coded("gzip" if kind == 31 else "deflate"), data, size)
    assert len(shown) == len(data)
    assert shown.endswith(len(blocks[-1]) * b"x")


@pytest.mark.parametrize("size", [1, 1448])
@pytest.mark.parametrize(
    "trailing",
    [KEY, gzip.compress(KEY), zlib.compress(KEY), random.Random(5).randbytes(80) + KEY],
    ids=["a key", "another member", "another coding", "noise"],
)
@pytest.mark.parametrize("name", ["gzip", "br"])
def test_what_follows_the_end_of_a_coded_body_is_not_kept(
    name: str, trailing: bytes, size: int
) -> None:
    whole = gzip.compress(WORDS) if name == "gzip" else brotli.compress(WORDS)
    shown = fed(coded(name), whole + trailing, size)
    assert len(shown) == len(whole + trailing)
    assert shown.endswith(len(trailing) * b"x")


@pytest.mark.parametrize("name", ["gzip", "deflate", "br"])
def test_a_body_that_is_not_coded_at_all_is_kept_as_text(name: str) -> None:
    assert fed(coded(name), PLAIN) == PLAIN
    shown = fed(coded(name), PLAIN + KEY)
    assert KEY[13:25] not in shown


def test_a_coded_body_in_which_no_key_is_stays_byte_for_byte() -> None:
    for data in (gzip.compress(PLAIN), gzip.compress(PLAIN * 99)):
        assert fed(coded("gzip"), data, 50) == data


def test_a_key_beside_the_text_of_a_coded_body_hides_it() -> None:
    whole = gzip.compress(WORDS)
    named = whole[:3] + b"\x10" + whole[4:10] + KEY + b"\0" + whole[10:]  # a comment (RFC 1952)
    assert gzip.decompress(named) == WORDS
    assert fed(coded("gzip"), named) == len(named) * b"x"


def test_a_coding_within_a_coding_that_is_not_named_hides_it() -> None:
    data = gzip.compress(gzip.compress(KEY))
    assert fed(coded("gzip"), data) == len(data) * b"x"
    assert fed(text(), gzip.compress(KEY)) == len(gzip.compress(KEY)) * b"x"
