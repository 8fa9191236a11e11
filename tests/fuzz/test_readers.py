"""Every reader of the wire outlives what is damaged: no fault of ours, no key, nothing made up."""

from __future__ import annotations

import random
import re

import pytest

from inspector.decryption.keystore import Keystore
from inspector.report.formats.whole import as_json
from inspector.report.page.terminal import render
from tests.fuzz.held import failures, played, report_of
from tests.fuzz.talks import LABELS, OTHER, SECRET, TALKS, damaged, key_of
from tests.leaks.artifacts import without_fingerprints
from tests.redaction.test_packets import redacted

KEY = key_of(SECRET)
#: What a mask ends with is made of the run's key, which is drawn anew.
_TAIL = re.compile(rb"((?<=[xX]{2}))[0-9]{1,8}|(value=)[0-9a-f]{12}")


@pytest.mark.parametrize("name", TALKS)
def test_the_conversations_themselves_are_read(name: str) -> None:
    talk = TALKS[name](KEY)
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
    text = b"\n".join((*TALKS["tls"](KEY).key_log, b"# a comment", b"CLIENT_RANDOM 00 00"))
    found = damaged(text, rng)
    store = Keystore()
    store.read(found.splitlines(), "keylog")
    assert store.lines + store.unread_lines <= found.count(b"\n") + found.count(b"\r") + 9
    random_of = bytes.fromhex(TALKS["tls"](KEY).key_log[0].split()[1].decode())
    for label, secret in (store.of(random_of) or {}).items():
        assert label in (*LABELS, "CLIENT_RANDOM")
        assert 16 <= len(secret) <= 64


@pytest.mark.parametrize("seed", [None, *range(8)])
@pytest.mark.parametrize("name", TALKS)
def test_nothing_that_is_left_tells_one_key_from_another(name: str, seed: int | None) -> None:
    """Non-interference, for each reader: whole, and cut and lost alike."""
    assert OTHER != SECRET
    assert sorted(OTHER) == sorted(SECRET)
    left = []
    for secret in (SECRET, OTHER):
        talk = TALKS[name](key_of(secret))
        packets = played(talk.flights, random.Random(seed or 0), rough=seed is not None)
        report = report_of(talk, packets)
        out, _ = redacted(packets)
        page = render(report, width=200, verbosity=2).encode()
        texts = [without_fingerprints(as_json(report)), without_fingerprints(page)]
        marks = [repr((part.records, part.comments)).encode() for part in out]
        # Of a stream whose start is lost line ends stay, and in what is coded they are by chance.
        is_coded = "tls" in name or "deflated" in name
        copies = [] if is_coded and seed is not None else [part.data for part in out]
        left.append([*texts, *(_TAIL.sub(b"", each) for each in (*copies, *marks))])
    assert left[0] == left[1]
