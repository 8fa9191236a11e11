"""Blocks of a ring, made by hand: both engines read the same frames in them."""

from __future__ import annotations

from struct import pack, pack_into
from unittest.mock import patch

from hypothesis import given
from hypothesis import strategies as st

from inspector.linux import tpacket
from inspector.native.used import USED
from inspector.wire import PackedRecords
from tests.flows.build import native_core

#: struct tpacket3_hdr and the address behind it; then two bytes, so that IP is aligned.
HEADER = 68
FRAME_AT = 82

#: (seconds, nanoseconds, bytes, bytes on the wire beside them, TCI of a tag or None)
FRAMES = st.lists(
    st.tuples(
        st.integers(0, (1 << 32) - 1),
        st.integers(0, 999_999_999),
        st.binary(max_size=60),
        st.integers(0, 9),
        st.none() | st.integers(0, 0xFFFF),
    ),
    max_size=9,
)
Frame = tuple[int, int, bytes, int, int | None]


def block_of(frames: list[Frame]) -> bytes:
    """A block as the kernel lays it out."""
    block = bytearray(48)
    for number, (seconds, nanoseconds, data, more, tci) in enumerate(frames, start=1):
        size = FRAME_AT + len(data) + 15 & ~15
        frame = bytearray(size)
        following = size if number < len(frames) else 0
        status = tpacket.USER | (0 if tci is None else tpacket.VLAN_VALID)
        pack_into(
            "=IIIIIIH", frame, 0, following, seconds, nanoseconds, len(data), len(data) + more,
            status, FRAME_AT,
        )  # fmt: skip
        pack_into("=I", frame, 32, tci or 0)
        frame[FRAME_AT : FRAME_AT + len(data)] = data
        block += frame
    pack_into("=8xIIII", block, 0, tpacket.USER, len(frames), 48, len(block))
    return bytes(block)


def as_on_the_wire(frame: Frame, *, ethernet: bool) -> tuple[int, bytes, int]:
    seconds, nanoseconds, data, more, tci = frame
    if tci is not None and ethernet and len(data) >= 12:
        data = data[:12] + pack(">HH", 0x8100, tci) + data[12:]
    return seconds * 10**9 + nanoseconds, data, len(data) + more


def read(data: bytes, starts: list[int], *, ethernet: bool) -> list[tuple[int, bytes, int]]:
    into, records = tpacket.frames(data, starts, ethernet=ethernet)
    assert isinstance(records, PackedRecords)
    return [(at, into[start : start + size], wire) for at, start, size, wire in records]


@given(st.lists(FRAMES, max_size=4), st.booleans())
def test_frames_of_blocks_in_one_piece_are_those_of_the_wire(
    blocks: list[list[Frame]], ethernet: bool
) -> None:
    data, starts = b"", []
    for frames in blocks:
        starts.append(len(data))
        data += block_of(frames)
    sent = [as_on_the_wire(each, ethernet=ethernet) for frames in blocks for each in frames]
    with patch.object(USED, "core", None):
        assert read(data, starts, ethernet=ethernet) == sent
    with patch.object(USED, "core", native_core()):
        assert read(data, starts, ethernet=ethernet) == sent


def test_without_tags_nothing_is_copied() -> None:
    data = block_of([(1, 2, b"plain", 0, None)])
    with patch.object(USED, "core", native_core()):
        assert tpacket.frames(data, [0], ethernet=True)[0] is data
