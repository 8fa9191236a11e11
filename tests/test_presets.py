"""`--preset`: the networks of other products, from what is documented of them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from inspector.cli.main import main
from inspector.errors import ExitCode
from inspector.exchanges.topology import DEFAULT_ROLES
from inspector.model.report import Report
from inspector.options import Options, TopologyError
from inspector.presets import PRESETS, path_of
from inspector.report.formats.stored import parse_report
from inspector.report.formats.whole import as_json
from tests.exchanges.network import (
    API,
    ESTABLISHED,
    PLACEHOLDER,
    Network,
    connect,
    play,
    request,
    response,
    say,
    tls,
)

PAGE = Path(__file__).parents[1] / "docs" / "topology.md"
ANTHROPIC = "160.79.104.10"
HOST, GUEST = "10.5.0.1", "10.5.0.2"
JAIL = "192.168.100.2"


def codes(report: Report) -> set[str]:
    return {finding.code for finding in report.findings}


def sandbox() -> Network:
    """An agent whose proxy is the host, and which asks it for the API itself."""
    net = Network()
    play(say(net.to(HOST, 3128, GUEST), connect(API), ESTABLISHED), tls()).close()
    return net


def jail() -> Network:
    """TLS to the API's own address, as it is on the veth before it is redirected."""
    net = Network()
    play(net.to(ANTHROPIC, 443, JAIL), tls()).close()
    return net


def gateway(port: int, *targets: str, status: str = "200 OK") -> Network:
    """Calls to a gateway, each with its path."""
    net = Network()
    for target in targets:
        asked = request(f"POST {target} HTTP/1.1", f"x-api-key: {PLACEHOLDER}", body=b"{}")
        answer = response(status, "content-type: application/json", body=b'{"detail":"Not Found"}')
        say(net.to(HOST, port, GUEST), asked, answer).close()
    return net


def test_every_preset_is_a_file_that_is_documented_and_says_where_its_facts_are_from() -> None:
    files = {path.stem: path.read_text() for path in path_of("awf").parent.glob("*.toml")}
    assert files.keys() == PRESETS.keys()
    page = PAGE.read_text()
    for name, text in files.items():
        assert f"`{name}`" in page
        Options(preset=name).roles()
        assert re.search(r"(docs\.[a-z.]+|github\.com)/|captures/README", text), name


def test_the_firewalls_own_is_the_default() -> None:
    assert Options(preset="awf").roles().addresses == DEFAULT_ROLES


def test_in_a_docker_sandbox_an_agents_own_connect_goes_past_nobody() -> None:
    without, told = sandbox().report(), sandbox().report(Options(preset="docker-sandbox"))
    assert "api-proxy-bypassed" in codes(without)
    assert "api-proxy-bypassed" not in codes(told)
    assert told.root_cause is None
    assert told.topology.forward_proxy == (HOST,)
    assert told.topology.agent == (GUEST,)
    assert told.topology.api_proxy == ()
    assert (told.topology.without, told.topology.source) == (("api-proxy",), "preset")


def test_in_a_jail_of_coders_tls_straight_to_the_api_goes_past_nobody() -> None:
    options = Options(subnet="192.168.100.0/24", agents=(JAIL,))
    without, told = jail().report(options), jail().report(Options(preset="coder-boundary"))
    assert "agent-bypasses-squid" in codes(without)
    assert codes(told) & {"agent-bypasses-squid", "api-proxy-bypassed"} == set()
    assert [direct.tls.handshake for direct in told.direct_tls] == ["complete"]
    assert told.topology.agent == (JAIL,)


@pytest.mark.parametrize(
    ("preset", "port", "providers"),
    [
        ("litellm", 4000, {
            "/v1/messages": "anthropic", "/anthropic/v1/messages": "anthropic",
            "/v1/chat/completions": "openai", "/chat/completions": "openai",
            "/v1beta/models/m:generateContent": "gemini", "/somewhere": "unknown",
        }),
        ("bifrost", 8080, {
            "/anthropic/v1/messages": "anthropic", "/openai/v1/chat/completions": "openai",
            "/genai/v1beta/models/m:generateContent": "gemini", "/v1/chat/completions": "openai",
        }),
    ],
)  # fmt: skip
def test_at_a_gateways_port_the_path_tells_the_provider(
    preset: str, port: int, providers: dict[str, str]
) -> None:
    report = gateway(port, *providers).report(Options(preset=preset))
    assert [each.provider for each in report.exchanges] == list(providers.values())
    assert {each.hop for each in report.exchanges} == {"agent-to-api-proxy"}
    assert report.topology.api_proxy == (HOST,)
    assert {each.provider for each in gateway(port, *providers).report().exchanges} == {"unknown"}


def test_a_gateways_own_part_of_a_path_is_no_mistake_in_it() -> None:
    net = gateway(
        8080, "/anthropic/v1/complete", "/anthropic/v1/v1/messages", status="404 Not Found"
    )
    cause = net.report(Options(preset="bifrost")).root_cause
    assert cause is not None
    assert cause.code == "wrong-path"
    assert "/v1/complete" in cause.sentence
    assert "Take /anthropic" not in f"{cause.advice} {cause.others}"


def test_a_stored_report_still_knows_what_its_network_is_without() -> None:
    report = sandbox().report(Options(preset="docker-sandbox"))
    again = parse_report(as_json(report), "report")
    assert again.topology == report.topology
    assert report.provenance is not None
    assert report.provenance.options.preset == "docker-sandbox"


def test_a_topology_file_may_say_the_same(tmp_path: Path) -> None:
    file = tmp_path / "net.toml"
    file.write_text('without = ["api-proxy"]\n[ports]\n4000 = "by-path"\n')
    roles = Options(topology_file=file).roles()
    assert roles.without == frozenset({"api-proxy"})
    assert roles.ports[4000] == "by-path"
    assert roles.addresses["api-proxy"] == frozenset()
    file.write_text('without = ["agent"]')
    with pytest.raises(TopologyError, match="Known are api-proxy, forward-proxy"):
        Options(topology_file=file).roles()


def test_a_preset_is_named_on_the_command_line_and_a_stranger_is_an_error_of_usage() -> None:
    healthy = str(Path(__file__).parents[1] / "captures" / "healthy-json")
    shown = CliRunner().invoke(main, ["analyze", "--preset", "awf", "--format", "json", healthy])
    assert shown.exit_code == 0, shown.stderr
    told = json.loads(shown.stdout)
    assert told["topology"]["source"] == "preset"
    assert {each["response"]["status"] for each in told["exchanges"]} == {200}
    wrong = CliRunner().invoke(main, ["analyze", "--preset", "awff", healthy])
    assert wrong.exit_code == ExitCode.USAGE
    assert "docker-sandbox" in wrong.stderr
