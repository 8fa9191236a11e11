"""Options of `capture` and `watch`; what they do is specified in tests/live."""

from __future__ import annotations

import subprocess
import sys

import pytest
from click.testing import CliRunner, Result

from inspector.cli.main import main
from inspector.cli.parameters import duration_in_seconds, size_in_bytes

from .test_main import ROOT


def _run(*args: str) -> Result:
    return CliRunner().invoke(main, list(args))


@pytest.mark.parametrize(
    "args",
    [
        ("capture", "--duration", "soon"),
        ("capture", "--duration", "0"),
        ("capture", "--max-size", "-1"),
        ("capture", "--max-size", "10 parsecs"),
        ("capture", "--rotate", "10MB:0", "-w", "x.pcapng"),
        ("capture", "--rotate", "10MB"),
        ("capture", "--format", "xml"),
        ("capture", "--subnet", "172.30.0.0/99"),
        ("capture", "--no-such-option"),
        ("watch", "--format", "json"),
        ("watch", "-w", "x.pcapng"),
        ("watch", "a-command"),
    ],
)
def test_an_option_that_does_not_fit_is_a_usage_error(args: tuple[str, ...]) -> None:
    result = _run(*args)
    assert result.exit_code == 2
    assert "Usage:" in result.stderr


@pytest.mark.parametrize(
    ("text", "size"),
    [("500", 500), ("64KiB", 65536), ("100MB", 10**8), ("1.5G", 15 * 10**8), ("2 kB", 2000)],
)
def test_sizes_have_units(text: str, size: int) -> None:
    assert size_in_bytes(text) == size


@pytest.mark.parametrize(
    ("text", "seconds"), [("30", 30), ("0.2", 0.2), ("30s", 30), ("1.5m", 90), ("2h", 7200)]
)
def test_durations_have_units(text: str, seconds: float) -> None:
    assert duration_in_seconds(text) == seconds


def test_a_user_that_is_not_there_is_named() -> None:
    result = _run("capture", "-Z", "nobody-at-all")
    assert result.exit_code == 1
    assert "no user 'nobody-at-all'" in result.stderr


@pytest.mark.parametrize("command", ["capture", "watch"])
def test_help_says_how_it_ends(command: str) -> None:
    text = _run(command, "--help").stdout
    assert "Ctrl-C" in text


@pytest.mark.parametrize("command", ["capture", "watch"])
def test_help_loads_no_part_of_the_capture(command: str) -> None:
    script = (
        "import sys\n"
        "from inspector.cli.main import main\n"
        f"main(['{command}', '--help'], standalone_mode=False)\n"
        "print(*(name for name in sys.modules if name.startswith(('inspector.live',"
        " 'inspector.linux', 'rich', 'orjson'))), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stderr.strip() == ""
