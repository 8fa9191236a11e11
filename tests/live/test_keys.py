"""`capture --keys`: what was inside the tunnels is in the report, no key of it anywhere else."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from inspector.model.http import Exchange
from inspector.model.report import Report
from inspector.options import Options
from inspector.pcap.reader import open_captures
from inspector.secret import Secret
from lab import proxy
from lab.index import CAPTURES
from lab.processes import find
from lab.record import message
from tests.captures.test_golden import truth_of
from tests.linux.ebpf.conftest import bpf_possible
from tests.live.offline import read
from tests.live.runner import Stack, stack
from tests.live.scenarios import Watched, watched
from tests.live.test_capture import report_of

__all__ = ["bpf_possible"]

FINGERPRINTS = b"made up for these tests"


@pytest.fixture(scope="module")
def lab(bpf_possible: None) -> Iterator[Stack]:
    with stack() as running:
        yield running


def inner(report: Report) -> list[Exchange]:
    return [exchange for exchange in report.exchanges if exchange.decrypted]


def asked(report: Report) -> list[tuple[str, str, int | None]]:
    """Method, path and status of what the API proxy asked, in order."""
    return [
        (each.request.method, each.request.target, each.response.status if each.response else None)
        for each in inner(report)
        if each.request and each.client.ip in report.topology.api_proxy
    ]


def test_what_the_upstream_got_is_told_and_no_secret_is_in_any_file(lab: Stack) -> None:
    place = lab.place / "keys"
    done = lab.run(
        "capture", "-i", "fw-bridge", "--keys", "-o", place, "--format", "json",
        "--", *lab.curl(),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    report = report_of(done.stdout)
    assert asked(report) == [("POST", "/v1/messages", 200)]
    (chain,) = report.chains
    assert chain.confidence == 1
    fates = {each.name: each.change for each in chain.header_diff}
    assert fates["x-api-key"] == "replaced"
    (tunnel,) = report.tunnels
    assert tunnel.decryption
    assert (tunnel.decryption.source, tunnel.decryption.state) == ("ebpf", "decrypted")
    assert report.keys
    assert (report.keys.processes, report.keys.key_logs, report.keys.embedded) == (1, (), 0)
    assert report.live
    (hook,) = [each for each in report.live.probes if each.name.startswith("ssl_log_secret")]
    assert hook.hits == 5

    # The API proxy of the lab writes a key log: these are the secrets to look for.
    log = (lab.place / "proxy" / "keys.log").read_text()
    secrets = {line.split()[2] for line in log.splitlines() if not line.startswith("#")}
    assert len(secrets) >= 5
    written = [*place.iterdir()]
    assert {path.name for path in written} >= {"report.json", "capture.redacted.pcapng"}
    told = [done.stdout.encode(), done.stderr.encode(), *(path.read_bytes() for path in written)]
    for secret in secrets:
        raw = bytes.fromhex(secret)
        assert not any(secret.encode() in each.lower() or raw in each for each in told)
    assert not any(b"LABONLY" in each for each in told)


@pytest.mark.parametrize("full", [(), ("--full",)], ids=["cut", "full"])
def test_a_tunnel_is_read_whole_and_cut_in_the_file(lab: Stack, full: tuple[str, ...]) -> None:
    place = lab.place / f"long{len(full)}"
    place.mkdir()
    said = place / "said.json"
    said.write_text(message(stream=False, prompt="lab " * 20_000))
    call = [f"@{said}" if word.startswith("{") else word for word in lab.curl()]
    path = place / "x.pcapng"
    done = lab.run(
        "capture", "-i", "fw-bridge", "--keys", *full, "-w", path, "--format", "json", "--", *call
    )
    assert done.returncode == 0, done.stderr
    report = report_of(done.stdout)
    (call_inside,) = inner(report)
    assert call_inside.request
    assert call_inside.request.body_bytes > 80_000
    assert report.completeness.verdict == "complete"
    tunnel, offline = report.tunnels[0], read(path)
    assert tunnel.bytes_up > 80_000
    # What the file says of the tunnel is what was seen of it: the cuts are counted.
    (same,) = offline.tunnels
    assert (same.bytes_up, same.bytes_down) == (tunnel.bytes_up, tunnel.bytes_down)
    assert (same.records_up, same.records_down) == (tunnel.records_up, tunnel.records_down)
    assert offline.completeness.verdict == "complete"
    records = [record for batch in open_captures([path])[0] for record in batch.records]
    cut = sum(wire - captured for _, _, captured, wire in records)
    assert cut == 0 if full else cut > 60_000


@pytest.mark.long
def test_without_the_option_nothing_is_probed(lab: Stack) -> None:
    done = lab.run("capture", "-i", "fw-bridge", "--format", "json", "--", *lab.curl())
    report = report_of(done.stdout)
    assert report.live
    assert not inner(report)
    assert report.keys is None
    assert not [each for each in report.live.probes if "ssl" in each.name]


def test_a_program_that_begins_while_the_capture_runs_is_read(lab: Stack) -> None:
    """Python on the agent's host, through Squid: its libssl is installed in a usual place."""
    program = lab.network.agent.argv(["python3", "-c", _THROUGH_SQUID, lab.network.squid.address])
    done = lab.run("capture", "-i", "fw-bridge", "--keys", "--format", "json", "--", *program)
    assert done.returncode == 0, done.stderr
    report = report_of(done.stdout)
    states = [each.decryption and each.decryption.state for each in report.tunnels]
    assert states == ["decrypted"] * 3
    got = [
        (e.request and e.request.target, e.response and e.response.status) for e in inner(report)
    ]
    assert got == [("/lab", 401)] * 3


_THROUGH_SQUID = """
import http.client, ssl, sys
context = ssl.create_default_context()
context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
for _ in range(3):
    call = http.client.HTTPSConnection(sys.argv[1], 3128, context=context)
    call.set_tunnel("api.anthropic.com", 443)
    call.request("GET", "/lab")
    call.getresponse().read()
    call.close()
"""


_NODE_THROUGH_SQUID = """
const net = require("net"), tls = require("tls");
let left = 3;
function call() {
  const socket = net.connect(3128, process.argv[1]);
  socket.write("CONNECT api.anthropic.com:443 HTTP/1.1\\r\\nHost: api.anthropic.com\\r\\n\\r\\n");
  socket.once("data", () => {
    const inner = tls.connect({ socket, servername: "api.anthropic.com",
                                rejectUnauthorized: false });
    inner.write("GET /lab HTTP/1.1\\r\\nHost: api.anthropic.com\\r\\n\\r\\n");
    inner.once("data", () => inner.end()).on("close", () => --left && call());
  });
}
call();
"""


def test_a_build_that_nobody_knows_is_learnt_from_its_own_sessions(lab: Stack) -> None:
    """Node.js that does not export the function whose code shows where the random is."""
    node = Path(os.path.realpath(find("node") or "node"))
    data = node.read_bytes()
    hidden = data.replace(b"\0SSL_get_client_random\0", b"\0SSL_hid_client_random\0")
    if hidden == data or b"\0ssl_log_secret\0" not in data:
        pytest.skip("this Node.js uses a libssl of its own package")
    unknown = lab.place / "unknown-node"
    unknown.write_bytes(hidden)
    unknown.chmod(0o755)
    call = [str(unknown), "-e", _NODE_THROUGH_SQUID, lab.network.squid.address]
    done = lab.run(
        "capture", "-i", "fw-bridge", "--keys", "--format", "json", "--",
        *lab.network.agent.argv(call),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    report = report_of(done.stdout)
    states = [each.decryption and each.decryption.state for each in report.tunnels]
    assert states == ["decrypted"] * 3
    assert [e.response and e.response.status for e in inner(report)] == [401] * 3
    assert report.live
    (hook,) = [each for each in report.live.probes if "unknown-node" in each.name]
    assert "client's random learnt: 0x1" in hook.name
    assert hook.hits == 15
    assert hook.note is None


# -- scenarios ---------------------------------------------------------------------------------


@pytest.fixture
def fingerprints(tmp_path: Path) -> Path:
    path = tmp_path / "fingerprint-key"
    path.write_bytes(FINGERPRINTS)
    return path


def is_what_the_upstream_took(name: str, seen: Watched) -> None:
    calls = truth_of(CAPTURES / name)["upstream_calls"]
    true = [(c["method"], c["path"], c["status"]) for c in calls if c["status"] is not None]
    assert sorted(asked(seen.report)) == sorted(true)


#: In namespaces, and in containers of an engine: nothing is configured in either.
on = pytest.mark.parametrize("where", ["namespaces", "docker"])


@contextmanager
def probed(
    name: str, where: str, request: pytest.FixtureRequest, *arguments: str
) -> Iterator[Watched]:
    if where == "docker":
        request.getfixturevalue("docker_possible")
    with watched(name, "--keys", *arguments, docker=where == "docker") as seen:
        assert seen.report.keys
        assert (seen.report.keys.key_logs, seen.report.keys.embedded) == ((), 0)
        yield seen


@pytest.mark.long
@on
def test_h4_the_answer_inside_is_the_upstreams_and_the_key_that_it_got_is_the_labs(
    bpf_possible: None, fingerprints: Path, where: str, request: pytest.FixtureRequest
) -> None:
    name = "h4-401-inside-tunnel"
    with probed(name, where, request, "--fingerprint-key", str(fingerprints)) as seen:
        is_what_the_upstream_took(name, seen)
        truth = Secret(proxy.ANTHROPIC_KEY.encode()).fingerprint(FINGERPRINTS)
        for exchange in inner(seen.report):
            assert exchange.response
            assert exchange.response.status == 401
            assert exchange.response.api_error
            assert exchange.response.api_error.message == "invalid x-api-key"
            assert exchange.request
            (got,) = exchange.request.auth
            assert got.credential.fingerprint == truth
        (verdict,) = [h.verdict for h in seen.report.hypotheses if h.id == "H4b"]
        assert verdict == "confirmed"


@pytest.mark.long
@on
def test_h2_both_placeholders_are_stripped_and_one_key_is_injected(
    bpf_possible: None, where: str, request: pytest.FixtureRequest
) -> None:
    name = "h2-two-placeholders"
    with probed(name, where, request) as seen:
        is_what_the_upstream_took(name, seen)
        for chain in seen.report.chains:
            fates = {each.name: each.change for each in chain.header_diff}
            assert fates["authorization"] == "stripped"
            assert fates["x-api-key"] == "replaced"


@pytest.mark.long
@on
def test_a_retired_beta_is_two_calls_inside(
    bpf_possible: None, where: str, request: pytest.FixtureRequest
) -> None:
    name = "retired-beta-retried"
    with probed(name, where, request) as seen:
        is_what_the_upstream_took(name, seen)
        (chain,) = seen.report.chains
        assert len(chain.upstream_exchanges) == 2


@pytest.mark.long
@pytest.mark.parametrize("name", ["healthy-sse", "parallel-20", "tls-1.2", "one-network"])
def test_it_is_what_the_programs_own_key_log_gives(bpf_possible: None, name: str) -> None:
    with watched(name, "--keys", "--raw", "--full") as seen:
        log = seen.path.parent / "proxy" / "keys.log"
        offline = read(seen.path, options=Options(key_logs=(log,)))
        assert asked(seen.report) == asked(offline)
        assert seen.report.hypotheses == offline.hypotheses
        told = [(each.id, each.decryption and each.decryption.state) for each in offline.tunnels]
        assert told == [(t.id, t.decryption and t.decryption.state) for t in seen.report.tunnels]
