"""What a user says about the network: defaults, then the file, then the options."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest

from inspector.exchanges.topology import DEFAULT_ROLES, Roles
from inspector.model.providers import DEFAULT_PORTS
from inspector.model.topology import Helper
from inspector.options import FILE_HELPERS, FILE_ROLES, Options, TopologyError


@pytest.fixture
def told(tmp_path: Path) -> Path:
    file = tmp_path / "topology.toml"
    file.write_text(
        """
        subnet = "10.9.0.0/24"
        agents = ["10.9.0.5", "10.9.0.15"]
        api_proxies = ["10.9.0.6"]
        forward_proxies = ["10.9.0.7:8888"]

        [ports]
        9001 = "anthropic"
        10001 = "openai"
        """
    )
    return file


def test_nothing_said_is_the_default() -> None:
    assert Options().roles() == Roles()


def test_a_file_names_the_network_its_members_and_ports(told: Path) -> None:
    roles = Options(topology_file=told).roles()

    assert roles.subnets == ("10.9.0.0/24",)
    assert roles.addresses == {
        "agent": {"10.9.0.5", "10.9.0.15"},
        "api-proxy": {"10.9.0.6"},
        "forward-proxy": {"10.9.0.7"},
    }
    assert roles.proxy_ports == {3128, 8888}
    assert roles.ports == {**DEFAULT_PORTS, 9001: "anthropic", 10001: "openai"}
    assert roles.told == {"agent", "api-proxy", "forward-proxy"}
    assert roles.source == "file"


def test_options_come_after_the_file(told: Path) -> None:
    roles = Options(topology_file=told, agents=("10.9.0.99",), subnet="10.9.0.0/16").roles()

    assert roles.subnets == ("10.9.0.0/16",)
    assert roles.addresses["agent"] == {"10.9.0.99"}
    assert roles.addresses["api-proxy"] == {"10.9.0.6"}
    assert roles.told == {"agent", "api-proxy", "forward-proxy"}
    assert roles.source == "options"


def test_an_empty_file_says_nothing(tmp_path: Path) -> None:
    file = tmp_path / "empty.toml"
    file.write_text("")

    assert Options(topology_file=file).roles() == Roles()


def test_another_subnet_has_none_of_the_default_members() -> None:
    roles = Options(subnet="10.9.0.0/24").roles()

    assert set(roles.addresses) == set(DEFAULT_ROLES)
    assert not any(roles.addresses.values())
    assert roles.told == frozenset()


@pytest.mark.parametrize("subnet", ["172.30.0.0/24", "172.30.0.0/16", "172.30.0.9/24"])
def test_a_subnet_that_holds_the_default_members_keeps_them(subnet: str) -> None:
    roles = Options(subnet=subnet).roles()

    assert roles.addresses == DEFAULT_ROLES
    assert roles.source == "options"


def test_a_role_that_is_told_leaves_the_others_as_they_were() -> None:
    roles = Options(agents=("10.9.0.5",)).roles()

    assert roles.addresses == {**DEFAULT_ROLES, "agent": {"10.9.0.5"}}
    assert roles.told == {"agent"}


@pytest.mark.parametrize(
    ("text", "address", "ports"),
    [
        ("10.9.0.7", "10.9.0.7", {3128}),
        ("10.9.0.7:8888", "10.9.0.7", {3128, 8888}),
        ("fd00::7", "fd00::7", {3128}),
        ("[fd00::7]", "fd00::7", {3128}),
        ("[fd00::7]:8888", "fd00::7", {3128, 8888}),
        ("FD00:0:0::7", "fd00::7", {3128}),
    ],
)
def test_a_forward_proxy_may_have_a_port(text: str, address: str, ports: set[int]) -> None:
    roles = Options(forward_proxies=(text,)).roles()

    assert roles.addresses["forward-proxy"] == {address}
    assert roles.proxy_ports == ports


@pytest.mark.parametrize(
    "options",
    [
        Options(subnet="172.30.0.0/33"),
        Options(subnet="awf-net"),
        Options(agents=("awf-agent",)),
        Options(agents=("172.30.0.20:80",)),
        Options(api_proxies=("",)),
        Options(forward_proxies=("172.30.0.10:",)),
        Options(forward_proxies=("172.30.0.10:squid",)),
        Options(forward_proxies=("172.30.0.10:0",)),
        Options(forward_proxies=("172.30.0.10:65536",)),
        Options(forward_proxies=("172.30.0.10:\u00b2",)),
        Options(forward_proxies=("[fd00::7]x",)),
    ],
    ids=lambda options: repr(
        options.subnet or (*options.agents, *options.api_proxies, *options.forward_proxies)
    ),
)
def test_what_is_no_network_or_address_is_an_error_of_usage(options: Options) -> None:
    with pytest.raises(TopologyError) as caught:
        options.roles()

    assert caught.value.exit_code == 2
    assert " is no " in caught.value.culprit
    assert caught.value.next_step.startswith("Write it as 172.30.0.")


@pytest.mark.parametrize(
    ("text", "culprit", "next_step"),
    [
        ("subnet = ", "cannot be read", "It is TOML with the names subnet, agents"),
        ("\udc80", "cannot be read", "It is TOML"),
        pytest.param(
            "subnet = " + "[" * 5000, "brackets are nested too deeply", "It is TOML", id="deep"
        ),
        pytest.param("subnet = " + "9" * 5000, "cannot be read", "It is TOML", id="digits"),
        pytest.param(
            "[ports]\n" + "9" * 5000 + " = 'openai'",
            "[ports] in the",
            "Write 10001",
            id="long port",
        ),
        ("agent = ['10.9.0.5']", "has unknown names: agent", "Known are subnet, agents"),
        ("subnet = 5", "subnet in the topology file", 'subnet = "172.30.0.0/24"'),
        ("subnet = true", "subnet in the topology file", 'subnet = "172.30.0.0/24"'),
        ("subnet = [7]", "subnet in the topology file", "Write subnet"),
        ("subnet = 'bridge'", "bridge is no network", "172.30.0.0/24"),
        ("agents = '10.9.0.5'", "agents in the topology file", 'agents = ["172.30.0.20"]'),
        ("api_proxies = [30]", "api_proxies in the topology file", "api_proxies = ["),
        ("forward_proxies = {a = 1}", "forward_proxies in the topology", "forward_proxies = ["),
        ("agents = ['somebody']", "somebody is no address", "172.30.0.10"),
        ("ports = [10001]", "[ports] in the topology file", '10001 = "anthropic"'),
        ("[ports]\nhttp = 'openai'", "[ports] in the topology file", "providers are openai"),
        (
            "[ports]\n10005 = 'mistral'",
            "has 10005: 'mistral' is no provider known here",
            "Known are openai, anthropic, copilot, gemini, vertex, azure-openai, unknown, by-path;"
            " add it as [[provider]] with name = 'mistral'",
        ),
        ("[ports]\n10001 = 1", "[ports] in the topology file", "providers are openai"),
        ("[ports]\n10001 = ['openai']", "[ports] in the topology file", "providers are openai"),
        ("[ports]\n65536 = 'openai'", "[ports] in the topology file", "providers are openai"),
        ("[ports]\n'\u00b2' = 'openai'", "[ports] in the topology file", "providers are openai"),
    ],
)
def test_a_file_that_cannot_be_used_says_what_is_wrong_and_what_to_write(
    tmp_path: Path, text: str, culprit: str, next_step: str
) -> None:
    file = tmp_path / "topology.toml"
    file.write_bytes(text.encode("utf-8", "surrogateescape"))

    with pytest.raises(TopologyError) as caught:
        Options(topology_file=file).roles()

    assert culprit in caught.value.culprit
    assert next_step in caught.value.next_step
    assert caught.value.exit_code == 2


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(TopologyError, match=r"absent\.toml cannot be read"):
        Options(topology_file=tmp_path / "absent.toml").roles()


def test_every_role_of_the_network_can_be_told_in_a_file() -> None:
    assert set(FILE_ROLES.values()) == set(DEFAULT_ROLES)
    assert set(FILE_HELPERS.values()) == set(get_args(Helper))
