"""Exit codes are verdicts: no closed, full or abandoned stream changes one."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import pytest

from inspector.cli.outcome import LEFT

ROOT = Path(__file__).parent.parent.parent
COMMAND = (sys.executable, "-c", "from inspector.cli.main import main; main(prog_name='inspector')")
REFUSED = "captures/upstream-403"
LOST = "captures/lost-packets"
NO_CAPTURE = "README.md"

#: What is asked -> its exit code when all is read.
VERDICTS = (
    (("check", REFUSED), 3),
    (("check", "--format", "json", REFUSED), 3),
    (("analyze", "--fail-on", "error", REFUSED), 3),
    (("analyze", "--fail-on", "error", "--format", "json", REFUSED), 3),
    (("analyze", "--fail-on", "error", "--format", "jsonl", REFUSED), 3),
    (("analyze", "--fail-on", "error", LOST), 5),
    (("check", LOST), 5),
    (("analyze", "--format", "json", NO_CAPTURE), 4),
    (("analyze", REFUSED), 0),
    (("compare", REFUSED, LOST), 0),
    (("doctor",), 0),
    (("explain",), 0),
    (("explain", "no-such-code"), 2),
    (("--help",), 0),
)
each = pytest.mark.parametrize(
    ("arguments", "code"), VERDICTS, ids=[" ".join(arguments) for arguments, _ in VERDICTS]
)


def shell(arguments: Sequence[str], redirected: str) -> subprocess.CompletedProcess[str]:
    """The command with its descriptors redirected as a shell writes it."""
    return subprocess.run(
        ["sh", "-c", f'exec "$@" {redirected}', "sh", *COMMAND, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
    )


def without_reader(arguments: Sequence[str], *, err: bool = False) -> tuple[int, str]:
    """Exit code and standard error when the reader of an output is gone before the first byte."""
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "wb") as pipe:
        done = subprocess.run(
            [*COMMAND, *arguments],
            cwd=ROOT,
            stdout=subprocess.DEVNULL if err else pipe,
            stderr=pipe if err else subprocess.PIPE,
            text=True,
        )
    return done.returncode, done.stderr or ""


@each
def test_a_reader_who_leaves_changes_no_exit_code(arguments: Sequence[str], code: int) -> None:
    status, said = without_reader(arguments)
    assert status == code
    assert "bug" not in said
    assert "cannot be written" not in said


@each
def test_a_reader_of_standard_error_who_leaves_changes_no_exit_code(
    arguments: Sequence[str], code: int
) -> None:
    assert without_reader(arguments, err=True)[0] == code


@each
def test_a_closed_output_is_a_failure_only_where_nothing_worse_is(
    arguments: Sequence[str], code: int
) -> None:
    done = shell(arguments, ">&-")
    assert done.returncode == (code or 1)
    assert "bug" not in done.stderr
    if code not in (2, 4) or "json" in arguments:  # else nothing was to be written there
        assert "Standard output is closed" in done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_output_is_a_failure_and_no_pardon() -> None:
    done = shell(("analyze", REFUSED), ">/dev/full")
    assert done.returncode == 1
    assert "Standard output cannot be written (No space left on device)" in done.stderr
    assert shell(("check", REFUSED), ">/dev/full").returncode == 3


def test_a_closed_standard_error_keeps_the_report_from_nobody() -> None:
    done = shell(("analyze", REFUSED), "2>&-")
    assert done.returncode == 0
    assert "CAUSE  upstream-forbidden" in done.stdout


def test_a_closed_standard_input_is_named() -> None:
    done = shell(("analyze", "-"), "<&-")
    assert done.returncode == 1
    assert done.stderr.startswith("inspector: Standard input is closed")


def test_no_file_takes_the_number_of_a_closed_stream(tmp_path: Path) -> None:
    done = shell(("analyze", "-o", str(tmp_path / "left"), REFUSED), ">&- 2>&- <&-")
    assert done.returncode == 1
    assert {path.name for path in (tmp_path / "left").iterdir()} == set(LEFT)
    assert (tmp_path / "left" / "report.json").read_bytes().startswith(b"{")
    assert b"output is closed" not in (tmp_path / "left" / "summary.md").read_bytes()


def test_what_is_left_on_disk_is_whole_though_nobody_reads_the_page(tmp_path: Path) -> None:
    status, _ = without_reader(("analyze", "-o", str(tmp_path / "left"), "--format", "jsonl", LOST))
    assert status == 0
    assert {path.name for path in (tmp_path / "left").iterdir()} == set(LEFT)


def test_with_nothing_else_to_do_the_run_ends_when_its_reader_leaves(tmp_path: Path) -> None:
    """A pipe that never ends: the run must, once nobody reads its lines."""
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    run = subprocess.Popen(
        [*COMMAND, "analyze", "--scope", "all", "--format", "jsonl", fifo],
        cwd=ROOT,
        stdout=subprocess.PIPE,
    )
    assert run.stdout is not None
    run.stdout.close()
    pipe = os.open(fifo, os.O_WRONLY)
    try:
        with suppress(BrokenPipeError):  # it may leave before all is written
            os.write(pipe, (ROOT / "captures/keep-alive-50/capture.pcapng").read_bytes())
        assert run.wait(60) == 0
    finally:
        run.kill()
        run.wait()
        os.close(pipe)


def test_an_output_that_does_not_block_loses_nothing() -> None:
    read, write = os.pipe()
    os.set_blocking(write, False)
    with subprocess.Popen(
        [*COMMAND, "analyze", "--format", "json", "captures/keep-alive-50"], cwd=ROOT, stdout=write
    ) as run:
        os.close(write)
        with os.fdopen(read, "rb") as pipe:
            data = pipe.read()
    assert run.returncode == 0
    assert len(data) > 1 << 16, "more than a pipe holds"
    assert data.endswith(b"}\n")
