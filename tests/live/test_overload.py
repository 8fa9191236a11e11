"""More than can be read: what was lost is counted exactly, and the verdict says so."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from inspector import inspect
from inspector.report.formats.whole import from_dict
from lab.network import Network
from tests.linux.wire import AGENT, API_PROXY, frame, link
from tests.live.runner import Stack

#: More than the ring's 64 MiB.
FRAMES = 60_000


@pytest.fixture
def lab(lab_possible: None) -> Iterator[Stack]:
    """A bridge, and none of the programs: frames come from the test."""
    with Network() as network:
        place = network.directory / "live"
        place.mkdir(mode=0o755)
        yield Stack(network, place)


def test_a_reader_that_stands_still_loses_packets_and_knows_how_many(lab: Stack) -> None:
    path: Path = lab.place / "x.pcapng"
    each = frame(AGENT, API_PROXY, bytes(1400))
    with (
        link(lab.network.agent) as wire,
        lab.running(
            "capture", "-i", "fw-bridge", "--raw", "-w", path, "--format", "json"
        ) as capture,
    ):
        capture.send_signal(signal.SIGSTOP)
        # The kernel has delivered a frame when `send` returns.
        for _ in range(FRAMES):
            wire.send(each)
        capture.send_signal(signal.SIGCONT)
        capture.send_signal(signal.SIGINT)
        out, errors = capture.communicate(timeout=60)

    plain: dict[str, Any] = json.loads(out)
    report = from_dict(plain)
    assert report.live, errors
    (counted,) = report.live.interfaces
    assert counted.received is not None
    assert counted.dropped
    assert counted.received >= FRAMES
    assert counted.packets + counted.dropped == counted.received
    assert counted.freezes
    assert report.completeness.dropped_by_kernel == counted.dropped
    assert report.completeness.verdict == "incomplete"
    assert f"{counted.dropped} packets were dropped" in report.completeness.because
    (file,) = inspect(path).captures
    assert file.packets == counted.packets
    assert file.interfaces[0].dropped == counted.dropped
