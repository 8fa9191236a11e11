from __future__ import annotations

import io
from struct import pack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector.pcap.classic import VARIANTS, ClassicWalker
from inspector.pcap.walk import MAX_CAPTURED
from inspector.pcap.writer import PcapWriter
from tests.pcap.feeding import Packet, walk, walk_every_way

AT = 1_795_459_255_183_635_194  # no multiple of a microsecond
FRAMES = [b"first frame", b"", b"x" * 300, b"last"]


def capture(
    frames: list[bytes] = FRAMES, *, variant: str = "micro", order: str = "<", link_type: int = 1
) -> bytes:
    out = io.BytesIO()
    writer = PcapWriter(out, variant=variant, order=order, link_type=link_type)
    for number, frame in enumerate(frames):
        writer.packet(AT + number * 1_000_000_007, frame)
    return out.getvalue()


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(("variant", "unit"), [("micro", 1000), ("nano", 1), ("modified", 1000)])
def test_each_variant_gives_the_same_packets_in_its_own_precision(
    variant: str, unit: int, order: str
) -> None:
    outcome = walk_every_way(ClassicWalker, capture(variant=variant, order=order))
    assert outcome.packets == [
        Packet((AT + n * 1_000_000_007) // unit * unit, 1, frame, len(frame))
        for n, frame in enumerate(FRAMES)
    ]
    assert outcome.faults == []
    assert outcome.cut is None


def test_there_are_three_magic_numbers_in_two_byte_orders() -> None:
    assert sorted(magic.hex() for magic in VARIANTS) == [
        "34cdb2a1",
        "4d3cb2a1",
        "a1b23c4d",
        "a1b2c3d4",
        "a1b2cd34",
        "d4c3b2a1",
    ]


def test_the_length_on_the_wire_is_kept_beside_the_captured_one() -> None:
    out = io.BytesIO()
    PcapWriter(out).packet(AT, b"only the start", wire=27_000)
    (packet,) = walk_every_way(ClassicWalker, out.getvalue()).packets
    assert (len(packet.data), packet.wire) == (14, 27_000)


@pytest.mark.parametrize("upper", [0x3000_0000, 0x0400_0000, 0x0224_0000])
def test_frame_check_bits_and_class_do_not_belong_to_the_link_type(upper: int) -> None:
    outcome = walk_every_way(ClassicWalker, capture(link_type=upper | 276))
    assert {packet.link_type for packet in outcome.packets} == {276}
    assert outcome.interfaces[0].link_type == 276


def test_a_file_of_a_header_alone_holds_no_packets_and_no_fault() -> None:
    outcome = walk_every_way(ClassicWalker, capture([]))
    assert outcome.packets == []
    assert outcome.faults == []
    assert outcome.cut is None


def test_a_file_cut_at_any_offset_keeps_every_whole_packet_and_says_where_it_stops() -> None:
    data = capture()
    ends = [24]  # of the header, then of each record
    for frame in FRAMES:
        ends.append(ends[-1] + 16 + len(frame))
    for length in range(4, len(data) + 1):
        outcome = walk(ClassicWalker(), [data[:length]])
        whole = sum(end <= length for end in ends[1:])
        assert [packet.data for packet in outcome.packets] == FRAMES[:whole]
        if length in ends:
            assert outcome.cut is None
            assert outcome.faults == []
        else:
            assert outcome.cut
            assert outcome.fault_names == ["capture-cut"]
            assert outcome.faults[0].packet == whole + 1


def test_a_cut_packet_is_described_by_its_number_and_what_is_there_of_it() -> None:
    data = capture()
    assert walk(ClassicWalker(), [data[:10]]).cut == "in its file header: 10 of 24 bytes"
    assert walk(ClassicWalker(), [data[:30]]).cut == "in the header of packet 1"
    assert walk(ClassicWalker(), [data[:45]]).cut == "in packet 1: 5 of its 11 bytes"


@pytest.mark.parametrize("claim", [MAX_CAPTURED + 1, 0x7FFF_FFFF, 0xFFFF_FFFF])
def test_an_absurd_record_length_ends_the_file_and_keeps_what_came_before(claim: int) -> None:
    data = capture([b"good"]) + pack("<4I", 1, 2, claim, 60) + bytes(500)
    outcome = walk_every_way(ClassicWalker, data)
    assert [packet.data for packet in outcome.packets] == [b"good"]
    assert outcome.fault_names == ["record-length-absurd"]
    assert outcome.faults[0].packet == 2
    assert outcome.ended


def test_a_record_longer_than_the_file_is_a_cut_not_an_absurdity() -> None:
    data = capture([b"good"]) + pack("<4I", 1, 2, 60_000, 60_000) + bytes(500)
    outcome = walk_every_way(ClassicWalker, data)
    assert len(outcome.packets) == 1
    assert outcome.cut == "in packet 2: 500 of its 60000 bytes"


def test_the_largest_superframe_is_a_packet_like_any_other() -> None:
    frame = bytes(range(256)) * (MAX_CAPTURED // 256)
    outcome = walk(ClassicWalker(), [capture([frame, b"next"])])
    assert [len(packet.data) for packet in outcome.packets] == [MAX_CAPTURED, 4]


def test_a_snap_length_above_the_usual_bound_is_believed() -> None:
    out = io.BytesIO()
    PcapWriter(out, snap_length=2 * MAX_CAPTURED).packet(AT, bytes(MAX_CAPTURED + 1))
    outcome = walk(ClassicWalker(), [out.getvalue()])
    assert len(outcome.packets) == 1
    assert outcome.faults == []


def test_a_snap_length_that_lies_low_loses_nothing() -> None:
    data = bytearray(capture())
    data[16:20] = pack("<I", 1)
    assert len(walk_every_way(ClassicWalker, bytes(data)).packets) == len(FRAMES)


def test_an_unknown_version_is_named_and_read_all_the_same() -> None:
    data = bytearray(capture())
    data[4:8] = pack("<HH", 3, 7)
    outcome = walk_every_way(ClassicWalker, bytes(data))
    assert len(outcome.packets) == len(FRAMES)
    assert outcome.fault_names == ["pcap-version"]


@pytest.mark.parametrize(("variant", "unit"), [("micro", 1000), ("nano", 1)])
def test_a_fraction_of_a_second_or_more_is_added_as_it_stands_and_named(
    variant: str, unit: int
) -> None:
    data = capture([], variant=variant)
    for fraction in (999_999_999, 1_000_000_000, 1_500_000_000):
        data += pack("<4I", 5, fraction // unit, 0, 0)
    outcome = walk_every_way(ClassicWalker, data)
    below = 999_999_999 // unit * unit
    assert [p.time for p in outcome.packets] == [5 * 10**9 + below, 6 * 10**9, 6_500_000_000]
    assert outcome.fault_names == ["fraction-over-a-second"] * 2
    assert [fault.packet for fault in outcome.faults] == [2, 3]


def test_faults_carry_the_index_of_their_file() -> None:
    outcome = walk(ClassicWalker(file_index=2), [capture()[:-1]])
    assert outcome.faults[0].packet == 2 << 40 | 4


@given(st.binary(max_size=200), st.sampled_from(sorted(VARIANTS)))
def test_no_bytes_behind_a_magic_number_raise(junk: bytes, magic: bytes) -> None:
    whole = walk(ClassicWalker(), [magic + junk])
    assert walk(ClassicWalker(), [bytes((byte,)) for byte in magic + junk]) == whole
