"""Who is a host of the bridge, and what a request or a tunnel is for."""

from __future__ import annotations

import pytest

from inspector.exchanges.neighbourhood import Neighbourhood
from inspector.exchanges.topology import Roles, provider_of
from inspector.model.topology import Topology


def topology(**changes: object) -> Topology:
    values: dict[str, object] = {
        "subnet": "172.30.0.0/24",
        "agent": ("172.30.0.20",),
        "api_proxy": ("172.30.0.30",),
        "forward_proxy": ("172.30.0.10:3128",),
        "providers": {},
        "source": "defaults",
        "scope": "subnet",
    } | changes
    return Topology(**values)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("address", "held"),
    [
        ("172.30.0.10", True),
        ("172.30.0.77", True),
        ("172.30.1.1", False),
        ("172.31.0.30", False),
        ("10.0.0.1", False),
        ("203.0.113.5", False),
        ("fd00::1", False),
        ("", False),
        ("no address", False),
    ],
)
def test_hosts_of_the_bridge_are_those_of_its_subnet(address: str, *, held: bool) -> None:
    assert Neighbourhood(topology()).holds(address) is held


@pytest.mark.parametrize(
    ("address", "held"),
    [("192.168.5.5", True), ("10.200.0.1", True), ("203.0.113.5", False), ("169.254.1.1", False)],
)
def test_of_another_network_whose_subnet_nobody_told_any_private_address_may_be_one(
    address: str, *, held: bool
) -> None:
    elsewhere = topology(
        agent=("10.0.0.20",), api_proxy=("10.0.0.30",), forward_proxy=("10.0.0.10",)
    )
    assert Neighbourhood(elsewhere).holds(address) is held


def test_a_host_with_a_role_is_one_wherever_it_is() -> None:
    assert Neighbourhood(topology(api_proxy=("198.51.100.7",))).holds("198.51.100.7")


def test_a_topology_that_a_report_states_wrongly_holds_its_members_only() -> None:
    near = Neighbourhood(topology(subnet="not a subnet", agent=("x:y", "::1:2")))
    assert near.holds("172.30.0.10")
    assert not near.holds("203.0.113.5")


@pytest.mark.parametrize(
    ("host", "provider"),
    [
        ("api.anthropic.com", "anthropic"),
        ("API.Anthropic.COM.", "anthropic"),
        ("160.79.104.10", "anthropic"),
        ("[2607:6bc0::10]", "anthropic"),
        ("160.79.106.1", "unknown"),
        ("1.2.3.4.5", "unknown"),
        ("", "unknown"),
    ],
)
def test_an_api_is_known_by_its_name_and_by_the_networks_its_provider_publishes(
    host: str, provider: str
) -> None:
    assert provider_of(host) == provider
    assert Roles().provider(host, 443) == provider
