"""The lab on Docker: real containers, in an engine that changes nothing on the machine."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from inspector import inspect
from inspector.report.formats.stable import stable_part
from lab import docker_engine, docker_image
from lab.__main__ import PROGRAMS
from lab.docker import CONTAINERS, Container, DockerNetwork
from lab.docker_engine import EngineError, why_not_docker
from lab.index import CAPTURES
from lab.network import WORLD, Host, Network, labs
from lab.pattern import deviations
from lab.processes import LabError, find, until, why_not
from lab.record import record
from tests.lab.test_network import (
    REPOSITORY,
    connect,
    own_namespace,
    send,
    serve,
    without_namespaces,
)
from tests.lab.test_processes import gone
from tests.lab.test_record import unversioned

SCENARIO = "h4-401-inside-tunnel"


@pytest.fixture(scope="session")
def engine_possible() -> None:
    """Skips where there is no engine and none can be started."""
    if reason := why_not("dumpcap") or why_not_docker():
        pytest.skip(reason)
    try:
        with Engine():
            pass
    except EngineError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def docker(engine_possible: None) -> Iterator[DockerNetwork]:
    """A lab in an engine of its own, its bridge named by Docker."""
    with DockerNetwork(named_bridge=False, use_machines=False) as network:
        yield network


class Engine(DockerNetwork):
    """The lab's own engine, with nothing in it."""

    def __init__(self) -> None:
        super().__init__(use_machines=False)

    def _build(self) -> None:
        self.engine = self._engine()


def container(host: Host) -> Container:
    assert isinstance(host, Container)
    return host


def told(network: DockerNetwork, *command: str) -> str:
    assert network.engine is not None
    return network.engine(*command)


def without_groups(number: str) -> None:
    """No control group is left, unless the number is a living neighbour's by now."""
    until(
        lambda: not control_groups(number) or labs().get(number) is True,
        f"the control groups of lab {number} to be removed",
    )


def control_groups(identity: str) -> list[Path]:
    tree = Path("/sys/fs/cgroup")
    return [*tree.glob(f"inspector-lab-{identity}"), *tree.glob(f"*/inspector-lab-{identity}")]


# --- what a container sees ---------------------------------------------------------------------


def test_an_environment_that_is_a_link_is_mounted_with_what_it_leads_to(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "link"))
    assert {tmp_path / "real", tmp_path / "link"} <= set(docker_image.mounts())


# --- the engine ------------------------------------------------------------------------------


def test_where_there_is_no_docker_the_reason_names_its_package(
    engine_possible: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    assert why_not_docker() == "there is no Docker here (Debian's package: docker.io)"


def test_an_engine_that_does_not_start_is_an_error_with_what_it_said(
    engine_possible: None, tmp_path: Path
) -> None:
    with pytest.raises(EngineError, match=r"cannot open .*no-such-namespace"):
        docker_engine.start("0", tmp_path / "no-such-namespace", tmp_path, tmp_path / "engine")


# --- the network -----------------------------------------------------------------------------


def test_containers_have_the_firewalls_names_and_addresses(docker: DockerNetwork) -> None:
    (awf_net,) = json.loads(told(docker, "network", "inspect", "awf-net"))

    found = {each["Name"]: each["IPv4Address"] for each in awf_net["Containers"].values()}
    assert found == {
        "awf-agent": "172.30.0.20/24",
        "awf-api-proxy": "172.30.0.30/24",
        "awf-squid": "172.30.0.10/24",
    }
    assert awf_net["IPAM"]["Config"] == [{"Subnet": "172.30.0.0/24", "Gateway": "172.30.0.1"}]


def test_a_bridge_that_docker_names_is_told_by_its_network(docker: DockerNetwork) -> None:
    identity = told(docker, "network", "inspect", "--format", "{{.Id}}", "awf-net")

    assert docker.device == f"br-{identity[:12]}"
    address = docker.bridge.run(["ip", "-o", "address", "show", "dev", docker.device]).stdout
    assert "172.30.0.1/24" in address


def test_only_squid_reaches_the_world(docker: DockerNetwork) -> None:
    for address in WORLD.values():
        serve(docker.world, address, 443, docker.directory / f"{address}.log")

    for address in WORLD.values():
        assert connect(docker.squid, address) == address
    assert connect(docker.agent, WORLD["api.openai.com"], patience=0.3) != WORLD["api.openai.com"]
    assert connect(docker.api_proxy, docker.squid.address, 1) == "ECONNREFUSED"


def test_an_unplugged_container_is_met_by_silence_until_it_is_plugged_in_again(
    docker: DockerNetwork,
) -> None:
    docker.unplug(docker.api_proxy)
    assert connect(docker.agent, docker.api_proxy.address, 1, patience=0.3) == "silence"

    docker.plug(docker.api_proxy)
    assert connect(docker.agent, docker.api_proxy.address, 1) == "ECONNREFUSED"


def test_a_capture_has_each_frame_between_two_containers_once(
    docker: DockerNetwork, tmp_path: Path
) -> None:
    with docker.capture(tmp_path / "capture.pcapng"):
        payloads = send(docker.agent, docker.squid, "once", 20)

    data = (tmp_path / "capture.pcapng").read_bytes()
    assert [data.count(payload) for payload in payloads] == [1] * 20


# --- programs in a container -----------------------------------------------------------------


def test_a_program_is_in_the_namespaces_and_control_groups_of_its_container(
    docker: DockerNetwork,
) -> None:
    log = docker.directory / "sleep.log"
    with docker.agent.start(["sleep", "600"], log=log, ready=lambda: bool(log.exists())):
        until(lambda: "sleep 600" in told(docker, "top", "awf-agent"), "docker to see it")
        inside = docker.agent.run(["cat", "/etc/hostname", "/proc/self/cgroup"]).stdout

    identity = told(docker, "inspect", "--format", "{{.Id}}", "awf-agent")
    hostname, *groups = inside.splitlines()
    assert hostname == "awf-agent"
    assert any(identity in group for group in groups)
    assert "sleep 600" not in told(docker, "top", "awf-agent")


def test_a_program_has_its_input_its_directory_and_its_exit_status(docker: DockerNetwork) -> None:
    command = ["sh", "-c", "cat; pwd; exit 7"]

    done = docker.agent.run(command, input="said\n", cwd=docker.directory, check=False)

    assert done.stdout == f"said\n{docker.directory}\n"
    assert done.returncode == 7


def test_a_program_that_is_told_to_end_ends_in_its_own_time(docker: DockerNetwork) -> None:
    program = "trap 'sleep 0.2; echo bye; exit 3' TERM; echo here; while :; do sleep 0.01; done"
    process = docker.agent.start(
        ["sh", "-c", program], log=docker.directory / "polite.log", ready="here"
    )

    process.terminate()

    assert process.wait() == 3
    assert process.output().splitlines()[-1] == "bye"


def test_the_machine_is_mounted_for_reading_only(docker: DockerNetwork) -> None:
    for place in ("/usr", str(REPOSITORY)):
        done = docker.agent.run(["touch", f"{place}/inspector-lab-was-here"], check=False)
        assert "Read-only file system" in done.stderr


# --- what a lab leaves -----------------------------------------------------------------------


def test_the_end_takes_engine_containers_control_groups_and_directory_along(
    engine_possible: None,
) -> None:
    before = own_namespace()
    with DockerNetwork(use_machines=False) as network:
        pids = [container(network.hosts[name]).pid for name in CONTAINERS]
        pids += network.bridge.pids()
        assert len(pids) > len(CONTAINERS)
        assert control_groups(network.id)
        assert network.device == "fw-bridge"
        assert own_namespace() == before
        directory = network.directory

    assert own_namespace() == before
    assert all(gone(pid) for pid in pids)
    without_groups(network.id)
    without_namespaces(network.id)
    assert str(directory) not in Path("/proc/mounts").read_text()


_KILLED = """
import json, signal, sys
from lab.docker import CONTAINERS, DockerNetwork
with DockerNetwork(use_machines=sys.argv[1] == "machine's") as network:
    pids = [network.hosts[name].pid for name in CONTAINERS] + network.bridge.pids()
    print(json.dumps([network.engine.own, network.id, pids]), flush=True)
    if sys.argv[2] == "stays":
        signal.pause()
"""


def test_an_engine_ends_with_its_killed_owner_and_the_next_lab_removes_the_rest(
    engine_possible: None,
) -> None:
    command = [sys.executable, "-c", _KILLED, "own", "stays"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=REPOSITORY) as owner:
        assert owner.stdout is not None
        own, identity, pids = json.loads(owner.stdout.readline())
        assert own
        owner.kill()

    until(lambda: all(gone(pid) for pid in pids), "the engine and its containers to end")
    with Engine() as successor:
        assert labs().get(identity) is not False
    for number in (identity, successor.id):
        without_groups(number)


# --- the machine's engine --------------------------------------------------------------------


@pytest.fixture
def machine(engine_possible: None) -> Iterator[Engine]:
    """A machine whose engine answers: a lab's engine, for who is in its network namespace."""
    with Engine() as engine:
        yield engine


def on(machine: Engine, *command: str) -> tuple[list[str], dict[str, str]]:
    assert machine.engine is not None
    assert machine.engine.address is not None
    namespace = f"--net=/run/netns/{machine.bridge.namespace}"
    return (
        ["nsenter", namespace, sys.executable, *command],
        {**os.environ, "DOCKER_HOST": machine.engine.address},
    )


@pytest.mark.parametrize(
    "remover",
    [
        pytest.param(("-c", _KILLED, "machine's", "ends"), id="the-next-lab"),
        pytest.param(("-m", "lab", "clean"), id="clean"),
    ],
)
def test_an_engine_that_answers_is_used_and_what_a_killed_lab_leaves_in_it_is_removed(
    machine: Engine, remover: tuple[str, ...]
) -> None:
    listings = (("ps", "--all"), ("network", "ls"), ("images",), ("volume", "ls"))
    before = [told(machine, *listing, "--quiet") for listing in listings]
    argv, env = on(machine, "-c", _KILLED, "machine's", "stays")
    with subprocess.Popen(
        argv, env=env, stdout=subprocess.PIPE, text=True, cwd=REPOSITORY
    ) as owner:
        assert owner.stdout is not None
        own, _, pids = json.loads(owner.stdout.readline())
        assert not own
        names = told(machine, "ps", "--format", "{{.Names}}").split()
        owner.kill()
    assert sorted(names) == sorted(CONTAINERS.values())
    assert not any(gone(pid) for pid in pids)

    argv, env = on(machine, *remover)
    # Its number goes to the next lab, which has nothing to do with the machine's engine.
    with Network():
        done = subprocess.run(argv, env=env, capture_output=True, text=True, cwd=REPOSITORY)

    assert done.returncode == 0, done.stderr
    assert all(gone(pid) for pid in pids)
    assert [told(machine, *listing, "--quiet") for listing in listings] == before


# --- scenarios -------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def programs() -> None:
    if reason := why_not(*PROGRAMS, "curl"):
        pytest.skip(reason)


def test_a_scenario_in_containers_has_the_stable_report_of_its_folder(
    engine_possible: None, programs: None, tmp_path: Path
) -> None:
    if find("npm") is None:
        pytest.skip("needs npm for the SDK under Node")
    folder = record(SCENARIO, tmp_path, docker=True)

    promised = (CAPTURES / SCENARIO / "expected.json").read_text()
    found = json.dumps(stable_part(inspect(folder)))
    assert deviations(unversioned(promised), unversioned(found)) == []


@pytest.mark.parametrize("name", ["one-network", "ipv6-bridge", "any-interface"])
def test_a_scenario_of_another_layout_is_refused_before_anything_starts(
    name: str, tmp_path: Path
) -> None:
    with pytest.raises(LabError, match=f"{name}: on Docker there is one layout"):
        record(name, tmp_path, docker=True)

    assert list(tmp_path.iterdir()) == []


def test_up_prints_a_request_that_works_in_a_container(
    engine_possible: None, programs: None
) -> None:
    command = [sys.executable, "-m", "lab", "up", "--docker"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=REPOSITORY) as lab:
        try:
            assert lab.stdout is not None
            shown = []
            for line in lab.stdout:
                shown.append(line.strip())
                if line.startswith("Ctrl-C"):
                    break
            request = shlex.split(shown[shown.index("A request as an agent makes it:") + 1])
            answer = subprocess.run(request, capture_output=True, text=True)
        finally:
            lab.send_signal(signal.SIGINT)
        said = lab.stdout.read()

    assert re.match(r"lab \d+: fw-bridge in ", shown[0])
    assert request[0].endswith("docker")
    assert "awf-agent" in request
    assert json.loads(answer.stdout)["type"] == "message"
    assert said == "ended; nothing is left\n"
    assert lab.returncode == 0
