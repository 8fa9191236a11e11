"""What a rule of Squid's is about that denied something: destination, port, or neither.

A 403 does not say.  What else Squid let through in the same capture does: a destination that it
let through for the same client nearby is not what it forbids.
"""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

from inspector.diagnosis.case import Case
from inspector.fact import Fact
from inspector.model.addresses import is_address, split_authority
from inspector.secrets.labels import shortened
from inspector.witnesses.manifest import PolicyRule

About: TypeAlias = Literal[
    "number", "source", "port", "port-or-domain", "address", "domain", "blocked", "allowed"
]

#: The port of HTTPS, which CONNECT is for.
_HTTPS: Final = 443


class Denial(Fact):
    """What a denial is about, in a sentence, and what to do."""

    about: About
    told: str
    advice: str


_TABLE: Final[dict[About, tuple[str, str]]] = {
    "number": (
        "The same destination was let through for it nearby: not the destination.",
        "Look for a rule of squid.conf on the number of connections (maxconn, max_user_ip), the"
        " time or the rate, and make fewer calls at once: {host} itself is allowed.",
    ),
    "source": (
        "The same destination was let through for others: the source or number.",
        "Look for a rule of squid.conf on the client's address (src), the number of connections"
        " (maxconn) or the time: {host} itself is allowed.",
    ),
    "port": (
        "{short} was let through on another port: the port is denied.",
        "Use a port that Squid lets through (443), or let {port} through (Safe_ports; the"
        " firewall's --allow-host-ports).",
    ),
    "port-or-domain": (
        "Port {port} is not 443: the port or the domain is denied.",
        "Squid lets CONNECT through to few ports: use https on port 443, or plain http without"
        " CONNECT, or let {port} through (Safe_ports; the firewall's --allow-host-ports). If the"
        " rule is on the name, {host} is not in the allow-list.",
    ),
    "address": (
        "{short} is a bare address, which the allow-list of names lacks.",
        "Use the host's name, and see that it is in the allow-list; or call hosts of the bridge"
        " without a proxy (NO_PROXY).",
    ),
    "domain": (
        "Nothing of {short} was let through: the domain is denied.",
        "Add the domain to the allow-list: {host} (the firewall's --allow-domains; network.allowed"
        " of an agentic workflow), or use a host that is in it.",
    ),
    "blocked": (
        "{short} is denied by a list of its own.",
        "Take {host} off the list of blocked domains (the firewall's --block-domains;"
        " network.blocked of an agentic workflow), or use another host: that list comes before the"
        " allow-list.",
    ),
    "allowed": (
        "The allow-list has {short}.",
        "The firewall's rules let {host} through: look for another rule of squid.conf (number of"
        " connections, time), and whether the manifest is that of this run.",
    ),
}
#: The firewall's lists (`aclName`) -> what a rule on them is about; any other is a blocked one.
_BY_LIST: Final[dict[str, About]] = {
    "!Safe_ports": "port",
    "CONNECT !Safe_ports": "port",
    "dst_ipv4": "address",
    "dst_ipv6": "address",
    "all": "domain",
}


def denial(authority: str, client: str, case: Case) -> Denial:
    """Return what the rule is about that denied a client an authority, `host:port`."""
    host, port = split_authority(authority) or (authority, None)
    port = port or _HTTPS
    rule = _rule(host, port, client, case)
    about = _about(host.lower(), port, client, case)
    if rule is not None:
        if not rule.allows:
            about = _BY_LIST.get(rule.acl, "blocked")
        elif about not in ("number", "source"):
            about = "allowed"
    told, advice = _TABLE[about]
    words = {"host": shortened(host, 60), "short": shortened(host, 24), "port": port}
    if rule is not None:
        verb = "allows" if rule.allows else "denies"
        told = f"By policy-manifest.json, rule {rule.id[:32]} {verb} it."
    return Denial(about, told.format(**words), advice.format(**words))


def _rule(host: str, port: int, client: str, case: Case) -> PolicyRule | None:
    """The rule of the firewall's manifest; None without one, or where a host is hidden."""
    if case.manifest is None or "<" in host:
        return None
    return case.manifest.decides(host, port, by_api_proxy=client in case.api_proxies)


def _about(host: str, port: int, client: str, case: Case) -> About:
    known = case.connects.let_through
    let_through = known.get((host, port), set())
    if client in let_through:
        return "number"
    if let_through:
        return "source"
    if any(other == host for other, _ in known):
        return "port"
    if is_address(host):
        return "address"
    if port != _HTTPS and port not in {through for _, through in known}:
        return "port-or-domain"
    return "domain"
