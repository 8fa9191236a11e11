from __future__ import annotations

import io
from struct import pack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector.pcap import block_types
from inspector.pcap import options as opt
from inspector.pcap.pcapng import PcapngWalker
from inspector.pcap.pcapng_interface import FILTER_LIMIT, NAME_LIMIT
from inspector.pcap.walk import MAX_BLOCK, MAX_FAULTS
from inspector.pcap.writer import PcapngWriter
from tests.pcap.feeding import Outcome, Packet, walk, walk_every_way

AT = 1_795_459_255_183_635_194
KEY_LOG = 0x544C534B


class File:
    """A pcapng file being made: the writer, and its bytes."""

    def __init__(self, order: str = "<") -> None:
        self._out = io.BytesIO()
        self.write = PcapngWriter(self._out, order=order)

    def raw(self, data: bytes) -> None:
        self._out.write(data)

    @property
    def data(self) -> bytes:
        return self._out.getvalue()

    def walked(self) -> Outcome:
        return walk_every_way(PcapngWalker, self.data)


@pytest.fixture(params=["<", ">"], ids=["little-endian", "big-endian"])
def file(request: pytest.FixtureRequest) -> File:
    return File(request.param)


def test_packets_come_out_as_they_went_in(file: File) -> None:
    file.write.interface(name="fw-bridge")
    frames = [b"first frame", b"", b"x" * 301, b"last"]
    for number, frame in enumerate(frames):
        file.write.packet(AT + number, frame, wire=len(frame) + number)
    outcome = file.walked()
    assert outcome.packets == [
        Packet(AT + n, 1, frame, len(frame) + n) for n, frame in enumerate(frames)
    ]
    assert outcome.faults == []
    assert outcome.cut is None


def test_each_interface_has_its_own_link_type_unit_and_offset(file: File) -> None:
    interfaces = [
        file.write.interface(1, resolution=6),
        file.write.interface(113, resolution=9),
        file.write.interface(1, resolution=0x80 | 20),
        file.write.interface(276, resolution=9, offset=1_700_000_000),
        file.write.interface(1, resolution=9, offset=-5),
    ]
    for number in range(15):
        file.write.packet(AT, b"%d" % number, interface=interfaces[number % 5])
    outcome = file.walked()
    assert [p.link_type for p in outcome.packets] == [1, 113, 1, 276, 1] * 3
    assert [p.data for p in outcome.packets] == [b"%d" % n for n in range(15)]
    microseconds = AT // 1000 * 1000
    binary = (AT * (1 << 20) // 10**9) * 10**9 // (1 << 20)
    assert [p.time for p in outcome.packets[:5]] == [microseconds, AT, binary, AT, AT]


def test_interfaces_of_one_link_type_take_turns_each_with_its_own_unit(file: File) -> None:
    for resolution, offset in ((9, 0), (6, 0), (9, 7), (0x80 | 10, 0)):
        file.write.interface(resolution=resolution, offset=offset)
    time = AT // 10**9 * 10**9
    for number in range(16):
        file.write.packet(time, b"%d" % number, interface=number // 2 % 4)
    file.write.section(file.write.order)
    file.write.interface(resolution=3)
    file.write.packet(time, b"new section")
    file.write.packet(time, b"same")
    outcome = file.walked()
    assert {packet.time for packet in outcome.packets} == {time}
    assert len(outcome.packets) == 18
    assert outcome.faults == []


def test_an_interface_without_a_resolution_counts_microseconds(file: File) -> None:
    order = file.write.order
    file.write.block(block_types.INTERFACE_DESCRIPTION, pack(order + "HHI", 1, 0, 0))
    stamp = pack(order + "5I", 0, 0, 1_500_000, 2, 2)
    file.write.block(block_types.ENHANCED_PACKET, stamp + b"ab")
    assert file.walked().packets == [Packet(1_500_000_000, 1, b"ab", 2)]


def test_every_section_has_its_own_byte_order_and_its_own_interfaces() -> None:
    file = File("<")
    file.write.interface(1)
    file.write.packet(AT, b"little")
    file.write.section(">")
    file.write.interface(113, resolution=6)
    file.write.packet(AT, b"big")
    file.write.section("<")
    file.write.interface(101)
    file.write.packet(AT, b"little again")
    outcome = file.walked()
    assert [(p.link_type, p.data) for p in outcome.packets] == [
        (1, b"little"),
        (113, b"big"),
        (101, b"little again"),
    ]
    assert [i.link_type for i in outcome.interfaces] == [1, 113, 101]
    assert outcome.faults == []


def test_an_interface_tells_its_name_filter_snap_length_and_counters(file: File) -> None:
    file.write.interface(1, name="br-awf", filter="tcp port 3128", snap_length=96)
    file.write.interface(113)
    file.write.statistics(interface=0, received=10, dropped=1)
    file.write.statistics(interface=0, received=500, dropped=7)
    file.write.statistics(interface=1, received=40)
    outcome = file.walked()
    bridge, other = outcome.interfaces
    assert (bridge.name, bridge.filter, bridge.snap_length) == ("br-awf", "tcp port 3128", 96)
    assert (bridge.received, bridge.dropped) == (500, 7)  # totals: the later block replaces
    assert (other.name, other.filter, other.received, other.dropped) == (None, None, 40, None)
    assert outcome.dropped == 7


def test_a_file_without_statistics_does_not_know_its_drops(file: File) -> None:
    file.write.interface()
    assert file.walked().dropped is None


def test_comments_of_packets_stay_with_their_packets_and_all_are_counted(file: File) -> None:
    file.write.section(file.write.order, comments=["made for a test"])
    file.write.interface()
    file.write.packet(AT, b"a")
    file.write.packet(AT, b"bb", comments=["one", "two"])
    file.write.packet(AT, b"ccc")
    file.write.packet(AT, b"dddd", comments=["three"])
    outcome = file.walked()
    assert [p.comments for p in outcome.packets] == [(), ("one", "two"), (), ("three",)]
    assert outcome.comments == 4


def test_a_simple_packet_is_cut_at_the_snap_length_and_has_the_time_before_it(file: File) -> None:
    file.write.interface(snap_length=6)
    file.write.packet(AT, b"timed")
    file.write.simple_packet(b"sixsix", wire=90)
    file.write.simple_packet(b"four")
    outcome = file.walked()
    assert outcome.packets[1:] == [Packet(AT, 1, b"sixsix", 90), Packet(AT, 1, b"four", 4)]
    assert outcome.fault_names == ["packet-without-time"] * 2


def test_an_obsolete_packet_block_is_read_and_its_drops_are_counted(file: File) -> None:
    file.write.interface()
    file.write.obsolete_packet(AT, b"old", drops=3)
    file.write.obsolete_packet(AT + 1, b"older", wire=9, drops=2)
    file.write.obsolete_packet(AT + 2, b"oldest")  # drops not known
    outcome = file.walked()
    assert outcome.packets == [
        Packet(AT, 1, b"old", 3),
        Packet(AT + 1, 1, b"older", 9),
        Packet(AT + 2, 1, b"oldest", 6),
    ]
    assert outcome.dropped == 5


def test_packets_that_were_lost_before_a_packet_are_counted(file: File) -> None:
    """epb_dropcount (draft-ietf-opsawg-pcapng 4.3): what statistics may not say."""
    file.write.interface()
    file.write.interface()
    for interface, drops in ((0, 3), (1, None), (0, 0), (0, 2)):
        data = b"four"
        order = file.write.order
        packet = pack(order + "5I", interface, 0, 0, len(data), len(data)) + data
        if drops is not None:
            packet += pack(order + "HHQI", 4, 8, drops, 0)
        file.write.block(block_types.ENHANCED_PACKET, packet)
    outcome = file.walked()
    assert [packet.data for packet in outcome.packets] == [b"four"] * 4
    assert [interface.dropped for interface in outcome.interfaces] == [5, None]
    assert outcome.dropped == 5
    file.write.statistics(interface=0, dropped=9)
    assert file.walked().dropped == 9, "a total, of which those are a part"
    file.write.statistics(interface=0, dropped=0)
    assert file.walked().dropped == 5, "it tells of fewer than the packets do"


def test_decryption_secrets_are_kept_and_do_not_show(file: File) -> None:
    file.write.secrets(KEY_LOG, b"CLIENT_RANDOM LABONLY LABONLY")
    walker = PcapngWalker()
    walker.walk(file.data)
    assert "LABONLY" not in repr(walker.carried.secrets)
    assert file.walked().secrets == [(KEY_LOG, b"CLIENT_RANDOM LABONLY LABONLY")]


def test_secrets_that_claim_more_than_their_block_are_named(file: File) -> None:
    body = pack(file.write.order + "II", KEY_LOG, 5000) + b"LABONLY!"
    file.write.block(block_types.DECRYPTION_SECRETS, body)
    outcome = file.walked()
    assert outcome.secrets == [(KEY_LOG, b"LABONLY!")]
    assert outcome.fault_names == ["block-too-short"]


@pytest.mark.parametrize("kind", [4, 11, 0x0BAD, 0x4000_0BAD, 0x8000_0001, 0xFFFF_FFFF])
def test_name_resolution_and_unknown_blocks_are_skipped(file: File, kind: int) -> None:
    file.write.interface()
    file.write.packet(AT, b"before")
    file.write.block(kind, b"\xff" * 61)
    file.write.packet(AT, b"after")
    outcome = file.walked()
    assert [p.data for p in outcome.packets] == [b"before", b"after"]
    assert outcome.faults == []


def test_a_file_cut_at_any_offset_keeps_every_whole_packet(file: File) -> None:
    file.write.interface(name="eth0")
    ends = []
    for number in range(3):
        file.write.packet(AT, b"frame%d" % number, comments=["c"] * number)
        ends.append(len(file.data))
    file.write.statistics(received=3, dropped=0)
    for length in range(4, len(file.data)):
        outcome = walk(PcapngWalker(), [file.data[:length]])
        assert len(outcome.packets) == sum(end <= length for end in ends)
        assert outcome.fault_names == (["capture-cut"] if outcome.cut else [])
    cut = walk(PcapngWalker(), [file.data[: ends[0] - 3]]).cut
    assert cut == "in the block after packet 0: 37 of its 40 bytes"


@pytest.mark.parametrize("length", [0, 8, 11, 13, 34, 35, MAX_BLOCK + 4, 0xFFFF_FFFC])
def test_an_absurd_block_length_ends_the_file_and_keeps_what_came_before(
    file: File, length: int
) -> None:
    file.write.interface()
    file.write.packet(AT, b"good")
    file.raw(pack(file.write.order + "II", block_types.ENHANCED_PACKET, length) + bytes(100))
    outcome = file.walked()
    assert [p.data for p in outcome.packets] == [b"good"]
    assert outcome.fault_names == ["block-length-absurd"]
    assert outcome.faults[0].packet == 2
    assert outcome.ended


def test_two_lengths_that_differ_end_the_file(file: File) -> None:
    file.write.interface()
    file.write.packet(AT, b"good")
    file.write.packet(AT, b"liar")
    file.raw(b"")
    data = file.data[:-4] + pack(file.write.order + "I", 40)
    outcome = walk_every_way(PcapngWalker, data + data)
    assert [p.data for p in outcome.packets] == [b"good"]
    assert outcome.fault_names == ["block-length-mismatch"]


def test_a_captured_length_beyond_the_block_loses_that_packet_alone(file: File) -> None:
    order = file.write.order
    file.write.interface()
    for captured in (5, 0xFFFF_FFFF, 4):
        body = pack(order + "5I", 0, 0, 0, captured, 4)
        file.write.block(block_types.ENHANCED_PACKET, body + b"four")
    outcome = file.walked()
    assert [p.data for p in outcome.packets] == [b"four"]
    assert outcome.fault_names == ["captured-length-lies"] * 2


def test_a_packet_of_an_interface_that_does_not_exist_is_named(file: File) -> None:
    order = file.write.order
    file.write.interface()
    file.write.block(block_types.ENHANCED_PACKET, pack(order + "5I", 9, 0, 0, 4, 4) + b"lost")
    file.write.block(block_types.INTERFACE_STATISTICS, pack(order + "3I", 9, 0, 0))
    file.write.packet(AT, b"kept")
    outcome = file.walked()
    assert [p.data for p in outcome.packets] == [b"kept"]
    assert outcome.fault_names == ["unknown-interface"] * 2


def test_a_packet_before_any_interface_is_named() -> None:
    file = File()
    file.write.simple_packet(b"whose?")
    assert file.walked().fault_names == ["unknown-interface"]


@pytest.mark.parametrize(
    ("kind", "what"),
    [
        (block_types.ENHANCED_PACKET, "enhanced packet"),
        (block_types.OBSOLETE_PACKET, "packet"),
        (block_types.SIMPLE_PACKET, "simple packet"),
        (block_types.INTERFACE_DESCRIPTION, "interface description"),
        (block_types.INTERFACE_STATISTICS, "interface statistics"),
        (block_types.DECRYPTION_SECRETS, "decryption secrets"),
    ],
)
def test_a_block_too_short_for_its_fields_is_named_and_skipped(
    file: File, kind: int, what: str
) -> None:
    file.write.interface()
    file.write.block(kind, b"")
    file.write.packet(AT, b"after")
    outcome = file.walked()
    assert [p.data for p in outcome.packets] == [b"after"]
    assert outcome.fault_names == ["block-too-short"]
    assert outcome.faults[0].detail.startswith(f"{what} of 0 bytes")


def test_a_lying_option_length_is_named_and_the_packet_kept(file: File) -> None:
    order = file.write.order
    file.write.interface()
    option = pack(order + "HH", opt.COMMENT, 999) + b"tiny"
    stamp = pack(order + "5I", 0, 0, 0, 4, 4)
    file.write.block(block_types.ENHANCED_PACKET, stamp + b"data" + option)
    outcome = file.walked()
    assert [p.data for p in outcome.packets] == [b"data"]
    assert outcome.fault_names == ["option-length"]


def test_a_numeric_option_of_the_wrong_length_is_named_and_ignored(file: File) -> None:
    order = file.write.order
    option = pack(order + "HH", opt.IF_TSRESOL, 2) + b"\x09\x09\0\0"
    file.write.block(block_types.INTERFACE_DESCRIPTION, pack(order + "HHI", 1, 0, 0) + option)
    stamp = pack(order + "5I", 0, 0, 7, 0, 0)
    file.write.block(block_types.ENHANCED_PACKET, stamp)
    outcome = file.walked()
    assert outcome.fault_names == ["option-length"]
    assert [p.time for p in outcome.packets] == [7000]


def test_a_section_of_an_unknown_version_ends_the_file(file: File) -> None:
    order = file.write.order
    file.write.block(block_types.SECTION_HEADER, pack(order + "IHHq", 0x1A2B3C4D, 2, 0, -1))
    file.write.interface()
    outcome = file.walked()
    assert outcome.interfaces == ()
    assert outcome.fault_names == ["section-version"]


def test_a_section_without_a_byte_order_magic_ends_the_file() -> None:
    outcome = walk_every_way(PcapngWalker, block_types.MAGIC + bytes(40))
    assert outcome.fault_names == ["section-header-bad"]


def test_the_list_of_faults_is_bounded() -> None:
    file = File()
    for _ in range(MAX_FAULTS + 50):
        file.write.simple_packet(b"")
    outcome = walk(PcapngWalker(), [file.data])
    assert len(outcome.faults) == MAX_FAULTS + 1
    assert outcome.fault_names[-1] == "faults-not-listed"


@given(
    st.lists(
        st.tuples(
            st.sampled_from([1, 2, 3, 4, 5, 6, 10, block_types.SECTION_HEADER, 0xBAD]),
            st.binary(max_size=40),
        ),
        max_size=12,
    ),
    st.sampled_from("<>"),
)
def test_no_blocks_of_any_content_raise(blocks: list[tuple[int, bytes]], order: str) -> None:
    file = File(order)
    file.write.interface()
    for kind, body in blocks:
        file.write.block(kind, body)
    whole = walk(PcapngWalker(), [file.data])
    assert walk(PcapngWalker(), [bytes((byte,)) for byte in file.data]) == whole


@given(st.data())
def test_no_changed_byte_raises(data: st.DataObject) -> None:
    file = File()
    file.write.interface(name="eth0", filter="tcp")
    file.write.packet(AT, b"frame", comments=["comment"])
    file.write.packet(AT, b"second frame")
    file.write.statistics(received=1, dropped=0)
    file.write.secrets(KEY_LOG, b"LABONLY")
    changed = bytearray(file.data)
    for _ in range(data.draw(st.integers(1, 4))):
        changed[data.draw(st.integers(4, len(changed) - 1))] = data.draw(st.integers(0, 255))
    whole = walk(PcapngWalker(), [bytes(changed)])
    assert walk(PcapngWalker(), [bytes((byte,)) for byte in changed]) == whole


@pytest.mark.parametrize(
    ("program", "statistics", "owed"),
    [
        ("inspector", (0, 1), (False, False)),
        ("inspector", (0,), (False, True)),
        ("inspector", (), (True, True)),
        ("Dumpcap (Wireshark) 4.0.17", (), (False, False)),
        (None, (), (False, False)),
    ],
)
def test_statistics_that_the_program_promises_are_owed_until_they_come(
    file: File, program: str | None, statistics: tuple[int, ...], owed: tuple[bool, ...]
) -> None:
    file.write.section(file.write.order, application=program)
    for _ in range(2):
        file.write.interface()
    file.write.packet(AT, b"frame")
    for index in statistics:
        file.write.statistics(interface=index)
    walker = PcapngWalker()
    walker.walk(file.data)
    assert walker.owed() == owed


def test_each_section_has_an_end_of_its_own(file: File) -> None:
    for ended in (False, True):
        file.write.section(file.write.order, application="inspector")
        file.write.interface()
        if ended:
            file.write.statistics()
    walker = PcapngWalker()
    walker.walk(file.data)
    assert walker.owed() == (True, False)


def test_long_names_and_filters_of_interfaces_are_clipped(file: File) -> None:
    file.write.interface(name="n" * 60_000, filter="f" * 60_000)
    file.write.packet(AT, b"x")
    walker = PcapngWalker(0)
    walker.walk(file.data)

    (interface,) = walker.interfaces()

    assert interface.name == "n" * (NAME_LIMIT - 3) + "..."
    assert len(interface.filter or "") == FILTER_LIMIT
