"""What ends a capture, and that nothing received before the end is lost."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from inspector.live import run as live_run
from inspector.live.command import Command
from inspector.live.run import Ending, StopLimits, await_command, run
from inspector.live.session import Session
from inspector.live.signals import Signals
from inspector.options import Options
from lab.index import CAPTURES
from tests.live.sources import FileSource

DEMO = CAPTURES / "issue-1527" / "capture.pcapng"
PACKETS = 125


@pytest.fixture
def signals() -> Iterator[Signals]:
    with Signals() as signals:
        yield signals


@pytest.fixture
def session() -> Session:
    return Session(Options(), [FileSource(DEMO)])


def after(seconds: float, number: signal.Signals) -> threading.Timer:
    timer = threading.Timer(seconds, os.kill, (os.getpid(), number))
    timer.start()
    return timer


def started(*argv: str) -> Command:
    command = Command(argv, None)
    command.start()
    return command


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_it(session: Session, signals: Signals, number: signal.Signals) -> None:
    timer = after(0.05, number)
    assert run(session, signals) == Ending("signal", f"ended by {number.name}")
    timer.join()
    assert session.packets == PACKETS


def test_a_duration_ends_it(session: Session, signals: Signals) -> None:
    begun = time.monotonic()
    ending = run(session, signals, limits=StopLimits(duration=0.3))
    assert ending == Ending("duration", "ended after 0.3 s")
    assert 0.3 <= time.monotonic() - begun < 5


def test_a_size_ends_it(signals: Signals, session: Session) -> None:
    ending = run(session, signals, limits=StopLimits(size=20_000))
    assert ending.reason == "max-size"
    assert session.bytes >= 20_000


def test_what_was_received_before_the_end_is_taken(session: Session, signals: Signals) -> None:
    os.kill(os.getpid(), signal.SIGINT)
    assert run(session, signals).reason == "signal"
    assert session.packets == PACKETS


def test_the_commands_end_ends_it(session: Session, signals: Signals) -> None:
    command = started("sh", "-c", "exit 3")
    ending = run(session, signals, command=command)
    assert ending == Ending("command", "sh ended with status 3")
    assert session.packets == PACKETS


def test_a_signal_to_us_is_passed_on_to_the_command(session: Session, signals: Signals) -> None:
    command = started("sleep", "60")
    timer = after(0.05, signal.SIGTERM)
    ending = run(session, signals, command=command)
    timer.join()
    assert ending == Ending("command", "sleep ended with status 143")


def test_a_second_signal_ends_a_command_that_does_not_listen(
    session: Session, signals: Signals, tmp_path: Path
) -> None:
    ready = tmp_path / "ready"
    command = started("sh", "-c", f"trap '' TERM INT; touch {ready}; sleep 60 & wait; wait")

    def twice() -> None:
        while not ready.exists():
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGTERM)
        while signal.SIGTERM in signal.sigpending():
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGTERM)

    thread = threading.Thread(target=twice)
    thread.start()
    ending = run(session, signals, command=command)
    thread.join()
    assert ending == Ending("command", "sh ended with status 137")


def test_a_command_that_outlives_the_capture_is_waited_for(
    session: Session, signals: Signals
) -> None:
    command = started("sh", "-c", "sleep 0.4; exit 9")
    ending = run(session, signals, command=command, limits=StopLimits(duration=0.05))
    assert ending.reason == "duration"
    assert await_command(command, signals) == 9


def test_an_interface_that_is_gone_ends_it(session: Session, signals: Signals) -> None:
    (source,) = session.sources
    assert isinstance(source, FileSource)
    source.gone = True
    told: list[str] = []
    ending = run(session, signals, tell=told.append)
    assert ending == Ending("interface-gone", "ended because fw-bridge was removed")
    assert told == ["the interface fw-bridge was removed"]
    assert session.packets == PACKETS


def test_a_command_goes_on_without_its_interface(session: Session, signals: Signals) -> None:
    (source,) = session.sources
    assert isinstance(source, FileSource)
    source.gone = True
    command = started("sh", "-c", "sleep 0.4; exit 1")
    assert run(session, signals, command=command).reason == "command"


@pytest.mark.parametrize("is_behind", [False, True])
def test_memory_is_given_back_now_and_then_where_there_is_time(
    session: Session, signals: Signals, monkeypatch: pytest.MonkeyPatch, is_behind: bool
) -> None:
    given: list[float] = []
    monkeypatch.setattr(live_run, "TIDY", 0.0)
    monkeypatch.setattr(live_run, "return_freed", lambda: given.append(time.monotonic()))
    monkeypatch.setattr(Session, "is_behind", is_behind)
    run(session, signals, limits=StopLimits(duration=0.6))
    assert bool(given) is not is_behind
