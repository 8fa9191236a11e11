"""Fragments in any order, with copies, overlaps and lies, put together or named."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.inet import IP, TCP, fragment
from scapy.layers.inet6 import IPv6, IPv6ExtHdrFragment, fragment6
from scapy.layers.l2 import Dot1Q, Ether

from inspector.flows.decode import FAULTS, SlowDecoder, TcpPacket
from inspector.flows.fragments import LIFETIME, Reassembler

SECOND = 1_000_000_000
PAYLOAD = bytes(range(256)) * 5
MACS = {"src": "02:00:00:00:00:01", "dst": "02:00:00:00:00:02"}
SEGMENT = TCP(sport=40000, dport=10001, seq=7, flags="PA") / PAYLOAD
FOUR = [
    bytes(Ether(**MACS) / piece)
    for piece in fragment(IP(src="172.30.0.20", dst="172.30.0.30", id=9) / SEGMENT, 400)
]
SIX = [
    bytes(Ether(**MACS) / piece)
    for piece in fragment6(
        IPv6(src="fd00::20", dst="fd00::30") / IPv6ExtHdrFragment(id=9) / SEGMENT, 480
    )
]


def decode(frames: Iterable[bytes]) -> tuple[list[TcpPacket | str], list[str]]:
    decoder = SlowDecoder()
    outcomes = [decoder.decode(1, data, 0, len(data), len(data), 0) for data in frames]
    decoder.close()
    names = [name for name, _ in decoder.faults]
    assert set(names) <= FAULTS.keys()
    return [one for one in outcomes if isinstance(one, TcpPacket | str)], names


def payload(packet: TcpPacket | str) -> bytes:
    assert isinstance(packet, TcpPacket)
    assert packet.missing == 0
    return packet.data[packet.start : packet.end]


def reassemble(
    pieces: Iterable[tuple[int, bool, bytes]], **limits: int
) -> tuple[list[bytes], list[str]]:
    """What (offset, more, payload) of one datagram give, and the faults' names."""
    faults: list[tuple[str, str]] = []
    reassembler = Reassembler(faults, **limits)
    answers = [reassembler.add(b"key", *piece, 6, 0) for piece in pieces]
    assert {name for name, _ in faults} <= FAULTS.keys()
    return [answer[0] for answer in answers if answer], [name for name, _ in faults]


@pytest.mark.parametrize("frames", [FOUR, SIX], ids=["ipv4", "ipv6"])
def test_a_segment_comes_out_when_its_last_fragment_comes_in_any_order(
    frames: list[bytes],
) -> None:
    assert len(frames) == 4
    for order in itertools.permutations(frames):
        outcomes, faults = decode(order)
        assert outcomes[:-1] == ["fragment"] * 3
        assert payload(outcomes[-1]) == PAYLOAD
        assert faults == []


@pytest.mark.parametrize("frames", [FOUR, SIX], ids=["ipv4", "ipv6"])
@pytest.mark.parametrize(
    "copies",
    [
        lambda frames: frames * 3,
        lambda frames: [frame for frame in frames for _ in range(2)],
        lambda frames: frames + frames[::-1],
    ],
)
def test_fragments_captured_twice_are_one_segment(
    frames: list[bytes], copies: Callable[[list[bytes]], list[bytes]]
) -> None:
    outcomes, faults = decode(copies(frames))
    packets = [outcome for outcome in outcomes if outcome != "fragment"]
    assert [payload(packet) for packet in packets] == [PAYLOAD]
    assert faults == []


def test_the_flow_of_a_fragmented_segment_is_that_of_its_datagram() -> None:
    outcomes, _ = decode(FOUR)
    packet = outcomes[-1]
    assert isinstance(packet, TcpPacket)
    assert packet.key == FOUR[0][26:34] + b"\x9c\x40\x27\x11"
    assert packet.ident == 9


def test_equal_fragments_of_two_vlans_do_not_mix() -> None:
    tagged = [
        [bytes(Ether(**MACS) / Dot1Q(vlan=vlan) / Ether(frame).payload) for frame in FOUR]
        for vlan in (1, 2)
    ]
    outcomes, faults = decode(tagged[0][:3] + tagged[1][3:])
    assert outcomes == ["fragment"] * 4
    assert faults == ["fragment-timeout"] * 2


def test_a_fragmented_tunnel_gives_the_segment_inside() -> None:
    inner = IP(src="172.30.0.20", dst="172.30.0.30") / SEGMENT
    pieces = fragment(IP(src="192.0.2.1", dst="192.0.2.2", id=4, proto=4) / inner, 600)
    outcomes, faults = decode(bytes(Ether(**MACS) / piece) for piece in pieces)
    assert payload(outcomes[-1]) == PAYLOAD
    assert faults == []


def test_fragments_of_fragments_give_the_segment_inside() -> None:
    inner = fragment(IP(src="172.30.0.20", dst="172.30.0.30", id=5) / SEGMENT, 800)
    frames = [
        bytes(Ether(**MACS) / piece)
        for number, packet in enumerate(inner)
        for piece in fragment(
            IP(src="192.0.2.1", dst="192.0.2.2", id=number, proto=4) / packet, 400
        )
    ]
    outcomes, faults = decode(frames)
    assert payload(outcomes[-1]) == PAYLOAD
    assert faults == []


def test_a_fragment_cut_by_the_snap_length_completes_nothing() -> None:
    decoder = SlowDecoder()
    cut = FOUR[-1][:-10]
    outcomes = [decoder.decode(1, data, 0, len(data), len(data), 0) for data in FOUR[:-1]]
    outcomes.append(decoder.decode(1, cut, 0, len(cut), len(FOUR[-1]), 0))
    assert outcomes == ["fragment"] * 4
    decoder.close()
    assert [name for name, _ in decoder.faults] == ["truncated-fragment", "fragment-timeout"]


def test_an_identification_may_be_used_again() -> None:
    faults: list[tuple[str, str]] = []
    reassembler = Reassembler(faults)
    for body in (b"a" * 8, b"b" * 8):
        assert reassembler.add(b"key", 0, True, body, 6, 0) is None
        assert reassembler.add(b"key", 8, False, b"end", 6, 0) == (body + b"end", 6)
    assert faults == []


def test_overlap_with_equal_bytes_is_named() -> None:
    pieces = [(0, True, b"abcdefgh"), (4, False, b"efghij")]
    assert reassemble(pieces) == ([b"abcdefghij"], ["fragment-overlap"])


def test_of_conflicting_bytes_the_first_copy_wins() -> None:
    pieces = [(8, True, b"ABCDEFGH"), (0, True, b"abcdefghijkl"), (16, False, b"z")]
    assert reassemble(pieces) == ([b"abcdefghABCDEFGHz"], ["fragment-conflict"])


def test_a_fragment_across_several_others_fills_only_the_holes() -> None:
    pieces = [
        (4, True, b"4444"),
        (12, True, b"5555"),
        (0, True, b"x" * 20),
        (20, False, b"!"),
    ]
    assert reassemble(pieces) == ([b"xxxx4444xxxx5555xxxx!"], ["fragment-conflict"])


def test_a_second_last_fragment_that_ends_elsewhere_is_named() -> None:
    pieces = [(8, False, b"end"), (8, False, b"later end"), (0, True, b"abcdefgh")]
    answers, faults = reassemble(pieces)
    assert answers == [b"abcdefghend"]
    assert "fragment-beyond-end" in faults


def test_bytes_behind_the_last_fragment_are_named_and_left_out() -> None:
    pieces = [(16, True, b"beyond"), (8, False, b"end"), (0, True, b"abcdefgh")]
    assert reassemble(pieces) == ([b"abcdefghend"], ["fragment-beyond-end"])


def test_a_datagram_longer_than_ip_allows_is_named() -> None:
    assert reassemble([(65528, False, b"ping of death")]) == ([], ["fragment-beyond-end"])


def test_an_incomplete_datagram_is_given_up_after_its_lifetime() -> None:
    faults: list[tuple[str, str]] = []
    reassembler = Reassembler(faults)
    reassembler.add(b"old", 0, True, b"abcdefgh", 6, 0)
    reassembler.add(b"new", 0, True, b"abcdefgh", 6, LIFETIME * SECOND)
    assert faults == []
    reassembler.add(b"new", 8, True, b"abcdefgh", 6, LIFETIME * SECOND + 1)
    assert faults == [("fragment-timeout", "8 bytes of a datagram")]
    assert reassembler.add(b"old", 8, False, b"x", 6, LIFETIME * SECOND + 2) is None


def test_a_completed_datagram_is_forgotten_without_a_word() -> None:
    faults: list[tuple[str, str]] = []
    reassembler = Reassembler(faults)
    reassembler.add(b"key", 0, True, b"abcdefgh", 6, 0)
    assert reassembler.add(b"key", 8, False, b"", 6, 0) == (b"abcdefgh", 6)
    reassembler.close()
    assert faults == []
    assert reassembler.held == 0


def test_an_equal_datagram_after_the_lifetime_is_another_one() -> None:
    reassembler = Reassembler([])
    for at in (0, LIFETIME * SECOND + 1):
        assert reassembler.add(b"key", 0, True, b"abcdefgh", 6, at) is None
        assert reassembler.add(b"key", 8, False, b"end", 6, at) == (b"abcdefghend", 6)


def test_datagrams_that_are_only_remembered_give_way_to_pending_ones() -> None:
    faults: list[tuple[str, str]] = []
    reassembler = Reassembler(faults, max_bytes=100_000)
    reassembler.add(b"slow", 0, True, b"abcdefgh", 6, 0)
    for number in range(1000):
        key = number.to_bytes(4)
        reassembler.add(key, 0, True, bytes(1000), 6, 0)
        assert reassembler.add(key, 1000, False, b"!", 6, 0) is not None
        assert reassembler.held <= 100_000
    assert reassembler.add(b"slow", 8, False, b"end", 6, 0) == (b"abcdefghend", 6)
    assert faults == []


def test_memory_stays_below_its_limit_and_the_oldest_are_given_up() -> None:
    faults: list[tuple[str, str]] = []
    reassembler = Reassembler(faults, max_bytes=100_000)
    for number in range(1000):
        reassembler.add(number.to_bytes(4), 0, True, bytes(1000), 6, number)
        assert reassembler.held <= 100_000
    assert {name for name, _ in faults} == {"fragment-limit"}
    last = (999).to_bytes(4)
    assert reassembler.add(last, 1000, False, b"!", 6, 1000) == (bytes(1000) + b"!", 6)


@given(
    st.binary(min_size=1, max_size=200),
    st.data(),
)
def test_any_cutting_and_any_order_with_copies_gives_the_datagram_once(
    whole: bytes, data: st.DataObject
) -> None:
    borders = data.draw(st.sets(st.integers(0, len(whole) - 1), max_size=8)) | {0}
    starts = sorted(borders)
    stops = [*starts[1:], len(whole)]
    pieces = [
        (start, stop < len(whole), whole[start:stop])
        for start, stop in zip(starts, stops, strict=True)
    ]
    copies = data.draw(st.lists(st.sampled_from(pieces), max_size=8))
    order = data.draw(st.permutations(pieces + copies))
    answers, faults = reassemble(order)
    assert answers == [whole]
    assert faults == []


@given(st.lists(st.tuples(st.integers(0, 40), st.booleans(), st.integers(0, 30)), max_size=20))
def test_the_first_copy_of_every_byte_wins_whatever_comes(
    shapes: list[tuple[int, bool, int]],
) -> None:
    """Compared with a byte-by-byte model, until the first answer."""
    reassembler = Reassembler([])
    model: dict[int, int] = {}
    total = None
    for number, (offset, more, length) in enumerate(shapes):
        body = bytes([number]) * length
        answer = reassembler.add(b"key", offset, more, body, 6, 0)
        for position in range(offset, offset + length):
            if total is None or position < total:
                model.setdefault(position, number)
        if total is None and not more:
            total = offset + length
        complete = (
            total is not None
            and all(position in model for position in range(total))
            and any(start == 0 for start, _, _ in shapes[: number + 1])
        )
        if complete and total is not None:
            assert answer == (bytes(model[position] for position in range(total)), 6)
            return
        assert answer is None
    before = reassembler.held
    assert before >= 0
    reassembler.close()
    assert reassembler.held == 0
