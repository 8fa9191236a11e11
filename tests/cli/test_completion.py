"""Completion as shells ask for it; bash itself where it is."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from inspector.cli.completion import SHELLS
from inspector.cli.main import COMMANDS, main
from inspector.diagnosis.catalogue import CODES
from tests.cli.test_main import COMMAND, ROOT


def completed(*words: str) -> set[str]:
    """What is offered for the last of these words after `inspector`."""
    done = subprocess.run(
        COMMAND,
        env={
            **os.environ,
            "_INSPECTOR_COMPLETE": "bash_complete",
            "COMP_WORDS": " ".join(("inspector", *words)),
            "COMP_CWORD": str(len(words)),
        },
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    return {line.partition(",")[2] for line in done.stdout.splitlines() if line}


def test_commands_options_and_codes_are_offered() -> None:
    assert completed("") == set(COMMANDS)
    assert "--subnet" in completed("analyze", "--su")
    assert completed("explain", "proxy-") == {code for code in CODES if code.startswith("proxy-")}
    assert completed("help", "ana") == {"analyze"}


def test_the_names_of_a_capture_and_of_a_report_are_offered_to_show() -> None:
    run = "captures/issue-1527"
    assert completed("show", run, "t") == {"t1", "t2", "t3", "t4"}
    assert completed("show", run, "e") == {"e1"}
    assert "e1" in completed("show", "docs/example-report.json", "")
    assert completed("show", "no-such-file", "") == set()
    assert completed("show", "README.md", "") == set()


def test_a_broken_configuration_does_not_break_a_line_that_is_typed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "config.toml"
    broken.write_text("no = toml = at all")
    monkeypatch.setenv("INSPECTOR_CONFIG", str(broken))
    assert completed("ana") == {"analyze"}


@pytest.mark.parametrize("shell", SHELLS)
def test_a_script_is_printed_for_each_shell(shell: str) -> None:
    result = CliRunner().invoke(main, ["completion", shell])
    assert result.exit_code == 0
    assert f"_INSPECTOR_COMPLETE={shell}_complete" in result.stdout


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")
def test_bash_completes_a_code(tmp_path: Path) -> None:
    program = tmp_path / "inspector"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m inspector "$@"\n')
    program.chmod(0o755)
    done = subprocess.run(
        ["bash", "-c", 'eval "$(inspector completion bash)"; COMP_WORDS=(inspector explain squid-);'
         " COMP_CWORD=2; _inspector_completion inspector; echo ${COMPREPLY[@]}"],
        cwd=ROOT, env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert set(done.stdout.split()) == {code for code in CODES if code.startswith("squid-")}
