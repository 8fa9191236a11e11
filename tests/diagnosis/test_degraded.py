"""A capture made worse says less, never something wrong, and not nothing."""

from __future__ import annotations

from collections import Counter
from functools import cache
from pathlib import Path

import pytest

from inspector import Report
from tests.diagnosis.degraded import DEGRADED, Frame, frames, report_of
from tests.diagnosis.matrix import HYPOTHESES, expect_of, folders

each = pytest.mark.parametrize("name", DEGRADED)
#: Causes that name what is seen of a failure, and not what brought it about.
SYMPTOMS = frozenset({"call-unanswered", "proxy-not-listening"})
Head = tuple[str, int, int, str, str]


@cache
def whole(folder: Path) -> Report:
    return report_of(frames(folder))


def heads(report: Report) -> list[tuple[int, Head]]:
    """Each request with the packet in which it begins."""
    return [
        (
            item.request.packet,
            (
                item.client.ip,
                item.client.port,
                item.server.port,
                item.request.method,
                item.request.target,
            ),
        )
        for item in report.exchanges
        if item.request is not None
    ]


def mistakes(folder: Path, kept: list[Frame], report: Report) -> list[str]:
    """What is said that is not so.

    What lies wholly in a part that was cut off is not expected of the rest: neither a failed
    call whose packets are gone, nor the tunnels that H4a is about.
    A symptom in the cause's place says less, and nothing wrong.
    """
    expect, found = expect_of(folder), []
    assert expect is not None
    numbers = {frame.number for frame in kept}
    cause = report.root_cause
    said_less = cause is not None and cause.code in SYMPTOMS and expect["root_cause"] is not None
    # Without its logs, which no frames hold, the whole capture may name less than with them.
    alone = whole(folder).root_cause
    said_less |= cause is not None and alone is not None and cause.code == alone.code
    # What made a failed call good may be in the part that was cut off.
    said_less |= any(call.recovered_by is not None for call in whole(folder).exchanges)
    if cause is not None and cause.code != expect["root_cause"] and not said_less:
        found.append(f"root cause {cause.code}, not {expect['root_cause']}")
    original = {item.id: item for item in whole(folder).hypotheses}
    has_tunnel = any(item.established and item.packet in numbers for item in whole(folder).tunnels)
    for item in report.hypotheses:
        true = expect[item.id]
        if true is False and item.verdict == "confirmed":
            found.append(f"{item.id} confirmed")
        shown = any(place.packet in numbers for place in original[item.id].evidence)
        if item.id == "H4a":
            shown = shown and has_tunnel
        if true is True and item.verdict == "refuted" and shown:
            found.append(f"{item.id} refuted: {item.because[0]}")
    return found


@each
def test_less_is_said_but_nothing_wrong(name: str) -> None:
    degrade, seeds = DEGRADED[name]
    wrong = []
    for folder in folders():
        for seed in range(seeds):
            kept = degrade(frames(folder), seed)
            report = report_of(kept)
            assert tuple(item.id for item in report.hypotheses) == HYPOTHESES
            wrong += [(folder.name, seed, text) for text in mistakes(folder, kept, report)]
    assert wrong == []


@pytest.mark.parametrize("name", [name for name in DEGRADED if "bytes" not in name])
def test_requests_whose_heads_survive_are_still_reported(name: str) -> None:
    """Nineteen of twenty at least; their own packets may be lost all the same, but not they."""
    degrade, seeds = DEGRADED[name]
    there, reported = 0, 0
    for folder in folders():
        for seed in range(seeds):
            kept = degrade(frames(folder), seed)
            numbers = {frame.number for frame in kept}
            survive = Counter(head for packet, head in heads(whole(folder)) if packet in numbers)
            found = Counter(head for _, head in heads(report_of(kept)))
            there += survive.total()
            reported += (survive & found).total()
    assert there > 0
    assert reported >= 0.95 * there


def test_what_is_lost_does_not_silence_the_rest() -> None:
    """Of 1 % loss most root causes survive: saying nothing would be no mistake, and no use."""
    degrade, seeds = DEGRADED["1 % dropped"]
    failing = [
        folder for folder in folders() if (expect_of(folder) or {})["root_cause"] is not None
    ]
    named = sum(
        report_of(degrade(frames(folder), seed)).root_cause is not None
        for folder in failing
        for seed in range(seeds)
    )
    assert named >= 0.8 * len(failing) * seeds
