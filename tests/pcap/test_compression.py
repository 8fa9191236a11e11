from __future__ import annotations

import gzip
import random
import tracemalloc
import zlib
from collections.abc import Iterator

import pytest
import zstandard

from inspector.pcap.compression import DECODERS, Decompressor

CHANCE = random.Random(7)
#: Half noise, half repetition: several deflate blocks and several zstd blocks.
PLAIN = CHANCE.randbytes(200_000) + b"the same words again and again " * 10_000
SIZES = (1, 5, 64, 1000, 1 << 20)


def packed(kind: str, plain: bytes) -> bytes:
    if kind == "gzip":
        return gzip.compress(plain, mtime=0)
    return zstandard.ZstdCompressor(write_checksum=True).compress(plain)


def decode(decoder: Decompressor, data: bytes, size: int = 1 << 20) -> tuple[bytes, list[str]]:
    """The plain bytes and the names of the faults, with `data` given in pieces of `size`."""
    pieces: Iterator[bytes] = iter([data[at : at + size] for at in range(0, len(data), size)])
    faults: list[str] = []
    plain = b"".join(decoder(lambda _: next(pieces, b""), lambda name, _: faults.append(name)))
    return plain, faults


@pytest.fixture(params=sorted(DECODERS))
def kind(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.mark.parametrize("size", [64, 1000, 1 << 20])
def test_what_was_compressed_comes_back(kind: str, size: int) -> None:
    assert decode(DECODERS[kind], packed(kind, PLAIN), size) == (PLAIN, [])


def test_one_byte_at_a_time_makes_no_difference(kind: str) -> None:
    plain = PLAIN[-40_000:] + PLAIN[:3000]
    assert decode(DECODERS[kind], packed(kind, plain), 1) == (plain, [])


def test_nothing_compressed_is_nothing(kind: str) -> None:
    assert decode(DECODERS[kind], packed(kind, b"")) == (b"", [])


@pytest.mark.parametrize("size", SIZES)
def test_concatenated_members_are_one_stream(kind: str, size: int) -> None:
    data = packed(kind, b"first ") + packed(kind, b"") + packed(kind, b"second")
    assert decode(DECODERS[kind], data, size) == (b"first second", [])


def test_cut_at_any_offset_it_gives_a_prefix_and_says_that_it_was_cut(kind: str) -> None:
    plain = b"".join(b"line %d of the text\n" % n for n in range(100))
    data = packed(kind, plain)
    for length in range(4, len(data)):
        got, faults = decode(DECODERS[kind], data[:length])
        assert plain.startswith(got)
        assert faults == ["compression-cut"]


def test_a_cut_loses_only_what_was_cut(kind: str) -> None:
    data = packed(kind, PLAIN)
    got, faults = decode(DECODERS[kind], data[: len(data) // 2])
    assert PLAIN.startswith(got)
    assert len(got) >= len(data) // 2 - 131_072 - 100  # one zstd block at the most
    assert faults == ["compression-cut"]


@pytest.mark.parametrize("size", SIZES)
def test_everything_before_a_wrong_checksum_is_kept(kind: str, size: int) -> None:
    plain = PLAIN[-5000:]
    data = bytearray(packed(kind, plain))
    data[-5 if kind == "gzip" else -1] ^= 0xFF  # in the CRC: gzip has a length behind it
    assert decode(DECODERS[kind], bytes(data), size) == (plain, ["compression-corrupt"])


@pytest.mark.parametrize("size", [1, 1 << 20])
def test_gzip_gives_every_byte_before_the_corrupt_one(size: int) -> None:
    compressor = zlib.compressobj(wbits=31)
    good = compressor.compress(b"kept to the last byte") + compressor.flush(zlib.Z_FULL_FLUSH)
    reserved_block_type = b"\x07"
    got = decode(DECODERS["gzip"], good + reserved_block_type + bytes(100), size)
    assert got == (b"kept to the last byte", ["compression-corrupt"])


def test_zstd_gives_every_block_before_the_corrupt_one() -> None:
    compressor = zstandard.ZstdCompressor().compressobj()
    good = compressor.compress(b"kept to the last block")
    good += compressor.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK)
    reserved_block_type = (3 << 1 | 20 << 3).to_bytes(3, "little")
    got = decode(DECODERS["zstd"], good + reserved_block_type + bytes(100))
    assert got == (b"kept to the last block", ["compression-corrupt"])


def test_bytes_behind_the_compressed_data_are_named(kind: str) -> None:
    got = decode(DECODERS[kind], packed(kind, b"plain") + b"junk behind")
    assert got == (b"plain", ["compression-trailing-bytes"])


@pytest.mark.parametrize("size", SIZES)
def test_zero_padding_behind_gzip_is_no_fault(size: int) -> None:
    data = packed("gzip", b"one ") + bytes(700) + packed("gzip", b"two") + bytes(700)
    assert decode(DECODERS["gzip"], data, size) == (b"one two", [])


@pytest.mark.parametrize("size", SIZES)
def test_skippable_zstd_frames_are_skipped(size: int) -> None:
    skippable = (0x184D2A53).to_bytes(4, "little") + (2000).to_bytes(4, "little") + bytes(2000)
    data = skippable + packed("zstd", b"one ") + skippable + packed("zstd", b"two")
    assert decode(DECODERS["zstd"], data, size) == (b"one two", [])


@pytest.mark.parametrize("level", [-5, 1, 19])
@pytest.mark.parametrize("with_size", [True, False])
def test_zstd_frames_of_every_header_shape_are_read(level: int, with_size: bool) -> None:
    for length in (0, 1, 255, 256, 70_000):
        compressor = zstandard.ZstdCompressor(
            level=level, write_checksum=with_size, write_content_size=with_size
        )
        data = compressor.compress(PLAIN[:length])
        assert decode(DECODERS["zstd"], data) == (PLAIN[:length], [])


def test_a_bomb_comes_in_pieces_of_bounded_size(kind: str) -> None:
    bomb = packed(kind, bytes(30_000_000))
    pieces = iter([bomb])
    longest = total = 0
    tracemalloc.start()
    try:
        for piece in DECODERS[kind](lambda _: next(pieces, b""), lambda *_: None):
            longest, total = max(longest, len(piece)), total + len(piece)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert total == 30_000_000
    assert longest <= 1 << 20
    assert peak < 6_000_000


def test_changed_bytes_never_raise(kind: str) -> None:
    data = packed(kind, PLAIN[-3000:] + PLAIN[:500])
    chance = random.Random(11)
    for _ in range(400):
        changed = bytearray(data)
        for _ in range(chance.randrange(1, 4)):
            changed[chance.randrange(4, len(changed))] = chance.randrange(256)
        whole = decode(DECODERS[kind], bytes(changed))
        assert decode(DECODERS[kind], bytes(changed), 100) == whole
