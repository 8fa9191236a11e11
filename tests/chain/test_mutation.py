"""Every weight that prices or judges a link is noticed by its own module's tests."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import inspector.chain.verdict
from inspector.chain import evidence
from tests.chain.mutation import Mutant, in_place, mutants

ROOT = Path(__file__).resolve().parents[2]


def test_every_weight_has_tests_of_its_own_module() -> None:
    assert all(mutant.tests.exists() for mutant in mutants())


def test_a_weight_is_changed_wherever_it_was_imported_to_and_stands_again_afterwards() -> None:
    def values() -> list[int]:
        return [vars(module)["ENDS_TOGETHER"] for module in (evidence, inspector.chain.verdict)]

    before = evidence.ENDS_TOGETHER
    with in_place(Mutant("evidence", "ENDS_TOGETHER", 2.0)):
        assert values() == [2 * before] * 2
    assert values() == [before] * 2


@pytest.mark.parametrize(
    "every",
    [
        pytest.param(9, marks=pytest.mark.slow, id="one of 9"),
        pytest.param(1, marks=pytest.mark.long, id="all"),
    ],
)
def test_no_weight_that_is_doubled_or_halved_passes_its_own_modules_tests(
    every: int,
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.chain.mutation", "--every", str(every)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
