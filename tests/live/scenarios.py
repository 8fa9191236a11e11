"""Scenarios of the lab with a live capture in the place of the recorder."""

from __future__ import annotations

import contextlib
import json
import signal
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from inspector.report.model import Report
from tests.lab import record
from tests.lab.index import CAPTURES
from tests.lab.network import Network
from tests.lab.pattern import deviations
from tests.lab.processes import LabError
from tests.lab.scenarios import Scenario, catalogue
from tests.live.runner import Stack

#: Those whose capture is made from another one: of `any`, or with packets taken out.
LIVE = tuple(
    name
    for name, scenario in catalogue().items()
    if not scenario.any_interface and not scenario.lose
)
#: One of each kind of picture, for every run of the tests.
HANDFUL = (
    "healthy-sse",
    "ipv6-bridge",
    "issue-1527",
    "mid-stream-start",
    "one-network",
    "parallel-20",
    "plain-http-in-connect",
)


@dataclass
class Watched:
    """What came of a scenario."""

    report: Report
    path: Path
    told: str
    wrong: list[str] = field(default_factory=list)


@contextlib.contextmanager
def watched(name: str, *arguments: str) -> Iterator[Watched]:
    """Play a scenario under `inspector capture`; `wrong` is where the golden report differs.

    The capture file and the network are there as long as the block runs.
    """
    scenario = catalogue()[name]
    with Network(one_network=scenario.one_network, ipv6=scenario.ipv6) as network:
        place = network.directory / "run"
        place.mkdir(mode=0o755)
        found = _play(scenario, network, place, arguments)
        pattern = json.loads((CAPTURES / name / "expected.json").read_text())
        found.wrong = deviations(pattern, found.report.stable())
        yield found


def _play(scenario: Scenario, network: Network, place: Path, arguments: tuple[str, ...]) -> Watched:
    path = place / "live.pcapng"
    results: list[Watched] = []

    @contextlib.contextmanager
    def recording() -> Iterator[None]:
        stack = Stack(network, place)
        with stack.running(
            "capture", "-i", "fw-bridge", "-w", path, "--format", "json", *arguments
        ) as process:
            yield
            process.send_signal(signal.SIGINT)
            out, told = process.communicate(timeout=30)
            if process.returncode:
                raise LabError(f"inspector ended with status {process.returncode}: {told}")
            results.append(Watched(Report.from_dict(json.loads(out)), path, told))

    record.play(scenario, network, place, recording)
    return results[0]
