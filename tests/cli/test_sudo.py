"""What sudo drops is said with the command that keeps it; real sudo is in tests/action."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from inspector.cli import outcome
from inspector.cli.main import main
from inspector.cli.sudo import VARIABLES, dropped_by_sudo

from .test_main import ROOT

UNDER_SUDO = {"SUDO_UID": "1001", "SUDO_GID": "118"}
RUNNER = b"PATH=/usr/bin\0GITHUB_ACTIONS=true\0SECRET=LABONLY\0"


def ancestors(place: Path, *environments: bytes) -> Path:
    """A /proc with this process, `self`, and its ancestors with these environments."""
    for number in range(len(environments) + 1):
        process = place / (str(number) if number else "self")
        process.mkdir()
        parent = number + 1 if number < len(environments) else 0
        (process / "stat").write_text(f"7 (a) b) (c) S {parent} 7 7 0")
        if number:
            (process / "environ").write_bytes(environments[number - 1])
    return place


def test_a_runner_behind_sudo_is_found_in_the_environment_that_sudo_was_started_with(
    tmp_path: Path,
) -> None:
    assert dropped_by_sudo(UNDER_SUDO, ancestors(tmp_path, b"HOME=/root\0", RUNNER))


@pytest.mark.parametrize(
    "environ",
    [{}, {**UNDER_SUDO, "GITHUB_ACTIONS": "true"}, {**UNDER_SUDO, "GITHUB_ACTIONS": "false"}],
)
def test_without_sudo_or_with_the_variable_here_nothing_was_dropped(
    tmp_path: Path, environ: dict[str, str]
) -> None:
    assert not dropped_by_sudo(environ, ancestors(tmp_path, RUNNER))


def test_a_person_who_calls_sudo_in_a_terminal_is_no_runner(tmp_path: Path) -> None:
    named_like_it = b"NOT_GITHUB_ACTIONS=true\0GITHUB_ACTIONS=trueish\0"
    assert not dropped_by_sudo(UNDER_SUDO, ancestors(tmp_path, named_like_it, b""))


def test_an_environment_that_may_not_be_read_tells_nothing(tmp_path: Path) -> None:
    proc = ancestors(tmp_path, b"", RUNNER)
    (proc / "1" / "environ").unlink()
    assert not dropped_by_sudo(UNDER_SUDO, proc)
    assert not dropped_by_sudo(UNDER_SUDO, tmp_path / "absent")


@pytest.mark.parametrize("command", ["analyze", "check"])
def test_it_is_one_line_on_stderr_that_names_the_whole_command(
    monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.setattr(outcome, "dropped_by_sudo", lambda _: True)
    env = {"GITHUB_ACTIONS": None}
    result = CliRunner().invoke(main, [command, str(ROOT / "captures" / "healthy-json")], env=env)
    (line,) = (line for line in result.stderr.splitlines() if "sudo" in line)
    assert line.endswith(
        f'sudo --preserve-env={",".join(VARIABLES)} "$(command -v inspector)" {command} ...'
    )


def test_who_wants_no_runner_told_is_not_reminded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outcome, "dropped_by_sudo", lambda _: True)
    capture = str(ROOT / "captures" / "healthy-json")
    result = CliRunner().invoke(main, ["analyze", "--no-github", capture])
    assert "sudo" not in result.stderr
