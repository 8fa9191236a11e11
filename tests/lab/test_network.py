"""The lab's network, with real packets on it."""

from __future__ import annotations

import fcntl
import platform
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from lab import network as lab_network
from lab.network import (
    ABSENT,
    REFUSES,
    SILENT,
    WORLD,
    Host,
    Network,
    clean,
    labs,
    registry,
)
from lab.processes import Process, until
from tests.lab.test_processes import gone

REPOSITORY = Path(__file__).parents[2]

_LISTEN = """
import signal, socket, sys
family = socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET
server = socket.create_server((sys.argv[1], int(sys.argv[2])), family=family)
print("listening", flush=True)
signal.pause()
"""
#: Connects, says what came of it, and by whom it was seen.
_CONNECT = """
import errno, socket, sys
try:
    with socket.create_connection((sys.argv[1], int(sys.argv[2])), float(sys.argv[3])) as stream:
        print(stream.getpeername()[0])
except TimeoutError:
    print("silence")
except OSError as error:
    print(errno.errorcode[error.errno])
"""
#: Takes datagrams, so that no ICMP error repeats them.
_SINK = """
import signal, socket
sink = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sink.bind(("", 9))
print("listening", flush=True)
signal.pause()
"""
_SEND = """
import socket, sys
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
    for number in range(int(sys.argv[3])):
        sender.sendto(b"<%s %d>" % (sys.argv[2].encode(), number), (sys.argv[1], 9))
"""


def serve(host: Host, address: str, port: int, log: Path) -> Process:
    command = [sys.executable, "-ISc", _LISTEN, address, str(port)]
    return host.start(command, log=log, ready="listening")


def connect(host: Host, address: str, port: int = 443, *, patience: float = 5) -> str:
    command = [sys.executable, "-ISc", _CONNECT, address, str(port), str(patience)]
    return host.run(command).stdout.strip()


def send(host: Host, to: Host, word: str, count: int) -> list[bytes]:
    """Send datagrams; their payloads."""
    sink = [sys.executable, "-ISc", _SINK]
    with (
        tempfile.TemporaryDirectory() as folder,
        to.start(sink, log=Path(folder, "sink.log"), ready="listening"),
    ):
        host.run([sys.executable, "-ISc", _SEND, to.address, word, str(count)])
    return [f"<{word} {number}>".encode() for number in range(count)]


def own_namespace() -> str:
    """Interfaces, addresses and routes of the machine itself."""
    shown = [
        subprocess.run(["ip", *what.split()], capture_output=True, text=True, check=True).stdout
        for what in ("-o link", "-o address", "route", "rule")
    ]
    # Counters of lifetimes go on by themselves.
    return "\n".join(line.split("valid_lft")[0] for line in "".join(shown).splitlines())


def without_namespaces(identity: str) -> None:
    """No namespace and no directory is left, unless the number is a living neighbour's by now."""

    def left() -> bool:
        return bool(namespaces(identity)) or (lab_network.STATE / identity).exists()

    until(lambda: not left() or labs().get(identity) is True, f"lab {identity} to be gone")


def namespaces(identity: str) -> list[str]:
    shown = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=True)
    return [name for name in shown.stdout.split() if name.startswith(f"lab{identity}-")]


def test_nothing_is_made_in_the_machines_own_namespace(lab_possible: None) -> None:
    before = own_namespace()

    with Network():
        during = own_namespace()

    assert during == before


def test_hosts_on_the_bridge_have_the_firewalls_addresses(network: Network) -> None:
    serve(network.api_proxy, "172.30.0.30", 10001, network.directory / "serve.log")

    assert network.agent.address == "172.30.0.20"
    assert connect(network.agent, "172.30.0.30", 10001) == "172.30.0.30"
    assert connect(network.agent, "172.30.0.30", 10004) == "ECONNREFUSED"
    assert connect(network.squid, "172.30.0.20", 1) == "ECONNREFUSED"
    assert connect(network.agent, "172.30.0.1", 1) == "ECONNREFUSED"


def test_only_squid_reaches_the_world_and_the_gateway_tells_others_so(network: Network) -> None:
    for address in WORLD.values():
        serve(network.world, address, 443, network.directory / f"{address}.log")

    for address in WORLD.values():
        assert connect(network.squid, address) == address
    assert connect(network.agent, WORLD["api.openai.com"]) == "ENETUNREACH"
    assert connect(network.api_proxy, WORLD["api.openai.com"]) == "ENETUNREACH"


def test_the_world_has_an_address_for_each_way_to_fail(network: Network) -> None:
    assert connect(network.squid, REFUSES) == "ECONNREFUSED"
    assert connect(network.squid, ABSENT) == "EHOSTUNREACH"
    assert connect(network.squid, SILENT, patience=0.3) == "silence"


def test_an_unplugged_host_is_met_by_silence_until_it_is_plugged_in_again(
    network: Network,
) -> None:
    assert connect(network.agent, network.api_proxy.address, 1) == "ECONNREFUSED"

    network.unplug(network.api_proxy)
    assert connect(network.agent, network.api_proxy.address, 1, patience=0.3) == "silence"

    network.plug(network.api_proxy)
    assert connect(network.agent, network.api_proxy.address, 1) == "ECONNREFUSED"


def test_the_gateway_has_a_bridge_with_a_port_for_each_host(network: Network) -> None:
    ports = network.bridge.run(["ip", "-o", "link", "show", "master", "fw-bridge"]).stdout

    assert [line.split()[1].split("@")[0] for line in ports.splitlines()] == [
        "veth-agent",
        "veth-api-proxy",
        "veth-squid",
    ]


def test_a_capture_has_each_frame_between_two_hosts_once_to_the_last(
    network: Network, tmp_path: Path
) -> None:
    path = tmp_path / "capture.pcapng"

    with network.capture(path):
        payloads = send(network.agent, network.squid, "once", 50)

    data = path.read_bytes()
    assert [data.count(payload) for payload in payloads] == [1] * 50
    assert list(tmp_path.iterdir()) == [path]


def test_a_capture_of_any_interface_has_each_frame_more_than_once(
    network: Network, tmp_path: Path
) -> None:
    path = tmp_path / "capture.pcapng"

    with network.capture(path, any_interface=True):
        payloads = send(network.agent, network.squid, "often", 10)

    data = path.read_bytes()
    assert all(data.count(payload) >= 2 for payload in payloads)


def test_a_capture_tells_neither_the_machine_nor_the_mark_at_its_end(
    network: Network, tmp_path: Path
) -> None:
    path = tmp_path / "capture.pcapng"

    with network.capture(path):
        send(network.agent, network.squid, "some", 1)

    data = path.read_bytes()
    assert platform.release().encode() not in data
    assert b"\x88\xb5" not in data


def test_a_capture_can_keep_the_beginning_of_each_frame_only(
    network: Network, tmp_path: Path
) -> None:
    path = tmp_path / "capture.pcapng"

    with network.capture(path, snaplen=96):
        payloads = send(network.agent, network.squid, "x" * 200, 3)

    data = path.read_bytes()
    assert data.count(b"<xxxx") == 3
    assert not any(payload in data for payload in payloads)


def test_squids_way_to_the_world_does_not_cross_the_bridge(
    network: Network, tmp_path: Path
) -> None:
    path = tmp_path / "capture.pcapng"

    with network.capture(path):
        payloads = send(network.squid, network.world, "beside", 3)

    assert not any(payload in path.read_bytes() for payload in payloads)


def test_in_one_network_squids_way_to_the_world_crosses_the_bridge(
    lab_possible: None, tmp_path: Path
) -> None:
    path = tmp_path / "capture.pcapng"

    with Network(one_network=True) as network:
        serve(network.world, network.world.address, 443, network.directory / "serve.log")
        with network.capture(path):
            payloads = send(network.squid, network.world, "across", 3)
        assert connect(network.squid, network.world.address) == network.world.address
        assert connect(network.agent, network.world.address) == "ENETUNREACH"
        assert connect(network.squid, SILENT, patience=0.3) == "silence"

    assert all(path.read_bytes().count(payload) == 1 for payload in payloads)


def test_hosts_can_speak_ipv6(lab_possible: None) -> None:
    with Network(ipv6=True) as network:
        serve(network.api_proxy, "fd00:172:30::30", 10001, network.directory / "serve.log")

        assert network.api_proxy.address == "fd00:172:30::30"
        assert connect(network.agent, "fd00:172:30::30", 10001) == "fd00:172:30::30"
        assert connect(network.agent, "172.30.0.30", 10001) == "ECONNREFUSED"


def test_two_labs_run_at_once_and_one_ends_without_the_other(
    network: Network, tmp_path: Path
) -> None:
    with Network() as other:
        assert other.id != network.id
        with network.capture(tmp_path / "one"), other.capture(tmp_path / "other"):
            mine = send(network.agent, network.squid, "mine", 3)
            theirs = send(other.agent, other.squid, "theirs", 3)

    assert all(payload in (tmp_path / "one").read_bytes() for payload in mine)
    assert not any(payload in (tmp_path / "one").read_bytes() for payload in theirs)
    assert all(payload in (tmp_path / "other").read_bytes() for payload in theirs)
    without_namespaces(other.id)
    assert connect(network.agent, network.squid.address, 1) == "ECONNREFUSED"


def test_the_end_takes_programs_namespaces_and_directory_along(lab_possible: None) -> None:
    with Network() as network:
        # One in a session of its own, out of reach of its group.
        network.squid.run(["sh", "-c", "setsid sleep 600 >/dev/null 2>&1 &"])
        until(lambda: bool(network.squid.pids()), "the stray to run")
        strays = network.squid.pids()
        process = serve(network.squid, "172.30.0.10", 3128, network.directory / "serve.log")

    assert not process.running
    assert all(gone(pid) for pid in strays)
    without_namespaces(network.id)


_KILLED = """
import signal, sys
from pathlib import Path
from lab.network import Network
with Network() as network:
    process = network.agent.start(["sleep", "600"], log=network.directory / "sleep.log")
    print(network.id, process.pid, flush=True)
    signal.pause()
"""


@pytest.fixture
def killed_lab(lab_possible: None) -> tuple[str, int]:
    """What a lab leaves whose owner was killed: its id, and a program still running in it."""
    with subprocess.Popen(
        [sys.executable, "-c", _KILLED], stdout=subprocess.PIPE, text=True, cwd=REPOSITORY
    ) as owner:
        assert owner.stdout is not None
        identity, sleeper = owner.stdout.readline().split()
        # No neighbour's start comes between the death and the look at what it left.
        with registry():
            owner.kill()
            owner.wait()
            assert labs()[identity] is False
            assert len(namespaces(identity)) == 5
            assert not gone(int(sleeper))
    return identity, int(sleeper)


def test_the_next_start_cleans_up_after_a_killed_lab_and_leaves_living_ones_alone(
    network: Network, killed_lab: tuple[str, int]
) -> None:
    identity, sleeper = killed_lab

    with Network() as successor:
        assert gone(sleeper)
        # Its number is free again: for this one, or for one that was faster.
        assert labs().get(identity) is not False
        assert connect(successor.agent, successor.squid.address, 1) == "ECONNREFUSED"

    assert labs()[network.id] is True
    assert connect(network.agent, network.squid.address, 1) == "ECONNREFUSED"


def test_a_killed_lab_can_be_cleaned_up_by_hand(killed_lab: tuple[str, int]) -> None:
    identity, sleeper = killed_lab

    clean()

    assert gone(sleeper)
    assert labs().get(identity) is not False


def test_who_looks_whether_a_lab_lives_is_not_taken_for_its_owner(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(lab_network, "STATE", tmp_path)
    (tmp_path / "1").mkdir()
    with (tmp_path / "1" / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)
        assert lab_network.labs() == {"1": False}
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert lab_network.labs() == {"1": True}
