"""Out of order, overlapping, missing: what a reader is told, and what the notes say."""

from __future__ import annotations

import random
from typing import Any

import pytest

from inspector.flows import reassembly
from inspector.flows.contract import BATCH, IN_PLACE
from inspector.flows.early import PIECE_BYTES
from inspector.flows.reassembly import HOLE_PATIENCE
from tests.flows.build import Tcp, Trial, Wire, trial

LAST = 0xFFFFFFFF


def numbered(count: int, start: int = 0) -> bytes:
    """Bytes of which no eight neighbours stand elsewhere."""
    return b"".join(b"%07d." % number for number in range(start, start + count))


def pass_time(tcp: Tcp, packets: int = HOLE_PATIENCE) -> Tcp:
    """Other packets of the capture: acknowledgements of one's own data."""
    for _ in range(packets):
        tcp.ack(True, acked=0)
    return tcp


# -- the same byte twice ----------------------------------------------------


def test_a_retransmitted_segment_is_given_once_and_counted() -> None:
    seen = trial(Tcp().open().up(b"abc").up(b"abc", 0).up(b"def").close())
    assert seen.only.joined(True) == [b"abcdef", None]
    assert seen.closed[0].retransmissions == 1
    assert seen.loop.notes.duplicate_packets == 0


def test_a_frame_captured_twice_is_no_retransmission() -> None:
    tcp = Tcp().open().up(b"abc")
    seen = trial(tcp.again().up(b"def").close())
    assert seen.only.joined(True) == [b"abcdef", None]
    assert seen.closed[0].retransmissions == 0
    assert seen.loop.notes.duplicate_packets == 1


def test_a_retransmission_that_goes_on_adds_its_new_bytes() -> None:
    seen = trial(Tcp().open().up(b"abc").up(b"bcdef", 1))
    assert seen.only.joined(True) == [b"abcdef"]
    assert seen.oddities == {}


@pytest.mark.parametrize("offset", range(7))
def test_the_first_copy_of_a_byte_wins(offset: int) -> None:
    seen = trial(Tcp().open().up(b"abcdef").up(b"XYZ", offset))
    assert seen.only.joined(True) == [b"abcdef" + b"XYZ"[6 - offset :][: max(0, offset - 3)]]
    assert seen.oddities == ({} if offset == 6 else {"conflicting-overlap": 1})


def test_a_conflict_is_found_in_bytes_given_in_several_segments() -> None:
    tcp = Tcp().open()
    for piece in (b"abc", b"def", b"ghi"):
        tcp.up(piece)
    assert trial(tcp.up(b"abcdefghX", 0)).oddities == {"conflicting-overlap": 1}


def test_a_conflict_is_found_in_bytes_that_wait_for_a_batch() -> None:
    tcp = Tcp().open()
    for piece in (b"abc", b"def", b"ghi"):
        tcp.up(piece)
    seen = trial(tcp.up(b"deX", 3), lambda *_: BATCH)
    assert seen.oddities == {"conflicting-overlap": 1}
    assert seen.only.joined(True) == [b"abcdefghi"]


def test_retransmissions_behind_the_end_conflict_with_nothing() -> None:
    tcp = Tcp().open().up(b"abcdef").up(b"ghi").end(True)
    seen = trial(tcp.up(b"def", 3).up(b"hi", 7).up(b"ghi", 6).up(b"abcdefghi", 0))
    assert seen.oddities == {}
    assert seen.only.joined(True) == [b"abcdefghi", None]


def test_a_conflicting_retransmission_behind_the_end_is_named() -> None:
    seen = trial(Tcp().open().up(b"abcdef").end(True).up(b"deX", 3))
    assert seen.oddities == {"conflicting-overlap": 1}


def test_bytes_passed_unseen_are_not_compared() -> None:
    seen = trial(Tcp().open().up(b"abc").up(b"def").up(b"XYZ", 3), lambda up, at: 100)
    assert seen.only.joined(True) == [b"abc", -3]
    assert seen.oddities == {}


# -- out of order -------------------------------------------------------------


def test_reordered_segments_are_put_in_order() -> None:
    seen = trial(Tcp().open().up(b"ghi", 6).up(b"def", 3).up(b"abc", 0))
    assert seen.only.joined(True) == [b"abcdefghi"]
    assert seen.gaps == []
    assert seen.closed[0].retransmissions == 0


def test_each_byte_keeps_the_packet_that_brought_it() -> None:
    seen = trial(Tcp().open().up(b"def", 3).up(b"abc", 0))
    assert [(packet, data) for _, packet, data in seen.only.segments] == [(5, b"abc"), (4, b"def")]


def test_a_hole_filled_late_is_no_gap() -> None:
    tcp = Tcp().open().up(b"def", 3).ack(False, acked=0)
    seen = trial(pass_time(tcp, 300).up(b"abc", 0).close())
    assert seen.only.joined(True) == [b"abcdef", None]
    assert seen.gaps == []


def test_an_acknowledgement_captured_before_its_data_makes_no_gap() -> None:
    tcp = pass_time(Tcp().open().up(b"def", 3).ack(False, acked=6), HOLE_PATIENCE - 10)
    seen = trial(tcp.down(b"x").up(b"ghi", 6).up(b"abc", 0).close())
    assert seen.only.joined(True) == [b"abcdefghi", None]
    assert seen.gaps == []


@pytest.mark.parametrize("late", [b"abcdefghi", b"abcdefg", b"abcd"])
def test_what_fills_a_hole_may_overlap_what_waits_behind_it(late: bytes) -> None:
    seen = trial(Tcp().open().up(b"def", 3).up(b"gh", 6).up(late, 0))
    assert seen.only.joined(True) == [max(late, b"abcdefgh", key=len)]
    assert seen.oddities == {}


def test_held_bytes_win_over_those_that_come_later() -> None:
    seen = trial(Tcp().open().up(b"def", 3).up(b"abcXYZghi", 0))
    assert seen.only.joined(True) == [b"abcdefghi"]
    assert seen.oddities == {"conflicting-overlap": 1}


def test_conflicts_among_held_bytes_are_named() -> None:
    seen = trial(Tcp().open().up(b"fgh", 5).up(b"deXYZi", 3).up(b"abc", 0))
    assert seen.only.joined(True) == [b"abcdefghi"]
    assert seen.oddities == {"conflicting-overlap": 1}


def test_a_segment_may_fill_several_holes_between_held_ones() -> None:
    seen = trial(Tcp().open().up(b"c", 2).up(b"e", 4).up(b"g", 6).up(b"bcdefgh", 1).up(b"a", 0))
    assert seen.only.joined(True) == [b"abcdefgh"]
    assert seen.oddities == {}


def test_a_held_frame_captured_twice_counts_as_a_duplicate() -> None:
    seen = trial(Tcp().open().up(b"def", 3).again().up(b"abc", 0))
    assert seen.only.joined(True) == [b"abcdef"]
    assert seen.loop.notes.duplicate_packets == 1


# -- sequence numbers wrap --------------------------------------------------


@pytest.mark.parametrize("isn", [LAST, LAST - 1, LAST - 4, LAST - 6, 0, 0x7FFFFFFF])
def test_sequence_numbers_wrap_anywhere(isn: int) -> None:
    tcp = Tcp(isn=(isn, isn)).open().up(b"def", 3).up(b"abc", 0).up(b"ghi").down(b"xyz")
    seen = trial(tcp.up(b"fgh", 5).close())
    assert seen.only.joined(True) == [b"abcdefghi", None]
    assert seen.only.joined(False) == [b"xyz", None]
    connection = seen.closed[0]
    assert (connection.bytes_up, connection.bytes_down) == (9, 3)
    assert (seen.gaps, seen.oddities) == ([], {})


def test_an_empty_direction_may_end_at_the_wrap() -> None:
    seen = trial(Tcp(isn=(LAST - 1, LAST)).open().close())
    connection = seen.closed[0]
    assert (connection.bytes_up, connection.bytes_down) == (0, 0)
    assert seen.only.calls[-1] == ("finish", None, 5)
    assert (seen.gaps, seen.oddities) == ([], {})


def test_more_than_4_gib_are_counted() -> None:
    tcp = Tcp(isn=(LAST - 100, 0)).open()
    step = (1 << 30) - 1  # farther ahead is behind
    for number in range(1, 11):
        pass_time(tcp.up(b"x", number * step).ack(False)).down(b"y")
    seen = Trial(lambda *_: 1 << 50).feed(tcp.wire).finish()
    connection = seen.closed[0]
    assert connection.bytes_up == 10 * step + 1
    assert sum(count for _, count in seen.gaps) == 10 * step - 9


# -- missing ------------------------------------------------------------------


def test_a_hole_that_the_peer_acknowledged_becomes_a_gap() -> None:
    tcp = pass_time(Tcp().open().up(b"abc").up(b"ghi", 6).ack(False))
    seen = Trial().feed(tcp.up(b"jkl").wire)
    assert seen.only.joined(True) == [b"abc", 3, b"ghijkl"]
    assert seen.gaps == [(True, 3)]
    assert seen.loop.notes.missing[0].packet == 5


def test_a_hole_that_nobody_acknowledged_waits() -> None:
    tcp = pass_time(Tcp().open().up(b"abc").up(b"ghi", 6).ack(False, acked=3))
    seen = Trial().feed(tcp.up(b"jkl").wire)
    assert seen.only.joined(True) == [b"abc"]
    assert seen.finish().only.joined(True) == [b"abc", 3, b"ghijkl"]


def test_the_answer_comes_after_the_gap_in_its_question() -> None:
    tcp = pass_time(Tcp().open().up(b"ghi", 6).ack(False)).down(b"answer")
    seen = Trial().feed(tcp.wire)
    assert seen.only.joined(True) == [6, b"ghi"]
    assert seen.only.calls == [("gap", True, 4), ("data", True, 4), ("data", False, 70)]


@pytest.mark.parametrize("how", ["fin", "reset", "end of capture"])
def test_a_hole_becomes_a_gap_when_nothing_more_comes(how: str) -> None:
    tcp = Tcp().open().up(b"abc").up(b"ghi", 6).ack(False)
    if how == "fin":
        tcp.close()
    elif how == "reset":
        tcp.reset(False)
    seen = trial(tcp)
    ends = [None] if how == "fin" else []
    assert seen.only.joined(True) == [b"abc", 3, b"ghi", *ends]
    assert seen.gaps == [(True, 3)]


def test_several_holes_are_several_gaps() -> None:
    seen = trial(Tcp().open().up(b"bc", 1).up(b"e", 4).up(b"hi", 7).close())
    assert seen.only.joined(True) == [1, b"bc", 1, b"e", 2, b"hi", None]
    assert seen.gaps == [(True, 1), (True, 1), (True, 2)]


def test_holes_of_both_directions_are_given_up_in_order() -> None:
    tcp = pass_time(Tcp().open().up(b"def", 3).up(b"jkl", 9)).down(b"uvw", 3).ack(True)
    seen = Trial().feed(pass_time(tcp).up(b"abc", 0, acked=6).wire)
    assert seen.only.joined(False) == [3, b"uvw"]
    assert seen.only.joined(True) == [b"abcdef", 3, b"jkl"]


def test_bytes_never_seen_but_acknowledged_are_a_gap_at_the_end() -> None:
    seen = trial(Tcp().open().up(b"abc").ack(False, acked=10))
    assert seen.only.joined(True) == [b"abc", 7]
    assert seen.gaps == [(True, 7)]


def test_a_direction_of_which_nothing_was_captured_is_a_gap() -> None:
    seen = trial(Tcp().open().up(b"abc").ack(True, acked=1000))
    assert seen.only.joined(False) == [1000]


def test_a_fin_before_missing_data_does_not_end_the_direction() -> None:
    tcp = Tcp().open().up(b"abc")
    tcp.sent[True] = 6
    seen = Trial().feed(tcp.end(True).wire)
    assert seen.only.joined(True) == [b"abc"]
    assert Trial().feed(tcp.wire).finish().only.joined(True) == [b"abc", 3, None]
    assert trial(tcp.up(b"def", 3)).only.joined(True) == [b"abcdef", None]


def test_a_fin_that_was_not_captured_is_no_gap() -> None:
    tcp = Tcp().open().up(b"abc").ack(False, acked=4).end(False, acked=4).ack(True)
    seen = trial(tcp)
    assert seen.only.joined(True) == [b"abc"]
    assert seen.gaps == []


def test_data_behind_the_end_of_its_direction_is_named_and_ignored() -> None:
    seen = trial(Tcp().open().up(b"abc").end(True).up(b"more", 4))
    assert seen.only.joined(True) == [b"abc", None]
    assert seen.oddities == {"data-after-end": 1}


def test_data_that_reaches_beyond_the_end_is_cut_there() -> None:
    tcp = Tcp().open()
    tcp.sent[True] = 3
    seen = trial(tcp.end(True).up(b"abcdef", 0))
    assert seen.only.joined(True) == [b"abc", None]
    assert seen.oddities == {"data-after-end": 1}


def test_an_old_fin_does_not_end_the_direction() -> None:
    tcp = Tcp().open().up(b"abcdef").send(True, b"", 2, flags=0x11).up(b"ghi").close()
    seen = trial(tcp)
    assert seen.only.joined(True) == [b"abcdefghi", None]
    assert seen.oddities == {"misplaced-fin": 1}


# -- cut by the snap length -----------------------------------------------------


def test_payload_cut_by_the_snap_length_is_a_gap_for_the_reader_only() -> None:
    seen = trial(Tcp().open().up(b"abcdef", snap=2).up(b"ghi").close())
    assert seen.only.joined(True) == [b"ab", 4, b"ghi", None]
    assert seen.loop.notes.truncated_packets == 1
    assert seen.gaps == []


def test_payload_of_which_nothing_was_captured_counts_too() -> None:
    seen = trial(Tcp().open().up(b"abcdef", snap=0).up(b"ghi").close())
    assert seen.only.joined(True) == [6, b"ghi", None]


def test_cut_payload_waits_behind_a_hole_like_any_other() -> None:
    seen = trial(Tcp().open().up(b"def", 3, snap=1).up(b"abc", 0).up(b"ghi", 6))
    assert seen.only.joined(True) == [b"abcd", 2, b"ghi"]


def test_a_cut_copy_adds_nothing_to_what_is_held() -> None:
    seen = trial(Tcp().open().up(b"defghi", 3).up(b"def", 3, snap=1).up(b"abc", 0).up(b"jkl", 9))
    assert seen.only.joined(True) == [b"abcdefghijkl"]


def test_bytes_to_be_skipped_may_be_cut() -> None:
    seen = trial(Tcp().open().up(b"a").up(b"bcdef", snap=2).up(b"ghi").close(), lambda *_: 100)
    assert seen.only.joined(True) == [b"a", -2, 3, -3, None]


# -- probes ---------------------------------------------------------------------


@pytest.mark.parametrize("probe", [b"", b"c", b"\0"])
def test_keep_alive_probes_carry_nothing(probe: bytes) -> None:
    tcp = Tcp().open().up(b"abc").ack(False).up(probe, 2).ack(False).up(b"def", 3).close()
    seen = trial(tcp)
    assert seen.only.joined(True) == [b"abcdef", None]
    assert seen.oddities == ({"keep-alive-probe": 1} if probe else {})
    assert seen.closed[0].retransmissions == 0


def test_a_byte_sent_again_before_it_arrived_is_no_keep_alive_probe() -> None:
    """Probes repeat what was acknowledged; of this byte the receiver may take the second copy."""
    seen = trial(Tcp().open().up(b"abc").up(b"x", 2).ack(False).close())
    assert seen.oddities == {"conflicting-overlap": 1}


def test_a_second_copy_is_compared_until_the_first_was_acknowledged() -> None:
    """A decoy that the receiver dropped, more data behind it, then what it takes."""
    decoy, real = b"decoy", b"real!"
    tcp = Tcp().open().up(decoy).up(b"more").up(b"again").up(real, 0).ack(False).close()
    seen = trial(tcp)
    assert seen.only.joined(True) == [b"decoymoreagain", None]
    assert seen.oddities == {"conflicting-overlap": 1}
    assert [item.reason for item in seen.loop.notes.unread.facts()] == ["conflict"]


def test_a_second_copy_of_what_was_acknowledged_is_dropped_by_its_receiver() -> None:
    tcp = Tcp().open().up(b"abc").ack(False).up(b"def").ack(False).up(b"xyz", 0)
    seen = trial(tcp.ack(False).close())
    assert seen.oddities == {}


# -- limits -----------------------------------------------------------------------


def test_one_direction_holds_so_much_out_of_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reassembly, "EARLY_LIMIT", 5)
    seen = trial(Tcp().open().up(b"def", 3).up(b"ghi", 6))
    assert seen.only.joined(True) == [3, b"defghi"]
    assert seen.oddities == {"early-data-limit": 1}
    assert list(seen.loop.notes.limits_hit) == ["out-of-order data"]


def test_all_directions_together_hold_so_much(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reassembly, "EARLY_TOTAL_LIMIT", PIECE_BYTES + 5)
    wire = Wire()
    Tcp(wire).open().up(b"def", 3)
    seen = trial(Tcp(wire, client=("172.30.0.20", 40001)).open().up(b"ghi", 3))
    assert [reader.joined(True) for reader in seen.readers] == [[3, b"def"], [3, b"ghi"]]
    assert seen.oddities == {"early-data-limit": 1}


def test_what_was_held_is_forgotten_when_it_was_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reassembly, "EARLY_TOTAL_LIMIT", PIECE_BYTES + 5)
    tcp = Tcp().open()
    for turn in range(10):
        tcp.up(b"def", 6 * turn + 3).up(b"abc", 6 * turn)
    seen = trial(tcp)
    assert seen.only.joined(True) == [b"abcdef" * 10]
    assert seen.loop.notes.limits_hit == {}


def test_gaps_listed_have_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reassembly, "GAPS_KEPT", 2)
    seen = trial(Tcp().open().up(b"b", 1).up(b"d", 3).up(b"f", 5).close())
    assert seen.only.joined(True) == [1, b"b", 1, b"d", 1, b"f", None]
    assert len(seen.gaps) == 2
    assert list(seen.loop.notes.limits_hit) == ["gaps listed"]


# -- the protocol with the reader -----------------------------------------------


def test_a_reader_may_skip_bytes() -> None:
    tcp = Tcp().open().up(b"abc").up(b"def").up(b"ghi").up(b"jkl")
    wants = {3: 5, 8: 0}
    seen = trial(tcp, lambda up, position: wants.get(position, 0))
    assert seen.only.joined(True) == [b"abc", -5, b"ijkl"]


def test_a_skip_that_is_over_is_told_at_once() -> None:
    tcp = Tcp().open().up(b"abc").up(b"def")
    seen = Trial(lambda up, position: 3 if position == 3 else 0).feed(tcp.wire)
    assert seen.only.joined(True) == [b"abc", -3]


def test_skipped_bytes_are_told_before_the_end() -> None:
    seen = trial(Tcp().open().up(b"abc").up(b"def").close(), lambda *_: 1000)
    assert seen.only.joined(True) == [b"abc", -3, None]


def test_a_batch_is_given_before_the_other_side_speaks() -> None:
    tcp = Tcp().open().down(b"one").down(b"two").down(b"three").up(b"next").down(b"four")
    seen = trial(tcp, lambda *_: BATCH)
    assert [name for name, up, _ in seen.only.calls if up is not False] == ["data", "finish"]
    assert [packet for _, _, packet in seen.only.calls] == [4, 5, 6, 7, 8, 8]


def test_a_batch_is_given_before_a_gap_of_the_other_side_is_told() -> None:
    tcp = Tcp().open().down(b"one").down(b"two").down(b"three").up(b"xyz", snap=0)
    seen = trial(tcp, lambda *_: BATCH)
    assert [name for name, *_ in seen.only.calls] == ["data", "data", "data", "gap", "finish"]


def test_what_is_held_behind_a_gap_is_given_before_the_other_side_speaks() -> None:
    tcp = Tcp().open().up(b"abc").up(b"ghi", 6).ack(False, acked=9)
    seen = trial(pass_time(tcp).down(b"answer"), lambda up, _: BATCH if up else 0)
    assert [(name, up) for name, up, _ in seen.only.calls[:-1]] == [
        ("data", True), ("gap", True), ("data", True), ("data", False),
    ]  # fmt: skip


# -- all of it ------------------------------------------------------------------


def scatter(chance: random.Random, tcp: Tcp, streams: dict[bool, bytes], drops: float) -> Tcp:
    """Both streams in pieces: cut anywhere, some twice, some late, some not captured at all."""
    sent: list[tuple[float, bool, int, int]] = []
    for up, stream in streams.items():
        at = 0
        while at < len(stream):
            stop = min(len(stream), at + chance.choice((1, 3, 40, 500)))
            start = max(0, at - chance.choice((0, 0, 0, 5, 100)))
            for _ in range(chance.choice((1, 1, 1, 1, 2))):
                sent.append((at + chance.choice((0, 0, 0, 300)), up, start, stop))
            at = stop
    received = {True: [False] * len(streams[True]), False: [False] * len(streams[False])}
    got = {True: 0, False: 0}
    for _, up, start, stop in sorted(sent, key=lambda item: item[0]):
        received[up][start:stop] = [True] * (stop - start)
        while got[up] < len(received[up]) and received[up][got[up]]:
            got[up] += 1
        if chance.random() >= drops:
            data = streams[up][start:stop]
            snap = chance.randrange(len(data)) if drops and chance.random() < 0.02 else None
            tcp.send(up, data, start, acked=got[not up], snap=snap)
        tcp.sent[up] = max(tcp.sent[up], stop)
        if chance.random() < 0.2:
            tcp.ack(not up, acked=got[up])
    return tcp


def check_stream(told: list[bytes | int | None], truth: bytes) -> int:
    """Bytes shown, skipped and missing add up to the stream, in order; returns the missing."""
    at = missing = 0
    for piece in told:
        if isinstance(piece, bytes):
            assert piece == truth[at : at + len(piece)]
            at += len(piece)
        elif piece is not None:
            at += abs(piece)
            missing += max(0, piece)
    assert at == len(truth)
    return missing


@pytest.mark.parametrize("drops", [0.0, 0.05, 0.3])
@pytest.mark.parametrize("seed", range(8))
def test_bytes_shown_skipped_and_missing_add_up_to_the_stream(seed: int, drops: float) -> None:
    chance = random.Random(seed)
    streams = {True: numbered(1500), False: numbered(1500, 5000)}
    tcp = Tcp(isn=(LAST - chance.randrange(20000), LAST - chance.randrange(20000))).open()
    tcp = scatter(chance, tcp, streams, drops).close()
    moods: dict[Any, int] = {}

    def wants(up: bool, position: int) -> int:
        # The same answer at the same place, however it is come by.
        return moods.setdefault(
            (up, position), chance.choice((0, 0, BATCH, IN_PLACE, 7, 300, 2000))
        )

    seen = trial(tcp, wants)
    lost = sum(check_stream(seen.only.joined(up), streams[up]) for up in (True, False))
    assert seen.only.calls[-1][0] == "finish"
    assert (lost > 0) == (drops > 0)
    assert "conflicting-overlap" not in seen.oddities
    assert seen.closed[0].bytes_up == len(streams[True])
    assert seen.closed[0].bytes_down == len(streams[False])
