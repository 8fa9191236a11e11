"""Segments of a direction that follow each other are one strand, and nothing is lost by it."""

from __future__ import annotations

import random
from collections.abc import Iterator
from unittest.mock import patch

from hypothesis import given
from hypothesis import strategies as st

from inspector.flows.tcp import SEQUENCE_MASK, SYN
from inspector.native.used import USED
from inspector.redaction.audit import Audit
from inspector.redaction.sequences import Sequences
from inspector.redaction.strands import Strand, parted, strands
from inspector.redaction.usual import usual_segments
from inspector.secrets.windows import PIECE
from inspector.wire import Batch
from tests.flows.build import Packet, Tcp, Wire, batch, native_core
from tests.redaction.test_audit import knowing, with_option

KEY = b"a-word-like-no-other-LABONLY-zyxwvutsrqp"


def each_engine() -> Iterator[None]:
    for core in (native_core(), None):
        with patch.object(USED, "core", core):
            yield


def told(strand: Strand) -> tuple[object, ...]:
    """A strand that can be compared."""
    return strand._replace(data=bytes(strand.data))


def agreed(packets: Batch) -> list[Strand]:
    first, second = (
        [*map(told, strands(packets.data, usual_segments(packets)))] for _ in each_engine()
    )
    assert first == second
    with patch.object(USED, "core", native_core()):
        return strands(packets.data, usual_segments(packets))


def sent(*parts: tuple[int, bytes], client: int = 40000, wire: Wire | None = None) -> Wire:
    """What a client sends without a handshake: (place in its stream, bytes)."""
    tcp = Tcp(wire, client=("172.30.0.10", client))
    for offset, data in parts:
        tcp.up(data, offset=offset)
    return tcp.wire


def said(wire: Wire) -> list[tuple[int, bytes]]:
    return [(one.first, bytes(one.data)) for one in agreed(batch(wire.packets))]


def test_segments_that_follow_each_other_are_one() -> None:
    assert said(sent((0, b"one "), (4, b"two "), (8, b"three"))) == [(0, b"one two three")]


def test_what_is_out_of_order_or_comes_again_begins_another() -> None:
    wire = sent((0, b"one "), (8, b"three"), (4, b"two "), (8, b"three"), (4, b"two "))
    assert said(wire) == [(0, b"one "), (1, b"three"), (2, b"two three"), (4, b"two ")]


def test_directions_are_kept_apart() -> None:
    wire = sent((0, b"a"), client=40001)
    sent((0, b"A"), client=40002, wire=wire)
    sent((1, b"b"), (2, b"c"), client=40001, wire=wire)
    assert said(wire) == [(0, b"abc"), (1, b"A")]


def test_a_segment_that_opens_a_connection_stands_alone() -> None:
    packets = batch(Tcp().syn(b"with data").up(b" and more").wire.packets)
    found = [(one.flags & SYN, bytes(one.data)) for one in agreed(packets)]
    assert found == [(SYN, b"with data"), (0, b" and more")]
    opening = batch(Tcp().syn().ack(True).wire.packets)
    assert [(one.first, bytes(one.data)) for one in agreed(opening)] == [(0, b"")]


def test_of_a_seam_only_edges_are_left() -> None:
    long = bytes(range(60, 60 + 2 * PIECE + 1))
    [strand] = agreed(batch(sent((0, long), (len(long), b"short"), (len(long) + 5, long)).packets))
    edges = long[:PIECE] + b"\0" + long[-PIECE:]
    assert strand.seam == edges + b"short" + edges


def test_a_break_parts_the_strands_of_its_direction() -> None:
    packets = batch(sent((0, b"one "), (4, b"two "), (8, b"three")).packets)
    [whole] = agreed(packets)
    left = [*parted([whole], {whole.key: [2], b"of another's": [1]})]
    assert [(one.first, bytes(one.data), one.seam) for one in left] == [
        (0, b"one two ", b"one two "), (2, b"three", b"three"),
    ]  # fmt: skip
    assert left[1].sequence == whole.sequence + 8 & SEQUENCE_MASK
    assert [*left[1].packets] == [(2, 0, 5, packets.data.index(b"three"))]
    assert [*parted([whole], {whole.key: [0, 3]})] == [told(whole)]


@st.composite
def captures(draw: st.DrawFn) -> list[Packet]:
    chance = random.Random(draw(st.integers(0, 1 << 32)))
    wire = Wire()
    for client in range(40000, 40000 + chance.randrange(1, 4)):
        text = b"." * chance.randrange(40) + KEY + b"." * chance.randrange(40)
        tcp, at = Tcp(wire, client=("172.30.0.10", client)), 0
        while at < len(text):
            size = chance.choice((1, 5, 11, 30))
            tcp.up(text[at : at + size], offset=at)
            at += size if chance.random() < 0.9 else chance.randrange(-9, 10)
            at = max(0, at)
    packets = [
        with_option(packet, b"option", ip=False) if chance.random() < 0.1 else packet
        for packet in wire.packets
    ]
    if chance.random() < 0.5:
        chance.shuffle(packets)
    return packets


@given(captures())
def test_both_engines_put_the_same_together(packets: list[Packet]) -> None:
    whole = batch(packets)
    for strand in agreed(whole):
        pieces = [whole.data[start : start + size] for *_, size, start in strand.packets]
        assert b"".join(pieces) == strand.data
        offsets = [offset for _, offset, *_ in strand.packets]
        assert offsets == [sum(map(len, pieces[:index])) for index in range(len(pieces))]


@given(captures(), st.integers(1, 60))
def test_the_same_is_found_as_segment_by_segment(packets: list[Packet], at_once: int) -> None:
    vault = knowing(KEY)
    one_by_one = Sequences(vault)
    expected: set[int] = set()
    audits = [Audit(vault) for _ in each_engine()]
    found: list[set[int]] = [set() for _ in audits]
    place = 0
    for begin in range(0, len(packets), at_once):
        some = batch(packets[begin : begin + at_once])
        reader = Audit(vault)
        for index, segment in enumerate(usual_segments(some)):
            if segment is not None:
                key, sequence, flags, start, stop = segment
                one_by_one.add(key, sequence, flags, some.data[start:stop], place + start)
            elif (other := reader._unusual(some, index, place, 1)) is not None:
                one_by_one.look(other.key, other.sequence, other.flags, other.parts)
        expected.update(at for bad in one_by_one.found() for at in bad)
        for audit, places, _ in zip(audits, found, each_engine(), strict=True):
            across = audit._across(some, usual_segments(some), place, 1)
            places.update(at for bad in across for at in bad)
        place += len(some.data)
    assert found == [expected] * 2
