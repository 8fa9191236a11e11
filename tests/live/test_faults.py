"""What breaks around a live capture costs what it must, and the report says so."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from inspector import Report, inspect
from inspector.report.formats.whole import from_dict
from lab.network import run_ip
from tests.live.runner import Stack, stack

INTERFACE = ("capture", "-i", "fw-bridge")


@pytest.fixture(scope="module")
def lab(lab_possible: None) -> Iterator[Stack]:
    with stack() as running:
        yield running


def report_of(text: str) -> Report:
    return from_dict(json.loads(text))


@contextmanager
def mute(path: Path) -> Iterator[str]:
    """A socket that takes every connection and says nothing, as an engine that hangs does."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as server:
        server.bind(str(path))
        path.chmod(0o666)
        server.listen(64)
        yield f"unix://{path}"


def test_an_engine_that_hangs_costs_names_and_no_packet(lab: Stack) -> None:
    with mute(lab.place / "mute.sock") as address:
        done = lab.run(
            *INTERFACE, "--format", "json", "--", *lab.curl(), env={"DOCKER_HOST": address}
        )
    assert done.returncode == 0, done.stderr
    report = report_of(done.stdout)
    assert [exchange.response.status for exchange in report.exchanges if exchange.response] == [200]
    assert report.completeness.verdict == "complete"
    assert report.live
    assert "does not answer in time" in done.stderr + json.dumps(done.stdout)


def test_an_interface_that_goes_down_and_up_is_heard_again(lab: Stack) -> None:
    space = lab.network.bridge.namespace
    with lab.running(*INTERFACE, "--format", "json") as capture:
        lab.network.agent.run(lab.curl()[4:])
        run_ip("-n", space, "link", "set", "fw-bridge", "down")
        run_ip("-n", space, "link", "set", "fw-bridge", "up")
        lab.network.agent.run(lab.curl()[4:])
        capture.send_signal(signal.SIGINT)
        out, told = capture.communicate(timeout=30)
    assert capture.returncode == 0, told
    report = report_of(out)
    calls = [exchange for exchange in report.exchanges if exchange.response]
    assert [call.response.status for call in calls if call.response] == [200, 200]
    assert report.live
    assert report.live.notes == ("fw-bridge went down: nothing crossed it until it was up again",)


@pytest.mark.parametrize(
    "env", [{"LC_ALL": "C", "PYTHONUTF8": "0"}, {"HOME": ""}, {"TMPDIR": "/x"}]
)
def test_surroundings_change_no_capture(lab: Stack, env: dict[str, str]) -> None:
    done = lab.run(*INTERFACE, "--format", "json", "--", *lab.curl(), env=env)
    assert done.returncode == 0, done.stderr
    assert len(report_of(done.stdout).exchanges) == 1


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_streams_cost_no_file(lab: Stack, closed: str) -> None:
    place = lab.place / f"closed-{len(closed)}-{closed[0]}"
    argv = lab.argv(*INTERFACE, "-o", place, "--", *lab.curl())
    done = subprocess.run(
        ["sh", "-c", f'exec "$@" {closed}', "sh", *argv],
        env=lab.environ(),
        cwd=lab.place,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert "Traceback" not in done.stderr
    report = report_of((place / "report.json").read_text())
    assert len(report.exchanges) == 1
    assert inspect(place / "capture.redacted.pcapng").captures[0].cut is None


def test_killed_at_any_moment_the_file_is_readable_to_its_last_whole_packet(lab: Stack) -> None:
    """SIGKILL while calls go on: later each time."""
    for number in range(6):
        path = lab.place / f"killed-{number}.pcapng"
        with lab.running(*INTERFACE, "-w", path) as capture:
            calls = lab.network.agent.argv(
                ["sh", "-c", 'for i in 1 2 3 4; do "$@" || true; done', "sh", *lab.curl()[4:]]
            )
            with subprocess.Popen(calls) as client:
                time.sleep(0.05 * number)
                os.kill(capture.pid, signal.SIGKILL)
                capture.wait()
                client.wait()
        report = inspect(path)
        assert report.completeness.verdict != "complete"
        assert not [odd for odd in report.oddities if odd.name == "internal-error"]
