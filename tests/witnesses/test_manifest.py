"""Which rule of the firewall's manifest decides, asked in the order in which Squid asks."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from inspector.witnesses.manifest import MAX_MANIFEST, MAX_RULES, Manifest, read_manifest


def rule(name: str, acl: str, *domains: str, protocol: str = "both") -> dict[str, Any]:
    action = "deny" if name.startswith("deny") else "allow"
    return {
        "id": name, "action": action, "aclName": acl, "protocol": protocol,
        "domains": list(domains), "description": "a sentence",
    }  # fmt: skip


#: As the firewall of August 2026 orders them.
RULES = (
    rule("deny-unsafe-ports", "!Safe_ports"),
    rule("deny-connect-unsafe-ports", "CONNECT !Safe_ports", protocol="https"),
    rule("allow-api-proxy-ip", "allow_api_proxy_ip", "172.30.0.30"),
    rule("allow-from-api-proxy", "from_api_proxy", "*"),
    rule("deny-raw-ipv4", "dst_ipv4", r"^[0-9]+\.[0-9]+\.[0-9]+\.[0-9]+$"),
    rule("deny-raw-ipv6", "dst_ipv6", r"^\[?[0-9a-fA-F:]+\]?$"),
    rule("deny-dlp", "dlp_blocked"),
    rule("deny-blocked-plain", "blocked_domains", ".evil.test"),
    rule(
        "deny-blocked-regex", "blocked_domains_regex", r"^[a-zA-Z0-9.-]*\.ads-[a-zA-Z0-9.-]*\.test$"
    ),
    rule("allow-http-only-plain", "allowed_http_only", ".plain.test", protocol="http"),
    rule("allow-https-only-plain", "allowed_https_only", ".secure.test", protocol="https"),
    rule("allow-both-plain", "allowed_domains", ".github.com", "exact.test"),
    rule("allow-both-regex", "allowed_domains_regex", r"^Api-[a-zA-Z0-9.-]*\.lab\.test$"),
    rule("deny-default", "all"),
)


def manifest(*rules: dict[str, Any], ports: str | None = None, **more: Any) -> Manifest | None:
    rows = [{**row, "order": number} for number, row in enumerate(rules or RULES, start=1)]
    told = {"version": 1, "rules": rows[::-1], "allowHostPorts": ports, **more}
    return read_manifest(json.dumps(told, indent=2).encode().splitlines(keepends=True))


def decides(host: str, port: int = 443, *, by_api_proxy: bool = False, ports: str = "") -> str:
    found = manifest(ports=ports or None)
    assert found is not None
    told = found.decides(host, port, by_api_proxy=by_api_proxy)
    return "" if told is None else told.id


@pytest.mark.parametrize(
    ("host", "port", "name"),
    [
        ("api.github.com", 443, "allow-both-plain"),
        ("github.com", 443, "allow-both-plain"),
        ("notgithub.com", 443, "deny-default"),
        ("EXACT.test", 443, "allow-both-plain"),
        ("sub.exact.test", 443, "deny-default"),
        ("api-1.lab.test", 443, "allow-both-regex"),
        ("api-.lab.test", 443, "allow-both-regex"),
        ("x.api-1.lab.test", 443, "deny-default"),
        ("a.evil.test", 443, "deny-blocked-plain"),
        ("x.ads-1.test", 443, "deny-blocked-regex"),
        ("x.secure.test", 443, "allow-https-only-plain"),
        ("x.plain.test", 443, "deny-default"),
        ("203.0.113.9", 443, "deny-raw-ipv4"),
        ("2001:db8::1", 443, "deny-raw-ipv6"),
        ("172.30.0.30", 443, "allow-api-proxy-ip"),
        ("172.30.0.30", 10001, "deny-unsafe-ports"),
        ("api.github.com", 8080, "deny-unsafe-ports"),
    ],
)
def test_the_first_rule_that_matches_decides(host: str, port: int, name: str) -> None:
    assert decides(host, port) == name


def test_ports_of_the_host_are_let_through_and_the_api_proxy_is_trusted() -> None:
    assert decides("api.github.com", 8081, ports="3000, 8080-8090") == "allow-both-plain"
    assert decides("elsewhere.test", by_api_proxy=True) == "allow-from-api-proxy"


def test_behind_a_rule_that_cannot_be_told_nothing_is_said() -> None:
    odd = rule("deny-odd", "blocked_domains_regex", "^(a+)+$")
    unlisted = rule("deny-more", "something_new")
    for row in (odd, unlisted):
        found = manifest(row, rule("deny-default", "all"))
        assert found is not None
        assert found.decides("a" * 40 + "!", 443, by_api_proxy=False) is None


def test_no_pattern_is_run() -> None:
    pattern = "^" + r"[a-zA-Z0-9.-]*a" * 30 + "$"
    found = manifest(rule("deny-slow", "x_regex", pattern), rule("deny-default", "all"))
    assert found is not None
    begun = time.process_time()
    told = found.decides("a" * 250 + "b", 443, by_api_proxy=False)

    assert told is not None
    assert told.id == "deny-default"
    assert time.process_time() - begun < 1


@pytest.mark.parametrize(
    "text",
    [
        b"", b"[]", b"null", b"{", b'{"version":2,"rules":[]}', b'{"version":1}',
        b'{"version":1,"rules":[{"id":"a b","action":"deny","aclName":"all","protocol":"both",'
        b'"domains":[]}]}',
        b'{"version":1,"rules":[],"allowHostPorts":7}',
        b'{"version":1,"rules":[],"allowHostPorts":"0-99999"}',
        b"[" * 100_000,
        b" " * (MAX_MANIFEST + 1),
        json.dumps({"version": 1, "rules": [{}] * (MAX_RULES + 1)}).encode(),
    ],
)  # fmt: skip
def test_what_is_no_manifest_is_none(text: bytes) -> None:
    assert read_manifest([text]) is None
