"""Secrets that come while packets come: records wait for them, so long and no longer."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from inspector.decryption.keystore import Keystore
from inspector.decryption.session import (
    SECRETS_LIMIT,
    SECRETS_PATIENCE,
    Hole,
    Plain,
    TlsSession,
)
from tests.decryption.made import RANDOM, Talk, log

LABELS = (
    "CLIENT_HANDSHAKE_TRAFFIC_SECRET",
    "SERVER_HANDSHAKE_TRAFFIC_SECRET",
    "CLIENT_TRAFFIC_SECRET_0",
    "SERVER_TRAFFIC_SECRET_0",
)


class Live:
    """A session whose secrets come when the test says so; one packet a millisecond."""

    def __init__(self) -> None:
        self.keys = Keystore(expects=True)
        self.session = TlsSession(self.keys)
        self.said = {True: b"", False: b""}
        self.holes = 0
        self.at = self.packet = 0

    def pass_on(self, told: Iterable[Plain | Hole]) -> None:
        for item in told:
            if isinstance(item, Plain):
                self.said[item.up] += item.segment[2]
                assert item.segment[1] <= self.packet
            else:
                self.holes += 1

    def flight(self, up: bool, data: bytes) -> None:
        self.at += 1_000_000
        self.packet += 1
        self.pass_on(self.session.receive(up, [(self.at, self.packet, data)]))

    @property
    def waits(self) -> bool:
        """Whether it has not been given up."""
        return not self.session.is_over

    def secrets(self, *labels: str) -> None:
        self.keys.read(log(0x1301, *labels), "ebpf")


def talk() -> Talk:
    return Talk(0x1301).tell(True, b"ask").tell(False, b"answer").tell(True, b"more")


@pytest.mark.parametrize("after", range(len(talk().flights) + 1))
def test_it_makes_no_difference_after_which_packet_the_secrets_come(after: int) -> None:
    live = Live()
    for number, (up, data) in enumerate(talk().flights):
        if number == after:
            live.secrets(*LABELS)
        live.flight(up, data)
    if after == len(talk().flights):
        live.secrets(*LABELS)
    live.pass_on(live.session.settle())
    assert live.said == {True: b"askmore", False: b"answer"}
    assert (live.session.state, live.session.source) == ("decrypted", "ebpf")


def test_some_of_the_secrets_are_not_enough() -> None:
    live = Live()
    flights = talk().flights
    live.flight(*flights[0])
    live.secrets(*LABELS[:2])
    for flight in flights[1:-1]:
        live.flight(*flight)
    assert live.said == {True: b"", False: b""}
    live.secrets(*LABELS[2:])
    live.flight(*flights[-1])
    assert live.said == {True: b"askmore", False: b"answer"}


def test_what_is_missing_meanwhile_stays_missing() -> None:
    live = Live()
    flights = talk().flights
    for up, data in flights[:-2]:
        live.flight(up, data)
    live.pass_on(live.session.gap(False, len(flights[-2][1]), live.at, live.packet))
    live.secrets(*LABELS)
    live.flight(*flights[-1])
    live.pass_on(live.session.settle())
    assert live.said[True] == b"askmore"
    assert live.said[False] == b""


def test_nothing_waits_longer_than_two_seconds_of_the_packets_clock() -> None:
    live = Live()
    flights = talk().flights
    for flight in flights[:-1]:
        live.flight(*flight)
    before = live.waits
    live.at += SECRETS_PATIENCE
    live.flight(*flights[-1])
    assert (before, live.waits) == (True, False)
    live.secrets(*LABELS)
    live.pass_on(live.session.settle())
    assert live.session.state == "no-keys"
    assert live.said == {True: b"", False: b""}


def test_nothing_waits_that_is_more_than_a_megabyte() -> None:
    live = Live()
    long = talk()
    for _ in range(SECRETS_LIMIT // 16_400):
        long.tell(False, bytes(16_000))
    for flight in long.flights:
        live.flight(*flight)
    before = live.waits
    for flight in Talk(0x1301).tell(False, bytes(16_000)).flights[-1:] * 2:
        live.flight(*flight)
    assert (before, live.waits) == (True, False)


def test_all_that_waits_is_bounded_whatever_the_number_of_connections(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    flights = talk().flights
    size = sum(len(data) for _, data in flights) + 192 * len(flights) * 2
    monkeypatch.setattr("inspector.decryption.keystore.WAITING_LIMIT", 2 * size)
    keys = Keystore(expects=True)
    many = []
    for number in range(8):
        live = Live()
        live.keys = keys
        live.session = TlsSession(keys)
        many.append(live)
        for up, data in flights:
            live.flight(up, data.replace(RANDOM, bytes((number,)) * 32))
    waiting = [live.waits for live in many]
    assert 1 < sum(waiting) < len(many)
    assert waiting == sorted(waiting, reverse=True)  # who came first waits on
    assert keys.limits == ("bytes of records that wait for secrets",)
    for live in many:
        live.pass_on(live.session.settle())
    again = Live()
    again.keys, again.session = keys, TlsSession(keys)
    for up, data in flights:
        again.flight(up, data)
    assert again.waits  # what was given up left its room


def test_of_two_legs_of_a_session_the_first_is_read_whoever_hears_the_server_first() -> None:
    near, far = Live(), Live()
    far.keys = near.keys
    far.session = TlsSession(near.keys)
    flights = talk().flights
    near.flight(*flights[0])
    far.flight(*flights[0])
    near.secrets(*LABELS)
    for flight in flights[1:]:
        far.flight(*flight)
        near.flight(*flight)
    assert near.session.state == "decrypted"
    assert far.session.is_other_leg
    assert far.said == {True: b"", False: b""}


def test_without_the_prospect_of_secrets_nothing_waits() -> None:
    session = TlsSession(Keystore())
    up, data = talk().flights[0]
    session.receive(up, [(0, 1, data)])
    assert session.is_over
