"""Which packets belong together: keys, ports used again, mid-stream pickup, twins, limits."""

from __future__ import annotations

import pytest

from inspector.flows import table
from inspector.flows.addresses import plain_reverse
from inspector.flows.early import PIECE_BYTES
from inspector.flows.stream import TcpConnection
from tests.flows.build import (
    CLIENT,
    MILLISECOND,
    SERVER,
    Tcp,
    Trial,
    Wire,
    everything,
    trial,
)


def streams(seen: Trial, up: bool = True) -> list[list[bytes | int | None]]:
    return [reader.joined(up) for reader in seen.readers]


def ports(seen: Trial) -> list[int]:
    return [connection.client[1] for connection in seen.closed]


def again(wire: Wire, isn: tuple[int, int] = (700_000_000, 800_000_000)) -> Tcp:
    """A later connection between the same ports."""
    return Tcp(wire, isn=isn)


# -- many connections -------------------------------------------------------------


def test_connections_are_numbered_in_the_order_in_which_they_begin() -> None:
    wire = Wire()
    one, two = Tcp(wire, client=(CLIENT, 40001)), Tcp(wire, client=(CLIENT, 40002))
    one.syn()
    two.open().up(b"two").close()
    one.syn_ack().ack(True).up(b"one").close()
    seen = trial(one)
    assert streams(seen) == [[b"one", None], [b"two", None]]
    assert [(c.number, c.client[1]) for c in seen.closed] == [(2, 40002), (1, 40001)]


def test_connections_left_open_are_closed_in_the_order_in_which_they_began() -> None:
    wire = Wire()
    for port in (40003, 40001, 40002):
        Tcp(wire, client=(CLIENT, port)).open()
    assert ports(Trial().feed(wire).finish()) == [40003, 40001, 40002]


# -- ports used again -----------------------------------------------------------------


@pytest.mark.parametrize("ending", ["closed", "reset", "refused", "half-closed", "open", "silent"])
def test_a_syn_with_another_number_is_another_connection(ending: str) -> None:
    tcp = Tcp().syn()
    if ending == "refused":
        tcp.reset(False, sequence=0)
    elif ending != "silent":
        tcp.syn_ack().ack(True).up(b"one")
    if ending == "closed":
        tcp.close()
    elif ending == "reset":
        tcp.reset(False)
    elif ending == "half-closed":
        tcp.end(True)
    seen = trial(again(tcp.wire).open().up(b"two").down(b"answer").close())
    assert [connection.number for connection in seen.closed] == [1, 2]
    assert streams(seen)[1] == [b"two", None]
    assert streams(seen, up=False)[1] == [b"answer", None]
    assert {b"one"} >= {piece for piece in streams(seen)[0] if piece is not None}


def test_a_syn_with_the_same_number_is_a_retransmission_even_after_data_and_fin() -> None:
    tcp = Tcp().open().up(b"one").syn(after=MILLISECOND).end(True).syn(after=MILLISECOND)
    assert streams(trial(tcp.down(b"x"))) == [[b"one", None]]


def test_a_syn_ack_with_another_number_before_any_data_is_the_same_connection() -> None:
    tcp = Tcp().syn().syn_ack().syn_ack(sequence=9999).ack(True).up(b"one")
    assert streams(trial(tcp)) == [[b"one"]]


def test_a_syn_ack_with_another_number_after_data_is_another_connection() -> None:
    tcp = Tcp().open().up(b"one").down(b"answer")
    seen = trial(again(tcp.wire).syn_ack().up(b"two").down(b"other"))
    assert streams(seen) == [[b"one"], [b"two"]]
    assert streams(seen, up=False) == [[b"answer"], [b"other"]]


def test_a_syn_ends_what_was_picked_up_in_one_direction_only() -> None:
    tcp = Tcp().down(b"tail of an answer")
    seen = trial(again(tcp.wire).open().up(b"ask").down(b"answer"))
    assert [c.outcome for c in seen.closed] == ["midstream", "established"]
    assert streams(seen, up=False) == [[b"tail of an answer"], [b"answer"]]
    assert seen.closed[1].packet == 2


def test_a_refused_syn_after_a_pickup_is_a_connection_of_its_own() -> None:
    tcp = Tcp().down(b"tail of an answer")
    seen = trial(again(tcp.wire).syn().reset(False, sequence=0))
    assert [(c.outcome, c.closed_by) for c in seen.closed] == [
        ("midstream", None),
        ("refused", "reset-by-server"),
    ]


def test_a_syn_captured_after_the_data_that_follows_it_is_of_the_same_connection() -> None:
    tcp = Tcp().up(b"ask", 0).syn().syn_ack().down(b"answer")
    assert streams(trial(tcp)) == [[b"ask"]]


def test_a_syn_captured_after_its_answer_is_of_the_same_connection() -> None:
    tcp = Tcp().syn_ack().syn().ack(True).up(b"ask").down(b"answer")
    seen = trial(tcp)
    assert streams(seen) == [[b"ask"]]
    assert seen.closed[0].outcome == "established"


# -- picked up in mid-stream -------------------------------------------------------------


@pytest.mark.parametrize("up_first", [True, False])
def test_of_a_connection_without_syn_the_low_port_is_the_server(up_first: bool) -> None:
    tcp = Tcp()
    tcp.sent = {True: 500, False: 900}
    if up_first:
        tcp.up(b"ask").down(b"answer")
    else:
        tcp.down(b"answer").up(b"ask")
    seen = trial(tcp.close())
    connection = seen.closed[0]
    assert (connection.client[1], connection.server[1]) == (40000, 10001)
    assert (connection.outcome, connection.midstream) == ("midstream", True)
    assert seen.loop.notes.midstream_connections == 1
    assert seen.only.joined(True) == [b"ask", None]
    assert seen.only.joined(False) == [b"answer", None]
    assert (connection.bytes_up, connection.bytes_down) == (3, 6)


@pytest.mark.parametrize(("client", "server"), [(40000, 39999), (1001, 1000), (10001, 3128)])
def test_of_two_ports_of_one_kind_the_lower_is_the_server(client: int, server: int) -> None:
    tcp = Tcp(client=(CLIENT, client), server=(SERVER, server)).down(b"answer").up(b"ask")
    assert ports(trial(tcp)) == [client]


def test_a_reader_that_knows_better_turns_the_ends_of_the_view_and_of_no_delivery() -> None:
    tcp = Tcp(client=(CLIENT, 80), server=(SERVER, 50000)).up(b"ask").down(b"answer")
    tcp.up(b"more").reset(True)
    seen = Trial()

    def know(up: bool, position: int) -> int:
        if seen.only.connection.client[1] == 50000:
            seen.loop.turn(seen.only.connection.number)
        return 0

    seen.wants = know
    seen.feed(tcp.wire).finish()
    connection = seen.closed[0]
    assert (connection.client[1], connection.server[1]) == (80, 50000)
    assert connection.closed_by == "reset-by-client"
    assert connection.bytes_up == 7
    assert seen.only.joined(False) == [b"askmore"]
    assert seen.only.joined(True) == [b"answer"]


def test_a_fin_alone_is_no_connection() -> None:
    assert trial(Tcp().end(True).end(False)).closed == []


def test_picked_up_with_data_out_of_order_it_starts_where_the_peer_says() -> None:
    tcp = Tcp()
    tcp.sent[True] = 500
    tcp.down(b"x", acked=500).up(b"def", 503).up(b"abc", 500)
    assert streams(trial(tcp)) == [[b"abcdef"]]


# -- one frame on two sides of a tag -----------------------------------------------------


@pytest.mark.parametrize(
    ("ask", "answer"), [((None, 7), (None, 7)), ((7, None), (7, None)), ((None, 7), (7, None)),
                        ((7, None), (None, 7)), ((7, 8), (8, 7))],
)  # fmt: skip
def test_a_connection_seen_under_two_tags_is_one(
    ask: tuple[int | None, int | None], answer: tuple[int | None, int | None]
) -> None:
    wire = Wire()
    plain = Tcp(Wire()).open().up(b"ask").down(b"answer").close()
    copies = {vlan: _tagged(plain, vlan) for vlan in {*ask, *answer}}
    for index, packet in enumerate(plain.wire.packets):
        wire.packets += [copies[vlan][index] for vlan in (ask if packet.up else answer)]
    seen = Trial().feed(wire).finish()
    assert seen.only.joined(True) == [b"ask", None]
    assert seen.only.joined(False) == [b"answer", None]
    # A SYN-ACK has no identification; it is known as a copy by its time.
    assert seen.loop.notes.duplicate_packets == len(plain.wire.packets)


def _tagged(tcp: Tcp, vlan: int | None) -> list:  # type: ignore[type-arg]
    tag = b"" if vlan is None else b"\x81\0" + vlan.to_bytes(2, "big")
    return [
        packet._replace(
            frame=packet.frame[:12] + tag + packet.frame[12:], wire=packet.wire + len(tag)
        )
        for packet in tcp.wire.packets
    ]


@pytest.mark.parametrize("vlans", [(None, 7), (7, None), (7, 8)])
@pytest.mark.parametrize("midstream", [False, True])
def test_directions_with_different_tags_are_one_connection(
    vlans: tuple[int | None, int | None], midstream: bool
) -> None:
    plain = Tcp(Wire())
    if not midstream:
        plain.open()
    plain.up(b"ask").down(b"answer").ack(True).close()
    copies = {vlan: _tagged(plain, vlan) for vlan in vlans}
    wire = Wire()
    for index, packet in enumerate(plain.wire.packets):
        wire.packets.append(copies[vlans[not packet.up]][index])
    seen = Trial().feed(wire).finish()
    assert seen.only.joined(True) == [b"ask", None]
    assert seen.only.joined(False) == [b"answer", None]
    assert seen.closed[0].outcome == ("midstream" if midstream else "established")


@pytest.mark.parametrize("vlans", [(None, 7), (7, None), (7, 8)])
def test_a_refusal_with_another_tag_is_one(vlans: tuple[int | None, int | None]) -> None:
    """What answers may be a RST alone: a port on which nobody listens."""
    plain = Tcp(Wire()).syn().reset(False, sequence=0)
    seen = Trial().feed(_mixed(plain, vlans)).finish()
    assert seen.closed[0].outcome == "refused"
    assert len(seen.closed) == 1


@pytest.mark.parametrize("vlans", [(None, 7), (7, None), (7, 8)])
@pytest.mark.parametrize("midstream", [False, True])
def test_a_reset_or_an_acknowledgement_with_another_tag_is_heard(
    vlans: tuple[int | None, int | None], *, midstream: bool
) -> None:
    plain = Tcp(Wire())
    if not midstream:
        plain.open()
    plain.up(b"ask").ack(False).reset(False)
    seen = Trial().feed(_mixed(plain, vlans)).finish()
    assert seen.closed[0].closed_by == "reset-by-server"
    assert not seen.closed[0].half_heard
    assert seen.only.joined(True) == [b"ask"]


def _mixed(plain: Tcp, vlans: tuple[int | None, int | None]) -> Wire:
    """The same packets, those of each direction with a tag of their own."""
    copies = {vlan: _tagged(plain, vlan) for vlan in vlans}
    wire = Wire()
    for index, packet in enumerate(plain.wire.packets):
        wire.packets.append(copies[vlans[not packet.up]][index])
    return wire


@pytest.mark.parametrize("vlans", [(None, 7), (7, None), (7, 8)])
def test_equal_addresses_in_another_vlan_are_another_connection(
    vlans: tuple[int | None, int | None],
) -> None:
    wire = Wire()
    one = Tcp(wire, vlan=vlans[0])
    two = Tcp(wire, vlan=vlans[1], isn=(700_000_000, 800_000_000))
    one.syn()
    two.syn()
    one.syn_ack()
    two.syn_ack()
    one.ack(True).up(b"one").down(b"1")
    two.ack(True).up(b"two").down(b"2")
    one.up(b"more").close()
    two.up(b"still").close()
    seen = trial(one)
    assert streams(seen) == [[b"onemore", None], [b"twostill", None]]
    assert streams(seen, up=False) == [[b"1", None], [b"2", None]]


# -- scope -----------------------------------------------------------------------------


def test_connections_out_of_scope_are_not_looked_at() -> None:
    asked: list[tuple[bytes, bytes, int, int]] = []

    def scope(source: bytes, destination: bytes, sport: int, dport: int) -> bool:
        asked.append((source, destination, sport, dport))
        return dport == 80

    wire = Wire()
    Tcp(wire).open().up(b"one").down(b"two").close()
    Tcp(wire, server=(SERVER, 80)).open().up(b"three").close()
    seen = Trial(everything, scope).feed(wire).finish()
    assert seen.only.joined(True) == [b"three", None]
    client, server = bytes([172, 30, 0, 20]), bytes([172, 30, 0, 30])
    # The SYN-ACK's direction may be asked for, too.
    assert asked[0] == (client, server, 40000, 10001)
    assert asked[-1] == (client, server, 40000, 80)
    assert len(asked) <= 3
    assert seen.loop.notes.tcp_packets == len(wire.packets)


def test_a_connection_out_of_scope_is_told_once_and_where_it_carries_data() -> None:
    wire = Wire()
    for port, speak in ((40001, True), (40002, False), (40003, True)):
        tcp = Tcp(wire, client=("10.0.0.1", port)).open()
        if speak:
            tcp.down(b"banner").up(b"one").down(b"two")
        tcp.close()
    Tcp(wire, client=("10.0.0.1", 40004)).up(b"in the middle of one").down(b"answer")
    Tcp(wire, client=("10.0.0.1", 40001), isn=(77, 88)).open().up(b"the ports again").close()
    told = Trial(everything, lambda *_: False).feed(wire).finish().left
    client, server = bytes([10, 0, 0, 1]), bytes([172, 30, 0, 30])
    assert [min(sport, dport) for *_, sport, dport in told] == 4 * [10001]
    assert [max(sport, dport) for *_, sport, dport in told] == [40001, 40003, 40004, 40001]
    assert {frozenset(ends[:2]) for ends in told} == {frozenset((client, server))}


def test_a_new_syn_asks_again() -> None:
    answer = False
    tcp = Tcp().open().up(b"one").close()
    seen = Trial(everything, lambda *_: answer).feed(tcp.wire)
    answer = True
    seen.feed(tcp.up(b"late", 0).wire)
    assert seen.readers == []
    assert seen.feed(again(tcp.wire).open().up(b"two").wire).only.joined(True) == [b"two"]


def test_forgetting_drops_what_is_open_and_begins_again() -> None:
    wire = Wire()
    old = Tcp(wire, client=(CLIENT, 40001)).open().up(b"one", 5).ack(False)
    Tcp(wire, client=(CLIENT, 40002)).open().up(b"x").close()
    seen = Trial().feed(wire)
    seen.loop.forget()
    old.up(b"more")
    seen.feed(Tcp(wire).open().up(b"two").wire).finish()
    assert [(c.number, c.client[1]) for c in seen.closed] == [(2, 40002), (1, 40000)]
    assert seen.gaps == []
    assert seen.loop.notes.midstream_connections == 0


def test_what_was_forgotten_holds_no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("inspector.flows.reassembly.EARLY_TOTAL_LIMIT", PIECE_BYTES + 5)
    wire = Wire()
    Tcp(wire, client=(CLIENT, 40001)).open().up(b"held", 5)
    seen = Trial().feed(wire)
    seen.loop.forget()
    seen.feed(Tcp(wire).open().up(b"def", 3).up(b"abc", 0).wire).finish()
    assert seen.readers[1].joined(True) == [b"abcdef"]
    assert seen.loop.notes.limits_hit == {}


# -- limits ------------------------------------------------------------------------------


def test_beyond_the_limit_of_open_connections_the_oldest_is_given_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(table, "OPEN_LIMIT", 2)
    wire = Wire()
    for port in (40001, 40002, 40003):
        Tcp(wire, client=(CLIENT, port)).open().up(b"ask")
    seen = Trial().feed(wire)
    assert ports(seen) == [40001]
    assert seen.oddities == {"open-connections-limit": 1}
    assert list(seen.loop.notes.limits_hit) == ["open connections"]


def test_connections_reset_in_silence_rest_so_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "RESTING", 2)
    wire = Wire()
    for port in (40001, 40002, 40003):
        Tcp(wire, client=(CLIENT, port)).syn().reset(False, sequence=0)
    seen = Trial().feed(wire)
    assert ports(seen) == [40001]
    assert ports(seen.finish()) == [40001, 40002, 40003]
    assert {c.outcome for c in seen.closed} == {"refused"}


def test_closed_connections_are_detached_and_their_keys_forgotten(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(table, "LINGERING", 2)
    monkeypatch.setattr(table, "UNINTERESTING", 4)
    wire = Wire()
    for port in range(40000, 40050):
        Tcp(wire, client=(CLIENT, port), vlan=port % 3 or None).open().up(b"ask").close()
    seen = Trial().feed(wire)
    keys = seen.loop._table.keys
    assert len(seen.closed) == 50
    assert sum(half is False for half in keys.values()) <= 8
    assert sum(half is not False for half in keys.values()) <= 2 * 2 * 2
    assert len(seen.loop._table._tagged) <= 4


def test_late_data_of_a_detached_connection_opens_no_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(table, "LINGERING", 0)
    tcp = Tcp().open().up(b"ask").close().up(b"ask", 0).reset(False)
    seen = trial(tcp)
    assert len(seen.readers) == len(seen.closed) == 1


# -- keys ------------------------------------------------------------------------------------


@pytest.mark.parametrize("width", [4, 16])
def test_a_key_turned_round_twice_is_itself(width: int) -> None:
    key = b"s" * width + b"d" * width + b"\1\2\3\4"
    assert plain_reverse(key) == b"d" * width + b"s" * width + b"\3\4\1\2"
    assert plain_reverse(plain_reverse(key)) == key


# -- what is over -----------------------------------------------------------------


@pytest.mark.parametrize("acknowledged", [True, False])
def test_the_bytes_of_a_closed_connection_are_kept_for_second_copies_that_count(
    acknowledged: bool,
) -> None:
    wire = Wire()
    tcp = Tcp(wire).open().up(b"said")
    if acknowledged:
        tcp.ack(False)
    seen = Trial().feed(tcp.reset(True).wire)
    (closed,) = seen.closed
    assert isinstance(closed, TcpConnection)
    assert bool(closed.up.delivered) is not acknowledged
    for port in range(table.LINGERING):
        Tcp(wire, client=(CLIENT, 41_000 + port)).open().up(b"more").reset(True)
    seen.feed(wire)
    assert not closed.up.delivered
