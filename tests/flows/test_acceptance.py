"""A RST, SYN or FIN that no receiver takes changes nothing; what follows an end is not lost."""

from __future__ import annotations

import pytest

from inspector.flows import table
from tests.flows.build import CLIENT, MILLISECOND, Tcp, Trial, Wire, trial

ISN = {True: 1000, False: 5000}
LATE = 700_000_000, 800_000_000


def talk() -> Tcp:
    """A connection on which something was said, all of it acknowledged."""
    return Tcp().open().up(b"ask").ack(False).down(b"answer").ack(True)


def reasons(seen: Trial) -> list[tuple[str | None, str]]:
    return [(item.connection, item.reason) for item in seen.loop.notes.unread.facts()]


def closed_by(seen: Trial) -> list[str | None]:
    return [connection.closed_by for connection in seen.closed]


# -- RST ------------------------------------------------------------------------------


@pytest.mark.parametrize("up", [True, False])
@pytest.mark.parametrize("off", [-1, -500, 20 << 20, 900_000_000, -900_000_000])
def test_a_reset_outside_the_window_changes_nothing(up: bool, off: int) -> None:
    tcp = talk()
    tcp.reset(up, sequence=ISN[up] + 1 + tcp.sent[up] + off)

    seen = trial(tcp.up(b"more").ack(False).down(b"other").ack(True).close())

    assert seen.only.joined(True) == [b"askmore", None]
    assert seen.only.joined(False) == [b"answerother", None]
    assert closed_by(seen) == ["client"]
    assert seen.oddities == {"reset-not-in-window": 1}
    assert reasons(seen) == []


@pytest.mark.parametrize("up", [True, False])
def test_a_reset_within_the_window_waits_for_what_follows(up: bool) -> None:
    """RFC 5961 3.2: such a RST is answered, and the connection goes on if it was forged."""
    tcp = talk()
    tcp.reset(up, sequence=ISN[up] + 1 + tcp.sent[up] + 10)

    seen = trial(tcp.send(up, b"more").ack(not up).close())

    assert seen.only.joined(up)[-2:] == [{True: b"askmore", False: b"answermore"}[up], None]
    assert closed_by(seen) == ["client"]
    assert seen.oddities == {"reset-not-in-window": 1}


def test_a_reset_within_the_window_that_nothing_follows_closed_the_connection() -> None:
    tcp = talk()
    tcp.reset(False, sequence=ISN[False] + 1 + tcp.sent[False] + 10)
    at = tcp.wire.now

    seen = trial(tcp.up(b"crossed"))

    assert closed_by(seen) == ["reset-by-server"]
    assert seen.closed[0].closed_at == at
    assert seen.oddities == {}


def test_a_reset_behind_bytes_that_the_capture_lacks_closed_the_connection() -> None:
    tcp = talk()
    tcp.sent[True] += 100
    seen = trial(tcp.ack(False).reset(True))

    assert closed_by(seen) == ["reset-by-client"]
    assert seen.gaps == [(True, 100)]


@pytest.mark.parametrize("acked", [-1, 1])
def test_a_reset_that_answers_another_syn_refuses_nothing(acked: int) -> None:
    tcp = Tcp().syn().reset(False, sequence=0, acked=acked)
    seen = trial(tcp.syn_ack().ack(True).up(b"ask"))

    assert [connection.outcome for connection in seen.closed] == ["established"]
    assert seen.oddities == {"reset-not-in-window": 1}


def test_a_reset_of_the_older_connection_of_the_ports_ends_no_attempt() -> None:
    """RFC 9293 figure 9: the server still has it, acknowledges, is reset, and takes the SYN."""
    tcp = Tcp().syn().send(False, b"", sequence=900_000, acked=28_258, flags=0x10)
    tcp.reset(True, sequence=1001 + 28_258).syn(after=1000 * MILLISECOND).syn_ack().ack(True)
    seen = trial(tcp.up(b"ask").down(b"answer").close())

    assert seen.only.joined(True) == [b"ask", None]
    assert closed_by(seen) == ["client"]
    assert reasons(seen) == []


def test_a_connection_that_goes_on_behind_a_reset_is_read_to_its_end() -> None:
    tcp = Tcp().open().reset(True).up(b"ask").end(True).down(b"answer").ack(True).end(False)
    seen = trial(tcp.ack(True))

    assert seen.only.joined(True) == [b"ask", None]
    assert seen.only.joined(False) == [b"answer", None]
    assert (seen.oddities, reasons(seen)) == ({}, [])


@pytest.mark.parametrize(("off", "by"), [(0, "reset-by-server"), (-1, None), (1 << 27, None)])
def test_picked_up_in_mid_stream_a_reset_is_measured_by_the_other_end(
    off: int, by: str | None
) -> None:
    tcp = Tcp()
    tcp.sent = {True: 500, False: 900}
    tcp.up(b"ask").reset(False, sequence=ISN[False] + 1 + 900 + off).up(b"more")

    assert closed_by(trial(tcp)) == [by]


def test_a_reset_picked_up_alone_in_mid_stream_ends_what_does_not_go_on() -> None:
    """Nothing is known of the other end: an exact match cannot be asked for."""
    tcp = Tcp()
    tcp.sent = {True: 500, False: 900}
    seen = trial(tcp.up(b"ask").reset(True, sequence=ISN[True] + 1 + 2000))

    assert closed_by(seen) == ["reset-by-client"]


def test_text_in_a_reset_is_not_of_the_stream() -> None:
    """RFC 1122 4.2.2.12: it may say why."""
    seen = trial(talk().send(True, b"go away", flags=0x14))

    assert seen.only.joined(True) == [b"ask"]
    assert closed_by(seen) == ["reset-by-client"]


# -- what follows an end --------------------------------------------------------------


@pytest.mark.parametrize("apart", [False, True])
def test_data_of_the_end_that_reset_says_that_nobody_took_the_reset(apart: bool) -> None:
    """Such a RST bore a wrong checksum, or came from elsewhere."""
    tcp = talk().reset(True)
    seen = trial(tcp.up(b"more", 3 + apart).ack(False).down(b"other"))

    assert seen.oddities == {"data-after-close": 1}
    assert reasons(seen) == [("c1", "after-close")]


def test_what_the_end_that_reset_acknowledges_says_so_as_well() -> None:
    tcp = talk().reset(False)
    seen = trial(tcp.up(b"more").ack(False))

    assert seen.oddities == {"data-after-close": 1}
    assert reasons(seen) == [("c1", "after-close")]


def test_data_behind_a_reset_that_found_nothing_said_is_read_and_nothing_is_lost() -> None:
    """Scanners do so."""
    tcp = Tcp().open().reset(True).up(b"ask").ack(False).down(b"answer").ack(True)
    seen = trial(tcp)

    assert seen.only.joined(True) == [b"ask"]
    assert (seen.oddities, reasons(seen)) == ({}, [])


def test_data_that_crosses_a_reset_on_the_wire_is_nobodys_loss() -> None:
    tcp = talk().reset(True)
    tcp.down(b"more", 6).down(b"apart", 50).reset(True, flags=0x04)

    seen = trial(tcp)

    assert (seen.oddities, reasons(seen)) == ({}, [])


def test_data_behind_both_fins_is_told_of() -> None:
    tcp = talk().close()
    seen = trial(tcp.up(b"more", 4).ack(False))

    assert seen.oddities == {"data-after-close": 1}
    assert reasons(seen) == [("c1", "after-close")]


def test_data_behind_its_own_fin_is_told_of() -> None:
    seen = trial(talk().end(True).up(b"more", 4).ack(False))

    assert seen.oddities == {"data-after-end": 1}
    assert reasons(seen) == [("c1", "after-close")]


@pytest.mark.parametrize("tagged", [None, 7])
def test_data_long_behind_the_end_is_told_of_and_a_late_copy_is_not(
    monkeypatch: pytest.MonkeyPatch, tagged: int | None
) -> None:
    monkeypatch.setattr(table, "LINGERING", 0)
    wire = Wire()
    for port in (40001, 40002):
        tcp = Tcp(wire, client=(CLIENT, port), vlan=tagged).open().up(b"ask").close()
        tcp.up(b"ask", 0)
    tcp.up(b"more", 4)

    seen = trial(tcp)

    assert seen.oddities == {"data-after-close": 1}
    assert reasons(seen) == [("c2", "after-close")]
    assert len(seen.readers) == 2


# -- SYN ------------------------------------------------------------------------------


@pytest.mark.parametrize("up", [True, False])
def test_a_syn_within_a_connection_that_goes_on_changes_nothing(up: bool) -> None:
    tcp = talk()
    forged = Tcp(tcp.wire, isn=LATE)
    if up:
        forged.syn()
    else:
        forged.syn_ack(acked=77)

    seen = trial(tcp.ack(False).up(b"more").ack(False).down(b"other").ack(True).close())

    assert seen.only.joined(True) == [b"askmore", None]
    assert seen.only.joined(False) == [b"answerother", None]
    assert closed_by(seen) == ["client"]
    assert seen.oddities == {"syn-in-connection": 1}


def test_a_syn_that_its_server_takes_begins_the_next_connection() -> None:
    tcp = talk()
    again = Tcp(tcp.wire, isn=LATE).syn()
    at = again.wire.now
    seen = trial(again.syn_ack().ack(True).up(b"two").ack(False).close())

    assert [reader.joined(True) for reader in seen.readers] == [[b"ask"], [b"two", None]]
    assert [connection.opened_at for connection in seen.closed][1] == at
    assert seen.gaps == []
    assert (seen.oddities, reasons(seen)) == ({}, [])
    assert seen.loop.notes.tcp_packets == len(again.wire.packets)


@pytest.mark.parametrize("refused", [False, True])
def test_a_syn_that_nobody_takes_behind_a_connection_is_one_of_its_own(refused: bool) -> None:
    tcp = talk()
    again = Tcp(tcp.wire, isn=LATE).syn().syn(after=1000 * MILLISECOND)
    if refused:
        again.reset(False, sequence=0)

    seen = trial(again)

    assert [c.outcome for c in seen.closed] == [
        "established",
        "refused" if refused else "unanswered",
    ]
    assert seen.gaps == []


def test_forged_syn_and_syn_ack_hide_nothing() -> None:
    """Whoever forges both ends is found out by the data of the connection that goes on."""
    tcp = talk()
    Tcp(tcp.wire, isn=(3_000_000_000, 1_500_000_000)).open()

    seen = trial(tcp.up(b"more").ack(False).down(b"other").ack(True).close())

    assert seen.oddities == {"impossible-acknowledgement": 4}
    assert reasons(seen) == [("c2", "after-close")]


# -- FIN and acknowledgements ---------------------------------------------------------


def test_a_fin_out_of_every_window_changes_nothing() -> None:
    tcp = talk().send(True, b"", flags=0x11, sequence=1001 + (3 << 29))
    seen = trial(tcp.up(b"more").ack(False).close())

    assert seen.only.joined(True) == [b"askmore", None]
    assert seen.oddities == {"fin-not-in-window": 1}


def test_a_segment_that_acknowledges_the_impossible_is_dropped() -> None:
    tcp = talk()
    tcp.send(True, b"", flags=0x11, acked=3 << 29).send(True, b"de", 4, acked=3 << 29)
    seen = trial(tcp.up(b"more", 3).ack(False).close())

    assert seen.only.joined(True) == [b"askmore", None]
    assert seen.oddities == {"impossible-acknowledgement": 2}
    assert closed_by(seen) == ["client"]
    assert reasons(seen) == [("c1", "after-close")]


@pytest.mark.parametrize("off", [-5000, -(1 << 29), 3 << 29])
def test_data_far_from_all_that_was_sent_is_told_of(off: int) -> None:
    tcp = talk().send(True, b"far", 0, sequence=1001 + off)
    seen = trial(tcp.up(b"more", 3).ack(False).close())

    assert seen.only.joined(True) == [b"askmore", None]
    assert seen.oddities == {"data-not-in-window": 1}
    assert reasons(seen) == [("c1", "after-close")]
