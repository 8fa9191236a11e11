"""A build that nobody knows is learnt from its own sessions, and from nothing else."""

from __future__ import annotations

import random as chance

import pytest

from inspector.linux.ebpf.keys import UnplacedSecret
from inspector.live import calibration
from inspector.live.calibration import Calibration
from inspector.secret import Secret

LABELS = ("CLIENT_HANDSHAKE_TRAFFIC_SECRET", "SERVER_HANDSHAKE_TRAFFIC_SECRET")
PLACE = 0x1A8
ONE, OTHER = bytes(range(32)), bytes(range(100, 132))


def unplaced(label: str, random: bytes, *at: int, seed: int = 1) -> UnplacedSecret:
    """A secret, and a structure of noise that has the random at some places."""
    window = bytearray(chance.Random(seed).randbytes(1024))
    for place in at:
        window[place : place + 32] = random
    secret = Secret(label.encode()[:32])
    return UnplacedSecret(7, 3, label, secret, Secret(bytes(window)))


def test_two_labels_of_one_session_settle_it() -> None:
    found = Calibration()
    assert list(found.hello([ONE])) == []
    assert list(found.take(unplaced(LABELS[0], ONE, PLACE))) == []
    told = list(found.take(unplaced(LABELS[1], ONE, PLACE, seed=2)))
    assert found.offset == PLACE
    assert [(each.label, each.random, each.pid, each.probe) for each in told] == [
        (label, ONE, 7, 3) for label in LABELS
    ]
    assert [each.secret.reveal() for each in told] == [label.encode()[:32] for label in LABELS]


def test_secrets_may_come_before_the_hello_is_seen() -> None:
    found = Calibration()
    for label in LABELS:
        assert list(found.take(unplaced(label, ONE, PLACE))) == []
    assert list(found.hello([OTHER])) == []
    assert [each.label for each in found.hello([ONE])] == list(LABELS)
    (later,) = found.take(unplaced(LABELS[0], OTHER, PLACE))
    assert later.random == OTHER


def test_two_sessions_of_tls_1_2_settle_it_too() -> None:
    found = Calibration()
    list(found.hello([ONE, OTHER]))
    assert list(found.take(unplaced("CLIENT_RANDOM", ONE, PLACE))) == []
    assert len(list(found.take(unplaced("CLIENT_RANDOM", OTHER, PLACE)))) == 2
    assert found.offset == PLACE


def test_one_label_that_is_seen_twice_settles_nothing() -> None:
    found = Calibration()
    list(found.hello([ONE]))
    for _ in range(4):
        assert list(found.take(unplaced(LABELS[0], ONE, PLACE))) == []
    assert found.offset is None


def test_where_the_random_stands_by_chance_in_one_of_them_is_not_the_place() -> None:
    found = Calibration()
    list(found.hello([ONE]))
    list(found.take(unplaced(LABELS[0], ONE, 16, PLACE)))
    list(found.take(unplaced(LABELS[1], ONE, PLACE)))
    assert found.offset == PLACE


def test_what_is_not_on_the_bridge_is_never_taken_for_a_session() -> None:
    found = Calibration()
    list(found.hello([OTHER]))
    for label in LABELS:
        assert list(found.take(unplaced(label, ONE, PLACE))) == []
    assert found.offset is None


def test_what_waits_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calibration, "WAITING_LIMIT", 4)
    monkeypatch.setattr(calibration, "RANDOMS_LIMIT", 2)
    found = Calibration()
    for number in range(9):
        assert list(found.take(unplaced(LABELS[number % 2], ONE, PLACE, seed=number))) == []
    list(found.hello([bytes((number,)) * 32 for number in range(9)]))
    assert len(list(found.hello([ONE]))) == 4
