"""Of all the keys planted in a capture, the redacted packets hold no piece; the report holds."""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest

from inspector.inspection import Inspector, Options
from inspector.pcap.reader import merged, open_captures
from inspector.redaction import Redactor
from inspector.report.formats.whole import as_dict
from inspector.wire import Batch
from tests.canary.damage import in_pieces
from tests.canary.keys import Watch
from tests.canary.planted import Planted, planted
from tests.canary.plants import CUSTOM_HEADER, POSITIONS, TEXTS, UNSHOWN
from tests.canary.wire import Description, Talk, capture

OPTIONS = Options(scope="all", fingerprint_key=b"lab" * 11, auth_headers=(CUSTOM_HEADER,))
EVERYTHING = (
    *planted(POSITIONS, "unshaped", "anthropic", "jwt", "aws"),
    *planted(TEXTS, "openai", "github", "google-oauth"),
    *planted(UNSHOWN, "github-fine-grained"),
)
SAMPLE = (
    *planted(POSITIONS, "unshaped"),
    *planted(TEXTS, "anthropic"),
    *planted(UNSHOWN, "openai-project"),
)


def batches_of(talks: Sequence[Talk], folder: Path) -> list[Batch]:
    path = folder / "planted.pcapng"
    path.write_bytes(capture(list(talks), Description()))
    return list(merged(open_captures([path])))


def redacted(batches: Iterable[Batch], **more: Any) -> list[Batch]:
    redactor = Redactor(auth_headers=(CUSTOM_HEADER,), **more)
    out = [ready for batch in batches for ready in redactor.feed(batch)]
    return [*out, *redactor.finish()]


def report_of(batches: Iterable[Batch]) -> Any:
    inspector = Inspector(OPTIONS)
    for batch in batches:
        inspector.feed(batch)
    return unfingerprinted(as_dict(inspector.finish()))


def unfingerprinted(fact: Any) -> Any:
    """A report as plain data without its fingerprints."""
    if isinstance(fact, dict):
        return {
            unfingerprinted(name): unfingerprinted(value)
            for name, value in fact.items()
            if name != "fingerprint"
        }
    if isinstance(fact, list):
        return [unfingerprinted(item) for item in fact]
    return re.sub(r" [0-9a-f]{12}>", ">", fact) if isinstance(fact, str) else fact


def everything_in(batches: Sequence[Batch]) -> bytes:
    comments = [text for b in batches for texts in b.comments.values() for text in texts]
    return b"\n".join([*(b.data for b in batches), *(text.encode() for text in comments)])


def streams_in(batches: Sequence[Batch]) -> bytes:
    """All payloads of each direction joined, so that keys across packets are whole."""
    streams: dict[bytes, list[bytes]] = {}
    for batch in batches:
        for _, start, captured, _ in batch.records:
            frame = batch.data[start : start + captured]
            streams.setdefault(frame[26:38], []).append(frame[54:])
    return b"\n".join(b"".join(parts) for parts in streams.values())


def leaks(items: Sequence[Planted], batches: Sequence[Batch]) -> list[str]:
    watch = Watch([item.key for item in items])
    return sorted({*watch.leaks(everything_in(batches)), *watch.leaks(streams_in(batches))})


@pytest.mark.parametrize("keep_bodies", [False, True], ids=["", "bodies kept"])
def test_no_byte_of_a_redacted_capture_is_a_piece_of_a_key(
    keep_bodies: bool, tmp_path: Path
) -> None:
    before = batches_of([item.talk for item in EVERYTHING], tmp_path)
    assert len(leaks(EVERYTHING, before)) > 400
    after = redacted(before, keep_bodies=keep_bodies)
    assert leaks(EVERYTHING, after) == []


@pytest.mark.parametrize("keep_bodies", [False, True], ids=["", "bodies kept"])
def test_the_report_of_the_redacted_capture_is_that_of_the_original(
    keep_bodies: bool, tmp_path: Path
) -> None:
    before = batches_of([item.talk for item in EVERYTHING], tmp_path)
    copied, original = report_of(redacted(before, keep_bodies=keep_bodies)), report_of(before)
    assert copied == original


@pytest.mark.parametrize("size", [pytest.param(1, marks=pytest.mark.long), 7, 40])
def test_keys_that_span_segments_are_masked_and_the_report_holds(size: int, tmp_path: Path) -> None:
    talks = [in_pieces(item.talk, size, 0, random.Random(size)) for item in SAMPLE]
    before = batches_of(talks, tmp_path)
    after = redacted(before)
    assert leaks(SAMPLE, after) == []
    assert report_of(after) == report_of(before)


def test_lengths_times_and_numbers_stay(tmp_path: Path) -> None:
    before = batches_of([item.talk for item in SAMPLE], tmp_path)
    after = redacted(before)

    def outline(batches: Sequence[Batch]) -> list[tuple[int, int, int, int]]:
        return [
            (b.first_packet + i, at, captured, wire)
            for b in batches
            for i, (at, _, captured, wire) in enumerate(b.records)
        ]

    assert outline(after) == outline(before)


#: Where a loss can take the only thing by which a key could be known.
UNKNOWABLE = {
    "method",
    "server name of TLS",
    "server name of TLS in a tunnel",
    "JSON in an error",
    "?key in an error",
    "bearer in an error",
    "header in a reason",
}


@pytest.mark.parametrize("size", [pytest.param(1, marks=pytest.mark.long), 3, 11, 30])
def test_with_segments_lost_what_is_left_of_a_key_is_masked(size: int, tmp_path: Path) -> None:
    rng = random.Random(size)
    items = [item for item in SAMPLE if item.place not in UNKNOWABLE]
    talks = [in_pieces(item.talk, size, 0.05, rng) for item in items]
    after = redacted(batches_of(talks, tmp_path))
    assert leaks(items, after) == []
