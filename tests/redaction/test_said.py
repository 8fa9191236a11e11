"""What packets say between their masks, by the compiled core and without it."""

from __future__ import annotations

from collections.abc import Iterator
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector.native.used import USED
from inspector.redaction import said as module
from inspector.redaction.audit import Audit
from inspector.redaction.said import LEAST, Sayings, texts
from inspector.redaction.usual import usual_segments
from inspector.secret import Secret
from inspector.wire import Batch
from tests.flows.build import Tcp, native_core
from tests.redaction.test_audit import PLAIN, batches, knowing

MASK = b"x" * 16


def of(*frames: bytes) -> Batch:
    """A batch of frames that are not usual: all of each is text."""
    records, at = [], 0
    for number, frame in enumerate(frames):
        records.append((number, at, len(frame), len(frame)))
        at += len(frame)
    return Batch(b"".join(frames), records, 1, 1)


def both(batch: Batch) -> Iterator[list[bytes]]:
    """What each engine says of it."""
    for core in (native_core(), None):
        with patch.object(USED, "core", core):
            yield list(texts(batch, usual_segments(batch)))


def agreed(batch: Batch) -> list[bytes]:
    first, second = both(batch)
    assert first == second
    return first


@pytest.mark.parametrize("masks", [MASK, 17 * b"x", 700 * b"x"])
def test_long_masks_part_texts_and_are_none(masks: bytes) -> None:
    assert agreed(of(masks + b"some words" + masks + b", xxx, others" + masks)) == [
        b"some words", b", xxx, others",
    ]  # fmt: skip


def test_a_short_mask_belongs_to_its_text() -> None:
    assert agreed(of(b"id: " + MASK[1:] + b"7")) == [b"id: " + MASK[1:] + b"7"]


def test_the_end_of_a_packet_parts_texts_whatever_they_end_with() -> None:
    frames = (b"a packet xxx", b"xxxxxxxxxxxxxx another", b"xx\nthe third")
    assert agreed(of(*frames)) == list(frames)


def test_a_text_that_is_said_again_is_told_once() -> None:
    assert agreed(of(b"words, words", b"others, others", b"words, words")) == [
        b"words, words", b"others, others",
    ]  # fmt: skip


def test_what_is_too_short_for_a_piece_of_a_credential_is_left_out() -> None:
    assert LEAST == 8
    assert agreed(of(b"7 bytes", b"8 bytes.", b"less" + MASK + b"than 8.")) == [b"8 bytes."]


def test_the_headers_of_usual_packets_are_no_text() -> None:
    tcp = Tcp().open().up(b"GET / HTTP/1.1").down(b"HTTP/1.1 200 OK")
    [batch] = batches(tcp.wire.packets)
    assert agreed(batch)[-2:] == [b"GET / HTTP/1.1", b"HTTP/1.1 200 OK"]


PARTS = st.sampled_from([b"x", b"x" * 7, b"x" * 9, MASK, b"x" * 33, b"word", b"\n", b"Xx\0longer"])
FRAMES = st.lists(st.lists(PARTS, max_size=8).map(b"".join), max_size=6)


@given(FRAMES)
def test_both_engines_find_the_same_texts(frames: list[bytes]) -> None:
    agreed(of(*frames))


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TEXTS", 10)
    monkeypatch.setattr(module, "BYTES", 300)
    monkeypatch.setattr(module, "LONGEST", 150)
    sayings = Sayings()
    for number in range(200):
        batch = of(b"%03d words" % number, b"%03d" % number * (20 + number))
        sayings.remember(sayings.new(batch, usual_segments(batch), 1))
        assert sum(map(len, sayings._clear)) == sayings._bytes <= 300
        assert len(sayings._clear) <= 10
    batch = of(b"199 words", b"new words")
    assert sayings.new(batch, usual_segments(batch), 1) == [b"new words"]


def test_what_holds_a_credential_is_found_however_often_it_is_said() -> None:
    body = b'{"a":"%s"}' % b"".join(b"%%%02X" % byte for byte in PLAIN)
    audit = Audit(knowing(PLAIN))
    place = 0
    for number in range(3):
        [batch] = batches(Tcp().open().up(body).wire.packets)
        [hidden] = audit.look(batch, place, 4 * number)
        assert hidden.start == place + batch.data.index(b"%")
        place += len(batch.data)
    assert audit.found.keys == 3


def test_what_was_clear_is_looked_at_again_when_a_credential_was_learnt() -> None:
    body = b'{"a":"%s"}' % b"".join(b"%%%02X" % byte for byte in PLAIN)
    vault = knowing(b"zq81-made-up-LABONLY-7731")
    audit = Audit(vault)
    [batch] = batches(Tcp().open().up(body).wire.packets)
    assert audit.look(batch, 0, 1) == []
    vault.learn(Secret(PLAIN))
    [hidden] = audit.look(batch, 0, 5)
    assert hidden.start == batch.data.index(b"%")
