"""The bridge is found by what it is, in the lab's namespaces and on the lab's Docker."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from ipaddress import ip_network

import pytest

from inspector.errors import CannotCapture
from inspector.linux.bridge import BridgeFinder, find_bridge
from inspector.linux.docker import DockerNetwork as Network
from inspector.linux.docker import DockerView
from lab.docker import DockerNetwork
from lab.docker_engine import EngineError, why_not_docker
from lab.network import Network as LabNetwork
from lab.network import run_ip
from lab.processes import why_not
from lab.recorder import BRIDGE
from tests.linux.wire import namespace

SUBNET = ip_network("172.30.0.0/24")
ABSENT = "/nonexistent/docker.sock"


def test_the_bridge_is_the_one_with_an_address_of_the_subnet(network: LabNetwork) -> None:
    found = find_bridge(SUBNET, netns=namespace(network.bridge))

    assert (found.name, found.how, found.because) == (BRIDGE, "address", "it has 172.30.0.1/24")


def test_an_engine_that_is_not_there_is_no_obstacle(network: LabNetwork) -> None:
    docker = DockerView.open(ABSENT)

    found = find_bridge(SUBNET, docker=docker, netns=namespace(network.bridge))

    assert found.name == BRIDGE


@pytest.fixture
def isolated(network: LabNetwork) -> Iterator[LabNetwork]:
    """The bridge has no address, as that of an isolated Docker network."""
    space = network.bridge.namespace
    run_ip("-n", space, "addr", "del", "172.30.0.1/24", "dev", BRIDGE)
    try:
        yield network
    finally:
        run_ip("-n", space, "addr", "add", "172.30.0.1/24", "dev", BRIDGE)
        for host in (network.agent, network.api_proxy, network.squid):
            run_ip("-n", host.namespace, "route", "replace", "default", "via", "172.30.0.1")


def test_a_bridge_without_an_address_is_found_by_what_its_ports_lead_to(
    isolated: LabNetwork,
) -> None:
    # Some process must be in the namespace, as in every container.
    with isolated.agent.start(
        ["sleep", "60"],
        log=isolated.directory / "sleep.log",
        ready=lambda: bool(isolated.agent.pids()),
    ):
        found = find_bridge(SUBNET, netns=namespace(isolated.bridge))

    assert (found.name, found.how) == (BRIDGE, "port")
    assert found.because == "its port veth-agent leads to 172.30.0.20/24"


def test_inside_a_container_its_own_interface_is_the_last_resort(network: LabNetwork) -> None:
    found = find_bridge(SUBNET, netns=namespace(network.agent))

    assert (found.name, found.how) == ("eth0", "own-address")
    assert "others' frames are not seen here" in found.because


def test_all_bridges_of_a_subnet_are_found(network: LabNetwork) -> None:
    space = network.bridge.namespace
    run_ip("-n", space, "link", "add", "second0", "type", "bridge")
    run_ip("-n", space, "addr", "add", "172.30.0.2/24", "dev", "second0")
    try:
        with BridgeFinder(SUBNET, netns=namespace(network.bridge)) as finder:
            assert {each.name for each in finder.look()} == {BRIDGE, "second0"}
    finally:
        run_ip("-n", space, "link", "delete", "second0")


def test_no_bridge_of_the_subnet_is_an_error_that_lists_those_there(network: LabNetwork) -> None:
    with pytest.raises(CannotCapture) as error:
        find_bridge(ip_network("10.9.0.0/24"), netns=namespace(network.bridge))

    assert f"there is {BRIDGE} 172.30.0.1/24" in str(error.value)
    assert "Name it with -i" in str(error.value)


def test_a_machine_without_bridges_says_so(network: LabNetwork) -> None:
    with pytest.raises(CannotCapture, match="there is no bridge at all"):
        find_bridge(ip_network("10.9.0.0/24"), netns=namespace(network.world))


# --- what Docker says ---------------------------------------------------------------------------


class Told(DockerView):
    """An engine with one network, whose device is the lab's bridge."""

    def __init__(self, name: str, *subnets: str) -> None:
        nets = tuple(map(ip_network, subnets))
        self.network = Network(name, "f" * 64, BRIDGE, nets, internal=False)

    def networks(self) -> list[Network]:
        return [self.network]


@pytest.mark.parametrize(
    ("told", "found"),
    [
        (Told("awf-net"), True),
        (Told("awf-net", "fd00::/64"), True),
        (Told("awf-net", "172.30.0.0/24"), False),
        (Told("awf-net", "fd00::/64", "172.30.0.0/24"), False),
        (Told("of-another-name", "10.9.0.0/24"), True),
        (Told("of-another-name", "172.30.0.0/24", "10.9.0.0/16"), True),
        (Told("of-another-name"), False),
        (Told("of-another-name", "fd00::/64"), False),
    ],
    ids=lambda told: (
        " ".join([told.network.name, *map(str, told.network.subnets)])
        if isinstance(told, Told)
        else str(told)
    ),
)
def test_dockers_name_for_a_network_counts_only_where_its_subnet_does_not_contradict(
    network: LabNetwork, told: Told, found: bool
) -> None:
    with BridgeFinder(
        ip_network("10.9.0.0/24"), docker=told, netns=namespace(network.bridge)
    ) as finder:
        assert [bridge.how for bridge in finder.look()] == ["docker"] * found


def test_the_network_of_that_name_is_told_where_its_subnet_is_another(network: LabNetwork) -> None:
    told = Told("awf-net", "10.8.0.0/24")
    with pytest.raises(CannotCapture, match=r"; Docker's awf-net is 10\.8\.0\.0/24\)"):
        find_bridge(ip_network("10.9.0.0/24"), docker=told, netns=namespace(network.bridge))


# --- on Docker ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def docker() -> Iterator[DockerNetwork]:
    """A lab in an engine of its own, its bridge named by Docker."""
    if reason := why_not("dumpcap") or why_not_docker():
        pytest.skip(reason)
    with ExitStack() as stack:
        try:
            network = stack.enter_context(DockerNetwork(named_bridge=False, use_machines=False))
        except EngineError as error:
            pytest.skip(str(error))
        yield network


@pytest.fixture
def view(docker: DockerNetwork) -> Iterator[DockerView]:
    assert docker.engine is not None
    assert docker.engine.address is not None
    view = DockerView.open(docker.engine.address.removeprefix("unix://"))
    yield view
    view.close()


def test_docker_tells_container_names_by_address(view: DockerView) -> None:
    found = view.containers()

    assert {address: container.name for address, container in found.items()} == {
        "172.30.0.10": "awf-squid",
        "172.30.0.20": "awf-agent",
        "172.30.0.30": "awf-api-proxy",
        "203.0.113.1": "awf-squid",
        "203.0.113.10": "inspector-lab-world",
    }
    assert all(len(container.id) == 64 for container in found.values())
    assert all("inspector-lab" in container.labels for container in found.values())


def test_docker_tells_the_containers_of_one_network(view: DockerView) -> None:
    (network,) = [each for each in view.networks() if each.name == "awf-net"]

    assert set(view.containers(network.id)) == {"172.30.0.10", "172.30.0.20", "172.30.0.30"}
    assert network.subnets == (SUBNET,)
    assert network.internal


def test_docker_tells_the_device_of_its_network(docker: DockerNetwork, view: DockerView) -> None:
    # Its address taken away, as an isolated network has none.
    space = docker.bridge.namespace
    run_ip("-n", space, "addr", "del", "172.30.0.1/24", "dev", docker.device)
    try:
        found = find_bridge(SUBNET, docker=view, netns=namespace(docker.bridge))
    finally:
        run_ip("-n", space, "addr", "add", "172.30.0.1/24", "dev", docker.device)

    assert (found.name, found.how) == (docker.device, "docker")
    assert found.because == "it is the device of Docker's network awf-net"
    assert found.network is not None
    assert found.name == f"br-{found.network[:12]}"


def test_docker_does_not_pass_off_its_network_of_that_name_as_another_subnets(
    docker: DockerNetwork, view: DockerView
) -> None:
    where = namespace(docker.bridge)
    with pytest.raises(CannotCapture, match=r"No bridge of 10\.9\.0\.0/24 is here"):
        find_bridge(ip_network("10.9.0.0/24"), "awf-net", docker=view, netns=where)
