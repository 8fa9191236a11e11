"""Policies as people would write them, over every golden capture."""

from __future__ import annotations

import tomllib
from datetime import date
from functools import cache
from pathlib import Path
from typing import Final

import pytest

from inspector.capture_files import inspect
from inspector.model.report import Report
from inspector.policy.judge import judge
from inspector.policy.reading import read_policy

POLICIES: Final = Path(__file__).parent / "policies"
CAPTURES: Final = Path(__file__).parent.parent.parent / "captures"
GOLDENS: Final = sorted(path.parent for path in CAPTURES.glob("*/expected.json"))
VERDICTS: Final = tomllib.loads((POLICIES / "verdicts.toml").read_text())
TODAY: Final = date(2026, 8, 3)


@cache
def report_of(folder: Path) -> Report:
    return inspect(folder)


def test_each_policy_has_its_verdicts() -> None:
    written = {path.stem for path in POLICIES.glob("*.toml")} - {"verdicts"}
    assert written == set(VERDICTS)
    assert len(written) >= 12


@pytest.mark.parametrize("name", VERDICTS)
def test_a_policy_over_all_goldens(name: str) -> None:
    policy = read_policy(POLICIES / f"{name}.toml")
    found: dict[int, list[str]] = {0: [], 3: [], 5: []}
    for folder in GOLDENS:
        found[judge(report_of(folder), policy, TODAY).exit_code].append(folder.name)
    assert found[3] == VERDICTS[name]["broken"]
    assert found[5] == VERDICTS[name]["not_proven"]
    assert found[0], "a policy that nothing keeps says nothing"
