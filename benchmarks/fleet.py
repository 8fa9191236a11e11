"""What a run costs in a fleet, against a loop of the command and a loop over the API.

    python -m benchmarks.fleet [--runs N] [--large MB,MB] [--index RUNS] [--only small,large,...]

CPU seconds of each program and of all that it started (wait4), so that what else the machine does
counts little; peaks are those of the largest process.  Small captures are the goldens, copied;
large ones are the mixed traffic of `benchmarks.generate`.  Overlapped reads are in seconds of the
wall, the best of some, each beside the same fleet that brings a run only when the last is judged.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import sys
import tempfile
from collections.abc import Iterable
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from itertools import cycle, islice
from pathlib import Path
from threading import Thread
from time import monotonic, sleep
from typing import Any, Final, NamedTuple

from benchmarks import generate
from benchmarks.generate import Mixed
from inspector.fleet.tables import TABLES
from inspector.report.formats.json import dumps

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


#: A fleet that brings a run only when the one before it is judged.
_ONE_BY_ONE: Final = f"import inspector.fleet.batch as batch; batch.AHEAD = 1; {_COMMAND}"
#: Seconds before a store gives the first byte of an object; in one region it is some 0.05 to 0.2.
_LATENCY: Final = 0.2
_OBJECTS: Final = 20
_REPEATS: Final = 3


class Used(NamedTuple):
    """CPU seconds, bytes of memory of the largest process, and seconds of the wall."""

    cpu: float
    peak: int
    wall: float


def used(command: list[str]) -> Used:
    """What a program and all that it started used.  Raises `RuntimeError` if it fails."""
    null = os.open(os.devnull, os.O_RDWR)
    begun = monotonic()
    try:
        actions = [(os.POSIX_SPAWN_DUP2, null, descriptor) for descriptor in (1, 2)]
        child = os.posix_spawn(command[0], command, os.environ, file_actions=actions)
    finally:
        os.close(null)
    _, status, usage = os.wait4(child, 0)
    if os.waitstatus_to_exitcode(status) not in _DONE:
        raise RuntimeError(f"{command[:4]} failed")
    cpu = usage.ru_utime + usage.ru_stime
    return Used(cpu, usage.ru_maxrss * 1024, monotonic() - begun)


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


def fleet(paths: Iterable[str | Path], out: Path, program: str = _COMMAND) -> Used:
    """Judge runs in one process."""
    arguments = ("fleet", *map(str, paths), "-o", str(out), "--jobs", "1", "--no-progress")
    return used([sys.executable, "-c", program, *arguments])


def command(path: Path) -> Used:
    """Analyze one capture as a shell would."""
    return used([sys.executable, "-c", _COMMAND, "analyze", "--format", "json", str(path)])


def of_small(scratch: Path, count: int) -> None:
    """Small captures: a loop of the command, a loop over the API, a fleet, a fleet again."""
    folders = small(scratch / "runs", count)
    few = small(scratch / "few", count // 10)
    looped = [command(folder) for folder in folders[: _LOOPED // 2]]
    of_few = fleet([scratch / "few"], scratch / "out-few")
    judged = fleet([scratch / "runs"], scratch / "out")
    api = used([sys.executable, "-c", _API, *map(str, folders)])
    again = fleet([scratch / "runs"], scratch / "out")
    few_again = fleet([scratch / "few"], scratch / "out-few")
    looped += [command(folder) for folder in folders[_LOOPED // 2 : _LOOPED]]
    tables = sum(path.stat().st_size for path in (scratch / "out").rglob("*.parquet"))
    alone = sum(one.cpu for one in looped) / len(looped)
    more = count - len(few)
    print(f"| {count:,} small captures | ms of CPU a capture | captures a second and core | peak |")
    print("|---|---|---|---|")
    for name, cost, peak in (
        ("the command in a loop", alone, max(one.peak for one in looped)),
        ("a loop over the API", api.cpu / count, api.peak),
        ("inspector fleet", judged.cpu / count, judged.peak),
        ("inspector fleet, each run more", (judged.cpu - of_few.cpu) / more, judged.peak),
        ("inspector fleet again", again.cpu / count, again.peak),
        ("again, each run more", (again.cpu - few_again.cpu) / more, again.peak),
    ):
        print(f"| {name} | {1000 * cost:.2f} | {1 / cost:.1f} | {peak / 1e6:.0f} MB |")
    print(
        f"\nfleet is {alone / (judged.cpu / count):.1f} x the loop,"
        f" the API {alone / (api.cpu / count):.1f} x; peak with {len(few):,} runs"
        f" {of_few.peak / 1e6:.0f} MB, with {count:,} runs {judged.peak / 1e6:.0f} MB;"
        f" {tables / count:.0f} bytes of Parquet a run\n"
    )


def of_large(place: Path, megabytes: float) -> None:
    """One capture of a size: the command, and a fleet of four."""
    paths = copies(place, megabytes, 4)
    alone = [command(paths[0])]
    judged = fleet([place], place.with_name("out-large"))
    alone.append(command(paths[0]))
    cpu = sum(one.cpu for one in alone) / len(alone)
    print(
        f"| {megabytes:g} MB | {cpu:.2f} s | {judged.cpu / 4:.2f} s |"
        f" {cpu / (judged.cpu / 4):.1f} x | {judged.peak / 1e6:.0f} MB |"
    )


def copies(place: Path, megabytes: float, count: int) -> list[Path]:
    """So many equal captures, each in a folder."""
    first = place / "0" / "capture.pcap"
    first.parent.mkdir(parents=True)
    generate.write(Mixed(), first, megabytes=megabytes, packets=0)
    paths = [first]
    for number in range(1, count):
        path = place / str(number) / first.name
        path.parent.mkdir()
        shutil.copyfile(first, path)
        paths.append(path)
    return paths


def forgotten(paths: Iterable[Path]) -> None:
    """Have the kernel forget what it holds of files."""
    for path in paths:
        descriptor = os.open(path, os.O_RDONLY)
        os.fsync(descriptor)
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(descriptor)


class Store(SimpleHTTPRequestHandler):
    """Objects of a store that is far away: each begins after a while."""

    def do_GET(self) -> None:
        sleep(_LATENCY)
        super().do_GET()

    def log_message(self, *_: object) -> None:
        pass


class Server(ThreadingHTTPServer):
    """A server whose clients may leave before they heard all."""

    def handle_error(self, *_: object) -> None:
        pass


def of_overlapped(scratch: Path) -> None:
    """Reads that overlap with judging, against reads that do not: from the disk, from a store."""
    large = copies(scratch / "disk", 100, 4)
    objects = copies(scratch / "store", 1, _OBJECTS)
    server = Server(("127.0.0.1", 0), partial(Store, directory=str(scratch / "store")))
    Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_address[1]}"
    urls = [f"{address}/{path.parent.name}/{path.name}" for path in objects]
    print("| runs | one by one | overlapped |")
    print("|---|---|---|")
    for name, paths, files in (
        ("4 of 100 MB from the disk, nothing cached", [scratch / "disk"], large),
        (f"{_OBJECTS} of 1 MB from a store, {_LATENCY:g} s each", urls, []),
    ):
        took: dict[str, list[float]] = {_ONE_BY_ONE: [], _COMMAND: []}
        for number in range(2 * _REPEATS):
            program = (_ONE_BY_ONE, _COMMAND)[number % 2]
            forgotten(files)
            took[program].append(fleet(paths, scratch / f"out-{name[0]}{number}", program).wall)
        print(f"| {name} | {min(took[_ONE_BY_ONE]):.1f} s | {min(took[_COMMAND]):.1f} s |")
    server.shutdown()


def of_index(scratch: Path, count: int) -> None:
    """What an invocation holds of the runs that the tables have, none of which is read."""
    [folder] = small(scratch / "one", 1)
    begun = monotonic()
    if not (child := os.fork()):  # a program that is started has the memory of who starts it
        filled(scratch, folder, count)
        os._exit(0)
    os.waitpid(child, 0)
    wrote = monotonic() - begun
    size = sum(path.stat().st_size for path in (scratch / "out").rglob("*.parquet"))
    empty, again = fleet([folder], scratch / "few"), fleet([folder], scratch / "out")
    page = used([sys.executable, "-c", _COMMAND, "fleet", "-o", str(scratch / "out")])
    print(
        f"\n{count:,} rows of 336 days: {wrote:.0f} s to write, {size / count:.0f} bytes each."
        f" An invocation that knows them took {again.cpu - empty.cpu:.1f} s of CPU and"
        f" {(again.peak - empty.peak) / count:.0f} bytes a run more than one that knows none"
        f" ({again.peak / 1e6:.0f} MB); the page of them {page.cpu:.1f} s and"
        f" {page.peak / 1e6:.0f} MB."
    )


def filled(scratch: Path, folder: Path, count: int) -> None:
    """Write so many rows into tables, which are those of one run but for their keys and days."""
    from inspector.fleet.judging import Judged
    from inspector.fleet.store import Store as Tables

    fleet([folder], scratch / "one-out")
    [row] = Tables.opened(scratch / "one-out").rows("runs")
    store = Tables.opened(scratch / "out")
    tables: dict[str, list[Any]] = {name: [] for name in TABLES}
    with store.writing():
        for number in range(count):
            key = hashlib.sha256(str(number).encode()).hexdigest()
            day = f"2026-{1 + number % 12:02d}-{1 + number // 12 % 28:02d}"
            run = {**row, "key": key[:16], "stamp": key[16:32], "inputs": key, "run": key[:20]}
            del run["day"]
            line = dumps({"key": key[:16], "day": day, "tables": {**tables, "runs": [run]}})
            store.add(Judged(key[:16], day, None, line))


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=2000)
    parser.add_argument("--large", default="1,10,100", help="sizes in MB")
    parser.add_argument("--index", type=int, default=50_000, help="rows that are known already")
    parser.add_argument("--only", default="small,large,overlapped,index")
    told = parser.parse_args()
    wanted = told.only.split(",")
    if "small" in wanted:
        with tempfile.TemporaryDirectory() as scratch:
            of_small(Path(scratch), told.runs)
    if "large" in wanted:
        print("| capture | the command | a run of four in a fleet | ratio | peak |")
        print("|---|---|---|---|---|")
        for size in filter(None, told.large.split(",")):
            with tempfile.TemporaryDirectory() as scratch:
                of_large(Path(scratch, "runs"), float(size))
    for name, measure in (
        ("overlapped", of_overlapped),
        ("index", partial(of_index, count=told.index)),
    ):
        if name in wanted:
            with tempfile.TemporaryDirectory() as scratch:
                measure(Path(scratch))


if __name__ == "__main__":
    main()
