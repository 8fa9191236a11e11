"""Who is who: as told, else by default, else by what hosts do; and it is said how it is known."""

from __future__ import annotations

import ipaddress
from pathlib import Path

import pytest

from inspector.exchanges.topology import (
    DEFAULT_ROLES,
    HOPS,
    Roles,
    SubnetTest,
)
from inspector.model.providers import DEFAULT_PORTS
from inspector.model.topology import Topology
from inspector.options import Options
from inspector.report.page.terminal import render
from tests.exchanges.network import (
    AGENT,
    API_PROXY,
    ESTABLISHED,
    FINGERPRINT_KEY,
    GATEWAY,
    SQUID,
    Network,
    connect,
    request,
    response,
    say,
)

GET = request("GET /v1/models HTTP/1.1")


def told(net: Network, **options: object) -> Topology:
    return net.report(Options(**options)).topology  # type: ignore[arg-type]


# -- defaults ----------------------------------------------------------------------


def test_the_firewalls_addresses_and_ports_are_the_default() -> None:
    net = Network()
    say(net.to_api_proxy(), GET, response()).close()
    say(net.to_squid(), connect(), ESTABLISHED).close()

    topology = told(net)

    assert topology.subnet == "172.30.0.0/24"
    assert (topology.agent, topology.api_proxy, topology.forward_proxy) == (
        (AGENT,),
        (API_PROXY,),
        (SQUID,),
    )
    assert topology.providers == {str(port): name for port, name in DEFAULT_PORTS.items()}
    assert (topology.source, topology.scope, topology.notes) == ("defaults", "subnet", ())


@pytest.mark.parametrize("ends", HOPS)
def test_the_roles_of_both_ends_name_the_hop(ends: tuple[str, str]) -> None:
    net = Network()
    client, server = (next(iter(DEFAULT_ROLES[role])) for role in ends)  # type: ignore[index]
    say(net.to(server, 10001, client), GET, response()).close()

    (exchange,) = net.report().exchanges

    assert exchange.hop == HOPS[ends]  # type: ignore[index]


def test_any_other_pair_of_ends_is_another_hop() -> None:
    net = Network()
    say(net.to(API_PROXY, 10001, GATEWAY), request("GET /health HTTP/1.1"), response()).close()
    say(net.to(AGENT, 80, SQUID), GET, response()).close()

    assert [exchange.hop for exchange in net.report().exchanges] == ["other", "other"]


@pytest.mark.parametrize("caller", [GATEWAY, "172.30.0.21", "100.64.3.7"])
def test_whoever_makes_an_api_call_as_an_agent_does_is_one(caller: str) -> None:
    """A microVM behind the gateway's address or SNAT, a second container: agents, all of them."""
    net = Network()
    say(net.to_api_proxy(), GET, response()).close()
    say(net.to_api_proxy(client=caller), GET, response()).close()
    options = Options(fingerprint_key=FINGERPRINT_KEY, scope="all")
    report = net.report(options)

    assert set(report.topology.agent) == {AGENT, caller}
    assert f"agent recognised from its calls: {caller}" in report.topology.notes
    assert {exchange.hop for exchange in report.exchanges} == {"agent-to-api-proxy"}


@pytest.mark.parametrize("path", ["/health", "/reflect", "/metrics"])
def test_a_look_at_the_api_proxys_own_pages_makes_no_agent(path: str) -> None:
    net = Network()
    say(net.to_api_proxy(), GET, response()).close()
    say(net.to_api_proxy(client=GATEWAY), request(f"GET {path} HTTP/1.1"), response()).close()

    assert told(net).agent == (AGENT,)


def test_nobody_is_added_to_the_agents_that_the_user_named() -> None:
    net = Network()
    say(net.to_api_proxy(), GET, response()).close()
    say(net.to_api_proxy(client="172.30.0.21"), GET, response()).close()
    options = Options(fingerprint_key=FINGERPRINT_KEY, agents=(AGENT,))

    assert net.report(options).topology.agent == (AGENT,)


# -- providers ----------------------------------------------------------------------


@pytest.mark.parametrize(("port", "provider"), DEFAULT_PORTS.items())
def test_a_port_of_the_api_proxy_names_its_provider(port: int, provider: str) -> None:
    assert Roles().provider(API_PROXY, port) == provider
    assert Roles().provider("172.30.0.77", port) == "unknown"


@pytest.mark.parametrize(
    ("host", "provider"),
    [
        ("api.anthropic.com", "anthropic"),
        ("API.Anthropic.com.", "anthropic"),
        ("api.openai.com", "openai"),
        ("api.githubcopilot.com", "copilot"),
        ("api.business.githubcopilot.com", "copilot"),
        ("copilot-api.lab.ghe.com", "copilot"),
        ("generativelanguage.googleapis.com", "gemini"),
        ("aiplatform.googleapis.com", "vertex"),
        ("europe-west1-aiplatform.googleapis.com", "vertex"),
        ("lab.openai.azure.com", "azure-openai"),
        ("api.anthropic.com.evil.test", "unknown"),
        ("evilapi.anthropic.com", "unknown"),
        ("evil-githubcopilot.com", "unknown"),
        ("copilot-api.evil.test", "unknown"),
        ("172.30.0.30", "unknown"),
        ("", "unknown"),
    ],
)
def test_a_host_name_tells_the_provider_only_when_it_is_the_providers(
    host: str, provider: str
) -> None:
    assert Roles().provider(host, 443) == provider


# -- recognised from traffic -------------------------------------------------------------


def other_network(net: Network, prefix: str = "10.9.0.") -> None:
    """The same firewall elsewhere: agent .5, API proxy .6, Squid .7."""
    say(net.to(f"{prefix}6", 10001, f"{prefix}5"), GET, response()).close()
    say(net.to(f"{prefix}7", 8888, f"{prefix}6"), connect(), ESTABLISHED).close()


def test_roles_elsewhere_are_recognised_by_what_hosts_do_and_said_so() -> None:
    net = Network()
    other_network(net)

    report = net.report()
    topology = report.topology

    assert (topology.agent, topology.api_proxy, topology.forward_proxy) == (
        ("10.9.0.5",),
        ("10.9.0.6",),
        ("10.9.0.7",),
    )
    assert (topology.source, topology.scope) == ("traffic", "all")
    assert topology.notes == (
        "forward-proxy recognised from traffic: 10.9.0.7",
        "api-proxy recognised from traffic: 10.9.0.6",
        "agent recognised from traffic: 10.9.0.5",
        "no traffic of 172.30.0.0/24: every TCP connection is shown",
    )
    assert [(e.hop, e.provider) for e in report.exchanges] == [("agent-to-api-proxy", "anthropic")]
    assert [client.role for client in report.clients] == ["agent"]


def test_only_what_is_absent_is_recognised() -> None:
    net = Network()
    say(net.to_api_proxy(client="172.30.0.21"), GET, response()).close()
    say(net.to("172.30.0.11", 3128, API_PROXY), connect(), ESTABLISHED).close()

    topology = told(net)

    assert topology.api_proxy == (API_PROXY,)
    assert (topology.agent, topology.forward_proxy) == (("172.30.0.21",), ("172.30.0.11",))
    assert topology.source == "defaults"
    assert len(topology.notes) == 2


def test_absolute_form_makes_a_forward_proxy() -> None:
    net = Network()
    say(net.to("10.9.0.7", 8080, "10.9.0.5"), request("GET http://a.test/ HTTP/1.1"), response())

    topology = told(net)

    assert (topology.forward_proxy, topology.agent) == (("10.9.0.7",), ("10.9.0.5",))


@pytest.mark.parametrize("status", ["400 Bad Request", "405 Method Not Allowed", "501 No"])
def test_a_web_server_that_does_not_know_connect_is_no_forward_proxy(status: str) -> None:
    net = Network()
    say(net.to("10.9.0.80", 80, "10.9.0.5"), connect(), response(status)).close()

    topology = told(net)

    assert topology.forward_proxy == (SQUID,)
    assert topology.notes == ("no traffic of 172.30.0.0/24: every TCP connection is shown",)


def test_a_proxy_that_refuses_is_a_proxy() -> None:
    net = Network()
    denied = response("403 Forbidden", "X-Squid-Error: ERR_ACCESS_DENIED 0")
    say(net.to("10.9.0.7", 8080, "10.9.0.5"), connect(), denied).close()

    assert told(net).forward_proxy == ("10.9.0.7",)


def test_a_connect_inside_a_tunnel_does_not_make_a_proxy_of_a_second_host() -> None:
    net = Network()
    tcp = say(net.to("10.9.0.7", 8080, "10.9.0.5"), connect("p.test:1"), ESTABLISHED)
    say(tcp, connect(), ESTABLISHED).close()

    assert told(net).forward_proxy == ("10.9.0.7",)


def test_the_hosts_own_health_checks_make_no_agent() -> None:
    net = Network()
    say(net.to_api_proxy(10000, GATEWAY), request("GET /health HTTP/1.1"), response()).close()

    report = net.report()

    assert report.topology.agent == (AGENT,)
    assert [client.role for client in report.clients] == ["other"]


def test_a_proxy_that_calls_the_other_is_no_agent() -> None:
    net = Network()
    say(net.to("10.9.0.7", 8888, "10.9.0.6"), connect(), ESTABLISHED).close()
    say(net.to("10.9.0.6", 10001, "10.9.0.7"), GET, response()).close()

    topology = told(net)

    assert (topology.api_proxy, topology.forward_proxy) == (("10.9.0.6",), ("10.9.0.7",))
    assert topology.agent == (AGENT,), "nobody else was seen: the default stays"


def test_what_was_told_is_never_replaced() -> None:
    net = Network()
    other_network(net)

    topology = told(net, agents=("10.9.0.99",))

    assert topology.agent == ("10.9.0.99",)
    assert (topology.api_proxy, topology.forward_proxy) == (("10.9.0.6",), ("10.9.0.7",))
    assert topology.source == "options"


def test_roles_told_by_options_name_the_hops() -> None:
    net = Network()
    other_network(net)
    options = Options(
        subnet="10.9.0.0/24",
        agents=("10.9.0.5",),
        api_proxies=("10.9.0.6",),
        forward_proxies=("10.9.0.7:8888",),
    )

    report = net.report(options)

    assert (report.topology.source, report.topology.scope) == ("options", "subnet")
    assert report.topology.notes == ()
    assert [exchange.hop for exchange in report.exchanges] == ["agent-to-api-proxy"]


def test_an_ipv6_subnet_works_like_any_other() -> None:
    net = Network()
    other_network(net, "fd00::")
    say(net.to_api_proxy(), GET, response()).close()

    report = net.report(Options(subnet="fd00::/64"))

    assert (report.topology.agent, report.topology.api_proxy) == (("fd00::5",), ("fd00::6",))
    assert (report.topology.forward_proxy, report.topology.scope) == (("fd00::7",), "subnet")
    assert len(report.connections) == 2
    assert [exchange.provider for exchange in report.exchanges] == ["anthropic"]


@pytest.mark.parametrize("subnet", ["255.255.255.255/32", "0.0.0.0/0", "::/0"])
def test_a_subnet_at_the_edge_of_the_address_space_is_none_too_odd(subnet: str) -> None:
    net = Network()
    other_network(net)

    assert net.report(Options(scope="all", subnet=subnet)).topology.agent == ("10.9.0.5",)


# -- several networks -----------------------------------------------------------------

BOTH = ("172.30.0.0/24", "172.31.0.0/24")


def pair(net: Network, prefix: str) -> None:
    """A call at the API proxy of a network, and the tunnel for it, side by side with others'."""
    agent, api_proxy, squid = (f"{prefix}.{last}" for last in (20, 30, 10))
    call = net.to(api_proxy, 10001, agent).send(True, request(body=b"{}"))
    say(net.to(squid, 3128, api_proxy), connect(), ESTABLISHED).close()
    call.send(False, response()).close()


def test_an_enclave_pair_has_its_roles_once_its_network_is_named() -> None:
    net = Network()
    for prefix in ("172.30.0", "172.31.0"):
        pair(net, prefix)
    alone, both = net.report(), net.report(Options(subnet=BOTH))

    assert alone.topology.api_proxy == ("172.30.0.30",)
    assert alone.completeness.out_of_scope_proxies == 2
    assert both.topology.subnets == BOTH
    assert both.topology.api_proxy == ("172.30.0.30", "172.31.0.30")
    assert both.topology.agent == ("172.30.0.20", "172.31.0.20")
    assert both.topology.forward_proxy == ("172.30.0.10", "172.31.0.10")
    assert both.completeness.out_of_scope == 0
    assert [e.hop for e in both.exchanges] == ["agent-to-api-proxy"] * 2
    assert both.topology.notes == (
        "several pairs: 172.30.0.0/24 has API proxy 172.30.0.30;"
        " 172.31.0.0/24 has API proxy 172.31.0.30",
    )
    tunnels = {tunnel.id: tunnel.client.ip for tunnel in both.tunnels}
    carried = [tunnels[chain.tunnel] for chain in both.chains if chain.tunnel]
    assert carried == ["172.30.0.30", "172.31.0.30"]


def test_members_of_a_second_network_are_recognised_beside_those_of_the_first() -> None:
    net = Network()
    for prefix in ("172.30.0", "10.9.0"):
        pair(net, prefix)
    topology = net.report(Options(subnet=("172.30.0.0/24", "10.9.0.0/24"))).topology

    assert topology.api_proxy == ("10.9.0.30", "172.30.0.30")
    assert topology.agent == ("10.9.0.20", "172.30.0.20")
    assert topology.forward_proxy == ("10.9.0.10", "172.30.0.10")
    assert "api-proxy recognised from traffic: 10.9.0.30" in topology.notes
    assert topology.source == "options"


# -- hosts beside the way of a call ------------------------------------------------------


def helpers(net: Network, **options: object) -> dict[str, tuple[str, ...]]:
    topology = told(net, **options)
    return {
        "mcp": topology.mcp_gateway,
        "cli": topology.cli_proxy,
        "doh": topology.doh_proxy,
    }


def test_helpers_are_known_by_what_they_do() -> None:
    net = Network()
    say(net.to("172.30.0.60", 8080), request("POST /mcp/github HTTP/1.1", body=b"{}"), response())
    say(net.to(GATEWAY, 8080), request("GET /mcp HTTP/1.1"), response())
    say(net.to("172.30.0.51", 11000), request("POST /exec HTTP/1.1", body=b"{}"), response())
    say(net.to_squid("172.30.0.41"), connect("dns.google:443"), ESTABLISHED)

    assert helpers(net) == {
        "mcp": (GATEWAY, "172.30.0.60"), "cli": ("172.30.0.51",), "doh": ("172.30.0.41",),
    }  # fmt: skip
    assert {
        "mcp-gateway recognised from traffic: 172.30.0.1, 172.30.0.60",
        "cli-proxy recognised from traffic: 172.30.0.51",
        "doh-proxy recognised from traffic: 172.30.0.41",
    } <= set(told(net).notes)


def test_the_firewalls_own_addresses_of_helpers_are_known_without_traffic_that_tells() -> None:
    net = Network()
    say(net.to_api_proxy(), GET, response())
    net.to("172.30.0.50", 11000)
    net.to("9.9.9.9", 853, client="172.30.0.40")

    assert helpers(net) == {"mcp": (), "cli": ("172.30.0.50",), "doh": ("172.30.0.40",)}
    assert told(net).notes == ()


def test_whoever_calls_an_api_is_an_agent_wherever_it_lives() -> None:
    net = Network()
    say(net.to_api_proxy(), GET, response())
    say(net.to_api_proxy(client="172.30.0.50"), GET, response())
    say(net.to_api_proxy(client="172.30.0.40"), GET, response())

    assert helpers(net) == {"mcp": (), "cli": (), "doh": ()}
    assert told(net).agent == (AGENT, "172.30.0.40", "172.30.0.50")


def test_a_path_that_only_begins_like_mcp_or_goes_through_squid_names_no_gateway() -> None:
    net = Network()
    say(net.to("172.30.0.60", 8080), request("GET /mcpx HTTP/1.1"), response())
    say(net.to("172.30.0.61", 8080), request("POST /mcp/github HTTP/1.1"))
    say(
        net.to_squid(AGENT),
        request("POST http://172.30.0.62:8080/mcp/github HTTP/1.1"),
        response("403 Forbidden", "X-Squid-Error: ERR_ACCESS_DENIED 0"),
    )

    assert helpers(net)["mcp"] == ()


def test_helpers_that_a_file_names_are_those(tmp_path: Path) -> None:
    file = tmp_path / "net.toml"
    file.write_text('mcp_gateways = ["172.30.0.77"]\ncli_proxies = ["172.30.0.78"]\n')
    net = Network()
    say(net.to("172.30.0.60", 8080), request("GET /mcp HTTP/1.1"), response())
    say(net.to("172.30.0.77", 80), GET, response())

    found = helpers(net, topology_file=file)
    assert (found["mcp"], found["cli"]) == (("172.30.0.77",), ("172.30.0.78",))
    report = net.report(Options(topology_file=file))
    assert "172.30.0.60" not in report.topology.mcp_gateway
    page = render(report, width=200, verbosity=1)
    assert "mcp-gateway 172.30.0.77, cli-proxy 172.30.0.78" in page


# -- the subnet test -----------------------------------------------------------------


@pytest.mark.parametrize(
    "text", ["172.30.0.0/24", "10.0.0.0/8", "0.0.0.0/0", "10.9.0.5/32", "fd00::/64", "::/0"]
)
def test_packed_addresses_are_tested_as_the_standard_library_would(text: str) -> None:
    network = ipaddress.ip_network(text)
    is_member = SubnetTest([network])
    for address in ("172.30.0.0", "172.30.0.255", "172.30.1.0", "10.9.0.5", "fd00::1", "fd01::1"):
        packed = ipaddress.ip_address(address)
        assert is_member(packed.packed) == (packed in network)


@pytest.mark.parametrize("named", ["10.0.0.80", "lab.test"])
def test_absolute_form_for_the_server_itself_makes_it_no_forward_proxy(named: str) -> None:
    """RFC 9112 3.2.2: an origin has to take that form; names are those of its other requests."""
    net = Network()
    tcp = net.to("10.0.0.80", 80, client="10.0.0.5")
    asked = request(f"GET http://{named}/index.php HTTP/1.1")
    say(tcp, asked, response(), request("GET / HTTP/1.1"), response()).close()

    found = net.report(Options(scope="all", fingerprint_key=FINGERPRINT_KEY))

    assert "10.0.0.80" not in found.topology.forward_proxy
    assert {finding.code for finding in found.findings} <= {"no-api-call"}


@pytest.mark.parametrize(
    ("port", "targets", "is_proxy"),
    [
        (80, ("http://elsewhere.test/",), False),
        (80, ("http://elsewhere.test/", "http://elsewhere.test/more"), False),
        (80, ("HTTP://Elsewhere.test/", "http://elsewhere.test./"), False),
        (80, ("http://elsewhere.test/", "http://other.test/"), True),
        (80, ("http://elsewhere.test:81/",), True),
        (8080, ("http://elsewhere.test:8080/",), False),
        (8080, ("http://elsewhere.test/",), True),
        (80, ("https://elsewhere.test/",), False),
    ],
)
def test_absolute_form_for_another_server_makes_a_forward_proxy(
    port: int, targets: tuple[str, ...], *, is_proxy: bool
) -> None:
    """One host at the port that is asked for may be the server itself, whatever its name."""
    net = Network()
    tcp = net.to("10.0.0.80", port, client="10.0.0.5")
    for target in targets:
        say(tcp, request(f"GET {target} HTTP/1.1"), response())
    tcp.close()

    found = net.report(Options(scope="all", fingerprint_key=FINGERPRINT_KEY))

    assert ("10.0.0.80" in found.topology.forward_proxy) is is_proxy


def test_an_address_of_ipv6_is_one_in_whatever_form_it_is_written() -> None:
    net = Network()
    for written in ("fd00::80", "fd00:0:0::80", "FD00:0:0:0:0:0:0:0080"):
        tcp = net.to("fd00::80", 8080, client="fd00::5")
        say(tcp, request(f"GET http://[{written}]:8080/ HTTP/1.1"), response()).close()

    found = net.report(Options(scope="all", fingerprint_key=FINGERPRINT_KEY))

    assert "fd00::80" not in found.topology.forward_proxy


def test_a_note_names_a_few_of_many_addresses() -> None:
    net = Network()
    for last in range(1, 9):
        say(net.to("10.9.9.9", 10001, client=f"10.1.0.{last}"), request(), response()).close()

    found = net.report(Options(scope="all", fingerprint_key=FINGERPRINT_KEY))

    assert len(found.topology.agent) == 8
    assert any(note.endswith("10.1.0.5 and 3 more") for note in found.topology.notes)
