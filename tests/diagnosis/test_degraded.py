"""A capture made worse says less, never something wrong, and not nothing.

Of each degradation `make test` tries one capture of twelve, another one each time, so that all of
them are tried; `make test-real` tries all captures in every way.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Final

import pytest

from inspector import Report
from tests.diagnosis.degraded import DEGRADED, Frame, frames, report_of
from tests.diagnosis.matrix import HYPOTHESES, expect_of, folders

#: Of so many captures one is degraded in a given way.
SHARE: Final = 12

each = pytest.mark.parametrize("name", DEGRADED)
share = pytest.mark.parametrize(
    "share",
    [
        pytest.param(SHARE, marks=pytest.mark.slow, id=f"one capture of {SHARE}"),
        pytest.param(1, marks=pytest.mark.long, id="all captures"),
    ],
)
#: Causes that name what is seen of a failure, and not what brought it about.
SYMPTOMS = frozenset(
    {"call-unanswered", "gateway-cannot-connect", "proxy-not-listening", "request-malformed"}
)
#: A gateway's refusal that states so of itself: it is due to calls that failed before.
PUT_ASIDE = "The gateway puts a deployment aside after its calls failed"
Head = tuple[str, int, int, str, str]


@dataclass(slots=True)
class Tried:
    """What came of one degradation: mistakes, heads that survive, root causes that are named."""

    wrong: list[tuple[str, int, str]] = field(default_factory=list)
    heads: int = 0
    reported: int = 0
    failing: int = 0
    named: int = 0


@cache
def tried(name: str, share: int) -> Tried:
    """Degrade captures, and compare what is said of them with the truth and with the whole."""
    degrade, seeds = DEGRADED[name]
    result = Tried()
    for folder in chosen(name, share):
        is_failing = (expect_of(folder) or {})["root_cause"] is not None
        for seed in range(seeds):
            kept = degrade(frames(folder), seed)
            report = report_of(kept)
            assert tuple(item.id for item in report.hypotheses) == HYPOTHESES
            result.wrong += [(folder.name, seed, text) for text in mistakes(folder, kept, report)]
            numbers = {frame.number for frame in kept}
            survive = Counter(head for packet, head in heads(whole(folder)) if packet in numbers)
            found = Counter(head for _, head in heads(report))
            result.heads += survive.total()
            result.reported += (survive & found).total()
            result.failing += is_failing
            result.named += is_failing and report.root_cause is not None
    return result


def chosen(name: str, share: int) -> Sequence[Path]:
    return folders()[[*DEGRADED].index(name) % share :: share]


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
    said_less |= cause is not None and any(line.startswith(PUT_ASIDE) for line in cause.details)
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


@share
@each
def test_less_is_said_but_nothing_wrong(name: str, share: int) -> None:
    assert tried(name, share).wrong == []


@share
@pytest.mark.parametrize("name", [name for name in DEGRADED if "bytes" not in name])
def test_requests_whose_heads_survive_are_still_reported(name: str, share: int) -> None:
    """Nineteen of twenty at least; their own packets may be lost all the same, but not they."""
    assert tried(name, share).heads > 0 or share > 1
    least = 0.95 if share == 1 else 0.9  # of few, one more or less is a larger part
    assert tried(name, share).reported >= least * tried(name, share).heads


@pytest.mark.slow
def test_what_is_lost_does_not_silence_the_rest() -> None:
    """Of 1 % loss most root causes survive: saying nothing would be no mistake, and no use.

    A part of all captures, so all are asked: of a few the one packet that matters may be lost.
    """
    assert tried("1 % dropped", 1).failing > 100
    assert tried("1 % dropped", 1).named >= 0.8 * tried("1 % dropped", 1).failing
