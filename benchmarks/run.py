"""Race tshark, tcpflow and inspector over the same files: `make bench`.

    python -m benchmarks.run [WORKLOAD ...] [--size MB] [--only PROGRAM] [--repeat N]

Wall time, CPU time and peak resident memory of each child come from wait4(2);
of several repetitions the fastest counts.  A program that finds another number
of requests than the generator wrote has no result: a fast wrong answer is not
fast.  Workloads are kept in `benchmarks/.data` and written anew when the
generator changed.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from benchmarks import generate
from benchmarks.generate import (
    KeyedTunnels,
    Mixed,
    SmallCalls,
    SmallPackets,
    Truth,
    Tunnels,
    Varied,
)

DATA: Final = Path(__file__).parent / ".data"

#: Ports of the API proxy and of Squid, for tshark.
DECODE_AS: Final = ("-d", "tcp.port==10000-10004,http", "-d", "tcp.port==3128,http")

TSHARK_FIELDS: Final = (
    "frame.number",
    "frame.time_epoch",
    "ip.src",
    "tcp.srcport",
    "ip.dst",
    "tcp.dstport",
    "http.request.method",
    "http.request.uri",
    "http.host",
    "http.user_agent",
    "http.authorization",
    "http.proxy_authorization",
    # x-api-key and its kin have no field of their own: all header lines.
    "http.request.line",
)


@dataclass(frozen=True, slots=True)
class Workload:
    """A file to race over: how it is written, and how large."""

    title: str
    make: Callable[[], Mixed | SmallCalls | SmallPackets]
    megabytes: float = 0
    packets: int = 0


WORKLOADS: Final[Mapping[str, Workload]] = {
    "mixed-100mb": Workload("100 MB mixed", Mixed, megabytes=100),
    "mixed-1gb": Workload("1 GB mixed", Mixed, megabytes=1000),
    "varied-100mb": Workload("100 MB mixed, a new key in each call", Varied, megabytes=100),
    "varied-300mb": Workload("300 MB mixed, a new key in each call", Varied, megabytes=300),
    "tunnels-100mb": Workload("100 MB of tunnels", Tunnels, megabytes=100),
    "keyed-200mb": Workload("200 MB of tunnels, read with keys", KeyedTunnels, megabytes=200),
    "sse-2m": Workload("2 million small SSE packets", SmallPackets, packets=2_000_000),
    "sse-2m-no-acks": Workload(
        "2 million small SSE packets, no ACKs", lambda: SmallPackets(acks=0), packets=2_000_000
    ),
}
#: Those that the tables are about; the others on request.
DEFAULT: Final = ("mixed-100mb", "mixed-1gb", "sse-2m", "keyed-200mb")


@dataclass(frozen=True, slots=True)
class Program:
    """A contestant: its command, and how many requests its output tells of.

    `command` gets the capture and a scratch directory.  `count` reads standard
    output, and is None where the output is not comparable.
    """

    name: str
    command: Callable[[Path, Path], Sequence[str]]
    count: Callable[[IO[bytes]], int] | None


@dataclass(frozen=True, slots=True)
class Result:
    """One run: seconds, seconds, bytes, and the number of requests found (or None)."""

    wall: float
    cpu: float
    peak: int
    requests: int | None


def _tshark(capture: Path, scratch: Path) -> Sequence[str]:
    fields = [argument for field in TSHARK_FIELDS for argument in ("-e", field)]
    select = ("-Y", "http.request", "-T", "fields")
    # Without it tshark loses requests whose segments arrive in the wrong order.
    order = ("-o", "tcp.reassemble_out_of_order:TRUE")
    log = keylog(capture)
    keys = () if log is None else ("-o", f"tls.keylog_file:{log}")
    return ["tshark", "-n", "-r", str(capture), *order, *keys, *DECODE_AS, *select, *fields]


def _tcpflow(capture: Path, scratch: Path) -> Sequence[str]:
    return ["tcpflow", "-a", "-q", "-r", str(capture), "-o", str(scratch)]


def _inspector(capture: Path, scratch: Path) -> Sequence[str]:
    start = "from inspector.cli.main import main; main()"
    log = keylog(capture)
    keys = () if log is None else ("--keylog", str(log))
    options = ("analyze", "--format", "json", "--no-progress", *keys)
    return [sys.executable, "-c", start, *options, str(capture)]


def keylog(capture: Path) -> Path | None:
    """The key log with which a workload is to be read; None without one."""
    path = capture.with_suffix(".keylog")
    return path if path.exists() else None


def _count_lines(output: IO[bytes]) -> int:
    return sum(1 for _ in output)


def _count_report(output: IO[bytes]) -> int:
    """Requests in an inspector report: exchanges, and the CONNECTs of tunnels."""
    report = json.load(output)
    exchanges = sum(1 for exchange in report["exchanges"] if exchange["request"])
    return exchanges + sum(1 for tunnel in report["tunnels"] if tunnel["authority"])


PROGRAMS: Final = (
    Program("tshark", _tshark, _count_lines),
    Program("tcpflow -a", _tcpflow, None),
    Program("inspector", _inspector, _count_report),
)


#: Starts a contestant and writes what it used.  A process of its own, and a
#: small one: the kernel counts the memory of whoever starts a program as the
#: program's first.  A user has modules compiled, whatever this shell wants.
LAUNCH: Final = """
import json, os, sys, time
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
began = time.perf_counter()
pid = os.posix_spawnp(sys.argv[2], sys.argv[2:], os.environ)
_, status, usage = os.wait4(pid, 0)
wall = time.perf_counter() - began
cpu = usage.ru_utime + usage.ru_stime
with open(sys.argv[1], "w") as used:
    json.dump([wall, cpu, usage.ru_maxrss, os.waitstatus_to_exitcode(status)], used)
"""


def run(program: Program, capture: Path) -> Result:
    """One run over `capture`; raises `RuntimeError` when the program fails."""
    with (
        tempfile.TemporaryDirectory(dir=DATA) as scratch,
        tempfile.TemporaryFile(dir=DATA) as output,
        tempfile.TemporaryFile(dir=DATA) as errors,
    ):
        command = program.command(capture, Path(scratch))
        used = Path(scratch, "used")
        launch = [sys.executable, "-I", "-S", "-c", LAUNCH, str(used), *command]
        subprocess.run(launch, stdin=subprocess.DEVNULL, stdout=output, stderr=errors, check=True)
        wall, cpu, peak, exit_code = json.loads(used.read_text())
        if exit_code != 0:
            errors.seek(0)
            said = errors.read().decode(errors="replace").strip().splitlines()
            raise RuntimeError(f"exit code {exit_code}: {said[-1] if said else 'silence'}")
        output.seek(0)
        requests = program.count(output) if program.count else None
        return Result(wall, cpu, peak * 1024, requests)


def prepare(name: str, workload: Workload) -> tuple[Path, Truth]:
    """The workload's file and its truth, written unless they are there already."""
    digest = hashlib.sha256(repr((workload.megabytes, workload.packets)).encode())
    for module in ("content", "generate", "sealed", "wire"):
        digest.update((DATA.parent / f"{module}.py").read_bytes())
    path = DATA / f"{name}-{digest.hexdigest()[:8]}.pcap"
    truth = path.with_suffix(".json")
    if truth.exists():
        return path, Truth(**json.loads(truth.read_text()))
    for old in DATA.glob(f"{name}-????????.*"):
        old.unlink()
    print(f"writing {workload.title} ...", file=sys.stderr, flush=True)
    return path, generate.write(
        workload.make(), path, megabytes=workload.megabytes, packets=workload.packets
    )


def race(
    path: Path, truth: Truth, programs: Sequence[Program], repeat: int
) -> dict[str, Result | str]:
    """Each program's fastest result, or why it has none."""
    expected = truth.requests + truth.connects
    results: dict[str, Result | str] = {}
    _warm(path)
    for program in programs:
        if program.count is None and keylog(path) is not None:
            results[program.name] = "reads nothing inside TLS"
            continue
        if shutil.which(program.command(path, DATA)[0]) is None:
            results[program.name] = "not installed"
            continue
        try:
            best = min((run(program, path) for _ in range(repeat)), key=lambda each: each.wall)
        except RuntimeError as error:
            results[program.name] = str(error)
            continue
        if best.requests is not None and best.requests != expected:
            results[program.name] = f"wrong: {best.requests} of {expected} requests"
        else:
            results[program.name] = best
    return results


def table(title: str, truth: Truth, results: Mapping[str, Result | str]) -> str:
    """The results as text; `speed` is how many times faster than that row inspector is."""
    ours = results.get("inspector")
    lines = [
        f"{title}: {truth.bytes / 1e6:,.0f} MB, {truth.packets:,} packets, "
        f"{truth.requests + truth.connects:,} requests ({truth.connects:,} CONNECT)",
        f"  {'':12}{'wall s':>9}{'CPU s':>9}{'packets/s':>12}{'MB/s':>8}"
        f"{'peak MB':>9}{'requests':>10}{'inspector is':>14}",
    ]
    for name, result in results.items():
        if isinstance(result, str):
            lines.append(f"  {name:12} {result}")
            continue
        ratio = f"{result.wall / ours.wall:.1f} x" if isinstance(ours, Result) else "-"
        found = "-" if result.requests is None else f"{result.requests:,}"
        lines.append(
            f"  {name:12}{result.wall:9.2f}{result.cpu:9.2f}"
            f"{truth.packets / result.wall:12,.0f}{truth.bytes / 1e6 / result.wall:8,.0f}"
            f"{result.peak / 1e6:9,.0f}{found:>10}{ratio:>14}"
        )
    return "\n".join(lines)


def _warm(path: Path) -> None:
    """Read the file once, so that the first program does not pay for the disk."""
    with path.open("rb", buffering=0) as file:
        while file.read(1 << 20):
            pass


def main() -> int:
    """The command; exit code 1 when inspector failed or was wrong."""
    names = [program.name for program in PROGRAMS]
    parser = argparse.ArgumentParser(description="Race tshark, tcpflow and inspector.")
    parser.add_argument("workloads", nargs="*", metavar="WORKLOAD", help=", ".join(WORKLOADS))
    parser.add_argument(
        "--size", type=float, metavar="MB", help="instead: one mixed file, so large"
    )
    parser.add_argument("--only", action="append", choices=names, help="run this program only")
    parser.add_argument("--repeat", type=int, default=1, help="runs each; the fastest counts")
    options = parser.parse_args()
    if unknown := set(options.workloads) - set(WORKLOADS):
        parser.error(f"no such workload: {', '.join(sorted(unknown))}")
    if options.size:
        title = f"{options.size:g} MB mixed"
        chosen = {f"mixed-{options.size:g}": Workload(title, Mixed, megabytes=options.size)}
    else:
        chosen = {name: WORKLOADS[name] for name in options.workloads or DEFAULT}
    programs = [each for each in PROGRAMS if not options.only or each.name in options.only]
    DATA.mkdir(exist_ok=True)
    failed = False
    for name, workload in chosen.items():
        path, truth = prepare(name, workload)
        results = race(path, truth, programs, options.repeat)
        print(table(workload.title, truth, results), end="\n\n", flush=True)
        failed |= isinstance(results.get("inspector"), str)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
