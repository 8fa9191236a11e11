from __future__ import annotations

import io
import os
import pty
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

from inspector.cli.main import main
from inspector.cli.screen import NARROWEST, Screen

from .test_main import COMMAND, ROOT


class _Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


def test_what_is_no_terminal_is_80_columns_without_colour() -> None:
    assert Screen.of(io.StringIO(), {}) == Screen(80, False, "utf-8")


@pytest.mark.parametrize(
    ("environ", "color"),
    [
        ({}, True),
        ({"TERM": "xterm-256color"}, True),
        ({"NO_COLOR": "1"}, False),
        ({"NO_COLOR": ""}, True),
        ({"TERM": "dumb"}, False),
        ({"CLICOLOR": "0"}, False),
        ({"TERM": "dumb", "FORCE_COLOR": "1"}, True),
        ({"NO_COLOR": "1", "FORCE_COLOR": "1"}, False),
    ],
)
def test_a_terminal_has_colour_unless_told_not_to(environ: dict[str, str], color: bool) -> None:
    assert Screen.of(_Terminal(), environ).color is color


@pytest.mark.parametrize(
    ("columns", "width"), [("132", 132), ("0", 80), ("wide", 80), ("-5", 80), ("3", NARROWEST)]
)
def test_columns_sets_the_width_if_it_is_one(columns: str, width: int) -> None:
    assert Screen.of(io.StringIO(), {"COLUMNS": columns}).width == width


def _on_a_terminal(*args: str, **environ: str) -> str:
    """What the command writes to a real pseudo-terminal, stdout and stderr together."""
    controller, terminal = pty.openpty()
    env = {n: v for n, v in os.environ.items() if n not in ("NO_COLOR", "COLUMNS")}
    process = subprocess.Popen(
        [*COMMAND, *args],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=terminal,
        stderr=terminal,
        env={**env, "TERM": "xterm", **environ},
    )
    os.close(terminal)
    written = bytearray()
    while True:
        try:
            piece = os.read(controller, 65536)
        except OSError:  # Linux: the last process has closed the terminal
            break
        if not piece:
            break
        written += piece
    os.close(controller)
    assert process.wait() == 0
    return written.decode()


def test_a_terminal_gets_colour_and_a_progress_line_that_is_wiped(tmp_path: Path) -> None:
    # As many sections of one file as make more than a moment's reading.
    capture = (ROOT / "captures/issue-1527/capture.pcapng").read_bytes()
    path = tmp_path / "long.pcapng"
    path.write_bytes(capture * (2 * (1 << 20) // len(capture)))
    written = _on_a_terminal("analyze", str(path))
    assert "\x1b[1minspector" in written
    assert written.index("reading  ") < written.index("SENT")
    assert written.index("\r\x1b[K", written.index("reading  ")) < written.index("SENT")


def test_no_color_and_no_progress_leave_a_terminal_without_any_escape() -> None:
    written = _on_a_terminal("analyze", "captures/issue-1527", "--no-progress", NO_COLOR="1")
    assert "SENT" in written
    assert "\x1b" not in written


@pytest.mark.parametrize(
    ("environ", "color"),
    [
        ({"FORCE_COLOR": "1"}, True),
        ({"FORCE_COLOR": ""}, False),
        ({"CLICOLOR_FORCE": "1"}, True),
        ({"CLICOLOR_FORCE": "0"}, False),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
    ],
)
def test_a_pipe_has_colour_where_it_is_forced(environ: dict[str, str], color: bool) -> None:
    assert Screen.of(io.StringIO(), environ).color is color


@pytest.mark.parametrize("command", ["analyze", "check"])
def test_color_decides_before_the_environment(command: str) -> None:
    capture = str(ROOT / "captures" / "issue-1527")
    for arguments, env, color in (
        (("--color", "always"), {"NO_COLOR": "1"}, True),
        (("--color", "never"), {"FORCE_COLOR": "1"}, False),
        ((), {"FORCE_COLOR": "1"}, True),
        ((), {"INSPECTOR_COLOR": "always"}, True),
        ((), {}, False),
    ):
        done = CliRunner().invoke(main, [command, *arguments, capture], env={**QUIET, **env})
        assert ("\x1b[" in done.stdout) is color, (arguments, env)


#: The tests' own environment says nothing about colour.
QUIET: dict[str, str | None] = dict.fromkeys(
    ("NO_COLOR", "FORCE_COLOR", "CLICOLOR_FORCE", "INSPECTOR_COLOR")
)
