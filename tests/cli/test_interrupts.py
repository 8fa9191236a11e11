"""SIGINT: 130 and a sentence at any moment, and of a pipe what was read."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from inspector.cli.interrupts import SENTENCE

ROOT = Path(__file__).parent.parent.parent
COMMAND = (sys.executable, "-c", "from inspector.cli.main import main; main(prog_name='inspector')")
CAPTURE = ROOT / "captures" / "healthy-json" / "capture.pcapng"
SAID = f"inspector: {SENTENCE}\n"


@contextmanager
def running(*arguments: str | Path, wrapped: str | None = None) -> Iterator[subprocess.Popen[str]]:
    """The command with pipes on all sides; `wrapped` is code that runs it."""
    command = COMMAND if wrapped is None else (sys.executable, "-c", wrapped)
    with subprocess.Popen(
        [*command, *arguments],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as run:
        try:
            yield run
        finally:
            run.kill()


def feed(run: subprocess.Popen[str], data: bytes) -> None:
    """Write to its standard input, and return when it has read it."""
    assert run.stdin is not None
    descriptor = run.stdin.fileno()
    os.write(descriptor, data)
    while _waiting(descriptor):
        os.sched_yield()


def _waiting(descriptor: int) -> int:
    """Bytes in the pipe that nobody has read yet (FIONREAD)."""
    import fcntl
    import termios

    return int.from_bytes(fcntl.ioctl(descriptor, termios.FIONREAD, bytes(4)), sys.byteorder)


def test_of_standard_input_the_report_is_of_what_was_read() -> None:
    with running("analyze", "--format", "json", "-") as run:
        feed(run, CAPTURE.read_bytes())
        run.send_signal(signal.SIGINT)
        out, err = run.communicate(timeout=60)
    assert run.returncode == 130
    assert "the report is of what was read of standard input until then" in err
    report = json.loads(out)
    assert report["captures"][0]["packets"] == 161
    assert report["completeness"]["verdict"] == "incomplete"
    assert report["completeness"]["because"] == [
        "1 pipe was not read to its end: the reading was interrupted"
    ]
    assert len(report["exchanges"]) == 5


def test_a_record_that_was_read_in_part_is_said_beside_it() -> None:
    with running("analyze", "--format", "json", "-") as run:
        feed(run, CAPTURE.read_bytes()[:-150])
        run.send_signal(signal.SIGINT)
        out, _ = run.communicate(timeout=60)
    assert run.returncode == 130
    (capture,) = json.loads(out)["captures"]
    assert capture["cut"].startswith("read-interrupted (after ")
    assert len(capture["cut"].split("; ")) == 2


def test_a_named_pipe_is_one_too(tmp_path: Path) -> None:
    fifo = tmp_path / "bridge.pcapng"
    os.mkfifo(fifo)
    with running("analyze", fifo) as run, fifo.open("wb", buffering=0) as pipe:
        pipe.write(CAPTURE.read_bytes())
        while _waiting(pipe.fileno()):
            os.sched_yield()
        run.send_signal(signal.SIGINT)
        out, err = run.communicate(timeout=60)
    assert run.returncode == 130
    assert "CAPTURE INCOMPLETE\n  1 pipe was not read to its end" in out
    assert f"what was read of {fifo} until then" in err


def test_no_gate_passes_what_was_not_read_to_its_end() -> None:
    for arguments in (("check",), ("analyze", "--fail-on", "error")):
        with running(*arguments, "-") as run:
            feed(run, CAPTURE.read_bytes())
            run.send_signal(signal.SIGINT)
            out, err = run.communicate(timeout=60)
        assert run.returncode == 130
        assert out
    assert "Cannot prove that there is no finding of level error or above" in err


def test_before_the_first_byte_there_is_nothing_to_report() -> None:
    with running("analyze", "-") as run:
        feed(run, b"\x0a")
        run.send_signal(signal.SIGINT)
        out, err = run.communicate(timeout=60)
    assert (run.returncode, out) == (130, "")
    assert err.startswith("inspector: The reading of Standard input was interrupted before")


def test_a_writer_that_goes_on_is_not_waited_for() -> None:
    with running("analyze", "--format", "json", "-") as run:
        feed(run, CAPTURE.read_bytes())
        assert run.stdin is not None
        os.set_blocking(run.stdin.fileno(), False)
        run.send_signal(signal.SIGINT)
        assert run.stdout is not None
        assert json.loads(run.stdout.read())["captures"], "the pipe is still open"
        assert run.wait(60) == 130


def test_a_terminal_s_ctrl_c_reaches_both_ends_and_the_report_comes() -> None:
    """As in README: the program that captures and this one are one job of a terminal."""
    import pty
    import termios

    command = f"{sys.executable} -m inspector analyze -"
    script = f"export NO_COLOR=1; cat {CAPTURE} - | {command}"
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(ROOT)
        # `cat -` reads the terminal, as a capture goes on: it ends by the signal alone.
        os.execvp("sh", ["sh", "-c", script])
    try:
        attributes = termios.tcgetattr(terminal)
        attributes[3] &= ~termios.ECHO
        termios.tcsetattr(terminal, termios.TCSANOW, attributes)
        shown = b""
        while b"reading" not in shown:
            shown += os.read(terminal, 4096)
        os.write(terminal, b"\x03")
        while True:
            try:
                more = os.read(terminal, 4096)
            except OSError:  # EIO: the last one closed it
                break
            if not more:
                break
            shown += more
    finally:
        os.waitpid(pid, 0)
        os.close(terminal)
    text = shown.decode()
    assert "CAPTURE INCOMPLETE" in text
    assert "Interrupted by Ctrl-C (SIGINT): the report is of what was read" in text
    assert "Aborted" not in text
    assert "Traceback" not in text


#: Sends itself SIGINT from the first call of a function on, as if it came at that moment.
AT = """
import os, signal
import {module} as module
inner = module.{name}
def outer(*args, **kwargs):
    os.kill(os.getpid(), signal.SIGINT)
    return inner(*args, **kwargs)
module.{name} = outer
from inspector.cli.main import main
main(prog_name="inspector")
"""


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("inspector.pcap.locate", "locate"),
        ("inspector.capture_files", "merged"),
        ("inspector.inspection", "join"),
        ("inspector.report.page.terminal", "render"),
        ("inspector.cli.group", "import_module"),
    ],
)
def test_of_a_file_nothing_is_reported(module: str, name: str) -> None:
    with running("analyze", CAPTURE, wrapped=AT.format(module=module, name=name)) as run:
        out, err = run.communicate(timeout=60)
    assert (run.returncode, out) == (130, "")
    assert err.strip() == SAID.strip()


def test_an_interrupted_redaction_leaves_no_file(tmp_path: Path) -> None:
    target = tmp_path / "shared.pcapng"
    code = AT.format(module="inspector.redaction.files", name="open_captures")
    with running("redact", CAPTURE, target, wrapped=code) as run:
        _, err = run.communicate(timeout=60)
    assert (run.returncode, err.strip()) == (130, SAID.strip())
    assert list(tmp_path.iterdir()) == []


def test_while_modules_are_imported_it_ends_at_once() -> None:
    code = """
import os, signal, sys
class Finder:
    def find_spec(name, path=None, target=None):
        if name == "click":
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Finder)
from inspector.cli.main import main
main(prog_name="inspector")
"""
    with running("analyze", CAPTURE, wrapped=code) as run:
        out, err = run.communicate(timeout=60)
    assert (run.returncode, out, err) == (130, "", SAID)


def test_while_the_commands_are_defined_it_ends_at_once() -> None:
    code = """
import os, signal
import click
inner = click.group
def outer(*args, **kwargs):
    os.kill(os.getpid(), signal.SIGINT)
    return inner(*args, **kwargs)
click.group = outer
from inspector.cli.main import main
main(prog_name="inspector")
"""
    with running("analyze", CAPTURE, wrapped=code) as run:
        out, err = run.communicate(timeout=60)
    assert (run.returncode, out, err) == (130, "", SAID)


def test_in_the_background_of_a_shell_it_is_ignored_as_told() -> None:
    code = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)\n" + AT.format(
        module="inspector.inspection", name="join"
    )
    with running("analyze", CAPTURE, wrapped=code) as run:
        out, _ = run.communicate(timeout=60)
    assert run.returncode == 0
    assert out.startswith("inspector ")
