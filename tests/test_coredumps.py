"""No core dump of a process that holds credentials; COMMAND has the limits of its caller."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

#: A run that ends by SIGABRT where it would look at the capture.
ABORT = """
import os, signal
import inspector.capture_files as module
assert module.locate
module.locate = lambda path: os.kill(os.getpid(), signal.SIGABRT)
from inspector.cli.main import main
main(prog_name="inspector")
"""
PLAIN = "import os, signal; os.kill(os.getpid(), signal.SIGABRT)"


def unlimited() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))


def aborted(code: str, folder: Path) -> int:
    """Run it with core dumps allowed; the wait status, which tells whether one was made."""
    script = 'ulimit -S -c "$(ulimit -H -c)"; cd "$1"; exec "$2" -c "$3" analyze x'
    command = ["sh", "-c", script, "sh", str(folder), sys.executable, code]
    pid = os.posix_spawn("/bin/sh", command, {**os.environ, "PYTHONPATH": str(ROOT)})
    return os.waitpid(pid, 0)[1]


def test_an_abort_leaves_no_core(tmp_path: Path) -> None:
    status = aborted(ABORT, tmp_path)
    assert os.WTERMSIG(status) == signal.SIGABRT
    assert not os.WCOREDUMP(status)
    assert list(tmp_path.iterdir()) == []


def test_without_the_program_there_would_be_one(tmp_path: Path) -> None:
    if resource.getrlimit(resource.RLIMIT_CORE)[1] == 0:
        pytest.skip("the hard limit of this session allows no core dump")
    status = aborted(PLAIN, tmp_path)
    if not os.WCOREDUMP(status):
        pytest.skip("this machine keeps no core dumps")
    assert os.WTERMSIG(status) == signal.SIGABRT


def test_what_it_starts_has_the_limits_of_whoever_started_it() -> None:
    code = """
import resource, sys
from inspector import coredumps
from inspector.live.command import Command
soft, hard = resource.getrlimit(resource.RLIMIT_CORE)
coredumps.forbid()
coredumps.forbid()
assert resource.getrlimit(resource.RLIMIT_CORE) == (0, hard)
told = "import resource; print(*resource.getrlimit(resource.RLIMIT_CORE))"
command = Command([sys.executable, "-c", told], None)
command.start()
sys.exit(command.wait())
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, preexec_fn=unlimited
    )
    hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{hard} {hard}\n", "")
