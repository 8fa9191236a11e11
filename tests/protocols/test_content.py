"""Content codings: every coding, every cut, every lie."""

from __future__ import annotations

import gzip
import random
import zlib
from collections.abc import Callable, Iterable

import brotli
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from inspector.protocols.content import (
    BODY_FREE,
    BODY_RATIO,
    FAULTS,
    STACK_LIMIT,
    Budget,
    CodedStretch,
    Decoder,
)
from inspector.protocols.content_codecs import CODINGS
from inspector.protocols.extent import Extent
from inspector.wire import Segment

MIB = 1 << 20
TEXT = (
    b'{"type":"message","content":[{"type":"text","text":"' + b"every byte counts " * 40 + b'"}]}'
)


def raw_deflate(data: bytes) -> bytes:
    deflater = zlib.compressobj(wbits=-15)
    return deflater.compress(data) + deflater.flush()


ENCODERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    "deflate": zlib.compress,
    "br": brotli.compress,
    "zstd": zstandard.ZstdCompressor().compress,
}
CODED = [
    *((name, encode(TEXT)) for name, encode in ENCODERS.items()),
    ("deflate", raw_deflate(TEXT)),
]
IDS = [*ENCODERS, "deflate-raw"]


def pieces(parts: Iterable[bytes]) -> list[Segment]:
    return [(1000 + index, index, part) for index, part in enumerate(parts, 1)]


def cut(data: bytes, how: str) -> list[bytes]:
    """The same bytes whole, byte by byte, or in pieces of random length."""
    if how == "whole":
        return [data]
    if how == "bytewise":
        return [data[i : i + 1] for i in range(len(data))]
    chance = random.Random(len(data))
    parts = []
    while data:
        size = chance.randint(1, 40)
        parts.append(data[:size])
        data = data[size:]
    return parts


def decode(encoding: str | None, parts: Iterable[bytes], limit: int = MIB) -> tuple[bytes, Decoder]:
    decoder = Decoder(encoding, limit)
    out = [segment for piece in pieces(parts) for segment in decoder.feed([piece])]
    out += decoder.finish()
    return b"".join(data for _, _, data in out), decoder


CUTS = pytest.mark.parametrize("how", ["whole", "bytewise", "random"])


@CUTS
@pytest.mark.parametrize(("encoding", "coded"), CODED, ids=IDS)
def test_every_coding_is_undone_however_it_is_cut(encoding: str, coded: bytes, how: str) -> None:
    body, decoder = decode(encoding, cut(coded, how))
    assert body == TEXT
    assert decoder.fault is None
    assert decoder.finished


@pytest.mark.parametrize(
    ("encoding", "is_plain"),
    [(None, True), ("identity", True), ("gzip", False), ("no-such-coding", False)],
)
def test_a_decoder_is_plain_where_it_has_nothing_to_undo_or_to_tell(
    encoding: str | None, is_plain: bool
) -> None:
    assert Decoder(encoding, 100).is_plain is is_plain


def test_every_registered_coding_is_tested() -> None:
    assert set(ENCODERS) == set(CODINGS)


@pytest.mark.parametrize("encoding", [None, "", "identity", "Identity, identity"])
def test_without_a_coding_pieces_pass_untouched(encoding: str | None) -> None:
    given_pieces = pieces([b"\x1f\x8b", b"", b"plain"])
    decoder = Decoder(encoding, limit=1)
    assert decoder.feed(given_pieces) == given_pieces
    assert decoder.fault is None
    assert decoder.finished


@CUTS
def test_stacked_codings_are_undone_in_reverse_order(how: str) -> None:
    coded = brotli.compress(gzip.compress(zlib.compress(TEXT)))
    body, decoder = decode(" Deflate , GZIP,identity, br", cut(coded, how))
    assert (body, decoder.fault, decoder.finished) == (TEXT, None, True)


@given(st.data())
def test_any_bytes_survive_any_coding_and_any_cut(data: st.DataObject) -> None:
    encoding = data.draw(st.sampled_from(sorted(ENCODERS)))
    plain = data.draw(st.binary(max_size=300))
    coded = ENCODERS[encoding](plain)
    borders = sorted(data.draw(st.sets(st.integers(1, max(1, len(coded) - 1)), max_size=6)))
    parts = [coded[i:j] for i, j in zip([0, *borders], [*borders, len(coded)], strict=True)]
    body, decoder = decode(encoding, parts)
    assert (body, decoder.fault) == (plain, None)


# --- events are timed by the pieces that complete them ---


def flushing_encoders() -> dict[str, Callable[[list[bytes]], list[bytes]]]:
    def deflater(wbits: int) -> Callable[[list[bytes]], list[bytes]]:
        def encode(events: list[bytes]) -> list[bytes]:
            coder = zlib.compressobj(wbits=wbits)
            parts = [coder.compress(event) + coder.flush(zlib.Z_SYNC_FLUSH) for event in events]
            return [*parts, coder.flush()]

        return encode

    def br(events: list[bytes]) -> list[bytes]:
        coder = brotli.Compressor()
        return [*(coder.process(event) + coder.flush() for event in events), coder.finish()]

    def zstd(events: list[bytes]) -> list[bytes]:
        coder = zstandard.ZstdCompressor().compressobj()
        flush = zstandard.COMPRESSOBJ_FLUSH_BLOCK
        return [*(coder.compress(event) + coder.flush(flush) for event in events), coder.flush()]

    return {
        "gzip": deflater(31),
        "deflate": deflater(15),
        "deflate-raw": deflater(-15),
        "br": br,
        "zstd": zstd,
    }


@pytest.mark.parametrize("name", flushing_encoders())
def test_an_event_flushed_by_the_sender_comes_out_with_its_own_time_and_packet(name: str) -> None:
    events = [b"event: ping\ndata: %d\n\n" % number for number in range(20)]
    parts = flushing_encoders()[name](events)
    decoder = Decoder(name.removesuffix("-raw"), limit=MIB)
    got = [segment for piece in pieces(parts) for segment in decoder.feed([piece])]
    assert got == pieces(events)
    assert decoder.finished


def test_gzip_with_every_flush_in_its_own_piece_decodes_as_node_sends_it() -> None:
    coder = zlib.compressobj(wbits=31)
    parts = [coder.compress(b"data: 1\n\n") + coder.flush(zlib.Z_PARTIAL_FLUSH)]
    parts += [coder.flush(zlib.Z_SYNC_FLUSH), coder.compress(b"data: 2\n\n") + coder.flush()]
    body, decoder = decode("gzip", parts)
    assert (body, decoder.fault) == (b"data: 1\n\ndata: 2\n\n", None)


# --- what the header claims and the body is not ---


@CUTS
@pytest.mark.parametrize("encoding", sorted(ENCODERS))
@pytest.mark.parametrize("plain", [TEXT, b'{"ok":1}', b"x", '{"é":"ü"}'.encode() * 9])
def test_a_plain_body_that_claims_a_coding_is_named_and_passed_through(
    encoding: str, plain: bytes, how: str
) -> None:
    body, decoder = decode(encoding, cut(plain, how))
    assert body == plain
    assert decoder.fault == "content-encoding-mismatch"


def test_a_mismatch_keeps_the_pieces_as_they_came() -> None:
    decoder = Decoder("gzip", limit=MIB)
    given_pieces = pieces([b"event: ping\n", b"data: {}\n\n"])
    assert [s for piece in given_pieces for s in decoder.feed([piece])] == given_pieces


def test_a_mismatch_of_the_outer_coding_leaves_the_inner_one_to_be_undone() -> None:
    body, decoder = decode("deflate, gzip", [zlib.compress(TEXT)])
    assert (body, decoder.fault) == (TEXT, "content-encoding-mismatch")


@pytest.mark.parametrize("encoding", ["snappy", "gzip, utf-8", "none", "\x00", "gzip;q=1"])
def test_an_unknown_coding_is_named_and_passed_through(encoding: str) -> None:
    assert decode(encoding, [TEXT])[0] == TEXT
    assert decode(encoding, [TEXT])[1].fault == "unknown-content-encoding"


def test_a_long_list_of_codings_is_not_followed() -> None:
    _, decoder = decode(",".join(["gzip"] * (STACK_LIMIT + 1)), [TEXT])
    assert decoder.fault == "too-many-content-encodings"


# --- damage ---


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
def test_damage_inside_a_coded_body_is_named_and_ends_the_output(encoding: str) -> None:
    noise = random.Random(1).randbytes(3000)
    coded = bytearray(ENCODERS[encoding](noise * 2))
    head, tail = bytes(coded[:200]), b"\xff" * 8000
    body, decoder = decode(encoding, [head, tail, b"more"])
    assert (noise * 2).startswith(body)
    assert decoder.fault == "content-encoding-corrupt"
    assert not decoder.finished


@CUTS
@pytest.mark.parametrize(("encoding", "coded"), CODED, ids=IDS)
def test_a_cut_body_gives_what_it_had_and_is_not_finished(
    encoding: str, coded: bytes, how: str
) -> None:
    body, decoder = decode(encoding, cut(coded[:-5], how))
    assert TEXT.startswith(body)
    assert decoder.fault is None
    assert not decoder.finished


@CUTS
@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
def test_members_and_frames_in_a_row_are_one_body(encoding: str, how: str) -> None:
    coded = ENCODERS[encoding](b"one ") + ENCODERS[encoding](b"two ") + ENCODERS[encoding](b"3")
    body, decoder = decode(encoding, cut(coded, how))
    assert (body, decoder.fault, decoder.finished) == (b"one two 3", None, True)


def test_zero_padding_after_gzip_is_ignored() -> None:
    body, decoder = decode("gzip", [gzip.compress(TEXT) + bytes(100), bytes(100)])
    assert (body, decoder.fault) == (TEXT, None)


def test_a_skippable_zstd_frame_may_come_first() -> None:
    skippable = b"\x5a\x2a\x4d\x18" + (3).to_bytes(4, "little") + b"abc"
    body, decoder = decode("zstd", cut(skippable + ENCODERS["zstd"](TEXT), "bytewise"))
    assert (body, decoder.fault) == (TEXT, None)


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "zstd"])
def test_bytes_after_the_end_are_named_and_dropped(encoding: str) -> None:
    body, decoder = decode(encoding, [ENCODERS[encoding](TEXT) + b"trailing"])
    assert (body, decoder.fault) == (TEXT, "content-encoding-trailing-bytes")


def test_bytes_after_the_end_of_brotli_are_named_when_they_come_later() -> None:
    body, decoder = decode("br", [brotli.compress(TEXT), b"trailing"])
    assert (body, decoder.fault) == (TEXT, "content-encoding-trailing-bytes")


@pytest.mark.parametrize(("encoding", "coded"), CODED, ids=IDS)
def test_nothing_is_decoded_past_a_gap(encoding: str, coded: bytes) -> None:
    decoder = Decoder(encoding, limit=MIB)
    decoder.feed(pieces([coded[:30]]))
    decoder.gap()
    assert decoder.feed(pieces([coded[30:]])) == []
    assert decoder.finish() == []
    assert decoder.fault == "content-encoding-gap"


def test_a_gap_in_an_uncoded_body_leaves_the_rest_readable() -> None:
    decoder = Decoder(None, limit=MIB)
    decoder.gap()
    assert decoder.feed(pieces([b"rest"])) == pieces([b"rest"])
    assert decoder.fault is None


# --- bombs ---


def bomb(encoding: str) -> bytes:
    """One gibibyte of zeros, made in parts, so that the test itself stays small."""
    block = bytes(16 * MIB)
    if encoding == "br":
        coder = brotli.Compressor(quality=1)
        parts = [coder.process(block) for _ in range(64)]
        return b"".join([*parts, coder.finish()])
    if encoding == "zstd":
        frame = zstandard.ZstdCompressor(level=1).compress(block)
        return frame * 64
    deflater = zlib.compressobj(1, wbits=31)
    # One full flush makes a block that can be repeated: no reference leaves it.
    head = deflater.compress(b"") + deflater.flush(zlib.Z_FULL_FLUSH)
    part = deflater.compress(block) + deflater.flush(zlib.Z_FULL_FLUSH)
    return head + part * 64


@pytest.mark.parametrize("encoding", ["gzip", "br", "zstd"])
def test_a_bomb_ends_at_the_limit(encoding: str) -> None:
    coded = bomb(encoding)
    body, decoder = decode(encoding, [coded, coded], limit=3 * MIB + 7)
    assert body == bytes(3 * MIB + 7)
    assert decoder.fault == "decompression-limit"


def test_a_bomb_inside_a_bomb_ends_at_the_limit() -> None:
    body, decoder = decode("gzip, gzip", [gzip.compress(bomb("gzip"))], limit=MIB)
    assert body == bytes(MIB)
    assert decoder.fault == "decompression-limit"


@pytest.mark.parametrize("encoding", ["gzip", "br", "zstd", "gzip, gzip"])
def test_a_bomb_is_decoded_piece_by_piece_and_in_proportion(encoding: str) -> None:
    """However much one segment decodes to, little of it is held, and not all is made."""
    coded = bomb(encoding.partition(",")[0])
    if "," in encoding:
        coded = gzip.compress(coded)
    decoder = Decoder(encoding, limit=1 << 40)
    most = total = 0
    for batch in decoder.batches(pieces([coded])):
        size = sum(len(data) for _, _, data in batch)
        most, total = max(most, size), total + size
    assert most <= 5 * MIB  # what one slice of zstd may yield
    assert total <= BODY_FREE + BODY_RATIO * len(coded)
    assert decoder.fault == "decompression-limit"


def test_many_small_bombs_have_one_budget_of_decoded_bytes() -> None:
    coded = gzip.compress(bytes(MIB))
    budget = Budget(free=3 * MIB, ratio=10)
    lengths, faults = [], []
    for _ in range(6):
        decoder = Decoder("gzip", 2 * MIB, budget)
        lengths.append(sum(len(data) for _, _, data in decoder.feed(pieces([coded]))))
        faults.append(decoder.fault)
    assert sum(lengths) == 3 * MIB + 6 * 10 * len(coded)
    assert lengths[:3] == 3 * [MIB]
    assert faults[:3] == [None] * 3
    assert set(faults[3:]) == {"decompression-limit"}


def test_bodies_that_are_not_bombs_never_meet_the_budget() -> None:
    chance = random.Random(1)
    budget = Budget(free=0)
    for _ in range(50):
        text = b"".join(b'data: {"n":%d}\n\n' % chance.randrange(10**9) for _ in range(500))
        decoder = Decoder("gzip", 1 << 30, budget)
        assert b"".join(d for _, _, d in decoder.feed(pieces([gzip.compress(text)]))) == text
        assert decoder.fault is None


def test_a_body_of_exactly_the_limit_is_whole() -> None:
    body, decoder = decode("gzip", [gzip.compress(TEXT)], limit=len(TEXT))
    assert (body, decoder.fault, decoder.finished) == (TEXT, None, True)


def test_a_zstd_window_beyond_rfc_9659_is_refused() -> None:
    parameters = zstandard.ZstdCompressionParameters(window_log=27)
    coder = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    body, decoder = decode("zstd", [coder.compress(TEXT) + coder.flush()])
    assert (body, decoder.fault) == (b"", "content-encoding-corrupt")


# --- anything ---


@given(
    st.sampled_from(["gzip", "deflate", "br", "zstd", "gzip, br", "zstd,deflate"]),
    st.lists(st.binary(max_size=60), max_size=8),
)
def test_no_bytes_raise_and_every_fault_is_documented(encoding: str, parts: list[bytes]) -> None:
    _, decoder = decode(encoding, parts, limit=1000)
    assert decoder.fault is None or decoder.fault in FAULTS


@given(st.sampled_from(sorted(ENCODERS)), st.integers(0, 10_000), st.integers(0, 255))
def test_one_changed_byte_never_raises(encoding: str, where: int, value: int) -> None:
    coded = bytearray(ENCODERS[encoding](TEXT))
    coded[where % len(coded)] = value
    _, decoder = decode(encoding, cut(bytes(coded), "random"), limit=100_000)
    assert decoder.fault is None or decoder.fault in FAULTS


@pytest.mark.parametrize("how", ["whole", "bytewise", "random"])
@pytest.mark.parametrize(("coding", "coded"), CODED, ids=IDS)
def test_the_coded_stretch_is_told_with_what_it_gave(coding: str, coded: bytes, how: str) -> None:
    text, decoder = decode(coding, cut(coded, how))
    assert decoder.coded == CodedStretch(Extent(0, len(coded)), len(text))


def test_of_stacked_codings_the_outermost_has_the_stretch_and_the_innermost_the_length() -> None:
    coded = zlib.compress(gzip.compress(TEXT))
    _, decoder = decode("gzip, deflate", cut(coded, "random"))
    assert decoder.coded == CodedStretch(Extent(0, len(coded)), len(TEXT))


@pytest.mark.parametrize("encoding", [None, "identity", "gzip", "br", "deflate", "rot13"])
def test_no_stretch_is_coded_of_a_body_that_is_plain_text(encoding: str | None) -> None:
    text, decoder = decode(encoding, cut(TEXT, "random"))
    assert text == TEXT
    assert decoder.coded is None


def test_what_follows_the_end_or_a_limit_of_a_coded_body_is_not_read_as_coded() -> None:
    coded = gzip.compress(TEXT)
    _, decoder = decode("gzip", [coded, b"rest", b"more"])
    assert decoder.coded == CodedStretch(Extent(0, len(coded) + len(b"rest")), len(TEXT))
    half, behind = coded[: len(coded) // 2], coded[len(coded) // 2 :]
    text, decoder = decode("gzip", [half, behind, b"more"], limit=10)
    assert text == TEXT[:10]
    assert decoder.coded is not None
    assert decoder.coded.decoded == 10
    assert decoder.coded.extent.stop in (len(half), len(coded))
