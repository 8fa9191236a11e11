"""What the inspector costs beside what is aimed at: the last part of `make bench`.

    python -m benchmarks.targets [--repeat N]

CPU seconds (user and system, the kernel's count) of whole programs, the least of some runs, each
beside its peer in turns.  A cost for each call or byte is a slope: what the longer of two files of
one kind takes more than the shorter, so that starting counts for nothing.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from benchmarks.generate import SmallCalls, SmallPackets, Varied
from benchmarks.run import DATA, Program, Workload, prepare, run

_WORKLOADS: Final[Mapping[str, Workload]] = {
    "varied-30mb": Workload("30 MB mixed, a new key in each call", Varied, megabytes=30),
    "varied-230mb": Workload("230 MB mixed, a new key in each call", Varied, megabytes=230),
    "known-4mb": Workload("short calls, one key", lambda: SmallCalls(fresh=False), megabytes=4),
    "known-12mb": Workload("short calls, one key", lambda: SmallCalls(fresh=False), megabytes=12),
    "fresh-4mb": Workload("short calls, new keys", lambda: SmallCalls(fresh=True), megabytes=4),
    "fresh-12mb": Workload("short calls, new keys", lambda: SmallCalls(fresh=True), megabytes=12),
    "sse-400k": Workload("400,000 small SSE packets", SmallPackets, packets=400_000),
}
_FILES: Final = (
    "report.json", "summary.md", "report.html", "exchanges.har", "exchanges.jsonl",
    "capture.redacted.pcapng",
)  # fmt: skip


class Row(NamedTuple):
    """One aim: what was measured, what is aimed at, and whether more or less is better."""

    what: str
    got: float
    aim: float
    unit: str
    more_is_better: bool = False

    @property
    def is_met(self) -> bool:
        """Whether the aim is reached."""
        return self.got >= self.aim if self.more_is_better else self.got <= self.aim

    def __str__(self) -> str:
        sign = "at least" if self.more_is_better else "at most"
        met = "met" if self.is_met else "missed"
        return f"  {self.what:52}{self.got:9.2f} {self.unit:4}  {sign} {self.aim:g}: {met}"


def _cpu(commands: Sequence[Sequence[str]], repeat: int, **environment: str) -> list[float]:
    """The least CPU seconds of each command, run in turns."""
    for name, value in environment.items():
        os.environ[name] = value
    try:
        runs = [[run(_program(command), DATA).cpu for command in commands] for _ in range(repeat)]
    finally:
        for name in environment:
            del os.environ[name]
    return [min(each) for each in zip(*runs, strict=True)]


def _program(command: Sequence[str]) -> Program:
    return Program(command[0], lambda _capture, _scratch: command, None)


def _ours(*arguments: str) -> list[str]:
    return [sys.executable, "-c", "from inspector.cli.main import main; main()", *arguments]


def _analyze(path: Path, *more: str) -> list[str]:
    return _ours("analyze", "--format", "json", "--no-progress", *more, str(path))


def _tcpdump(path: Path) -> list[str]:
    # As root it would give up its rights, and could then not write.
    return ["tcpdump", "-Z", "root", "-r", str(path), "-w", "/dev/null"]


def _tshark(path: Path) -> list[str]:
    return [
        "tshark", "-n", "-r", str(path), "-Y", "http.request", "-T", "fields", "-e", "frame.number",
        "-e", "http.authorization", "-e", "http.request.line", "-o",
        "tcp.reassemble_out_of_order:TRUE", "-d", "tcp.port==10000-10004,http", "-d",
        "tcp.port==3128,http",
    ]  # fmt: skip


def measure(repeat: int) -> list[Row]:
    """Every aim, in the order of docs; those whose peer is not installed are left out."""
    files = {name: prepare(name, workload) for name, workload in _WORKLOADS.items()}
    paths = {name: path for name, (path, _) in files.items()}
    rows = []
    (start,) = _cpu([_ours("--version")], repeat)
    rows.append(Row("start-up (--version), CPU s", start, 0.10, "s"))
    short, long = paths["varied-30mb"], paths["varied-230mb"]
    ours_short, ours, theirs_short, theirs = _cpu(
        [_analyze(short), _analyze(long), _tcpdump(short), _tcpdump(long)], repeat
    )
    rows.append(
        Row("a byte of mixed traffic, times tcpdump -w /dev/null",
            (ours - ours_short) / max(theirs - theirs_short, 0.001), 3, "x")
    )  # fmt: skip
    for kind, aim in (("known", 80), ("fresh", 120)):
        calls = [files[f"{kind}-{size}mb"][1].requests for size in (4, 12)]
        few, many = _cpu([_analyze(paths[f"{kind}-{size}mb"]) for size in (4, 12)], repeat)
        what = f"a short call with {'the known' if kind == 'known' else 'a new'} key, CPU us"
        rows.append(Row(what, (many - few) / (calls[1] - calls[0]) * 1e6, aim, "us"))
    rows += _against_others(paths, ours, repeat)
    rows += _artifacts(short, ours_short, repeat)
    return rows


def _against_others(paths: Mapping[str, Path], ours: float, repeat: int) -> list[Row]:
    rows = []
    long, short, sse = paths["varied-230mb"], paths["varied-30mb"], paths["sse-400k"]
    if shutil.which("tshark"):
        (theirs,) = _cpu([_tshark(long)], 1)
        rows.append(Row("mixed traffic, times as fast as tshark", theirs / ours, 12, "x", True))
        our_sse, their_sse = _cpu([_analyze(sse), _tshark(sse)], repeat)
        rows.append(
            Row("event streams, times as fast as tshark", their_sse / our_sse, 25, "x", True)
        )
        (pure,) = _cpu([_analyze(short)], repeat, INSPECTOR_PURE="1")
        (theirs,) = _cpu([_tshark(short)], repeat)
        rows.append(Row("the pure engine, times as fast as tshark", theirs / pure, 5, "x", True))
    if shutil.which("tcpflow"):
        with tempfile.TemporaryDirectory(dir=DATA) as into:
            (theirs,) = _cpu([["tcpflow", "-a", "-q", "-r", str(long), "-o", into]], 1)
        rows.append(Row("mixed traffic, times as fast as tcpflow -a", theirs / ours, 4, "x", True))
    return rows


def _artifacts(path: Path, alone: float, repeat: int) -> list[Row]:
    """What each file costs beside the analysis without it, and a redacted copy by itself."""
    rows = []
    with tempfile.TemporaryDirectory(dir=DATA) as name:
        for file in _FILES:
            into = str(Path(name, file))
            (cost,) = _cpu([_analyze(path, "-o", into, "--only", file)], repeat)
            rows.append(Row(f"{file}, times the analysis", (cost - alone) / alone, 0.5, "x"))
        copy = str(Path(name, "copy.pcapng"))
        (cost,) = _cpu([_ours("redact", "--no-progress", "--force", str(path), copy)], repeat)
    speed = path.stat().st_size / 1e6 / cost
    rows.append(Row("redact, MB of capture a second", speed, 100, "MB/s", True))
    return rows


def main() -> int:
    """The command; missing an aim is no failure: the figures are what is asked for."""
    parser = argparse.ArgumentParser(description="What the inspector costs, beside its aims.")
    parser.add_argument("--repeat", type=int, default=2, help="runs each; the least counts")
    options = parser.parse_args()
    DATA.mkdir(exist_ok=True)
    for row in measure(options.repeat):
        print(row, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
