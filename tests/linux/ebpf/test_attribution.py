"""Processes at the ends of real connections, in namespaces of the lab."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator

import pytest

from inspector.linux.ebpf.attribution import Attribution, ConnectionEnd
from lab import squid
from lab.network import NAMED, Host, Network
from lab.processes import Process, until

#: Accepts and answers one byte, for ever.
_SERVER = """
import socket, sys
server = socket.create_server((sys.argv[1], int(sys.argv[2])), backlog=1024,
                              family=socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET)
print("listening", flush=True)
while True:
    stream, _ = server.accept()
    stream.recv(1)
    stream.close()
"""
#: Connects so many times, one after the other; says its ports.
_CLIENT = """
import socket, sys
for number in range(int(sys.argv[3])):
    with socket.create_connection((sys.argv[1], int(sys.argv[2]))) as stream:
        print(stream.getsockname()[1])
        stream.sendall(b"x")
        stream.recv(1)
"""
#: Accepts and never touches what it accepted; says so.
_MUTE = """
import signal, socket, sys
server = socket.create_server((sys.argv[1], int(sys.argv[2])))
print("listening", flush=True)
kept = [server.accept()[0]]
print("accepted", flush=True)
signal.pause()
"""
_NODE = """
require("net").createServer(s => s.on("data", () => s.end())).listen(10010, "0.0.0.0",
  () => console.log("listening"))
"""


@pytest.fixture
def attribution(bpf_possible: None) -> Iterator[Attribution]:
    started = Attribution.start()
    yield started
    started.close()


def inode(host: Host) -> int:
    return (NAMED / host.namespace).stat().st_ino


def run(lab: Network, host: Host, source: str, *arguments: object, log: str) -> Process:
    command = [sys.executable, "-ISc", source, *map(str, arguments)]
    ready = None if source == _CLIENT else "listening"
    return host.start(command, log=lab.directory / f"{log}.log", ready=ready)


def ends_of(ends: list[ConnectionEnd], host: Host, port: int) -> list[ConnectionEnd]:
    """The ends on a host of connections with that port."""
    return [
        end
        for end in ends
        if end.netns == inode(host) and port in (end.local.port, end.remote.port)
    ]


def pid(end: ConnectionEnd) -> int | None:
    return None if end.process is None else end.process.pid


def test_of_3000_short_connections_each_end_is_attributed_and_none_wrong(
    attribution: Attribution, network: Network
) -> None:
    ports, clients_each, count = (10001, 10002), 3, 500
    expected: dict[tuple[int, int, int, str], int] = {}
    found: dict[tuple[int, int, int, str], int | None] = {}
    known: list[ConnectionEnd] = []
    # The same addresses in two networks at the same time.
    with Network() as other:
        started = []
        for lab in (network, other):
            address = lab.api_proxy.address
            servers = {
                port: run(lab, lab.api_proxy, _SERVER, address, port, log=f"server{port}")
                for port in ports
            }
            for number in range(clients_each):
                port = ports[number % 2]
                client = run(lab, lab.agent, _CLIENT, address, port, count, log=f"client{number}")
                started.append((lab, client, port, servers[port]))

        def all_ended() -> bool:
            known.extend(attribution.poll())
            return not any(client.running for _, client, _, _ in started)

        until(all_ended, "the clients to end", timeout=60)
        assert [client.wait() for _, client, _, _ in started] == [0] * len(started)
        known += attribution.finish()
        for lab, client, port, server in started:
            for local in map(int, client.output().split()):
                expected[inode(lab.agent), local, port, "client"] = client.pid
                expected[inode(lab.api_proxy), port, local, "server"] = server.pid
        hosts = {inode(host) for lab in (network, other) for host in (lab.agent, lab.api_proxy)}
        for end in known:
            if end.netns in hosts:
                key = end.netns, end.local.port, end.remote.port, end.side
                assert key not in found
                assert end.how in ("connect", "receive")
                found[key] = pid(end)
    assert len(expected) == 2 * 3000
    assert found == expected
    statistics = attribution.statistics()
    assert (statistics.lost_events, statistics.map_full, statistics.given_up) == (0, 0, 0)
    assert all(statistics.hits.values())


def test_an_address_of_ipv6_is_as_packets_have_it(attribution: Attribution) -> None:
    with Network(ipv6=True) as lab:
        address = lab.api_proxy.address
        server = run(lab, lab.api_proxy, _SERVER, address, 10001, log="server")
        client = run(lab, lab.agent, _CLIENT, address, 10001, 1, log="client")
        assert client.wait() == 0
        known = attribution.finish()
        ends = ends_of(known, lab.agent, 10001) + ends_of(known, lab.api_proxy, 10001)

    assert [(end.side, end.local.ip, pid(end)) for end in ends] == [
        ("client", "fd00:172:30::20", client.pid),
        ("server", "fd00:172:30::30", server.pid),
    ]


def test_a_refused_attempt_has_its_process_and_both_its_ports(
    attribution: Attribution, network: Network
) -> None:
    client = run(network, network.agent, _CLIENT, network.api_proxy.address, 9, 1, log="refused")
    client.wait()

    (end,) = ends_of(attribution.finish(), network.agent, 9)

    assert end.refused
    assert end.side == "client"
    assert end.process is not None
    assert end.process.pid == client.pid
    assert (end.remote.ip, end.remote.port) == (network.api_proxy.address, 9)
    assert end.local.ip == network.agent.address
    assert end.local.port


def test_a_connection_that_its_server_never_touched_is_the_listeners(
    attribution: Attribution, network: Network
) -> None:
    mute = run(network, network.api_proxy, _MUTE, "0.0.0.0", 10005, log="mute")
    probe = "import socket, sys; socket.create_connection((sys.argv[1], 10005)).close()"
    network.agent.run([sys.executable, "-ISc", probe, network.api_proxy.address])

    (end,) = ends_of(attribution.finish(), network.api_proxy, 10005)

    assert (end.side, end.how) == ("server", "listen")
    assert end.process is not None
    assert end.process.pid == mute.pid


def test_what_was_open_before_is_found_and_so_is_who_listened(
    bpf_possible: None, network: Network
) -> None:
    mute = run(network, network.api_proxy, _MUTE, "0.0.0.0", 10006, log="mute6")
    hold = """
import signal, socket, sys
stream = socket.create_connection((sys.argv[1], 10006))
print("listening", flush=True)
signal.pause()
"""
    client = run(network, network.agent, hold, network.api_proxy.address, log="hold")
    mute.wait_ready("accepted")
    attribution = Attribution.start()
    try:
        before = attribution.poll()
        second = "import socket, sys; socket.create_connection((sys.argv[1], 10006)).close()"
        network.agent.run([sys.executable, "-ISc", second, network.api_proxy.address])
        after = ends_of(attribution.finish(), network.api_proxy, 10006)
    finally:
        attribution.close()

    pids = {
        end.local.ip: pid(end)
        for host in (network.agent, network.api_proxy)
        for end in ends_of(before, host, 10006)
    }
    assert pids == {network.agent.address: client.pid, network.api_proxy.address: mute.pid}
    assert {end.process.pid for end in after if end.process} == {mute.pid}


def test_a_process_that_has_ended_is_known_with_its_program(
    attribution: Attribution, network: Network
) -> None:
    curl = shutil.which("curl")
    assert curl is not None
    run(network, network.api_proxy, _SERVER, "0.0.0.0", 10007, log="server7")
    command = [curl, "-s", "-H", "X-Made-Up: argument", f"http://{network.api_proxy.address}:10007"]
    network.agent.run(command, check=False)

    ends = attribution.finish()
    (end,) = ends_of(ends, network.agent, 10007)

    assert end.process is not None
    assert (end.process.comm, end.process.exe) == ("curl", curl)
    assert "Made-Up" not in repr(ends)


def test_the_passive_end_of_node_is_node(attribution: Attribution, network: Network) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("Node.js is not here: apt-get install nodejs")
    log = network.directory / "node.log"
    server = network.api_proxy.start([node, "-e", _NODE], log=log, ready="listening")
    client = run(network, network.agent, _CLIENT, network.api_proxy.address, 10010, 5, log="node5")
    assert client.wait() == 0

    ends = ends_of(attribution.finish(), network.api_proxy, 10010)

    assert [(end.how, pid(end)) for end in ends] == [("receive", server.pid)] * 5


def test_it_goes_on_without_a_privilege(bpf_possible: None) -> None:
    """In a child, which gives up root after the programs are attached."""
    child = """
import os, socket
from inspector.linux.ebpf.attribution import Attribution
attribution = Attribution.start()
os.setgroups([]); os.setresgid(65534, 65534, 65534); os.setresuid(65534, 65534, 65534)
attribution.poll()
with socket.create_server(("127.0.0.1", 0)) as server:
    with socket.socket() as client:
        client.connect(server.getsockname())
        port = client.getsockname()[1]
        stream, _ = server.accept()
        client.sendall(b"x"), stream.recv(1)
        own = [end for end in attribution.finish() if port in (end.local.port, end.remote.port)]
print(sorted(end.side for end in own), {end.process.pid == os.getpid() for end in own})
print(all(attribution.statistics().hits.values()), {end.process.exe is not None for end in own})
attribution.close()
"""
    done = subprocess.run([sys.executable, "-c", child], capture_output=True, text=True)

    assert done.stdout == "['client', 'server'] {True}\nTrue {True}\n", done.stderr


def test_squid_holds_the_passive_end_of_a_connect(
    attribution: Attribution, network: Network
) -> None:
    if reason := squid.why_not_squid():
        pytest.skip(reason)
    squid.start(network)
    ask = """
import socket, sys
with socket.create_connection((sys.argv[1], 3128)) as stream:
    stream.sendall(b"CONNECT not.allowed.example:443 HTTP/1.1\\r\\n\\r\\n")
    stream.recv(4096)
"""
    network.agent.run([sys.executable, "-ISc", ask, network.squid.address])

    (end,) = ends_of(attribution.finish(), network.squid, 3128)

    assert (end.side, end.how) == ("server", "receive")
    assert end.process is not None
    assert end.process.comm == "squid"
    assert end.process.pid in network.squid.pids()
