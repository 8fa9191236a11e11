"""Nothing captured makes the decoder raise or read what is not the packet's."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from inspector.flows import encapsulations, internet, links, serial_links, wireless_links
from inspector.flows.decode import FAULTS, REASONS, IcmpUnreachable, SlowDecoder, TcpPacket
from inspector.flows.layers import LINK
from tests.flows.frames import FRAMES

MODULES = encapsulations, internet, links, serial_links, wireless_links
ALL = [row for module in MODULES for row in module.LAYERS.items()]
LINK_TYPES = sorted(key & 0xFFFF for key, _ in ALL if key & ~0xFFFF == LINK)


def check(decoder: SlowDecoder, link_type: int, data: bytes, wire: int, at: int) -> None:
    before, behind = b"\xa5" * 7, b"\x5a" * 64
    buffer = before + data + behind
    outcome = decoder.decode(link_type, buffer, 7, len(data), wire, at)
    if isinstance(outcome, TcpPacket):
        assert 0 <= outcome.start <= outcome.end <= len(outcome.data)
        if outcome.data is buffer:
            assert outcome.start >= 7
            assert outcome.end <= 7 + len(data)
        else:  # put together from fragments, or read by scapy
            assert behind not in outcome.data
        assert outcome.missing >= 0
        assert len(outcome.key) == len(outcome.reverse)
        assert outcome.reverse.endswith(outcome.key[-2:] + outcome.key[-4:-2])
    elif isinstance(outcome, IcmpUnreachable):
        assert len(outcome.key) % 5 in (2, 1)
    else:
        assert outcome in REASONS
    assert {name for name, _ in decoder.faults} <= FAULTS.keys()


@given(
    st.lists(
        st.tuples(
            st.sampled_from(LINK_TYPES) | st.integers(0, 300),
            st.binary(max_size=120),
            st.integers(0, 200),
            st.integers(-(1 << 62), 1 << 62),
        ),
        min_size=1,
        max_size=5,
    )
)
def test_random_bytes_of_any_link_type(records: list[tuple[int, bytes, int, int]]) -> None:
    decoder = SlowDecoder()
    for link_type, data, more, at in records:
        check(decoder, link_type, data, len(data) + more, at)
    decoder.close()


@given(st.data())
def test_frames_with_random_bytes_changed(data: st.DataObject) -> None:
    decoder = SlowDecoder()
    for name in data.draw(st.lists(st.sampled_from(sorted(FRAMES)), min_size=1, max_size=4)):
        link_type, frame, _ = FRAMES[name]
        changed = bytearray(frame)
        for position, value in data.draw(
            st.lists(st.tuples(st.integers(0, len(frame) - 1), st.integers(0, 255)), max_size=6)
        ):
            changed[position] = value
        cut = data.draw(st.integers(0, len(frame)))
        check(decoder, link_type, bytes(changed[:cut]), len(frame), 0)
    decoder.close()


def test_a_batch_that_ends_inside_a_record_is_read_to_its_end() -> None:
    link_type, data, _ = FRAMES["vlan"]
    outcome = SlowDecoder().decode(link_type, data[:-3], 0, len(data), len(data), 0)
    assert isinstance(outcome, TcpPacket)
    assert outcome.missing == 3


def test_no_two_tables_claim_the_same_layer() -> None:
    assert len(ALL) == len({key for key, _ in ALL})


def test_every_reason_in_the_tables_is_explained() -> None:
    assert {layer for _, layer in ALL if isinstance(layer, str)} <= REASONS.keys()
