from __future__ import annotations

import gc
import importlib
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from inspector.cli.main import COMMANDS, main
from inspector.errors import ExitCode, InspectorError, NotACapture
from inspector.model.provenance import this_tool

ROOT = Path(__file__).parent.parent.parent
COMMAND = (sys.executable, "-c", "from inspector.cli.main import main; main(prog_name='inspector')")
HEAVY = ("scapy", "pyshark", "rich", "asyncio")


def _modules_after(code: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys; print('\\n'.join(sys.modules))"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    return {line.partition(".")[0] for line in done.stdout.splitlines()}


def test_a_program_has_cycles_looked_for_seldom_and_a_function_leaves_that_alone() -> None:
    code = (
        "import atexit, gc, sys\nfrom inspector.cli.main import main\n"
        "atexit.register(lambda: sys.stderr.write(str(gc.get_threshold()[0])))\n"
    )
    as_function, usual = "main(['--version'], standalone_mode=False)", str(gc.get_threshold()[0])
    for call, threshold in (("main(['--version'])", "60000"), (as_function, usual)):
        done = subprocess.run(
            [sys.executable, "-c", code + call], cwd=ROOT, capture_output=True, text=True
        )
        assert (done.returncode, done.stderr) == (0, threshold)


def test_help_imports_nothing_heavy() -> None:
    modules = _modules_after(
        "from inspector.cli.main import main\n"
        "main(['--help'], prog_name='inspector', standalone_mode=False)\n"
        "main(['analyze', '--help'], prog_name='inspector', standalone_mode=False)"
    )
    assert "click" in modules
    assert not modules & {*HEAVY, "orjson"}


def test_json_needs_neither_scapy_nor_pyshark_nor_rich() -> None:
    modules = _modules_after(
        "from inspector.cli.main import main\n"
        "main(['analyze', 'captures/issue-1527', '--format', 'json'], standalone_mode=False)"
    )
    assert "orjson" in modules
    assert not modules & set(HEAVY)


def test_help_names_every_command_and_exit_code() -> None:
    text = " ".join(CliRunner().invoke(main, ["--help"]).output.split())
    assert all(command in text for command in COMMANDS)
    assert all(f"{code} {code.meaning}" in text for code in ExitCode)


def test_every_command_is_what_its_table_says() -> None:
    for name, module in COMMANDS.items():
        command = getattr(importlib.import_module(module), name)
        assert isinstance(command, click.Command)
        assert command.help


def test_an_unknown_command_is_a_usage_error() -> None:
    result = CliRunner().invoke(main, ["analyse"])
    assert result.exit_code == 2
    assert "There is no command" in result.output


def test_version_is_that_of_the_reports_tool() -> None:
    done = subprocess.run([*COMMAND, "--version"], cwd=ROOT, capture_output=True, text=True)
    tool = this_tool()
    assert (done.returncode, done.stdout) == (0, f"inspector {tool.version}\n")


@pytest.mark.parametrize("order", [["--version", "-v"], ["-v", "--version"]])
def test_version_with_more_detail_says_which_engine_reads(
    order: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INSPECTOR_PURE", "1")
    done = subprocess.run([*COMMAND, *order], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.splitlines()[1] == "core: pure (INSPECTOR_PURE is set)"


def _failing(monkeypatch: pytest.MonkeyPatch, fail: Callable[[], None]) -> None:
    """A command `fail` beside the real ones."""

    class Module:
        boom = click.Command("boom", callback=fail)

    monkeypatch.setitem(sys.modules, "failing_command", Module)
    monkeypatch.setattr("inspector.cli.group.COMMANDS", {"boom": "failing_command"})


def _raise(error: BaseException) -> Callable[[], None]:
    def fail() -> None:
        raise error

    return fail


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (InspectorError("It broke", "Mend it", "It is not the cable"), 1),
        (NotACapture("Not one", "Give one", "The disk is fine"), 4),
    ],
)
def test_our_errors_are_one_sentence_each_and_their_own_exit_code(
    monkeypatch: pytest.MonkeyPatch, error: InspectorError, code: int
) -> None:
    _failing(monkeypatch, _raise(error))
    result = CliRunner().invoke(main, ["boom"])
    assert result.exit_code == code
    assert result.stderr == f"inspector: {error}\n"
    assert result.stdout == ""


def test_a_bug_is_said_to_be_one_without_traceback_or_the_exceptions_text(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _failing(monkeypatch, _raise(ValueError("captured: sk-ant-api03-LABONLY")))
    result = CliRunner().invoke(main, ["boom"])
    assert result.exit_code == 1
    assert "ValueError in _raise.<locals>.fail (test_main.py:" in result.stderr
    assert "This is a bug in inspector" in result.stderr
    assert "Traceback" not in result.stderr
    assert "LABONLY" not in result.stderr


def test_vv_shows_where_it_was_raised_but_not_what_was_captured(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _failing(monkeypatch, _raise(ValueError("captured: sk-ant-api03-LABONLY")))
    result = CliRunner().invoke(main, ["-vv", "boom"])
    assert result.exit_code == 1
    assert "Traceback (most recent call last):" in result.stderr
    assert "test_main.py" in result.stderr
    assert "LABONLY" not in result.stderr


def test_the_systems_refusal_is_no_bug(monkeypatch: pytest.MonkeyPatch) -> None:
    _failing(monkeypatch, _raise(OSError(28, "No space left on device")))
    result = CliRunner().invoke(main, ["boom"])
    assert result.exit_code == 1
    assert result.stderr.startswith("inspector: No space left on device.")
    assert "bug" not in result.stderr


def test_hostile_text_in_an_error_is_escaped(monkeypatch: pytest.MonkeyPatch) -> None:
    _failing(monkeypatch, _raise(InspectorError("no \x1b[2J\n::error::x", "go on")))
    result = CliRunner().invoke(main, ["boom"])
    assert "\x1b" not in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_reader_who_leaves_early_is_no_failure() -> None:
    read, write = os.pipe()
    os.close(read)  # the reader is gone before the first byte
    with os.fdopen(write, "wb") as pipe:
        done = subprocess.run(
            [*COMMAND, "analyze", "captures/issue-1527", "--format", "jsonl"],
            cwd=ROOT,
            stdout=pipe,
            stderr=subprocess.PIPE,
            text=True,
        )
    assert (done.returncode, done.stderr) == (0, "")
