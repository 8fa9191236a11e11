"""Every rule has a test file of its own that notices when its condition is wrong."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from inspector import diagnosis
from inspector.diagnosis import rules
from inspector.diagnosis.rule import Rule
from tests.diagnosis.mutation import CHANGES, FOLDER, TABLES, file_of, in_place, mutants

ROOT: Final = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("code", rules.ABOUT)
def test_a_rule_has_a_test_file_of_its_own(code: str) -> None:
    assert file_of(Rule(rules.ABOUT[code])).exists()


def test_every_test_file_in_the_folder_is_a_rules() -> None:
    assert set(FOLDER.glob("test_*.py")) == {file_of(rule) for rule in rules.RULES}


def test_every_rule_is_mutated_and_stands_again_afterwards() -> None:
    def standing() -> list[Rule]:
        return [rule for table in TABLES for rule in getattr(diagnosis, table)]

    before = standing()
    every = list(mutants())

    asked = {(mutant.rule.code, mutant.number, mutant.change) for mutant in every}
    assert len(every) == len(asked)
    always = len([mutant for mutant in every if mutant.change == "always"])
    # One rule has no condition: whatever was made good is noted.
    assert (always, len(every)) == (len(rules.RULES) - 1, len(CHANGES) * len(rules.RULES) - 1)
    for mutant in every:
        with in_place(mutant):
            assert mutant.rule not in standing()
    assert standing() == before
    assert len(before) == len(rules.RULES)


@pytest.mark.parametrize(
    "every",
    [
        pytest.param(25, marks=pytest.mark.slow, id="one of 25"),
        pytest.param(1, marks=pytest.mark.long, id="all"),
    ],
)
def test_no_rule_whose_condition_is_negated_or_constant_passes_its_own_tests(
    every: int,
) -> None:
    run = subprocess.run(
        [sys.executable, "-m", "tests.diagnosis.mutation", "--every", str(every)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert run.returncode == 0, run.stdout + run.stderr
