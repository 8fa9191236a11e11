"""A topology file adds a provider that every room knows; what is no provider is told by place."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Final

import jsonschema
import pytest

from inspector.errors import ExitCode
from inspector.exchanges.topology import provider_of
from inspector.model.providers import UNKNOWN
from inspector.options import Options, TopologyError
from inspector.policy.judge import judge
from inspector.policy.places import PolicyError
from inspector.policy.reading import providers_in, read_policy
from inspector.report.formats.schema import schema
from inspector.report.formats.whole import as_dict, as_json, from_dict
from inspector.report.page.terminal import render
from tests.exchanges.network import (
    AGENT,
    ESTABLISHED,
    FINGERPRINT_KEY,
    Network,
    connect,
    only_exchange,
    request,
    response,
    say,
)

BROKEN = ExitCode.BROKEN

MISTRAL: Final = """
[[provider]]
name = "mistral"
port = 10005
hosts = ["api.mistral.ai", "*.mistral.test"]
auth_header = "X-Mistral"
key_prefixes = ["mst-", "sk-mst-"]
path_prefixes = ["/v1/chat/completions"]
"""
KEY: Final = "mst-LABONLYnotakey7f3a9c"


@pytest.fixture
def options(tmp_path: Path) -> Options:
    file = tmp_path / "topology.toml"
    file.write_text(MISTRAL)
    return Options(topology_file=file, fingerprint_key=FINGERPRINT_KEY)


def network(path: str = "/v1/chat/completions", status: str = "200 OK") -> Network:
    """A call to the added provider at its port, and a way of the agent's own to its host."""
    net = Network()
    asked = request(f"POST {path} HTTP/1.1", f"X-Mistral: {KEY}")
    call = say(net.to_api_proxy(10005), asked, response(status, "content-type: application/json"))
    call.close()
    say(net.to_squid(AGENT), connect("api.mistral.ai:443"), ESTABLISHED).close()
    return net


def test_an_added_provider_stands_behind_its_port_and_its_hosts(options: Options) -> None:
    roles = options.roles()

    assert roles.provider("172.30.0.30", 10005) == "mistral"
    assert roles.provider("eu.mistral.test", 443) == "mistral"
    assert roles.provider("172.30.0.30", 10001) == "anthropic"
    assert provider_of("api.mistral.ai") == UNKNOWN


def test_ports_may_name_an_added_provider(tmp_path: Path) -> None:
    file = tmp_path / "topology.toml"
    file.write_text('[ports]\n12005 = "mistral"\n[[provider]]\nname = "mistral"\n')

    assert Options(topology_file=file).roles().ports[12005] == "mistral"


def test_a_report_names_the_provider_its_key_by_kind_and_prefix_alone(options: Options) -> None:
    report = network().report(options)
    sent = only_exchange(report).request

    assert only_exchange(report).provider == "mistral"
    assert sent is not None
    [auth] = sent.auth
    assert (auth.credential.kind, auth.credential.prefix) == ("mistral-api-key", "mst-")
    assert dict(sent.headers)["X-Mistral"].startswith("<mistral-api-key mst- 24 bytes ")
    assert KEY.encode() not in as_json(report)
    assert KEY[4:].encode() not in as_json(report)
    assert "mistral" in render(report)


def test_such_a_report_follows_the_schema_and_is_read_back(options: Options) -> None:
    report = network().report(options)
    plain = json.loads(as_json(report))

    jsonschema.Draft202012Validator(schema()).validate(plain)
    assert from_dict(plain) == report
    assert as_dict(from_dict(plain)) == as_dict(report)
    assert [row["name"] for row in plain["topology"]["added"]] == ["mistral"]


def test_a_way_to_an_added_providers_host_is_a_finding(options: Options) -> None:
    codes = {finding.code for finding in network().report(options).findings}
    without = replace(options, topology_file=None)

    assert "api-proxy-bypassed" in codes
    assert "api-proxy-bypassed" not in {f.code for f in network().report(without).findings}


def test_a_policy_may_expect_something_of_an_added_provider(
    options: Options, tmp_path: Path
) -> None:
    file = tmp_path / "policy.toml"
    file.write_text('[[expect]]\nprovider = "mistral"\ndirect_connect = "never"\nmin_calls = 1\n')
    report = network().report(options)

    with pytest.raises(PolicyError, match=r"provider .* is not one of openai"):
        read_policy(file)
    judgement = judge(report, read_policy(file, providers_in(report)), date(2026, 8, 3))

    assert judgement.exit_code == BROKEN
    assert [remark.found for remark in judgement.broken] == ["a CONNECT of the agent's own"]


def test_the_headers_of_added_providers_are_masked_like_those_of_the_options(
    options: Options,
) -> None:
    assert replace(options, auth_headers=("x-lab",)).secret_headers() == ("x-lab", "X-Mistral")


@pytest.mark.parametrize(
    ("text", "culprit", "next_step"),
    [
        ("provider = 'mistral'", "it is not written as [[provider]]", "Write [[provider]]"),
        ("[[provider]]", "name is not a name in lower case", 'Write name = "mistral"'),
        ("[[provider]]\nname = 'Mistral AI'", "name is not a name in lower case", "Write name"),
        ("[[provider]]\nname = 'openai'", "'openai' is known here already", "[ports]"),
        ("[[provider]]\nname = 'any'", "'any' is known here already", "another name"),
        ("[[provider]]\nname = 'a'\nhost = 'a'", "unknown names: host", "Known are name, port"),
        ("[[provider]]\nname = 'a'\nport = 0", "port is not a TCP port", "port = 10005"),
        ("[[provider]]\nname = 'a'\nport = true", "port is not a TCP port", "port = 10005"),
        ("[[provider]]\nname = 'a'\nhosts = ['*']", "hosts is not a list of", "hosts = ["),
        ("[[provider]]\nname = 'a'\nhosts = ['*.*.b']", "hosts is not a list of", "hosts = ["),
        ("[[provider]]\nname = 'a'\nauth_header = 'a b'", "auth_header is not", '"Authorization"'),
        (
            f"[[provider]]\nname = 'a'\nkey_prefixes = ['{20 * 'k'}']",
            "key_prefixes is not a list of the public parts of keys",
            "key_prefixes = [",
        ),
        ("[[provider]]\nname = 'a'\npath_prefixes = ['v1']", "path_prefixes is not", '"/v1/'),
        (2 * "[[provider]]\nname = 'a'\n", "'a' is added twice", "one table"),
    ],
)
def test_a_table_that_is_no_provider_is_told_by_its_place_and_what_to_write(
    tmp_path: Path, text: str, culprit: str, next_step: str
) -> None:
    file = tmp_path / "topology.toml"
    file.write_text(text)

    with pytest.raises(TopologyError) as caught:
        Options(topology_file=file).roles()

    assert culprit in caught.value.culprit
    assert "[[provider]] in the topology file" in caught.value.culprit
    assert next_step in caught.value.next_step
