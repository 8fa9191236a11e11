"""Scenarios of the lab with a live capture in the place of the recorder."""

from __future__ import annotations

import contextlib
import json
import signal
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pytest

from inspector import Options, inspect
from inspector.model.report import Report
from inspector.report.formats.whole import from_dict, stable_part
from lab import gateways, obstacles, record, squid
from lab.docker import Container, DockerNetwork
from lab.index import CAPTURES
from lab.network import NAMED, WORLD, Host, Network
from lab.pattern import deviations
from lab.processes import LabError
from lab.scenarios import Scenario, catalogue
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
    "one-network",
    "parallel-20",
)


#: What runs on each host of the lab, as the kernel calls it; the agent's are many.
_PROGRAMS: Final = {
    "api-proxy": {"node", "nginx", "haproxy", "envoy", "litellm"},
    "squid": {"squid"},
}


@dataclass
class Watched:
    """What came of a scenario.

    `wrong` is where the golden report differs; `misattributed` the ends of
    connections whose process is not one of the host with that address.
    """

    report: Report
    path: Path
    told: str
    wrong: list[str] = field(default_factory=list)
    misattributed: list[str] = field(default_factory=list)


@contextlib.contextmanager
def watched(name: str, *arguments: str, docker: bool = False) -> Iterator[Watched]:
    """Play a scenario under `inspector capture`; `wrong` is where the golden report differs.

    The capture file and the network are there as long as the block runs.
    """
    scenario = catalogue()[name]
    if scenario.squid.get("peek") and (reason := squid.why_not_squid(peek=True)):
        pytest.skip(reason)
    if scenario.gateway and (reason := gateways.why_not_gateway(scenario.gateway)):
        pytest.skip(reason)
    if scenario.filtered and (reason := obstacles.why_not_obstacles()):
        pytest.skip(reason)
    network = Network(one_network=scenario.one_network, ipv6=scenario.ipv6)
    with DockerNetwork() if docker else network as network:
        place = network.directory / "run"
        place.mkdir(mode=0o755)
        found = _play(scenario, network, place, arguments)
        pattern = json.loads((CAPTURES / name / "expected.json").read_text())
        report = found.report
        if scenario.squid.get("peek"):
            # Why it closed a tunnel stands in its log alone, which is read with the file.
            log = network.directory / "squid" / "access.log"
            report = inspect(found.path, options=Options(logs=(log,)))
        found.wrong = deviations(pattern, stable_part(report))
        found.misattributed = list(_misattributed(network, found.report))
        yield found


def _misattributed(network: Network, report: Report) -> Iterator[str]:
    """Every end of every connection, against the one thing that cannot lie: its namespace."""
    spaces = {host.address: (name, _space(host)) for name, host in network.hosts.items()}
    spaces |= dict.fromkeys(WORLD.values(), spaces[network.world.address])
    for connection in report.connections:
        ends = [(connection.client.ip, connection.client_process)]
        if connection.outcome == "established":
            ends.append((connection.server.ip, connection.server_process))
        for ip, process in ends:
            name, inode = spaces[ip]
            programs = _PROGRAMS.get(name)
            if process is None:
                yield f"{connection.id}: nobody for {ip} ({name})"
            elif process.netns != inode or (programs and process.comm not in programs):
                yield f"{connection.id}: {process} for {ip} ({name})"


def _space(host: Host) -> int:
    """The inode of a host's network namespace."""
    if isinstance(host, Container):
        return Path(f"/proc/{host.pid}/ns/net").stat().st_ino
    return (NAMED / host.namespace).stat().st_ino


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
            results.append(Watched(from_dict(json.loads(out)), path, told))

    record.play(scenario, network, place, recording)
    return results[0]
