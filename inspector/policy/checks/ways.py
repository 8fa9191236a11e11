"""Where ways out lead, whoever opened them: CONNECT, absolute form, TLS and TCP past Squid."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from inspector.policy.checks.demand import Demand, Places
from inspector.policy.hearing import Hearing
from inspector.policy.model import Expect
from inspector.policy.patterns import is_host
from inspector.policy.ways_out import WayOut

_ALL: Final = "all that hosts of the network open, through Squid and past it; not what was refused"
_AGENTS: Final = "all that agents open, through Squid and past it; not what was refused"
#: TLS versions as a report writes them -> what a policy calls them, oldest first.
_VERSIONS: Final = ("1.0", "1.1", "1.2", "1.3")


def _hosts(expect: Expect) -> str | None:
    if expect.hosts is None:
        return None
    way = "way" if expect.opened_by is None else f"way of the {expect.opened_by}"
    where = ", ".join(expect.hosts)
    return f"no {way} out to {where}" if expect.forbid else f"no {way} out but to {where}"


def _hold_hosts(hearing: Hearing, wanted: str) -> None:
    hosts, forbid = hearing.expect.hosts or (), hearing.expect.forbid
    found, nameless, claimed, unread = Places(), [], [], []
    for way in _of_provider(hearing):
        if _is_unread(way, hosts):
            unread.append(way.id)
            continue
        listed = [host for host in way.hosts if is_host(host, way.port, hosts)]
        if forbid:
            if listed:
                found.add(f"{way.kind} to {way.authority()}", way.id)
            elif not way.is_named:
                nameless.append(way.id)
        elif not listed or (len(listed) < len(way.hosts) and not way.past):
            found.add(f"{way.kind} to {way.authority()}", way.id)
        elif len(listed) < len(way.hosts):
            claimed.append(way.id)
    found.tell(hearing, wanted)
    if nameless:
        hearing.doubt(wanted, "an address without a name may be one of them", nameless)
    if unread:
        hearing.doubt(wanted, "where it leads was not captured", unread)
    if claimed:
        hearing.doubt(wanted, "only the client's own word says whose the address is", claimed)
    hearing.needs_all(wanted)


def _is_unread(way: WayOut, hosts: Iterable[str]) -> bool:
    """Whether host or port of a way out was not captured, and may be a listed one."""
    if not way.hosts:
        return True
    at_any_port = [f"{host.rpartition(':')[0]}:*" for host in hosts]
    return way.port is None and any(is_host(host, None, at_any_port) for host in way.hosts)


def _no_way(expect: Expect) -> str | None:
    if not expect.forbid or expect.hosts is not None:
        return None
    return "no way out" if expect.provider == "any" else f"no way out to {expect.provider}"


def _hold_no_way(hearing: Hearing, wanted: str) -> None:
    found = Places()
    for way in _of_provider(hearing):
        found.add(f"{way.kind} to {way.authority()}", way.id)
    found.tell(hearing, wanted)
    hearing.needs_all(wanted)


def _complete(expect: Expect) -> str | None:
    if expect.tls is None or not expect.tls.complete:
        return None
    return "a complete TLS handshake in every way out"


def _hold_complete(hearing: Hearing, wanted: str) -> None:
    bad = Places()
    for way in _of_provider(hearing):
        if way.tls is not None and way.tls.handshake == "complete":
            continue
        if way.plain and hearing.subject.whole:
            bad.add(f"{way.kind}, without TLS", way.id)
        elif way.tls is not None and way.tls.handshake == "failed":
            bad.add(f"{way.kind}, whose handshake failed", way.id)
        elif hearing.subject.whole:
            bad.add(f"{way.kind}, whose handshake was not completed", way.id)
    bad.tell(hearing, wanted)
    hearing.needs_all(wanted)


def _min_version(expect: Expect) -> str | None:
    if expect.tls is None or expect.tls.min_version is None:
        return None
    return f"TLS {expect.tls.min_version} or later in every way out"


def _hold_min_version(hearing: Hearing, wanted: str) -> None:
    rules = hearing.expect.tls
    least = _VERSIONS.index(rules.min_version) if rules and rules.min_version else 0
    older, unknown = Places(), []
    for way in _of_provider(hearing):
        if way.tls is None:
            continue
        version = (way.tls.version or "").removeprefix("TLS ")
        if version in _VERSIONS:
            if _VERSIONS.index(version) < least:
                older.add(f"TLS {version}", way.id)
        elif way.tls.version is not None:
            older.add(way.tls.version, way.id)
        else:
            unknown.append(way.id)
    older.tell(hearing, wanted)
    if unknown:
        hearing.doubt(wanted, "no ServerHello was seen", unknown)
    hearing.needs_all(wanted)


def _sni(expect: Expect) -> str | None:
    if expect.tls is None or expect.tls.sni is None:
        return None
    return "the name in TLS is the host that was asked for"


def _hold_sni(hearing: Hearing, wanted: str) -> None:
    others = Places()
    without: list[str] = []
    unseen: list[str] = []
    for way in _of_provider(hearing):
        if way.tls is None or way.past:
            continue
        if way.tls.sni is None:
            # Of what begins before the capture the hello, and the name in it, may be before it.
            (without if hearing.subject.whole else unseen).append(way.id)
        elif len({host.lower().rstrip(".") for host in way.hosts}) > 1:
            others.add(f"{way.tls.sni} in a tunnel to {way.hosts[0]}", way.id)
    others.tell(hearing, wanted)
    hearing.breach(wanted, "TLS without a name", without)
    if unseen:
        hearing.doubt(wanted, "no ClientHello with a name was seen", unseen)
    hearing.needs_all(wanted)


def _direct(expect: Expect) -> str | None:
    if expect.direct_connect != "never":
        return None
    return "no agent opens a way to the API itself, or past Squid"


def _hold_direct(hearing: Hearing, wanted: str) -> None:
    found, nameless = Places(), Places()
    provider = hearing.expect.provider
    for way in hearing.ways:
        if way.opened_by != "agent":
            continue
        providers = way.providers(hearing.subject.added)
        everywhere = provider == "any"
        if (everywhere and way.past) or (providers if everywhere else provider in providers):
            found.add(way.kind, way.id)
        elif not way.is_named and not providers:
            nameless.add(way.kind, way.id)
    found.tell(hearing, wanted)
    nameless.doubt(hearing, wanted, "{} leads to an address without a name")
    hearing.needs_all(wanted)


def _of_provider(hearing: Hearing) -> Iterator[WayOut]:
    """The ways out that an expectation is about; those without a name may be its provider's."""
    return (way for way in hearing.ways if hearing.is_of_provider(way))


CHECKS: Final = (
    Demand(("hosts", "forbid", "opened_by"), _ALL, _hosts, _hold_hosts),
    Demand(("forbid",), _ALL, _no_way, _hold_no_way),
    Demand(("tls",), _ALL, _complete, _hold_complete),
    Demand(("tls",), _ALL, _min_version, _hold_min_version),
    Demand(("tls",), _ALL, _sni, _hold_sni),
    Demand(("direct_connect",), _AGENTS, _direct, _hold_direct),
)
