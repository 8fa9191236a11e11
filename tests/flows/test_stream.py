"""The state of one connection: counting in sequence space, and when it is over."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector.flows.contract import ConnectionView
from inspector.flows.stream import UNKNOWN, Half, TcpConnection
from inspector.flows.tcp import SEQUENCE_MASK, distance
from inspector.model.network import Unacknowledged
from tests.flows.build import Tcp, trial

UP, DOWN = b"vlan" + b"ccccssss\x9c\x40\0P", b"vlan" + b"sssscccc\0P\x9c\x40"
NUMBERS = st.integers(0, SEQUENCE_MASK)


def connection() -> TcpConnection:
    return TcpConnection(1, 4, (UP, DOWN), 5, 1)


def the_only(tcp: Tcp) -> ConnectionView:
    """The connection that these packets make, when the capture is over."""
    (view,) = trial(tcp).closed
    return view


def started(sequence: int) -> Half:
    half = connection().up
    half.start(sequence)
    return half


@given(NUMBERS, st.integers(-(1 << 31), (1 << 31) - 1))
def test_distance_is_signed_and_crosses_the_wrap(start: int, away: int) -> None:
    assert distance((start + away) & SEQUENCE_MASK, start) == away


@given(NUMBERS, st.lists(st.integers(0, 1 << 33), max_size=8))
def test_bytes_are_counted_over_any_number_of_wraps(start: int, counts: list[int]) -> None:
    half = started(start)
    for count in counts:
        half.advance(count)
    assert half.bytes == sum(counts)
    assert half.next == (start + sum(counts)) & SEQUENCE_MASK


@pytest.mark.parametrize("start", [0, 7, SEQUENCE_MASK - 2, SEQUENCE_MASK - 3, SEQUENCE_MASK])
def test_a_fin_takes_a_sequence_number_and_is_no_byte(start: int) -> None:
    half = started(start)
    half.advance(3)
    half.fin = half.next
    assert (half.ended, half.bytes) == (False, 3)
    half.advance(1)
    assert (half.ended, half.bytes) == (True, 3)


def test_a_direction_not_yet_seen_has_no_bytes() -> None:
    half = connection().down
    assert (half.next, half.bytes, half.ended) == (UNKNOWN, 0, False)


def test_a_direction_waits_while_anything_is_held_of_it() -> None:
    half = connection().up
    assert not half.waits
    half.pending = [(0, 1, b"held for a batch")]
    assert half.waits


def test_a_connection_is_over_when_both_directions_ended() -> None:
    made = connection()
    for half in (made.up, made.down):
        assert not made.is_over
        half.start(9)
        half.fin = 9
        half.advance(1)
    assert made.is_over


def test_a_reset_ends_it_only_once_something_was_said() -> None:
    made = connection()
    made.reset_seen = True
    made.up.start(9)
    assert not made.is_over
    made.up.advance(1)
    assert made.is_over


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (None, None),
        ("client", "server"),
        ("server", "client"),
        ("reset-by-client", "reset-by-server"),
        ("reset-by-server", "reset-by-client"),
    ],
)
def test_turning_the_ends_turns_all_that_names_them_but_what_is_delivered_as_up(
    before: str | None, after: str | None
) -> None:
    made = connection()
    up, down = made.up, made.down
    made.closed_by = before  # type: ignore[assignment]
    made.turn()
    assert (made.client, made.server) == ((b"ssss", 80), (b"cccc", 40000))
    assert (made.key, made.reverse) == (DOWN, UP)
    assert (made.up, made.down) == (down, up)
    assert (made.up.up, made.down.up) == (True, False)
    assert (made.up.side, made.down.side) == (False, True)
    assert made.up.peer is made.down
    assert made.closed_by == after


def test_of_a_connection_that_was_reported_everything_passes_unseen() -> None:
    made = connection()
    made.up.batch = True
    made.report()
    assert made.reported
    for half in (made.up, made.down):
        assert half.skip == half.skip_asked >= 1 << 60
        assert not half.batch


def test_what_is_sent_again_in_vain_is_told_with_its_sizes() -> None:
    tcp = Tcp().open().up(b"a" * 700).up(b"b" * 300)
    for _ in range(3):
        tcp.up(b"a" * 700, 0)

    view = the_only(tcp)

    assert view.unacknowledged == Unacknowledged("up", 1000, 3, 700)
    assert view.retransmissions == 3


def test_what_is_acknowledged_at_last_or_sent_again_rarely_arrives() -> None:
    rarely = Tcp().open().up(b"a" * 700).up(b"a" * 700, 0).up(b"a" * 700, 0)
    at_last = Tcp().open().down(b"a" * 700)
    for _ in range(4):
        at_last.down(b"a" * 700, 0)
    risen = Tcp().open().up(b"a" * 700)
    for acked in (100, 200, 300):
        risen.ack(False, acked).up(b"a" * 700, 0)

    assert the_only(rarely).unacknowledged is None
    assert the_only(at_last.ack(True)).unacknowledged is None
    assert the_only(risen).unacknowledged is None


def test_a_syn_that_is_sent_again_is_counted() -> None:
    tcp = Tcp().syn().syn(after=1_000_000_000)

    assert the_only(tcp).retransmissions == 1
    assert the_only(Tcp().open()).retransmissions == 0
