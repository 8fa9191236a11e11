"""Every reader of the wire outlives what is damaged: no fault of ours, no key, nothing made up."""

from __future__ import annotations

import random

import pytest

from inspector.decryption.keystore import Keystore
from tests.fuzz.held import failures, played, report_of
from tests.fuzz.talks import LABELS, TALKS, damaged


@pytest.mark.parametrize("name", TALKS)
def test_the_conversations_themselves_are_read(name: str) -> None:
    talk = TALKS[name]()
    report = report_of(talk, played(talk.flights, random.Random(10), rough=False))
    assert report.oddities == ()
    assert report.exchanges
    for exchange in report.exchanges:
        assert exchange.response, exchange
    if talk.key_log:
        assert all(exchange.decrypted for exchange in report.exchanges)


@pytest.mark.parametrize(
    "count", [30, pytest.param(2000, marks=pytest.mark.long)], ids=["some", "many"]
)
@pytest.mark.parametrize("name", TALKS)
def test_a_damaged_conversation_is_a_report_like_any_other(name: str, count: int) -> None:
    found = {seed: told for seed in range(count) if (told := list(failures(name, seed)))}
    assert not found, f"{len(found)} of {count}, the first: {dict(list(found.items())[:3])}"


@pytest.mark.parametrize("seed", range(60))
def test_a_damaged_key_log_gives_whole_secrets_or_none(seed: int) -> None:
    rng = random.Random(seed)
    text = b"\n".join((*TALKS["tls"]().key_log, b"# a comment", b"CLIENT_RANDOM 00 00"))
    found = damaged(text, rng)
    store = Keystore()
    store.read(found.splitlines(), "keylog")
    assert store.lines + store.unread_lines <= found.count(b"\n") + found.count(b"\r") + 9
    random_of = bytes.fromhex(TALKS["tls"]().key_log[0].split()[1].decode())
    for label, secret in (store.of(random_of) or {}).items():
        assert label in (*LABELS, "CLIENT_RANDOM")
        assert 16 <= len(secret) <= 64
