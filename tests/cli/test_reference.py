from __future__ import annotations

import re
from importlib import import_module

import pytest

from inspector.cli.analyze import analyze
from inspector.cli.main import COMMANDS
from inspector.errors import ExitCode
from tests.canary.outputs import OUTPUTS
from tools.docs import commands as reference


def test_the_page_in_the_documentation_is_that_of_the_commands() -> None:
    page = reference.PATH.read_text(encoding="utf-8")
    assert page == reference.page(), "run: python -m tools.docs.commands"


def test_every_option_and_exit_code_is_on_the_page() -> None:
    page = reference.page()
    for parameter in analyze.params:
        assert max(parameter.opts, key=len) in page or parameter.name == "paths"
    assert all(f"| {code} | {code.meaning} |" in page for code in ExitCode)


@pytest.mark.parametrize("command", ["analyze", "check", "compare", "show"])
def test_every_format_of_a_command_is_searched_for_planted_keys(command: str) -> None:
    module = import_module(COMMANDS[command])
    formats = {
        choice
        for parameter in getattr(module, command).params
        if parameter.name == "form"
        for choice in parameter.type.choices
    }
    rows = [row.command for row in OUTPUTS.values() if row.command.split()[0] == command]
    searched = {"terminal", *re.findall(r"--format (\w+)", " ".join(rows))}
    assert formats
    assert formats <= searched, "tests/canary/outputs.py has no row for it"
