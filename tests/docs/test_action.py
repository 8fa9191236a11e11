"""docs/github-actions.md: its tables are those of action.yml, its workflows use what there is."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from tools.docs.action import ACTION, PAGE, filled

WORKFLOWS = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(), re.DOTALL)


def test_the_tables_are_those_of_the_action() -> None:
    page = PAGE.read_text()
    assert page == filled(page), "run: python -m tools.docs.action"


@pytest.mark.parametrize("workflow", WORKFLOWS)
def test_a_workflow_to_paste_uses_inputs_and_outputs_that_there_are(workflow: str) -> None:
    action = yaml.safe_load(ACTION.read_text())
    for step in _steps(yaml.safe_load(workflow)):
        if step.get("uses", "").startswith("OWNER/inspector@"):
            assert step.get("with", {}).keys() <= action["inputs"].keys()
    used = re.findall(r"steps\.inspector\.outputs\.([a-z-]+)", workflow)
    assert set(used) <= action["outputs"].keys()


def test_every_way_of_the_action_is_shown() -> None:
    steps = [step for workflow in WORKFLOWS for step in _steps(yaml.safe_load(workflow))]
    ours = [step for step in steps if step.get("uses", "").startswith("OWNER/inspector@")]
    assert {step.get("with", {}).get("mode", "run") for step in ours} == {"start", "stop", "run"}
    stops = [step for step in ours if step.get("with", {}).get("mode") == "stop"]
    assert all(step["if"] == "always()" for step in stops), "the agent's step may fail"


def _steps(told: Any) -> list[dict[str, Any]]:
    if isinstance(told, list):
        return told
    return [step for job in told["jobs"].values() for step in job["steps"]]
