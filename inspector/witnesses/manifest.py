"""The firewall's `policy-manifest.json`: the ordered rules by which its Squid lets through.

With it a denial names its rule: the rules are asked in their order about what a client asked for,
as Squid asks its `http_access` lines, and the first that matches decides.  Where a rule cannot be
told (a pattern of another form, a list that is not written down), nothing is said.

The file's form is that of its program (`src/squid/policy-manifest.ts`, `version` 1): a rule has
`id`, `order`, `action`, `aclName`, `protocol` and `domains`; of lists that end in `_regex` the
domains are patterns, of others names as in Squid's `dstdomain` (`.example.com` is the name and
all below it).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, Literal, TypeAlias

from inspector.fact import Fact
from inspector.model.addresses import is_address
from inspector.regex import regex

#: What the firewall calls the file.
NAME: Final = "policy-manifest.json"
#: A longer file is no manifest.
MAX_MANIFEST: Final = 4 << 20
#: Rules that are read; the firewall writes about a dozen.
MAX_RULES: Final = 1000

Protocol: TypeAlias = Literal["http", "https", "both"]

_ID: Final = regex(r"[A-Za-z0-9_-]{1,60}")
#: Ports that Squid always lets through (`Safe_ports`).
_SAFE: Final = frozenset({80, 443})
_PORTS: Final = regex(r"([0-9]{1,5})(?:-([0-9]{1,5}))?")
#: A piece of a pattern as the firewall makes them of names with `*`: any characters of a name, an
#: escaped character, or a plain one.
_PIECE: Final = regex(
    r"(?P<any>\[a-zA-Z0-9\.-\]\*|\.\*)|\\(?P<escaped>[.\-/])|(?P<plain>[A-Za-z0-9_-])"
)


class PolicyRule(Fact):
    """One rule: what it is called, whether it allows, and whom it is about."""

    id: str
    allows: bool
    #: The list or condition that it asks, as `allowed_domains` or `!Safe_ports`.
    acl: str
    protocol: Protocol
    domains: tuple[str, ...]


class Manifest(Fact):
    """The rules in their order, and the ports that are let through."""

    rules: tuple[PolicyRule, ...]
    ports: frozenset[int]

    def decides(self, host: str, port: int, *, by_api_proxy: bool) -> PolicyRule | None:
        """The rule that decides about a CONNECT to a host; None where that cannot be told."""
        for rule in self.rules:
            if rule.protocol == "http":
                continue
            found = self._matches(rule, host.lower(), port, by_api_proxy=by_api_proxy)
            if found is None:
                return None
            if found:
                return rule
        return None

    def _matches(
        self, rule: PolicyRule, host: str, port: int, *, by_api_proxy: bool
    ) -> bool | None:
        match rule.acl:
            case "!Safe_ports" | "CONNECT !Safe_ports":
                return port not in self.ports
            case "from_api_proxy":
                return by_api_proxy
            case "all":
                return True
            case "dlp_blocked":
                return False  # about what stands in a URL, and a CONNECT has none
            case "dst_ipv4":
                return is_address(host) and ":" not in host
            case "dst_ipv6":
                return ":" in host
        if not rule.domains:
            return None
        listed = _is_like if rule.acl.endswith("_regex") else _is_of
        told = [listed(host, domain) for domain in rule.domains]
        return True if True in told else None if None in told else False


def read_manifest(lines: Iterable[bytes]) -> Manifest | None:
    """The manifest in a file's lines; None if it is none, or of another version."""
    text = bytearray()
    for line in lines:
        text += line
        if len(text) > MAX_MANIFEST:
            return None
    import json

    try:
        told = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(told, dict) or told.get("version") != 1:
        return None
    rows = told.get("rules")
    if not isinstance(rows, list) or len(rows) > MAX_RULES:
        return None
    rules = [(_order(row), rule) for row in rows if (rule := _rule(row)) is not None]
    if len(rules) < len(rows):
        return None  # a rule that is not read may be the one that decides
    ports = _ports(told.get("allowHostPorts"))
    if ports is None:
        return None
    ordered = sorted(rules, key=lambda pair: pair[0])
    return Manifest(tuple(rule for _, rule in ordered), _SAFE | ports)


def _order(row: dict[str, Any]) -> int:
    order = row.get("order")
    return order if type(order) is int else 0


def _rule(row: object) -> PolicyRule | None:
    if not isinstance(row, dict):
        return None
    name, acl, protocol, domains = (
        row.get(field) for field in ("id", "aclName", "protocol", "domains")
    )
    if not isinstance(name, str) or not _ID.fullmatch(name) or not isinstance(acl, str):
        return None
    if protocol not in ("http", "https", "both") or row.get("action") not in ("allow", "deny"):
        return None
    if not isinstance(domains, list) or not all(isinstance(each, str) for each in domains):
        return None
    return PolicyRule(name, row["action"] == "allow", acl, protocol, tuple(domains))


def _ports(listed: object) -> frozenset[int] | None:
    """The ports of `--allow-host-ports`, as `3000,8000-8010`; None if it is of another form."""
    if listed is None:
        return frozenset()
    if not isinstance(listed, str):
        return None
    found: set[int] = set()
    for part in filter(None, (piece.strip() for piece in listed.split(","))):
        ends = _PORTS.fullmatch(part)
        if ends is None:
            return None
        first, last = int(ends[1]), int(ends[2] or ends[1])
        if last > 65535:
            return None
        found.update(range(first, last + 1))
    return frozenset(found)


def _is_of(host: str, domain: str) -> bool:
    """Whether a host is a `dstdomain`; one with a dot before it is all names below it, too."""
    domain = domain.lower()
    if domain == "*":
        return True
    if domain.startswith("."):
        return host == domain[1:] or host.endswith(domain)
    return host == domain


def _is_like(host: str, pattern: str) -> bool | None:
    """Whether a host is like one of the firewall's patterns; None for a pattern of another form.

    No pattern of a file is ever run as a regular expression: it could take for ever.
    """
    if not (pattern.startswith("^") and pattern.endswith("$")):
        return None
    parts, at, inner = [""], 0, pattern[1:-1]
    while at < len(inner):
        piece = _PIECE.match(inner, at)
        if piece is None:
            return None
        if piece["any"]:
            parts.append("")
        else:
            parts[-1] += (piece["escaped"] or piece["plain"]).lower()
        at = piece.end()
    return _fits(host, parts)


def _fits(host: str, parts: list[str]) -> bool:
    """Whether a host consists of these parts in their order, with anything between them."""
    first, *rest = parts
    if not rest:
        return host == first
    *middle, last = rest
    if not host.startswith(first) or not host.endswith(last):
        return False
    at, end = len(first), len(host) - len(last)
    for part in middle:
        found = host.find(part, at, end)
        if found < 0:
            return False
        at = found + len(part)
    return at <= end
