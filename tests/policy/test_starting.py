from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from inspector.capture_files import inspect
from inspector.errors import ExitCode
from inspector.policy.judge import judge
from inspector.policy.reading import read_policy
from inspector.policy.starting import starting_policy

CAPTURES = Path(__file__).parent.parent.parent / "captures"
TODAY = date(2026, 8, 3)


@pytest.mark.parametrize("name", ["healthy-sse", "healthy-json", "keep-alive-50"])
def test_a_good_run_keeps_the_policy_that_is_made_from_it(tmp_path: Path, name: str) -> None:
    report = inspect(CAPTURES / name)
    path = tmp_path / "policy.toml"
    path.write_text(starting_policy(report))
    policy = read_policy(path)
    assert policy.require_calls
    assert judge(report, policy, TODAY).exit_code == ExitCode.DONE


def test_another_run_does_not(tmp_path: Path) -> None:
    path = tmp_path / "policy.toml"
    path.write_text(starting_policy(inspect(CAPTURES / "healthy-json")))
    judgement = judge(inspect(CAPTURES / "agent-holds-real-key"), read_policy(path), TODAY)
    assert judgement.exit_code == ExitCode.BROKEN
