"""Two bridges at once, as the firewall has with an enclave: one run, one file, one report."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from inspector.model.report import Report
from inspector.options import Options
from lab.network import Host, run_ip
from tests.live.offline import read
from tests.live.runner import Stack, stack
from tests.live.test_capture import report_of

ENCLAVE = "172.31.0.0/24"
_SERVER = """
from http.server import BaseHTTPRequestHandler, HTTPServer
class Answer(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(204)
        self.end_headers()
server = HTTPServer(("172.31.0.30", 10001), Answer)
print("ready", flush=True)
server.serve_forever()
"""


@pytest.fixture(scope="module")
def lab(lab_possible: None) -> Iterator[Stack]:
    with stack() as running:
        _second_bridge(running)
        yield running


def _second_bridge(lab: Stack) -> None:
    """An isolated bridge without an address here, an agent and an API proxy on it."""
    bridge = lab.network.bridge.namespace
    run_ip("-n", bridge, "link", "add", "enclave0", "type", "bridge", "forward_delay", "0")
    run_ip("-n", bridge, "link", "set", "enclave0", "up")
    for name, last in (("enclave-agent", 20), ("enclave-proxy", 30)):
        space = f"lab{lab.network.id}-{name}"
        host = Host(name, space, f"172.31.0.{last}")
        lab.network.hosts[name] = host
        run_ip("netns", "add", space)
        pair = ("link", "add", f"veth-e{last}", "netns", bridge, "type", "veth")
        run_ip(*pair, "peer", "name", "eth0", "netns", space)
        run_ip("-n", bridge, "link", "set", f"veth-e{last}", "master", "enclave0", "up")
        run_ip("-n", space, "addr", "add", f"172.31.0.{last}/24", "dev", "eth0")
        run_ip("-n", space, "link", "set", "eth0", "up")
    lab.network.hosts["enclave-proxy"].start(
        ["/usr/bin/python3", "-c", _SERVER], log=lab.place / "enclave.log", ready="ready"
    )


def on_both(lab: Stack) -> list[str]:
    """A call on each bridge."""
    enclave = lab.network.hosts["enclave-agent"].argv(
        ["curl", "-sS", "--max-time", "20", "http://172.31.0.30:10001/v1/models"]
    )
    return ["sh", "-c", f'"$@" && {" ".join(enclave)}', "sh", *lab.curl()]


def is_of_both(report: Report) -> None:
    calls = [exchange for exchange in report.exchanges if exchange.tunnel is None]
    seen = {(e.hop, e.server.ip, e.response and e.response.status) for e in calls}
    assert seen >= {
        ("agent-to-api-proxy", "172.30.0.30", 200),
        ("agent-to-api-proxy", "172.31.0.30", 204),
    }
    assert report.topology.api_proxy == ("172.30.0.30", "172.31.0.30")
    assert report.completeness.verdict == "complete", report.completeness.because


@pytest.mark.parametrize(
    "named",
    [(), ("-i", "fw-bridge", "-i", "enclave0")],
    ids=["found by their subnets", "named"],
)
def test_a_run_on_two_bridges_is_one_report(
    lab: Stack, tmp_path: Path, named: tuple[str, ...]
) -> None:
    path = lab.place / f"two-{len(named)}.pcapng"
    subnets = ("172.30.0.0/24", ENCLAVE)
    told = [word for subnet in subnets for word in ("--subnet", subnet)]
    done = lab.run("capture", *named, *told, "-w", path, "--format", "json", "--", *on_both(lab))

    assert done.returncode == 0, done.stderr
    assert "capturing fw-bridge, enclave0 until" in done.stderr
    report = report_of(done.stdout)
    is_of_both(report)
    assert report.live
    assert {each.name for each in report.live.interfaces} == {"fw-bridge", "enclave0"}
    assert all(each.packets for each in report.live.interfaces)
    is_of_both(read(path, options=Options(subnet=subnets)))


def test_a_second_bridge_may_come_while_the_first_is_captured(lab: Stack) -> None:
    bridge = lab.network.bridge.namespace
    later = "172.32.0.0/24"
    made = f"ip -n {bridge} link add late1 type bridge && ip -n {bridge} link set late1 up"
    made += f" && ip -n {bridge} addr add 172.32.0.1/24 dev late1"
    told = ("--subnet", "172.30.0.0/24", "--subnet", later)
    try:
        done = lab.run("capture", *told, "--", "sh", "-c", made)
    finally:
        run_ip("-n", bridge, "link", "delete", "late1")

    assert f"waiting for a bridge of {later} (not there yet)" in done.stderr
    assert "listening on late1: it has 172.32.0.1/24" in done.stderr
