"""Oddities are counted; the first few places are kept, and nothing grows with their number."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from inspector.model.capture import Fault, Oddity
from inspector.oddities import PACKETS_LISTED, OddityCounter


def counted(*faults: Fault) -> OddityCounter:
    counter = OddityCounter()
    for fault in faults:
        counter.add(fault)
    return counter


def test_faults_of_one_name_are_one_oddity_with_the_first_detail() -> None:
    counter = counted(Fault("b", 7, "first"), Fault("a", 3), Fault("b", 9, "second"))

    assert counter.facts() == (Oddity("a", 1, (3,), ""), Oddity("b", 2, (7, 9), "first"))


def test_a_packet_is_listed_once_however_often_it_is_odd() -> None:
    assert counted(Fault("a", 3), Fault("a", 3)).facts() == (Oddity("a", 2, (3,), ""),)


def test_the_first_few_packets_are_listed_and_all_occurrences_counted() -> None:
    counter = counted(*(Fault("a", number) for number in range(1, 1001)))

    (oddity,) = counter.facts()

    assert oddity.count == 1000
    assert oddity.packets == tuple(range(1, PACKETS_LISTED + 1))


def test_packets_are_listed_in_their_order_whatever_the_order_of_finding() -> None:
    assert counted(Fault("a", 9), Fault("a", 2)).facts()[0].packets == (2, 9)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 99)), max_size=30), st.data())
def test_two_counters_merged_count_what_one_would_have(
    found: list[tuple[str, int]], data: st.DataObject
) -> None:
    faults = [Fault(name, packet) for name, packet in sorted(found, key=lambda item: item[1])]
    cut = data.draw(st.integers(0, len(faults)))
    merged = counted(*faults[:cut])

    merged.merge(counted(*faults[cut:]))

    assert merged.facts() == counted(*faults).facts()


def test_merging_leaves_the_other_counter_alone() -> None:
    theirs = counted(Fault("a", 1))
    ours = counted()

    ours.merge(theirs)
    ours.add(Fault("a", 2))

    assert theirs.facts() == (Oddity("a", 1, (1,), ""),)
    assert ours.facts() == (Oddity("a", 2, (1, 2), ""),)


def test_a_counter_that_was_cleared_has_seen_nothing() -> None:
    counter = counted(Fault("a", 1))

    counter.clear()

    assert counter.facts() == ()
