"""Packets to streams: how connections open, speak, end, and what counts as seen twice."""

from __future__ import annotations

import struct

import pytest

from inspector.flows.tcp import ACK, FIN, RST, SYN
from inspector.wire import Batch, packet_reference
from tests.flows.build import (
    CLIENT6,
    MILLISECOND,
    SERVER6,
    START,
    Packet,
    Tcp,
    Trial,
    Wire,
    batch,
    trial,
)

VARIANTS = {
    "ethernet": {},
    "vlan": {"vlan": 7},
    "ipv6": {"client": (CLIENT6, 40000), "server": (SERVER6, 10001)},
    "ipv6 in a vlan": {"client": (CLIENT6, 40000), "server": (SERVER6, 10001), "vlan": 7},
}


def first(seen: Trial) -> tuple[str, str | None]:
    connection = seen.closed[0]
    return connection.outcome, connection.closed_by


# -- in order -------------------------------------------------------------------


@pytest.mark.parametrize("variant", VARIANTS)
def test_both_directions_come_in_order_with_their_packets_and_times(variant: str) -> None:
    tcp = Tcp(**VARIANTS[variant]).open().up(b"ask").down(b"answer").up(b"more").close()  # type: ignore[arg-type]
    seen = trial(tcp)
    assert seen.only.joined(True) == [b"askmore", None]
    assert seen.only.joined(False) == [b"answer", None]
    assert seen.only.segments == [
        (START + 40 * MILLISECOND, 4, b"ask"),
        (START + 50 * MILLISECOND, 5, b"answer"),
        (START + 60 * MILLISECOND, 6, b"more"),
    ]
    assert [name for name, *_ in seen.only.calls[-3:]] == ["end", "end", "finish"]
    connection = seen.closed[0]
    assert (connection.bytes_up, connection.bytes_down) == (7, 6)
    assert (connection.opened_at, connection.packet) == (START + 10 * MILLISECOND, 1)


def test_packets_count_on_from_the_batch_and_its_file() -> None:
    seen = Trial()
    seen.pipeline.feed(batch(Tcp().open().up(b"ask").wire.packets, packet_reference(2, 100)))
    assert seen.only.segments[0][1] == packet_reference(2, 103)


def test_a_superframe_is_one_segment() -> None:
    data = bytes(range(256)) * 250
    assert trial(Tcp().open().up(data)).only.joined(True) == [data]


def test_padding_of_short_frames_is_no_data() -> None:
    tcp = Tcp().open().up(b"ask").ack(False)
    packets = [p._replace(frame=p.frame.ljust(60, b"\0"), wire=60) for p in tcp.wire.packets]
    seen = Trial()
    seen.pipeline.feed(batch(packets))
    assert seen.finish().only.joined(True) == [b"ask"]


def test_linux_cooked_capture_has_its_own_link_header() -> None:
    packets = [
        p._replace(frame=b"\0\0\0\1\0\6" + bytes(8) + b"\x08\0" + p.frame[14:], wire=p.wire + 2)
        for p in Tcp().open().up(b"ask").close().wire.packets
    ]
    seen = Trial()
    seen.pipeline.feed(batch(packets, link_type=113))
    assert seen.finish().only.joined(True) == [b"ask", None]


def test_tcp_options_are_no_data() -> None:
    wire = Tcp().open().up(b"ask").wire
    plain = wire.packets[-1].frame
    frame = bytearray(plain[:54] + b"\1" * 12 + plain[54:])
    frame[16:18] = struct.pack("!H", len(frame) - 14)
    frame[46] = 8 << 4
    wire.packets[-1] = Packet(wire.now, bytes(frame), len(frame))
    assert Trial().feed(wire).only.joined(True) == [b"ask"]


@pytest.mark.parametrize("offset", [0, 4 << 4, 15 << 4])
def test_an_impossible_tcp_header_is_named(offset: int) -> None:
    tcp = Tcp().open().up(b"ask")
    frame = bytearray(tcp.wire.packets[-1].frame)
    frame[46] = offset
    tcp.wire.packets[-1] = Packet(tcp.wire.now, bytes(frame), len(frame))
    seen = trial(tcp.ack(False))
    assert seen.only.joined(True) == [3]
    assert seen.oddities == {"bad-tcp-header": 1}


# -- openings ---------------------------------------------------------------------


def test_a_syn_that_nobody_answers_is_unanswered() -> None:
    seen = trial(Tcp().syn().syn(after=1000 * MILLISECOND))
    assert first(seen) == ("unanswered", None)


def test_a_refused_syn_is_refused_by_the_server() -> None:
    seen = trial(Tcp().syn().reset(False, sequence=0))
    assert first(seen) == ("refused", "reset-by-server")
    assert seen.closed[0].closed_at == START + 20 * MILLISECOND
    assert seen.only.joined(True) == seen.only.joined(False) == []


def test_an_unreachable_server_is_unreachable() -> None:
    assert first(trial(Tcp().syn().unreachable())) == ("unreachable", None)


def test_an_unreachable_message_changes_nothing_once_the_server_answered() -> None:
    assert first(trial(Tcp().open().up(b"ask").unreachable())) == ("established", None)


def test_a_syn_ack_alone_tells_who_is_the_client() -> None:
    seen = trial(Tcp().syn_ack().ack(True).up(b"ask").down(b"answer"))
    connection = seen.closed[0]
    assert (connection.client[1], connection.outcome) == (40000, "established")
    assert not connection.midstream
    assert seen.only.joined(True) == [b"ask"]
    assert seen.only.joined(False) == [b"answer"]


def test_what_the_syn_ack_acknowledges_is_where_the_client_starts() -> None:
    seen = trial(Tcp().syn_ack().up(b"question", 3))
    assert seen.only.joined(True) == [3, b"question"]


def test_a_fast_open_syn_carries_data() -> None:
    tcp = Tcp().syn(b"ask").syn_ack().down(b"answer").ack(True).up(b"more").close()
    seen = trial(tcp)
    assert seen.only.joined(True) == [b"askmore", None]
    assert seen.closed[0].outcome == "established"


def test_fast_open_data_that_was_not_accepted_is_sent_again() -> None:
    tcp = Tcp().syn(b"ask").syn_ack(acked=0).up(b"ask", 0).down(b"answer")
    seen = trial(tcp)
    assert seen.only.joined(True) == [b"ask"]
    assert seen.closed[0].retransmissions == 1


def test_a_syn_sent_again_opens_nothing_new() -> None:
    seen = trial(Tcp().syn().syn(after=1000 * MILLISECOND).syn_ack().ack(True).up(b"ask"))
    assert seen.only.joined(True) == [b"ask"]
    assert seen.loop.notes.duplicate_packets == 0


def test_an_acknowledgement_alone_is_no_connection() -> None:
    assert trial(Tcp().ack(True).ack(False)).closed == []


# -- endings ------------------------------------------------------------------------


@pytest.mark.parametrize(("up", "by"), [(True, "client"), (False, "server")])
def test_who_sends_the_first_fin_closed_it(up: bool, by: str) -> None:
    seen = trial(Tcp().open().up(b"ask").end(up).end(not up).ack(up))
    assert first(seen) == ("established", by)
    assert seen.closed[0].closed_at == START + 50 * MILLISECOND


@pytest.mark.parametrize(("up", "by"), [(True, "reset-by-client"), (False, "reset-by-server")])
def test_who_sends_a_reset_closed_it(up: bool, by: str) -> None:
    seen = trial(Tcp().open().up(b"ask").down(b"ans").reset(up))
    assert first(seen) == ("established", by)
    assert seen.only.joined(False) == [b"ans"]
    assert seen.only.calls[-1] == ("finish", None, 6)


def test_a_reset_after_a_fin_leaves_the_closing_to_the_fin() -> None:
    seen = trial(Tcp().open().up(b"ask").end(False).reset(True))
    assert first(seen) == ("established", "server")


def test_a_connection_left_open_was_closed_by_nobody() -> None:
    seen = trial(Tcp().open().up(b"ask"))
    assert first(seen) == ("established", None)
    assert seen.closed[0].closed_at is None


def test_half_closed_the_other_side_goes_on() -> None:
    tcp = Tcp().open().up(b"ask").end(True).down(b"long ").ack(True).down(b"answer").end(False)
    seen = trial(tcp.ack(True))
    assert seen.only.joined(True) == [b"ask", None]
    assert seen.only.joined(False) == [b"long answer", None]
    ends = [(name, up) for name, up, _ in seen.only.calls]
    assert ends.index(("end", True)) < ends.index(("data", False))


def test_a_fin_may_carry_the_last_data() -> None:
    seen = trial(Tcp().open().end(True, b"ask").end(False, b"answer"))
    assert seen.only.joined(True) == [b"ask", None]
    assert seen.only.joined(False) == [b"answer", None]


def test_a_fin_captured_before_the_last_data_ends_nothing() -> None:
    seen = trial(Tcp().open().up(b"a").end(True, b"c", 2).up(b"b", 1).end(False))
    assert seen.only.joined(True) == [b"abc", None]


def test_a_fin_sent_again_ends_nothing_twice() -> None:
    seen = trial(Tcp().open().up(b"ask").end(True).end(True).end(False).end(False))
    assert seen.only.joined(True) == [b"ask", None]
    assert len(seen.closed) == 1


def test_a_scanner_sends_data_behind_its_own_reset() -> None:
    tcp = Tcp().open().reset(True).up(b"GET / HTTP/1.0\r\n\r\n").down(b"HTTP/1.0 200 OK\r\n\r\n")
    seen = trial(tcp)
    assert seen.only.joined(True) == [b"GET / HTTP/1.0\r\n\r\n"]
    assert first(seen) == ("established", "reset-by-client")


def test_nothing_is_told_after_the_connection_is_finished() -> None:
    tcp = Tcp().open().up(b"ask").down(b"ans").reset(True).down(b"wer").up(b"x", 3).reset(True)
    seen = trial(tcp.down(b"late", 50).end(False))
    assert [name for name, *_ in seen.only.calls].index("finish") == len(seen.only.calls) - 1
    assert seen.gaps == []


def test_late_packets_of_a_closed_connection_open_no_other() -> None:
    tcp = Tcp().open().up(b"ask").close().ack(False).up(b"ask", 0).reset(False)
    assert len(trial(tcp).closed) == 1


# -- seen twice ---------------------------------------------------------------------


def everything_twice(tcp: Tcp, after: int = 20_000) -> Wire:
    """Each frame once more, as `-i any` or both ends of a veth pair show it."""
    packets = [copy for p in tcp.wire.packets for copy in (p, p._replace(at=p.at + after))]
    return Wire(packets)


@pytest.mark.parametrize("variant", ["ethernet", "vlan"])
def test_every_frame_seen_twice_is_one_connection_and_counted(variant: str) -> None:
    tcp = Tcp(**VARIANTS[variant]).open().up(b"ask").ack(False).down(b"answer").up(b"more")  # type: ignore[arg-type]
    tcp = tcp.end(False).ack(True).reset(True)
    seen = Trial().feed(everything_twice(tcp)).finish()
    assert seen.only.joined(True) == [b"askmore"]
    assert seen.only.joined(False) == [b"answer", None]
    assert seen.closed[0].retransmissions == 0
    assert seen.loop.notes.duplicate_packets == len(tcp.wire.packets)
    assert first(seen) == ("established", "server")


def test_refused_twice_is_refused_once() -> None:
    wire = everything_twice(Tcp().syn().reset(False, sequence=0))
    seen = Trial().feed(wire).finish()
    assert first(seen) == ("refused", "reset-by-server")
    assert seen.loop.notes.duplicate_packets == 2


def test_without_identification_a_syn_ack_seen_much_later_is_a_retransmission() -> None:
    seen = trial(Tcp().syn().syn_ack().syn_ack(after=1000 * MILLISECOND).ack(True))
    assert seen.loop.notes.duplicate_packets == 0


@pytest.mark.parametrize(("after", "duplicates"), [(5 * MILLISECOND - 1, 1), (5 * MILLISECOND, 0)])
def test_without_identification_a_frame_is_the_same_one_within_5_ms(
    after: int, duplicates: int
) -> None:
    """A veth pair shows a frame twice within microseconds; no kernel answers again so soon."""
    accepted = trial(Tcp().syn().syn_ack().syn_ack(after=after).ack(True))
    refused = trial(Tcp().syn().reset(False, sequence=0).reset(False, sequence=0, after=after))

    assert accepted.loop.notes.duplicate_packets == duplicates
    assert refused.loop.notes.duplicate_packets == duplicates


def test_acknowledgements_repeated_with_another_identification_are_no_duplicates() -> None:
    seen = trial(Tcp().open().up(b"ask").ack(False).ack(False).ack(False))
    assert seen.loop.notes.duplicate_packets == 0


# -- counted --------------------------------------------------------------------------


def test_zero_windows_are_counted_resets_aside() -> None:
    tcp = Tcp().open().up(b"ask").ack(False, window=0).ack(False, window=0).ack(False)
    assert trial(tcp.reset(True, window=0)).closed[0].zero_windows == 2


def test_what_is_no_tcp_is_counted_by_its_reason() -> None:
    wire = Wire()
    arp = bytes(12) + b"\x08\x06" + bytes(28)
    wire.packets.append(Packet(1, arp, len(arp)))
    seen = Trial().feed(wire)
    assert seen.loop.notes.other_packets == {"arp": 1}
    assert (seen.loop.notes.packets, seen.loop.notes.tcp_packets) == (1, 0)


def test_an_empty_batch_is_nothing() -> None:
    seen = Trial()
    seen.pipeline.feed(Batch(b"", [], 1, 1))
    assert seen.finish().closed == []


@pytest.mark.parametrize("flags", range(256))
@pytest.mark.parametrize("known", [False, True])
def test_no_combination_of_flags_fails(known: bool, flags: int) -> None:
    tcp = Tcp()
    if known:
        tcp.open().up(b"ask")
    tcp.send(True, b"data", flags=flags).send(False, b"", flags=flags).up(b"more", 100)
    seen = trial(tcp.down(b"x").end(True))
    assert all(reader.calls[-1][0] == "finish" for reader in seen.readers)
    assert len(seen.readers) == len(seen.closed)


def test_the_flags_are_those_of_rfc_9293() -> None:
    assert (FIN, SYN, RST, ACK) == (1, 2, 4, 16)
