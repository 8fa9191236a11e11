"""Ask a probed API proxy ten thousand times: `make bench-probed` (root).

    python -m benchmarks.probed [--pairs N] [--requests N] [--pause SECONDS] [--capture]

An agent calls the lab's API proxy (Node.js), which makes a tunnel and a TLS session for each
call.  Halves with probes in it and halves without alternate in pairs, so that what drifts is in
both; what is compared in each pair is the median time of a call.  `--capture` runs the whole
`inspector capture --keys` in the place of the probes alone: then this machine's cores are shared
with its reading.  A call that fails is counted, and every secret that the probes gave.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
from contextlib import closing
from dataclasses import dataclass, field
from typing import Final

from benchmarks.live import Contestant, capturing, interval
from inspector.linux.ebpf.keys import KeyPrograms
from inspector.linux.neighbours import Neighbours
from inspector.live.prober import Prober
from lab import proxy, squid, upstream
from lab.network import NAMED, Network
from lab.processes import why_not

#: Secrets of a session of TLS 1.3.
_SECRETS: Final = 5
#: For each number it is given as many calls, one after the other; times in ms, and how many failed.
_CLIENT: Final = """
import http.client, json, sys, time
host, headers = sys.argv[1], {"x-api-key": "made-up", "content-type": "application/json"}
body = json.dumps({"model": "claude-lab-1", "max_tokens": 64,
                   "messages": [{"role": "user", "content": "hello"}]})
for line in sys.stdin:
    times, failed = [], 0
    for _ in range(int(line)):
        began = time.perf_counter()
        try:
            call = http.client.HTTPConnection(host, 10001, timeout=30)
            call.request("POST", "/v1/messages", body, headers)
            answer = call.getresponse()
            answer.read()
            failed += answer.status != 200
            call.close()
        except OSError:
            failed += 1
        times.append((time.perf_counter() - began) * 1000)
    print(json.dumps([times, failed]), flush=True)
"""


@dataclass
class Halves:
    """What came of all calls, with probes and without; times in ms."""

    differences: list[float] = field(default_factory=list)
    plain: list[float] = field(default_factory=list)
    failed: dict[bool, int] = field(default_factory=lambda: {True: 0, False: 0})
    secrets: int = 0
    lost: int = 0

    def told(self, requests: int) -> str:
        """The figures."""
        calls = len(self.differences) * requests
        mean, least, most = interval(self.differences)
        return (
            f"  {calls:,} calls with, {self.failed[True]} failed; {calls:,} without,"
            f" {self.failed[False]} failed\n"
            f"  secrets: {self.secrets:,} of {calls * _SECRETS:,}, {self.lost} found no room\n"
            f"  without {statistics.median(self.plain):.2f} ms a call (median)\n"
            f"  with {mean:+.2f} % (95 % interval {least:+.2f} to {most:+.2f} %);"
            f" median {statistics.median(self.differences):+.2f} %"
        )


class Probes:
    """Probes in whatever runs on the bridge; counts what they give."""

    def __init__(self, network: Network) -> None:
        netns = NAMED / network.bridge.namespace
        with closing(Neighbours(names=(network.device,), netns=netns)) as neighbours:
            self._programs = KeyPrograms.start(neighbours.own)
            self._prober = Prober.start(self._programs, neighbours)

    def count(self) -> tuple[int, int]:
        """Secrets that came since the last call, and those that found no room so far."""
        return sum(1 for _ in self._programs.secrets()), self._programs.statistics().lost

    def close(self) -> None:
        self._prober.close()
        self._programs.close()


def ask(agent: subprocess.Popen[str], requests: int) -> tuple[float, int]:
    """So many calls: their median time in ms, and how many failed."""
    assert agent.stdin
    assert agent.stdout
    agent.stdin.write(f"{requests}\n")
    agent.stdin.flush()
    times, failed = json.loads(agent.stdout.readline())
    return statistics.median(times), failed


def compare(network: Network, pairs: int, requests: int, *, whole: bool) -> Halves:
    """Pairs of halves; `whole`: a capture runs in one of them, not the probes alone."""
    found = Halves()
    scratch = network.directory
    out = scratch / "out"
    command = (sys.executable, "-m", "inspector", "capture", "-i", network.device, "--keys", "-w")
    capture = Contestant("capture --keys", (*command, str(out)), "capturing")
    client = network.agent.argv([sys.executable, "-ISc", _CLIENT, network.api_proxy.address])
    with subprocess.Popen(
        client, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as agent:
        ask(agent, requests)  # whatever is slow the first time
        for pair in range(pairs):
            medians: dict[bool, float] = {}
            # With first, then without first: what drifts is in both.
            for probed in (True, False) if pair % 2 else (False, True):
                if probed and whole:
                    with capturing(network, capture, scratch):
                        medians[probed], failed = ask(agent, requests)
                elif probed:
                    with closing(Probes(network)) as probes:
                        medians[probed], failed = ask(agent, requests)
                        secrets, lost = probes.count()
                    found.secrets += secrets
                    found.lost += lost
                else:
                    medians[probed], failed = ask(agent, requests)
                found.failed[probed] += failed
            found.differences.append((medians[True] / medians[False] - 1) * 100)
            found.plain.append(medians[False])
        agent.kill()
    return found


def main() -> None:
    """The command: see the module's text."""
    parser = argparse.ArgumentParser(description="Ask a probed API proxy ten thousand times.")
    parser.add_argument("--pairs", type=int, default=400)
    parser.add_argument("--requests", type=int, default=25, help="in each half of a pair")
    parser.add_argument("--pause", type=float, default=0.02, help="seconds an API thinks")
    parser.add_argument("--capture", action="store_true", help="a whole capture, not probes alone")
    options = parser.parse_args()
    if reason := why_not("squid", "node"):
        raise SystemExit(f"benchmarks.probed: {reason}")
    print(f"{os.cpu_count()} CPUs, Linux {os.uname().release}; load {os.getloadavg()[0]:.1f}")
    what = "a capture with --keys" if options.capture else "probes in the API proxy"
    print(
        f"{options.pairs} pairs of {options.requests} calls, answered after"
        f" {options.pause * 1000:.0f} ms; with and without {what}",
        flush=True,
    )
    with Network() as network:
        behaviour = {"*": {"first_byte": options.pause}}
        api = upstream.start(network, directory=network.directory / "upstream", behaviour=behaviour)
        squid.start(network)
        proxy.start(network, directory=network.directory / "proxy", ca=api.authority.root)
        found = compare(network, options.pairs, options.requests, whole=options.capture)
    print(found.told(options.requests), flush=True)


if __name__ == "__main__":
    main()
