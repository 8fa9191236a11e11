"""Chains of the recordings: right where the logs of the programs say what happened.

A wrong chain may be unsure of itself; one that says 0.8 or more must be right,
also when the capture lost packets, its beginning or its end.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from inspector import Report, inspect
from inspector.inspection import Inspector
from inspector.model.conclusions import RELIABLE
from inspector.pcap.reader import open_captures
from inspector.wire import Batch
from tests.chain.truth import Judged, judge, truth_of
from tests.truth.real import RECORDINGS, needs_recordings

CAPTURES = Path(__file__).resolve().parents[2] / "captures"
GOLDEN = sorted(path.parent for path in CAPTURES.glob("*/truth.json"))
REAL = sorted(path.parent for path in RECORDINGS.glob("*/truth.json"))

Damage = Callable[[list[tuple[int, int, int, int]], random.Random], list[tuple[int, int, int, int]]]


def dropped(share: float) -> Damage:
    return lambda records, chance: [item for item in records if chance.random() >= share]


def without_beginning(
    records: list[tuple[int, int, int, int]], chance: random.Random
) -> list[tuple[int, int, int, int]]:
    return records[chance.randrange(len(records)) :]


def without_end(
    records: list[tuple[int, int, int, int]], chance: random.Random
) -> list[tuple[int, int, int, int]]:
    return records[: chance.randrange(1, len(records) + 1)]


DAMAGES: dict[str, Damage] = {
    "1 % dropped": dropped(0.01),
    "5 % dropped": dropped(0.05),
    "20 % dropped": dropped(0.20),
    "beginning cut": without_beginning,
    "end cut": without_end,
}


@cache
def batches(folder: Path) -> tuple[Batch, ...]:
    (reader,) = open_captures([str(next(folder.glob("capture.pcap*")))], None)
    try:
        return tuple(reader)
    finally:
        reader.close()


def damaged(folder: Path, damage: Damage, seed: str) -> Report:
    chance = random.Random(f"{folder.name} {seed}")
    whole = batches(folder)
    kept = set(damage([record for batch in whole for record in batch.records], chance))
    inspector = Inspector()
    for batch in whole:
        records = [record for record in batch.records if record in kept]
        if records:
            inspector.feed(Batch(batch.data, records, batch.link_type, batch.first_packet))
    return inspector.finish()


@cache
def judged(folder: Path) -> list[Judged]:
    return judge(inspect(folder), truth_of(folder))


def wrong_and_sure(rows: list[Judged]) -> list[Judged]:
    return [
        row
        for row in rows
        if row.chain.confidence >= RELIABLE and not (row.is_right and row.answer_is_right)
    ]


@pytest.mark.parametrize("folder", GOLDEN, ids=lambda folder: folder.name)
def test_every_call_of_a_golden_capture_has_its_tunnel_and_its_answerer(folder: Path) -> None:
    rows = judged(folder)
    assert [row for row in rows if not (row.is_right and row.answer_is_right)] == []


def test_all_calls_of_the_golden_captures_have_a_chain() -> None:
    assert sum(len(judged(folder)) for folder in GOLDEN) >= 205


@needs_recordings
def test_chains_of_the_real_stack_are_right() -> None:
    rows = [row for folder in REAL for row in judged(folder)]
    right = [row for row in rows if row.is_right and row.answer_is_right]
    assert len(rows) >= 100
    assert len(right) >= 0.95 * len(rows)
    assert wrong_and_sure(rows) == []


def test_most_chains_may_be_relied_on() -> None:
    rows = [row for folder in GOLDEN for row in judged(folder)]
    assert sum(row.chain.confidence >= RELIABLE for row in rows) >= 0.95 * len(rows)


@pytest.mark.parametrize("name", DAMAGES)
def test_a_damaged_capture_makes_chains_unsure_but_never_surely_wrong(name: str) -> None:
    rows = [
        row
        for folder in GOLDEN
        for seed in "ab"
        for row in judge(damaged(folder, DAMAGES[name], seed), truth_of(folder))
    ]
    assert len(rows) > 100
    assert wrong_and_sure(rows) == []
