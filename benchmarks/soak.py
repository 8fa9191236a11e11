"""Hold a live capture to flat memory under steady traffic: `make soak TIME=300` (root).

    python -m benchmarks.soak [SECONDS] [--rate CALLS_A_SECOND] [--mix kept] [--raw]

`benchmarks.steady` calls on the lab's bridge; each second memory, descriptors and threads of every
process of the capture are noted. The first third of the time is for whatever is made once. Of the
rest the medians of both halves are compared: memory may grow by half a KB for each call between
them, descriptors and threads not at all. The report has to have every call, and no packet may have
been dropped. One line of figures is printed; exit code 1 with the figure that was too much.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from benchmarks.steady import API_PORT
from inspector.report.files import NAMES, REPORT
from lab.network import Network
from lab.processes import environment, until, why_not

_REPOSITORY: Final = Path(__file__).parents[1]
#: Bytes that a call may leave in memory until the report is written (docs/limits.md).
BYTES_A_CALL: Final = 512
#: What one process may have more for the allocator's sake alone: an arena of Python's.
ARENA: Final = 1 << 20
_LEAST_SAMPLES: Final = 9
#: Seconds that the last calls may take: an event stream takes two.
PATIENCE: Final = 10.0
#: Seconds for the capture to read on, audit its file and write its report.
_ENDING: Final = 1200


@dataclass(frozen=True, slots=True)
class Usage:
    """What one process holds: bytes of memory of its own, descriptors, threads."""

    memory: int
    descriptors: int
    threads: int


@dataclass(frozen=True, slots=True)
class Sample:
    """A moment: calls that were answered by then, and the capture's processes by their ids."""

    calls: int
    processes: dict[int, Usage]

    @property
    def memory(self) -> int:
        return sum(each.memory for each in self.processes.values())

    @property
    def descriptors(self) -> int:
        return sum(each.descriptors for each in self.processes.values())

    @property
    def threads(self) -> int:
        return sum(each.threads for each in self.processes.values())


@dataclass(frozen=True, slots=True)
class Growth:
    """The last third of a run against the third before it; `memory` and `calls` are medians."""

    processes: int
    memory: tuple[float, float]
    calls: tuple[float, float]
    descriptors: tuple[int, int]
    threads: tuple[int, int]
    gone: tuple[int, ...]

    @classmethod
    def of(cls, samples: Sequence[Sample]) -> Growth:
        """Raises ValueError for a run that is too short to judge."""
        if len(samples) < _LEAST_SAMPLES:
            raise ValueError(f"{len(samples)} samples are too few to judge ({_LEAST_SAMPLES})")
        third = len(samples) // 3
        before, last = samples[third : 2 * third], samples[2 * third :]
        known = set(before[0].processes)
        return cls(
            len(known),
            (_median(before, "memory"), _median(last, "memory")),
            (_median(before, "calls"), _median(last, "calls")),
            # The least: what is open for a moment is no leak, and is not open in each.
            (_least(before, "descriptors"), _least(last, "descriptors")),
            (_least(before, "threads"), _least(last, "threads")),
            tuple(sorted(known - set(last[-1].processes))),
        )

    @property
    def a_call(self) -> float:
        """Bytes of memory for each call."""
        calls = self.calls[1] - self.calls[0]
        return (self.memory[1] - self.memory[0]) / calls if calls else 0.0

    def too_much(self) -> list[str]:
        """What grew by more than the calls explain, each a sentence with its figure."""
        calls = self.calls[1] - self.calls[0]
        grown = self.memory[1] - self.memory[0]
        allowed = calls * BYTES_A_CALL + self.processes * ARENA
        found = []
        if grown > allowed:
            found.append(
                f"memory grew by {grown / 1e6:.1f} MB over {calls:,.0f} calls, {self.a_call:,.0f}"
                f" bytes each; {allowed / 1e6:.1f} MB are explained"
            )
        for what in ("descriptors", "threads"):
            before, last = getattr(self, what)
            if last > before:
                found.append(f"{what} grew from {before} to {last}")
        if self.gone:
            found.append(f"{len(self.gone)} of {self.processes} processes of the capture ended")
        if not calls:
            found.append("no call was made between the halves")
        return found


def _median(samples: Sequence[Sample], what: str) -> float:
    return statistics.median(float(getattr(each, what)) for each in samples)


def _least(samples: Sequence[Sample], what: str) -> int:
    return min(int(getattr(each, what)) for each in samples)


# --- what a process holds -------------------------------------------------------------------------


def family(pid: int) -> list[int]:
    """A process and all that it started, as long as they live."""
    found = [pid]
    for each in found:
        try:
            tasks = list(Path(f"/proc/{each}/task").iterdir())
            told = " ".join((task / "children").read_text() for task in tasks)
        except OSError:
            continue
        found += map(int, told.split())
    return found


def usage(pid: int) -> Usage | None:
    """What a process holds now; None for one that ended."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
        descriptors = len(list(Path(f"/proc/{pid}/fd").iterdir()))
    except OSError:
        return None
    told = dict(line.split(":", 1) for line in status.splitlines())
    if "RssAnon" not in told:
        return None
    # Not RssFile: libraries are shared, and the ring is counted there.
    memory = sum(int(told[name].split()[0]) * 1024 for name in ("RssAnon", "RssShmem"))
    return Usage(memory, descriptors, int(told["Threads"]))


# --- a run ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Run:
    """A capture under traffic, and what came of it."""

    samples: list[Sample]
    #: Calls that were begun, answered and failed.
    calls: tuple[int, int, int]
    cpu: float
    status: int
    report: dict[str, Any]
    #: Seconds in which the agent was to make its calls, and in which it did.
    planned: float
    took: float

    def faults(self) -> list[str]:
        """What is wrong with the run but its growth."""
        found = []
        if self.status:
            found.append(f"the capture ended with {self.status}")
        if self.dropped:
            found.append(f"{self.dropped:,} of {self.received:,} packets were dropped")
        if self.calls[2]:
            found.append(f"{self.calls[2]:,} calls of the agent failed")
        if self.took > self.planned + PATIENCE:
            found.append(
                f"the agent took {self.took:.0f} s for the calls of {self.planned:.0f} s:"
                f" {self.rate:.0f} a second are what was measured"
            )
        if self.told != self.calls[1]:
            found.append(f"the report has {self.told:,} of {self.calls[1]:,} calls")
        return found

    @property
    def rate(self) -> float:
        """Calls a second that the agent got answered."""
        return self.calls[1] / max(self.took, 1.0)

    @property
    def dropped(self) -> int:
        return sum(each["dropped"] or 0 for each in self.report["live"]["interfaces"])

    @property
    def received(self) -> int:
        return sum(each["received"] or 0 for each in self.report["live"]["interfaces"])

    @property
    def told(self) -> int:
        """Calls to the API proxy in the report."""
        answered = (each for each in self.report["exchanges"] if each["response"])
        return sum(each["server"]["port"] == API_PORT for each in answered)


def soak(
    network: Network, seconds: float, rate: float, *, mix: str = "varied", raw: bool = False
) -> Run:
    """Capture the bridge while an agent calls; a sample each second."""
    place = network.directory / "soak"
    place.mkdir(mode=0o777)
    place.chmod(0o777)
    here = {"PYTHONPATH": str(_REPOSITORY)}
    program = [sys.executable, "-m", "benchmarks.steady"]
    api, squid = network.api_proxy, network.squid
    squid.start(
        [*program, "squid", squid.address], log=place / "squid.log", env=here, ready="serving"
    )
    api.start(
        [*program, "api", api.address, squid.address],
        log=place / "api.log",
        env=here,
        ready="serving",
    )
    ready, out = place / "ready", place / "out"
    argv = [sys.executable, "-m", "inspector", "capture", "-i", network.device, "-o", str(out)]
    argv += ["--subnet", "172.30.0.0/24", "--ready-file", str(ready), *["--raw"] * raw]
    for name in NAMES:
        argv += ["--without", name] if name != REPORT else []
    with (place / "capture.log").open("wb") as said:
        capture = subprocess.Popen(
            network.bridge.argv(argv), stdout=said, stderr=said, env=environment(here)
        )
    samples: list[Sample] = []
    try:
        until(lambda: ready.exists() or _is_over(capture.pid), "the capture to run", timeout=30)
        log, began = place / "agent.log", time.monotonic()
        agent = network.agent.start(
            [*program, "agent", api.address, str(rate), str(seconds), mix], log=log, env=here
        )
        while agent.running:
            time.sleep(1)
            pids = family(capture.pid)
            samples.append(
                Sample(
                    counts(log)[1],
                    {pid: used for pid in pids if (used := usage(pid)) is not None},
                )
            )
        took = time.monotonic() - began
        time.sleep(1)
    finally:
        if not _is_over(capture.pid):
            os.kill(capture.pid, signal.SIGINT)
            if samples:
                until(lambda: _is_over(capture.pid), "the capture to end", timeout=_ENDING)
            else:
                os.kill(capture.pid, signal.SIGKILL)
        _, status, spent = os.wait4(capture.pid, 0)
        capture.returncode = os.waitstatus_to_exitcode(status)
    try:
        report = json.loads((out / "report.json").read_bytes())
    except OSError:
        raise SystemExit(f"soak: no report\n{(place / 'capture.log').read_text()}") from None
    cpu = spent.ru_utime + spent.ru_stime
    return Run(samples, counts(log), cpu, capture.returncode, report, seconds, took)


def counts(log: Path) -> tuple[int, int, int]:
    """The agent's last whole line: calls begun, answered, failed."""
    lines = log.read_text().rpartition("\n")[0].splitlines()
    for line in reversed(lines):
        if line.startswith("["):
            begun, answered, failed = json.loads(line)
            return begun, answered, failed
    return 0, 0, 0


def _is_over(pid: int) -> bool:
    return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def told(run: Run, growth: Growth, seconds: float) -> str:
    """The figures in one line."""
    return (
        f"{seconds:.0f} s, {run.calls[1]:,} calls ({run.rate:.0f} a second), {run.received:,}"
        f" packets, {run.dropped} dropped;"
        f" {growth.processes} processes: memory {run.samples[0].memory / 1e6:.1f} MB at first,"
        f"{''.join(_at(run.samples))}"
        f" {growth.memory[0] / 1e6:.1f} and {growth.memory[1] / 1e6:.1f} MB in the last thirds,"
        f" {growth.a_call:,.0f} bytes a call;"
        f" descriptors {growth.descriptors[1]}, threads {growth.threads[1]};"
        f" {run.cpu / max(1, run.received) * 1e6:.0f} us of CPU a packet;"
        f" load {os.getloadavg()[0]:.1f}"
    )


def _at(samples: Sequence[Sample]) -> Iterator[str]:
    """The memory after so many minutes; samples come by the second."""
    for minutes in (1, 5, 10, 30, 60):
        if len(samples) > minutes * 60:
            yield f" {samples[minutes * 60].memory / 1e6:.1f} after {minutes} min,"


def main() -> int:
    """The command: see the module's text."""
    parser = argparse.ArgumentParser(description="Hold a live capture to flat memory.")
    parser.add_argument("seconds", type=float, nargs="?", default=60)
    parser.add_argument("--rate", type=float, default=50, help="calls a second")
    parser.add_argument("--mix", choices=["varied", "kept"], default="varied")
    parser.add_argument("--raw", action="store_true", help="the file is written as it came")
    options = parser.parse_args()
    if reason := why_not():
        raise SystemExit(f"benchmarks.soak: {reason}")
    with Network() as network:
        run = soak(network, options.seconds, options.rate, mix=options.mix, raw=options.raw)
    growth = Growth.of(run.samples)
    print(told(run, growth, options.seconds), flush=True)
    failed = [*growth.too_much(), *run.faults()]
    for each in failed:
        print(f"soak: {each}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
