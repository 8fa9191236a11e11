"""What changes nothing of what happened changes nothing of what is said.

As with degraded captures `make test` tries one golden capture of six in each way, another one each
time, and `make test-real` all of them.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any, Final

import pytest

from inspector.model.report import Report
from inspector.report.formats.stable import stable_part
from tests.diagnosis.degraded import frames, report_of
from tests.diagnosis.matrix import GOLDEN
from tests.diagnosis.transforms import CLOCKS, HARMLESS, TELLING

SHARE: Final = 6
#: Not of Ethernet and IPv4, or with losses of its own.
LEFT_OUT: Final = frozenset({"any-interface", "ipv6-bridge"})
#: Causes that name what is seen of a failure, and not what brought it about.
SYMPTOMS: Final = frozenset(
    {"call-unanswered", "client-aborted", "gateway-cannot-connect", "proxy-not-listening"}
)

share = pytest.mark.parametrize(
    "share",
    [
        pytest.param(SHARE, marks=pytest.mark.slow, id=f"one capture of {SHARE}"),
        pytest.param(1, marks=pytest.mark.long, id="all captures"),
    ],
)


def chosen(place: int, share: int) -> list[Path]:
    found = sorted(path.parent for path in GOLDEN.glob("*/expected.json"))
    return [path for path in found if path.name not in LEFT_OUT][place % share :: share]


@cache
def whole(folder: Path) -> Report:
    return report_of(frames(folder), TELLING)


def told(report: Report) -> dict[str, Any]:
    """The stable report but for how its roles were found, and what is said of the files."""
    stable = stable_part(report)
    return {name: part for name, part in stable.items() if name not in ("topology", "completeness")}


@share
@pytest.mark.parametrize("name", HARMLESS)
def test_the_same_happened_and_the_same_is_said(name: str, share: int) -> None:
    transform = HARMLESS[name]
    differ = []
    for folder in chosen([*HARMLESS].index(name), share):
        changed = report_of(transform.change(frames(folder)), transform.options)
        text = json.dumps(told(changed), sort_keys=True)
        for new, old in transform.back:
            text = text.replace(new, old)
        if text != json.dumps(told(whole(folder)), sort_keys=True):
            differ.append(folder.name)
    assert differ == []


@share
@pytest.mark.parametrize("name", CLOCKS)
def test_a_clock_that_is_wrong_hides_and_never_invents(name: str, share: int) -> None:
    wrong, kept, all_of_them = [], 0, 0
    for folder in chosen([*CLOCKS].index(name), share):
        before, after = whole(folder), report_of(CLOCKS[name](frames(folder)))
        if any(exchange.recovered_by for exchange in before.exchanges):
            continue  # an hour later it is no other try
        cause = None if after.root_cause is None else after.root_cause.code
        true = None if before.root_cause is None else before.root_cause.code
        all_of_them += 1
        kept += cause == true
        if cause not in (true, None) and cause not in SYMPTOMS:
            wrong.append((folder.name, cause, true))
        verdicts = {item.id: item.verdict for item in before.hypotheses}
        wrong += [
            (folder.name, item.id, item.verdict)
            for item in after.hypotheses
            if item.verdict == "confirmed" and verdicts[item.id] == "refuted"
        ]
    assert wrong == []
    assert kept >= 0.8 * all_of_them
