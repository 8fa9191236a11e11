"""Signals are read when it suits, and their sender is known."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import sys
from pathlib import Path

from inspector.live.signals import Caught, Signals

ROOT = Path(__file__).parents[2]

_TELLS = """
import select
from inspector.live.signals import Signals
with Signals() as signals:
    print("ready", flush=True)
    select.select([signals], [], [], 20)
    print(signals.read(), flush=True)
"""


def test_a_signal_waits_until_it_is_read() -> None:
    with Signals() as signals:
        assert signals.read() is None
        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGINT)
        assert select.select([signals], [], [], 10)[0]
        caught = [signals.read(), signals.read()]
        assert caught == [
            Caught(signal.SIGINT, by_terminal=False),
            Caught(signal.SIGTERM, by_terminal=False),
        ]
        assert signals.read() is None


def test_afterwards_signals_mean_what_they_meant() -> None:
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    signals = Signals()
    assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) != before
    signals.close()
    signals.close()
    assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == before


def test_ctrl_c_on_the_terminal_is_told_from_a_kill() -> None:
    controller, terminal = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-c", f"import os,fcntl,termios; os.setsid();"
         f"fcntl.ioctl(0, termios.TIOCSCTTY, 0)\n{_TELLS}"],
        stdin=terminal, stdout=subprocess.PIPE, text=True, cwd=ROOT,
    ) as process:  # fmt: skip
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
        os.write(controller, b"\x03")
        assert "by_terminal=True" in process.stdout.readline()
    os.close(controller)
    os.close(terminal)
