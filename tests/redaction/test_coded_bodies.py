"""Compressed bodies are masked as others are; what cannot be is hidden."""

from __future__ import annotations

import gzip
import zlib

import brotli
import pytest

from inspector.credentials.masking import Masker
from inspector.protocols.content import Decoder
from inspector.redaction.bodies import JsonBody
from inspector.redaction.coded_bodies import CodedBody

TEXT = b'{"type":"message","text":"what a person said, and more of it","n":12}'
MASKED = b'{"type":"message","text":"%s","n":12}' % (b"x" * 34)
ONE = {
    "gzip": gzip.compress(TEXT, mtime=0),
    "x-gzip": gzip.compress(TEXT, mtime=7),
    "deflate": zlib.compress(TEXT),
    "raw deflate": zlib.compress(TEXT, wbits=-15),
    "br": brotli.compress(TEXT),
    "named": b"\x1f\x8b\x08\x08" + bytes(6) + b"LABONLY\0" + gzip.compress(TEXT, mtime=0)[10:],
}
NAMES = {"raw deflate": "deflate", "named": "gzip"}


def coded_body(name: str) -> CodedBody:
    return CodedBody(NAMES.get(name, name), JsonBody(Masker(b"lab"), answers=True))


def shown(name: str, data: bytes, size: int = 1448) -> bytes:
    body = coded_body(name)
    out = b"".join(body.feed(data[at : at + size]) for at in range(0, len(data), size))
    return out + body.finish()


def decoded(name: str, data: bytes) -> tuple[bytes, str | None, bool]:
    decoder = Decoder(NAMES.get(name, name), 1 << 20)
    pieces = [*decoder.feed([(0, 0, data)]), *decoder.finish()]
    return b"".join(piece for _, _, piece in pieces), decoder.fault, decoder.finished


@pytest.mark.parametrize("size", [1448, 40, 11])
@pytest.mark.parametrize("name", ONE)
def test_the_text_is_masked_and_the_length_stays(name: str, size: int) -> None:
    data = shown(name, ONE[name], size)
    assert len(data) == len(ONE[name])
    text, fault, finished = decoded(name, data)
    assert b"person" not in text
    if size == 1448:
        assert (text, fault, finished) == (MASKED, None, True)
    assert b"LABONLY" not in data


@pytest.mark.parametrize("name", ONE)
def test_of_a_copy_that_is_copied_the_text_stays(name: str) -> None:
    once = shown(name, ONE[name])
    again = shown(name, once)
    assert len(again) == len(once)
    assert decoded(name, again) == decoded(name, once) == (MASKED, None, True)


@pytest.mark.parametrize("data", [TEXT, b"", b"{}", b"\x1f\x8b"])
@pytest.mark.parametrize("name", ["gzip", "deflate"])
def test_what_is_not_coded_is_masked_as_it_is(name: str, data: bytes) -> None:
    text = shown(name, data, 5)
    assert len(text) == len(data)
    assert b"person" not in text
    if data[:1] == b"{":
        assert text == (MASKED if data is TEXT else data)


@pytest.mark.parametrize("cut", range(1, len(ONE["gzip"]), 7))
def test_a_body_that_is_cut_is_cut_in_the_copy(cut: int) -> None:
    body = coded_body("gzip")
    data = body.feed(ONE["gzip"][:cut]) + body.flush()
    body.gap()
    data += body.feed(ONE["gzip"][cut + 3 :]) + body.finish()
    assert len(data) == len(ONE["gzip"]) - min(3, len(ONE["gzip"]) - cut)
    assert b"person" not in decoded("gzip", data[:cut])[0]
    assert set(data[cut:]) <= set(b"x")


def test_a_body_that_is_damaged_is_damaged_in_the_copy() -> None:
    coder = zlib.compressobj(6, zlib.DEFLATED, 31)
    first = coder.compress(TEXT) + coder.flush(zlib.Z_SYNC_FLUSH)
    body = coded_body("gzip")
    data = body.feed(first) + body.feed(b"a line of an error in its midst") + body.finish()
    assert decoded("gzip", data)[:2] == (b"", "content-encoding-corrupt")
    decoder = Decoder("gzip", 1 << 20)
    assert b"".join(part for *_, part in decoder.feed([(0, 0, data[: len(first)])])) == MASKED


def test_a_text_that_stays_is_coded_anew_however_well_it_was_coded() -> None:
    for count in range(200):
        text = b'{"n":[%s]}' % b",".join(b"%d" % (n * n) for n in range(count))
        for level in (1, 6, 9):
            for name, data in (
                ("deflate", zlib.compress(text, level)),
                ("gzip", gzip.compress(text, level, mtime=9)),
            ):
                out = shown(name, data)
                assert len(out) == len(data)
                assert decoded(name, out) == (text, None, True), (count, level, name)


def test_a_text_that_finds_no_room_is_hidden() -> None:
    # One byte more than it is coded in at best: nothing fills that in this form.
    text = b'{"type":"error","error":{"type":"api_error","message":"no such thing, or so"}}'
    coder = zlib.compressobj(9, zlib.DEFLATED, 15, 9)
    data = coder.compress(text) + coder.flush() + b"\0"
    assert decoded("deflate", data)[2]
    out = shown("deflate", data)
    assert len(out) == len(data)
    assert not decoded("deflate", out)[2]
