"""The search finds a key in every writing that it knows, in files and in connections."""

from __future__ import annotations

import base64
import gzip
import random

import pytest

from tests.canary.damage import in_pieces
from tests.canary.keys import percent_encoded
from tests.canary.plants import request, response
from tests.canary.wire import Description, Talk, capture
from tests.leaks.views import PIECE, is_leaked

KEY = b"HeronQwErTyUiOpAsDfGhJkLzXcVbNm"

WRITTEN = {
    "plain": KEY,
    "another case": KEY.swapcase(),
    "a piece": KEY[5 : 5 + PIECE],
    "percent": percent_encoded(KEY),
    "percent twice": percent_encoded(KEY).replace(b"%", b"%25"),
    "JSON": b"".join(b"\\u%04x" % byte for byte in KEY),
    "HTML": b"".join(b"&#x%x;" % byte for byte in KEY),
    "UTF-16": KEY.decode().encode("utf-16-be"),
    "wrapped": KEY[:9] + b"\r\n  " + KEY[9:],
    "base64": base64.b64encode(b"user:" + KEY),
    "base64 twice": base64.urlsafe_b64encode(base64.b64encode(KEY)),
    "hex": KEY.hex().encode(),
    "gzip": gzip.compress(KEY),
}


@pytest.mark.parametrize("written", WRITTEN.values(), ids=WRITTEN)
def test_a_key_is_found_however_it_is_written(written: bytes) -> None:
    assert is_leaked([KEY], b"before \0" + written + b"\n after")


def test_less_than_a_piece_is_no_leak() -> None:
    assert not is_leaked([KEY], KEY[: PIECE - 1] + b"-" + KEY[PIECE:][: PIECE - 1])


def test_of_a_secret_shorter_than_a_piece_all_is_looked_for() -> None:
    assert is_leaked([b"robin7"], b"user:robin7@")
    assert not is_leaked([b"robin7"], b"user:robin@")


@pytest.mark.parametrize("size", [1, 7])
def test_a_key_is_found_across_segments(size: int) -> None:
    talk = in_pieces(Talk().up(request(b"X-Note: " + KEY)), size, 0, random.Random(1))
    assert is_leaked([KEY], capture([talk], Description()))


def test_a_key_is_found_across_chunks() -> None:
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(p), p) for p in (KEY[:8], KEY[8:16], KEY[16:]))
    said = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n"
    assert is_leaked([KEY], capture([Talk().up(request()).down(said)], Description()))


def test_a_key_is_found_across_the_deltas_of_a_stream() -> None:
    events = b"".join(
        b"event: content_block_delta\ndata: "
        b'{"type":"content_block_delta","delta":{"type":"text_delta","text":"%s"}}\n\n' % piece
        for piece in (KEY[:5], KEY[5:10], KEY[10:15], KEY[15:])
    )
    said = response(body=events, kind=b"text/event-stream")
    assert is_leaked([KEY], capture([Talk().up(request()).down(said)], Description()))
