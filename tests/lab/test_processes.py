from __future__ import annotations

import os
import signal
import socket
import sys
import time
from pathlib import Path

import pytest

from lab import processes
from lab.processes import LabError, Process, until

PYTHON = [sys.executable, "-ISc"]


def gone(pid: int) -> bool:
    try:
        told = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):  # the latter: it went while it was read
        return True
    # A zombie whose parent has not asked yet is gone as well.
    return told.rpartition(")")[2].split()[0] == "Z"


def test_a_program_sees_no_variable_that_could_carry_a_proxy_or_a_key(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("HTTPS_PROXY", "no_proxy", "ANTHROPIC_API_KEY", "NODE_OPTIONS", "PYTHONPATH"):
        monkeypatch.setenv(name, "outside")

    seen = processes.environment({"ANTHROPIC_BASE_URL": "http://172.30.0.30:10001"})

    assert "outside" not in seen.values()
    assert seen["ANTHROPIC_BASE_URL"] == "http://172.30.0.30:10001"
    assert seen["PATH"] == os.environ["PATH"]


def test_ready_is_a_text_in_the_log(tmp_path: Path) -> None:
    program = "import time; print('up', flush=True); time.sleep(60)"
    with Process([*PYTHON, program], log=tmp_path / "log") as process:
        process.wait_ready("up")

        assert process.running
        assert process.output() == "up\n"


def test_ready_is_a_port_it_listens_on(tmp_path: Path) -> None:
    program = (
        "import socket, time; server = socket.create_server(('127.0.0.1', 0));"
        "print(server.getsockname()[1], flush=True); time.sleep(60)"
    )
    with Process([*PYTHON, program], log=tmp_path / "log") as process:
        process.wait_ready(lambda: process.output().endswith("\n"))
        process.wait_ready(int(process.output()))

        assert int(process.output()) in processes.listening_ports(process.pid)


def test_a_program_that_is_held_reads_at_once_what_was_sent_in_pieces(tmp_path: Path) -> None:
    program = (
        "import socket, time; server = socket.create_server(('127.0.0.1', 0));"
        "print(server.getsockname()[1], flush=True); peer, _ = server.accept();"
        "print(len(peer.recv(100)), flush=True); time.sleep(60)"
    )
    with Process([*PYTHON, program], log=tmp_path / "log") as process:
        process.wait_ready(lambda: process.output().endswith("\n"))
        port = int(process.output())
        with process.held(port), socket.create_connection(("127.0.0.1", port)) as end:
            for _ in range(3):
                end.sendall(b"some")
                time.sleep(0.05)
        process.wait_ready(lambda: process.output().count("\n") == 2)

        assert process.output().splitlines()[1] == "12"


def test_a_program_that_ends_before_it_is_ready_is_quoted(tmp_path: Path) -> None:
    program = "import sys; sys.exit('no such key file')"
    with (
        Process([*PYTHON, program], log=tmp_path / "log") as process,
        pytest.raises(LabError, match=r"ended with status 1 .*\n.*no such key file"),
    ):
        process.wait_ready("up")


def test_a_program_that_is_never_ready_is_named_and_quoted(tmp_path: Path) -> None:
    program = "import time; print('thinking', flush=True); time.sleep(60)"
    with Process([*PYTHON, program], log=tmp_path / "log", name="thinker") as process:
        process.wait_ready("thinking")

        with pytest.raises(LabError, match=r"in the log of thinker; it said:\nthinking"):
            process.wait_ready("done", timeout=0.05)


@pytest.mark.parametrize("end", [Process.stop, Process.kill])
def test_what_a_program_started_ends_with_it(tmp_path: Path, end: object) -> None:
    assert callable(end)
    program = (
        "import subprocess, sys, time;"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']);"
        "print(child.pid, flush=True); time.sleep(60)"
    )
    process = Process([*PYTHON, program], log=tmp_path / "log")
    process.wait_ready(lambda: process.output().endswith("\n"))
    child = int(process.output())

    end(process)

    until(lambda: gone(child), "the child to end")
    assert process.returncode in (-signal.SIGTERM, -signal.SIGKILL)


def test_a_program_that_ignores_the_request_to_end_is_made_to(tmp_path: Path) -> None:
    program = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
        "print('deaf', flush=True); time.sleep(60)"
    )
    process = Process([*PYTHON, program], log=tmp_path / "log")
    process.wait_ready("deaf")

    process.stop(grace=0.05)

    assert process.returncode == -signal.SIGKILL


def test_the_exit_status_stays_known_and_a_second_end_does_nothing(tmp_path: Path) -> None:
    process = Process([*PYTHON, "raise SystemExit(3)"], log=tmp_path / "log")

    assert process.wait() == 3
    process.kill()
    process.stop()
    assert process.returncode == 3
    assert not process.running


def test_without_root_the_reason_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)

    assert processes.why_not() == "the lab needs root (it makes network namespaces)"


def test_a_missing_program_is_named_with_the_remedy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)

    reason = processes.why_not("no-such-program")

    assert reason is not None
    assert "no-such-program" in reason
    assert "tools/system-packages lab" in reason
