"""What a run costs in a fleet, against a loop of the command and a loop over the API.

    python -m benchmarks.fleet [--runs N] [--large MB,MB]

CPU seconds of each program and of all that it started (wait4), so that what else the machine does
counts little; peaks are those of the largest process.  Small captures are the goldens, copied;
large ones are the mixed traffic of `benchmarks.generate`.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from itertools import cycle, islice
from pathlib import Path
from typing import Final, NamedTuple

from benchmarks import generate
from benchmarks.generate import Mixed

ROOT: Final = Path(__file__).resolve().parents[1]
#: A golden capture above this is no small one.
_SMALL: Final = 60_000
#: Runs of the command in a loop: each costs as much as dozens in a fleet.
_LOOPED: Final = 20
#: A report, and a capture in which there is nothing to analyse.
_DONE: Final = (0, 4)
_COMMAND: Final = "from inspector.cli.main import main; main()"
_API: Final = """
import sys
from inspector import Options, inspect
for path in sys.argv[1:]:
    inspect(path, options=Options(finds_keys=True))
"""


class Used(NamedTuple):
    """CPU seconds, and bytes of memory of the largest process."""

    cpu: float
    peak: int


def used(command: list[str]) -> Used:
    """What a program and all that it started used.  Raises `RuntimeError` if it fails."""
    null = os.open(os.devnull, os.O_RDWR)
    try:
        actions = [(os.POSIX_SPAWN_DUP2, null, descriptor) for descriptor in (1, 2)]
        child = os.posix_spawn(command[0], command, os.environ, file_actions=actions)
    finally:
        os.close(null)
    _, status, usage = os.wait4(child, 0)
    if os.waitstatus_to_exitcode(status) not in _DONE:
        raise RuntimeError(f"{command[:4]} failed")
    return Used(usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024)


def small(place: Path, count: int) -> list[Path]:
    """Folders of `count` small captures."""
    goldens = sorted(
        path for path in ROOT.glob("captures/*/capture.pcapng") if path.stat().st_size < _SMALL
    )
    folders = []
    for number, golden in enumerate(islice(cycle(goldens), count)):
        folder = place / f"{number:06d}"
        folder.mkdir(parents=True)
        shutil.copyfile(golden, folder / golden.name)
        folders.append(folder)
    return folders


def fleet(runs: Path, out: Path, *more: str) -> Used:
    """Judge the runs below a folder in one process."""
    arguments = ("fleet", str(runs), "-o", str(out), "--jobs", "1", "--no-progress", *more)
    return used([sys.executable, "-c", _COMMAND, *arguments])


def of_small(scratch: Path, count: int) -> None:
    """Small captures: a loop of the command, a loop over the API, a fleet, a fleet again."""
    folders = small(scratch / "runs", count)
    few = small(scratch / "few", count // 10)
    looped = [
        used([sys.executable, "-c", _COMMAND, "analyze", "--format", "json", str(folder)])
        for folder in folders[:_LOOPED]
    ]
    command = sum(one.cpu for one in looped) / len(looped)
    api = used([sys.executable, "-c", _API, *map(str, folders)])
    judged = fleet(scratch / "runs", scratch / "out")
    again = fleet(scratch / "runs", scratch / "out")
    of_few = fleet(scratch / "few", scratch / "out-few")
    tables = sum(path.stat().st_size for path in (scratch / "out").rglob("*.parquet"))
    each, by_api = judged.cpu / count, api.cpu / count
    print(f"| {count:,} small captures | ms of CPU a capture | captures a second and core | peak |")
    print("|---|---|---|---|")
    for name, cost, peak in (
        ("the command in a loop", command, max(one.peak for one in looped)),
        ("a loop over the API", by_api, api.peak),
        ("inspector fleet", each, judged.peak),
        ("inspector fleet again", again.cpu / count, again.peak),
    ):
        print(f"| {name} | {1000 * cost:.2f} | {1 / cost:.1f} | {peak / 1e6:.0f} MB |")
    print(
        f"\nfleet is {command / each:.1f} x the loop, the API {command / by_api:.1f} x; peak with"
        f" {len(few):,} runs {of_few.peak / 1e6:.0f} MB; {tables / count:.0f} bytes of Parquet"
        " a run\n"
    )


def of_large(scratch: Path, megabytes: float) -> None:
    """One capture of a size: the command, and a fleet of four, so that reads overlap."""
    first = scratch / "0" / "capture.pcap"
    first.parent.mkdir()
    generate.write(Mixed(), first, megabytes=megabytes, packets=0)
    for number in range(1, 4):
        (scratch / str(number)).mkdir()
        shutil.copyfile(first, scratch / str(number) / first.name)
    command = used([sys.executable, "-c", _COMMAND, "analyze", "--format", "json", str(first)])
    judged = fleet(scratch, scratch.with_name("out-large"))
    print(
        f"| {megabytes:g} MB | {command.cpu:.2f} s | {judged.cpu / 4:.2f} s |"
        f" {command.cpu / (judged.cpu / 4):.1f} x | {judged.peak / 1e6:.0f} MB |"
    )


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=2000)
    parser.add_argument("--large", default="1,10,100", help="sizes in MB")
    told = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        of_small(Path(scratch), told.runs)
    print("| capture | the command | a run of four in a fleet | ratio | peak |")
    print("|---|---|---|---|---|")
    for size in filter(None, told.large.split(",")):
        with tempfile.TemporaryDirectory() as scratch:
            place = Path(scratch, "runs")
            place.mkdir()
            of_large(place, float(size))


if __name__ == "__main__":
    main()
