"""A body coded anew has as many bytes, and its texts in the pieces that they came in."""

from __future__ import annotations

import random
import tracemalloc
import zlib
from typing import Any

import brotli
import pytest

from inspector.redaction.recoding import Recoder, ending, filler

BITS = {"gzip": 31, "zlib": 15, "deflate": -15}


class Unbrotli:
    """brotli's decompressor with the names of zlib's."""

    unused_data = b""

    def __init__(self) -> None:
        self._inner = brotli.Decompressor()

    @property
    def eof(self) -> bool:
        return bool(self._inner.is_finished())

    def decompress(self, data: bytes) -> bytes:
        return bytes(self._inner.process(data))


def decoder_of(form: str) -> Any:
    return Unbrotli() if form == "br" else zlib.decompressobj(BITS[form])


def coded(form: str, texts: list[bytes], *, level: int = 6) -> list[bytes]:
    """The texts as a server codes them that flushes behind each, and its end by itself."""
    if form == "br":
        maker = brotli.Compressor(quality=4)
        return [*(maker.process(text) + maker.flush() for text in texts), maker.finish()]
    coder = zlib.compressobj(level, zlib.DEFLATED, BITS[form])
    pieces = [coder.compress(text) + coder.flush(zlib.Z_SYNC_FLUSH) for text in texts]
    return [*pieces, coder.flush(zlib.Z_FINISH)]


def recoded(form: str, sizes: list[int], texts: list[bytes]) -> bytes | None:
    recoder = Recoder(form)
    out = b"".join(map(recoder.add, sizes, texts))
    assert len(out) <= sum(sizes)
    end = recoder.end()
    return None if end is None else out + end


def texts_in(form: str, pieces: list[bytes]) -> list[bytes]:
    inflater = decoder_of(form)
    texts = [inflater.decompress(piece) for piece in pieces]
    assert inflater.eof
    assert not inflater.unused_data
    return texts


def cut(data: bytes, sizes: list[int]) -> list[bytes]:
    pieces = []
    for size in sizes:
        pieces.append(data[:size])
        data = data[size:]
    return pieces


def events(count: int) -> tuple[list[bytes], list[bytes]]:
    chance = random.Random(count)
    said = ["".join(chance.choices("abcdefgh ,.", k=chance.randrange(1, 90))) for _ in range(count)]
    form = b'event: content_block_delta\ndata: {"type":"text_delta","text":"%s"}\n\n'
    return [form % text.encode() for text in said], [form % (b"x" * len(text)) for text in said]


def test_filling_blocks_hold_nothing_and_have_any_length_but_a_few() -> None:
    for size in range(400):
        blocks = filler(size)
        assert (blocks is None) == (size in (1, 2, 3, 4, 8))
        if blocks is not None:
            assert len(blocks) == size
            assert zlib.decompress(blocks + b"\x03\0", -15) == b""


def test_blocks_that_end_a_stream_have_any_length_from_two_bytes_on() -> None:
    assert ending(0) is ending(1) is None
    for size in range(2, 400):
        blocks = ending(size)
        assert blocks is not None
        assert len(blocks) == size
        inflater = zlib.decompressobj(-15)
        assert inflater.decompress(blocks) == b""
        assert inflater.eof
        assert not inflater.unused_data


@pytest.mark.parametrize("count", range(1, 40))
@pytest.mark.parametrize("form", [*BITS, "br"])
def test_each_event_of_a_stream_is_still_read_with_its_own_piece(form: str, count: int) -> None:
    said, masked = events(count)
    sizes = [len(piece) for piece in coded(form, said)]
    data = recoded(form, sizes, [*masked, b""])
    assert data is not None
    read = b""
    for text, piece in zip(masked, texts_in(form, cut(data, sizes)), strict=False):
        before = read.count(b"\n\n")
        read += piece
        assert read.count(b"\n\n") == before + 1, text
    assert read == b"".join(masked)


@pytest.mark.parametrize(
    ("form", "size"),
    # br's coder cannot take back a text for which there is no room: pieces of bytes are hidden.
    [*((form, size) for form in BITS for size in (1, 7, 100, 1448)), ("br", 100), ("br", 1448)],
)
def test_a_body_that_was_coded_at_once_is_coded_at_once(form: str, size: int) -> None:
    said, masked = (b"".join(texts) for texts in events(30))
    whole = b"".join(coded(form, [said], level=9))
    pieces = [whole[at : at + size] for at in range(0, len(whole), size)]
    inflater = decoder_of(form)
    lengths = [len(inflater.decompress(piece)) for piece in pieces]
    data = recoded(form, [len(piece) for piece in pieces], cut(masked, lengths))
    assert data is not None
    assert decoder_of(form).decompress(data) == masked


@pytest.mark.parametrize("more", range(30))
@pytest.mark.parametrize("form", BITS)
def test_a_text_that_changes_in_nothing_has_room_in_one_piece(form: str, more: int) -> None:
    # Coded as well as it is here, with a header that is so much longer.
    text = b'{"type":"error","error":{"type":"api_error","message":"no such thing, or so"}}'
    coder = zlib.compressobj(9, zlib.DEFLATED, BITS[form], 9)
    size = len(coder.compress(text) + coder.flush()) + more
    data = recoded(form, [size], [text])
    if data is None:
        # zlib codes this text in no such length, and no blocks fill these.
        assert (form != "gzip", more in (1, 3, 4)) == (True, True)
        return
    assert len(data) == size
    assert zlib.decompress(data, BITS[form]) == text


def test_what_is_forced_out_is_the_bytes_of_the_pieces_and_no_more() -> None:
    said, masked = events(12)
    sizes = [len(piece) for piece in coded("gzip", said)]
    recoder = Recoder("gzip")
    out = b""
    for at, (size, text) in enumerate(zip(sizes, masked, strict=False), start=1):
        out += recoder.add(size, text) + recoder.force()
        assert len(out) == sum(sizes[:at])
    assert zlib.decompressobj(31).decompress(out) == b"".join(masked)


def test_behind_what_is_hidden_no_decoder_reads_on() -> None:
    said, masked = events(3)
    sizes = [len(piece) for piece in coded("gzip", said)]
    recoder = Recoder("gzip")
    out = b"".join(map(recoder.add, sizes, [*masked, b""])) + recoder.hide()
    assert len(out) == sum(sizes)
    inflater = zlib.decompressobj(31)
    *before, last = cut(out, sizes)
    assert [inflater.decompress(piece) for piece in before] == masked
    with pytest.raises(zlib.error):
        inflater.decompress(last)


@pytest.mark.parametrize("form", ["gzip", "br"])
def test_room_that_is_left_costs_its_size_and_not_its_square(form: str) -> None:
    """A piece of a megabyte whose text codes to nothing: the blocks before the next text."""
    recoder = Recoder(form)
    tracemalloc.start()
    try:
        out = recoder.add(1 << 20, b"a") + recoder.add(1 << 20, b"b") + (recoder.end() or b"")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert len(out) == 2 << 20
    assert peak < 16 << 20
