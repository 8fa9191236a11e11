"""Race live captures on the lab's bridge: `make bench-live` (root).

    python -m benchmarks.live [--rates N,N,...] [--packets N] [--pairs N] [--only PART]

Three parts.  *Rates*: a generator puts small packets on the bridge at offered
rates, and each program in turn writes them; what is missing in its file is a
drop, CPU is the child's own (wait4), less that of an idle run.  *Bytes*: mixed
and tunnel-heavy traffic; how much each writes.  *Requests*: an agent's requests with
and without a capture, interleaved in pairs, and the interval of the difference.
Nothing here passes or fails: figures are printed.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import math
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.run import DATA, WORKLOADS, prepare
from inspector.pcap.reader import merged, open_captures
from lab.network import Host, Network
from lab.processes import find, until, why_not

_REPOSITORY: Final = Path(__file__).parents[1]
_INSPECTOR: Final = "from inspector.cli.main import main; main()"
#: The same room in the kernel for all: 64 MiB.
_BUFFER_MIB: Final = 64
_IGMP: Final = 2
#: Seconds for a program to take what is on its way, before it is told to end.
_SETTLE: Final = 0.5
#: Two-sided 95 % of Student's t, by degrees of freedom (beyond: the normal's).
_T95: Final = {4: 2.776, 9: 2.262, 14: 2.145, 19: 2.093, 24: 2.064, 29: 2.045, 39: 2.023, 99: 1.984}


@dataclass(frozen=True, slots=True)
class Contestant:
    """A program that captures: its command line, and the words that say it is capturing."""

    name: str
    command: tuple[str, ...]
    ready: str


def contestants(interface: str, file: Path) -> tuple[Contestant, ...]:
    """All of them; each writes into `file`."""
    out = str(file)
    python = (sys.executable, "-c", _INSPECTOR, "capture")
    capture = (*python, "-i", interface, "--subnet", "172.30.0.0/24", "-w", out)
    write_only = (sys.executable, "-m", "benchmarks.write_only", interface, out)
    peer_size = str(_BUFFER_MIB)
    tcpdump = ("tcpdump", "-i", interface, "-s", "0", "-B", str(_BUFFER_MIB * 1024), "-w", out)
    return (
        Contestant("tcpdump -w", (*tcpdump, "-Z", "root"), "listening on"),
        Contestant("dumpcap", ("dumpcap", "-i", interface, "-B", peer_size, "-w", out), "File:"),
        Contestant("inspector, writing only", write_only, "ready"),
        Contestant("capture --raw --full", (*capture, "--raw", "--full"), "capturing"),
        Contestant("inspector capture", capture, "capturing"),
    )


@dataclass(frozen=True, slots=True)
class Result:
    """One run: frames offered, in how many seconds, frames in the file, its size, CPU seconds."""

    sent: int
    seconds: float
    written: int
    size: int
    cpu: float

    @property
    def missing(self) -> int:
        return max(0, self.sent - self.written)


@contextlib.contextmanager
def capturing(network: Network, contestant: Contestant, scratch: Path) -> Iterator[list[float]]:
    """A contestant captures as long as the block runs; then the list holds its CPU seconds."""
    log = scratch / "log"
    argv = network.bridge.argv(contestant.command)
    used: list[float] = []
    environment = {**os.environ, "PYTHONPATH": str(_REPOSITORY)}
    with log.open("wb") as said:
        child = subprocess.Popen(argv, stdout=said, stderr=said, env=environment)
    try:
        until(
            lambda: contestant.ready in log.read_text(errors="replace") or _is_over(child.pid),
            f"{contestant.name} to capture",
            timeout=20,
        )
        if _is_over(child.pid):
            raise RuntimeError(f"{contestant.name}: {log.read_text(errors='replace')[-500:]}")
        yield used
        time.sleep(_SETTLE)
    finally:
        os.kill(child.pid, signal.SIGINT)  # not yet waited for: it is still this child
        _, _, usage = os.wait4(child.pid, 0)
        child.returncode = 0
        used.append(usage.ru_utime + usage.ru_stime)


def _is_over(pid: int) -> bool:
    return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def idle(network: Network, contestant: Contestant, scratch: Path) -> float:
    """CPU seconds of a run without a packet: start and end."""
    with capturing(network, contestant, scratch) as cpu:
        pass
    (scratch / "out").unlink()
    return cpu[0]


def race(
    network: Network, contestant: Contestant, scratch: Path, source: Path, rate: float, packets: int
) -> Result:
    """One contestant writes while the frames of `source` cross the bridge."""
    with capturing(network, contestant, scratch) as cpu:
        command = [sys.executable, "-m", "benchmarks.sender", "eth0", source, rate, packets]
        told = network.agent.run(
            list(map(str, command)), env={"PYTHONPATH": str(_REPOSITORY)}, timeout=300
        )
        sent, seconds = json.loads(told.stdout)
    out = scratch / "out"
    result = Result(sent, seconds, _frames_in(out), out.stat().st_size, cpu[0])
    out.unlink()
    return result


def _frames_in(path: Path) -> int:
    """The generator's frames; the bridge's own are IPv6 and IGMP, and nobody's loss."""
    readers = open_captures([str(path)], None)
    count = 0
    for batch in merged(readers):
        for _, start, _, _ in batch.records:
            kind, protocol = batch.data[start + 12 : start + 14], batch.data[start + 23]
            count += kind != b"\x86\xdd" and not (kind == b"\x08\x00" and protocol == _IGMP)
    for reader in readers:
        reader.close()
    return count


@contextlib.contextmanager
def bridge() -> Iterator[tuple[Network, Path]]:
    """The lab's bridge for frames of any size, and a place for files."""
    with Network() as network:
        for host, interface in (
            (network.agent, "eth0"),
            (network.bridge, "veth-agent"),
            (network.bridge, network.device),
        ):
            host.run(["ip", "link", "set", interface, "mtu", "65535"])
        # Whoever runs Docker has a packet filter on bridges: it is not what is measured.
        network.bridge.run(
            ["sh", "-c", "for f in /proc/sys/net/bridge/bridge-nf-call-*; do echo 0 >$f; done"],
            check=False,
        )
        with tempfile.TemporaryDirectory(dir=DATA) as scratch:
            yield network, Path(scratch)


def rates_part(rates: Sequence[float], packets: int) -> None:
    """Offered rates against drops and CPU for each packet."""
    source, _ = prepare("sse-2m", WORKLOADS["sse-2m"])
    print(f"\nRates: {packets:,} small packets of event streams, {_BUFFER_MIB} MiB of ring each;")
    print("  CPU without that of starting and ending, which Python has more of")
    print(f"  {'offered/s':>10}  {'':26}{'missing':>10}{'us CPU/packet':>15}{'x tcpdump':>11}")
    with bridge() as (network, scratch):
        here = [each for each in contestants(network.device, scratch / "out") if _is_here(each)]
        started = {each.name: idle(network, each, scratch) for each in here}
        for rate in rates:
            base: float | None = None
            for contestant in here:
                result = race(network, contestant, scratch, source, rate, packets)
                each = (result.cpu - started[contestant.name]) / result.sent * 1e6
                if contestant.name.startswith("tcpdump"):
                    base = each
                ratio = f"{each / base:.1f}" if base else "-"
                print(
                    f"  {result.sent / result.seconds:10,.0f}  {contestant.name:26}"
                    f"{result.missing:10,}{each:15.2f}{ratio:>11}",
                    flush=True,
                )


def bytes_part(rate: float) -> None:
    """How much is written of mixed and of tunnel-heavy traffic."""
    for name in ("mixed-100mb", "tunnels-100mb"):
        _bytes_of(name, rate)


def _bytes_of(name: str, rate: float) -> None:
    source, truth = prepare(name, WORKLOADS[name])
    print(
        f"\nBytes: {WORKLOADS[name].title}, {truth.bytes / 1e6:,.0f} MB, {truth.packets:,} packets"
    )
    print(f"  {'':26}{'missing':>10}{'MB written':>12}{'tcpdump writes':>16}")
    with bridge() as (network, scratch):
        base = 0
        for contestant in contestants(network.device, scratch / "out"):
            if not _is_here(contestant):
                continue
            result = race(network, contestant, scratch, source, rate, truth.packets)
            if contestant.name.startswith("tcpdump"):
                base = result.size
            ratio = f"{base / result.size:.1f} x" if base else "-"
            print(
                f"  {contestant.name:26}{result.missing:10,}{result.size / 1e6:12.1f}{ratio:>16}",
                flush=True,
            )


# --- the agent's own requests --------------------------------------------------------------------

_SERVER: Final = """
import http.server, sys, time
pause = float(sys.argv[2])
class Api(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        time.sleep(pause)
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        event = b"event: content_block_delta\\ndata: " + b"x" * 120 + b"\\n\\n"
        for _ in range(50):
            self.wfile.write(b"%x\\r\\n%s\\r\\n" % (len(event), event))
        self.wfile.write(b"0\\r\\n\\r\\n")
    def log_message(self, *arguments):
        pass
server = http.server.ThreadingHTTPServer((sys.argv[1], 10001), Api)
print("serving", flush=True)
server.serve_forever()
"""
_CLIENT: Final = """
import http.client, sys, time
began = time.perf_counter()
body = b"x" * 90_000
for _ in range(int(sys.argv[2])):
    connection = http.client.HTTPConnection(sys.argv[1], 10001)
    connection.request("POST", "/v1/messages", body, {"x-api-key": "made-up-key"})
    connection.getresponse().read()
    connection.close()
print(time.perf_counter() - began)
"""


def requests_part(pairs: int, requests: int, pause: float) -> None:
    """The difference that a capture makes to an agent's requests."""
    print(
        f"\nRequests: {pairs} pairs of {requests} requests (90 KB up, 50 events down),"
        f" answered after {pause * 1000:.0f} ms"
    )
    differences: list[float] = []
    plain: list[float] = []
    with bridge() as (network, scratch):
        contestant = contestants(network.device, scratch / "out")[-1]
        server = [sys.executable, "-ISc", _SERVER, network.api_proxy.address, str(pause)]
        with network.api_proxy.start(server, log=scratch / "server.log", ready="serving"):
            _ask(network.agent, network.api_proxy, requests)
            for pair in range(pairs):
                # With first, then without first: what drifts is in both.
                times = {}
                for captured in (True, False) if pair % 2 else (False, True):
                    with (
                        capturing(network, contestant, scratch)
                        if captured
                        else contextlib.nullcontext()
                    ):
                        times[captured] = _ask(network.agent, network.api_proxy, requests)
                differences.append((times[True] / times[False] - 1) * 100)
                plain.append(times[False] / requests * 1000)
    mean, least, most = interval(differences)
    print(f"  without a capture {statistics.median(plain):.2f} ms a request (median)")
    print(
        f"  with one {mean:+.2f} % (95 % interval {least:+.2f} to {most:+.2f} %);"
        f" median {statistics.median(differences):+.2f} %",
        flush=True,
    )


def _ask(agent: Host, server: Host, requests: int) -> float:
    command = [sys.executable, "-ISc", _CLIENT, server.address, str(requests)]
    return float(agent.run(command, timeout=300).stdout)


def interval(values: Sequence[float]) -> tuple[float, float, float]:
    """Their mean, and the ends of its 95 % interval."""
    mean = statistics.fmean(values)
    half = _t95(len(values) - 1) * statistics.stdev(values) / math.sqrt(len(values))
    return mean, mean - half, mean + half


def _t95(freedom: int) -> float:
    """Of the next smaller number in the table: the interval is rather too wide than too narrow."""
    return _T95[max((each for each in _T95 if each <= freedom), default=4)]


def _is_here(contestant: Contestant) -> bool:
    if find(contestant.command[0]) or shutil.which(contestant.command[0]):
        return True
    print(f"  {contestant.name}: not installed")
    return False


def main() -> None:
    """The command: see the module's text."""
    parser = argparse.ArgumentParser(description="Race live captures on the lab's bridge.")
    parser.add_argument("--rates", default="20000,50000,100000,0", help="0: as fast as it goes")
    parser.add_argument("--packets", type=int, default=500_000)
    parser.add_argument("--mixed-rate", type=float, default=20_000)
    parser.add_argument("--pairs", type=int, default=15)
    parser.add_argument("--requests", type=int, default=8, help="in each half of a pair")
    parser.add_argument("--pause", type=float, default=0.5, help="seconds an API thinks")
    parser.add_argument("--only", choices=["rates", "bytes", "requests"])
    options = parser.parse_args()
    if reason := why_not():
        raise SystemExit(f"benchmarks.live: {reason}")
    DATA.mkdir(exist_ok=True)
    rates = [float(rate) for rate in options.rates.split(",")]
    print(f"{os.cpu_count()} CPUs, Linux {os.uname().release}")
    if options.only in (None, "rates"):
        rates_part(rates, options.packets)
    if options.only in (None, "bytes"):
        bytes_part(options.mixed_rate)
    if options.only in (None, "requests"):
        requests_part(options.pairs, options.requests, options.pause)


if __name__ == "__main__":
    main()
