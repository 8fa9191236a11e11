"""A report judged by a policy: what breaks it, and what the capture cannot prove.

A capture that lacks something proves no absence: "never", "at least" and "no
such finding" become doubts instead of being kept in silence.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from inspector.errors import ExitCode
from inspector.exchanges.topology import provider_of
from inspector.model.conclusions import SEVERITIES, Finding, Severity
from inspector.model.credentials import AuthHeader
from inspector.model.http import Exchange
from inspector.model.network import Connection, Tunnel
from inspector.model.report import Report
from inspector.policy.model import Expect, Ignore, Policy
from inspector.policy.unread import Concerns, Unheard
from inspector.policy.ways_out import ways_out
from inspector.report.page import grouping, words
from inspector.report.page.escape import clipped
from inspector.report.page.view import View

#: Link types of captures of all interfaces of a host (LINUX_SLL, LINUX_SLL2).
_OVER_ALL: Final = frozenset({113, 276})
_UNJUDGED: Final = (
    "it lacks chains, hypotheses, findings or root_cause: an earlier version wrote it, or nobody"
    " looked for them; judge the capture itself"
)


@dataclass(frozen=True, slots=True)
class Remark:
    """One expectation that is broken or not proven; `where` names ids of the report."""

    provider: str
    expected: str
    found: str
    where: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a policy says of a report that has so many `calls` to an API.

    `out_of_scope` counts connections of other networks, which were not judged.
    """

    policy: str
    fail_on: Severity | None
    findings: tuple[Finding, ...]
    broken: tuple[Remark, ...]
    doubts: tuple[Remark, ...]
    ignored: tuple[Ignore, ...]
    expired: tuple[Ignore, ...]
    calls: int = 0
    out_of_scope: int = 0

    @property
    def about_nothing(self) -> bool:
        """Whether the run had no call to an API, and nothing broke the policy all the same."""
        return not self.calls and self.exit_code is not ExitCode.BROKEN

    @property
    def exit_code(self) -> ExitCode:
        """`BROKEN` for a finding or a broken expectation, else `NOT_PROVEN` for a doubt."""
        if self.findings or self.broken:
            return ExitCode.BROKEN
        return ExitCode.NOT_PROVEN if self.doubts else ExitCode.DONE


def judge(report: Report, policy: Policy, today: date) -> Judgement:
    """Judge a report.  `today` decides which ignores have expired."""
    present = {finding.code for finding in report.findings}
    expired = tuple(i for i in policy.ignore if i.expires < today)
    ignored = tuple(i for i in policy.ignore if i.expires >= today and i.code in present)
    passed_over = {ignore.code for ignore in ignored}
    severe = () if policy.fail_on is None else SEVERITIES[: SEVERITIES.index(policy.fail_on) + 1]
    findings = tuple(
        finding
        for finding in report.findings
        if finding.severity in severe and finding.code not in passed_over
    )
    judged = _Judged(report)
    for expect in policy.expect:
        judged.expect(expect)
    if not report.hypotheses:
        judged.doubt("any", "a report that was judged", _UNJUDGED)
    elsewhere = _not_judged(report)
    if elsewhere is not None:
        judged.doubt("any", "all of the firewall's networks", f"{elsewhere}; see --scope all")
    if policy.fail_on is not None and not judged.whole:
        judged.doubt("any", f"no finding of level {policy.fail_on} or above", judged.lacking)
    return Judgement(
        policy=policy.name,
        fail_on=policy.fail_on,
        findings=findings,
        broken=tuple(judged.broken),
        doubts=tuple(judged.doubts),
        ignored=ignored,
        expired=expired,
        calls=0 if "no-api-call" in present else len(judged.view.page.calls),
        out_of_scope=report.completeness.out_of_scope,
    )


def _not_judged(report: Report) -> str | None:
    """What was left out and may be the firewall's; None where it is the host's own traffic.

    One interface that is no pseudo-device over all of them is the bridge: whatever is there
    came from its hosts, be it by IPv6.
    """
    told = report.completeness
    if told.out_of_scope_proxies:
        many = words.count(told.out_of_scope_proxies, "connection")
        return f"{many} to ports of the proxies on another network left out"
    interfaces = [each for capture in report.captures for each in capture.interfaces]
    on_bridge = len(interfaces) == 1 and interfaces[0].link_type not in _OVER_ALL
    if told.out_of_scope and on_bridge:
        many = words.count(told.out_of_scope, "connection")
        return f"{many} of other networks on the same bridge left out"
    return None


class _Judged:
    """A report, and what was found against the expectations so far."""

    def __init__(self, report: Report) -> None:
        self.report = report
        self.view = View(report)
        self.added = report.topology.added
        self.unread = Unheard(self.view)
        self.whole, self.lacking = self.unread.whole, self.unread.lacking
        self.ways = tuple(ways_out(self.view))
        self.broken: list[Remark] = []
        self.doubts: list[Remark] = []

    def expect(self, expect: Expect) -> None:
        calls = [call for call in self.view.page.calls if expect.provider in ("any", call.provider)]
        for check in _CHECKS:
            check(self, expect, calls)

    def doubt(self, provider: str, expected: str, found: str, where: Iterable[str] = ()) -> None:
        self.doubts.append(Remark(provider, expected, found, tuple(where)))

    def breach(self, provider: str, expected: str, found: str, where: Iterable[str]) -> None:
        places = tuple(where)
        if places:
            self.broken.append(Remark(provider, expected, found, places))

    def _proven_of_calls(self, expect: Expect, wanted: str) -> None:
        """Raise a doubt where a connection that may hold calls was not read whole."""

        def may_hold_calls(connection: Connection) -> bool:
            if self.view.role(connection.client.ip) in ("api-proxy", "forward-proxy"):
                return False
            if expect.provider == "any" or self.view.role(connection.server.ip) != "api-proxy":
                return True
            known = self.report.topology.providers.get(str(connection.server.port), "unknown")
            return known in (expect.provider, "unknown")

        self._proven(expect, wanted, may_hold_calls)

    def _proven(self, expect: Expect, wanted: str, concerns: Concerns) -> None:
        doubt = self.unread.of(concerns)
        if doubt is not None:
            self.doubt(expect.provider, wanted, doubt.because, doubt.where)

    def auth(self, expect: Expect, calls: Sequence[Exchange]) -> None:
        if expect.auth is None:
            return
        wanted = f"a credential in {' or '.join(expect.auth)}, and nowhere else"
        allowed = {name.lower() for name in expect.auth}
        others: dict[str, list[str]] = {}
        bare: list[str] = []
        unknown: list[str] = []
        for call in calls:
            request = call.request
            if request is None:
                unknown.append(call.id)
                continue
            names = {auth.name.lower(): clipped(auth.name, 60) for auth in request.auth}
            for folded, name in names.items():
                if folded not in allowed:
                    others.setdefault(name, []).append(call.id)
            if not names:
                (bare if request.complete else unknown).append(call.id)
        for name, ids in others.items():
            self.breach(expect.provider, wanted, f"a credential in {name}", ids)
        self.breach(expect.provider, wanted, "no credential", bare)
        if unknown:
            self.doubt(expect.provider, wanted, "the request was not seen whole", unknown)
        else:
            self._proven_of_calls(expect, wanted)

    def placeholders(self, expect: Expect, calls: Sequence[Exchange]) -> None:
        if not expect.placeholder_only:
            return
        real = [
            call.id
            for call in calls
            if call.request and _has_other_than_placeholders(call.request.auth)
        ]
        connects = [
            tunnel.id
            for tunnel in self.report.tunnels
            if self.view.role(tunnel.client.ip) not in ("api-proxy", "forward-proxy")
            and expect.provider in ("any", provider_of(_host(tunnel), self.added))
            and _has_other_than_placeholders(tunnel.auth)
        ]
        self.breach(expect.provider, "placeholders only", "another credential", real)
        self.breach(
            expect.provider, "placeholders only", "another credential in a CONNECT", connects
        )
        unseen = [call.id for call in calls if call.request is None]
        if unseen:
            self.doubt(expect.provider, "placeholders only", "the request was not seen", unseen)
        else:
            self._proven_of_calls(expect, "placeholders only")

    def statuses(self, expect: Expect, calls: Sequence[Exchange]) -> None:
        if expect.statuses is None:
            return
        wanted = f"status {' or '.join(expect.statuses)}"
        others: dict[str, list[str]] = {}
        unknown = []
        for call in calls:
            status = grouping.status(call)
            if status in expect.statuses or f"{status[0]}xx" in expect.statuses:
                continue
            if call.response is None and call.ended_by in ("gap", "capture-end"):
                unknown.append(call.id)
            else:
                others.setdefault(status, []).append(call.id)
        for status, ids in others.items():
            found = "no answer" if status == "none" else f"status {status}"
            self.breach(expect.provider, wanted, found, ids)
        if unknown:
            self.doubt(expect.provider, wanted, "the answer is not in the capture", unknown)
        else:
            self._proven_of_calls(expect, wanted)

    def number(self, expect: Expect, calls: Sequence[Exchange]) -> None:
        if len(calls) >= expect.min_calls:
            return
        wanted, found = f"at least {words.count(expect.min_calls, 'call')}", str(len(calls))
        if self.whole:
            self.broken.append(Remark(expect.provider, wanted, found))
        else:
            self.doubt(expect.provider, wanted, f"{found}; {self.lacking}")

    def tunnels(self, expect: Expect, calls: Sequence[Exchange]) -> None:
        if expect.tunnels is None:
            return
        tunnels = list(self._tunnels_of(expect.provider, calls))
        allowed = expect.tunnels.authorities
        if allowed is not None:
            wanted = f"tunnels to {', '.join(allowed)} only"
            names = {name.lower() for name in allowed}
            others: dict[str, list[str]] = {}
            for tunnel in tunnels:
                if tunnel.authority is not None and tunnel.authority.lower() not in names:
                    others.setdefault(clipped(tunnel.authority, 120), []).append(tunnel.id)
            for authority, ids in others.items():
                self.breach(expect.provider, wanted, f"a CONNECT to {authority}", ids)
            unknown = [tunnel.id for tunnel in tunnels if tunnel.authority is None]
            if unknown:
                self.doubt(expect.provider, wanted, "the CONNECT was not seen", unknown)
            else:
                self._proven(expect, wanted, self._is_to_squid)
        if expect.tunnels.tls == "complete":
            self._handshakes(expect, tunnels)

    def _is_to_squid(self, connection: Connection) -> bool:
        return self.view.role(connection.server.ip) == "forward-proxy"

    def _handshakes(self, expect: Expect, tunnels: Iterable[Tunnel]) -> None:
        wanted = "a complete TLS handshake in every open tunnel"
        bad: list[str] = []
        unknown: list[str] = []
        for tunnel in tunnels:
            if tunnel.refusal is not None or tunnel.protocol in ("http/1.1", "h2"):
                continue  # refused, or plaintext whose exchanges are judged as calls
            if tunnel.tls is not None and tunnel.tls.handshake == "complete":
                continue
            if tunnel.established is None and self.whole and _was_never_answered(tunnel):
                continue
            failed = tunnel.tls is not None and tunnel.tls.handshake == "failed"
            seen = self.whole and tunnel.established
            (bad if failed or seen else unknown).append(tunnel.id)
        self.breach(expect.provider, wanted, "a handshake that was not completed", bad)
        if unknown:
            found = "whether it opened, and its handshake, were not wholly seen"
            self.doubt(expect.provider, wanted, found, unknown)
        else:
            self._proven(expect, wanted, self._is_to_squid)

    def _tunnels_of(self, provider: str, calls: Sequence[Exchange]) -> Iterator[Tunnel]:
        """All tunnels; of one provider those that chains join with its calls."""
        ids = {call.id for call in calls}
        chains = {**self.view.retried, **self.view.carried}
        for tunnel in self.report.tunnels:
            chain = chains.get(tunnel.id)
            if provider == "any" or (chain and self.view.call(chain.agent_exchange) in ids):
                yield tunnel

    def direct(self, expect: Expect, calls: Sequence[Exchange]) -> None:
        if expect.direct_connect != "never":
            return
        wanted = "no agent opens a way to the API itself, or past Squid"
        found: dict[str, list[str]] = {}
        nameless: dict[str, list[str]] = {}
        for way in self.ways:
            providers = way.providers(self.added)
            everywhere = expect.provider == "any"
            if (everywhere and way.past) or (
                providers if everywhere else expect.provider in providers
            ):
                found.setdefault(way.kind, []).append(way.id)
            elif not way.is_named and not providers:
                nameless.setdefault(way.kind, []).append(way.id)
        for kind, ids in found.items():
            self.breach(expect.provider, wanted, kind, ids)
        for kind, ids in nameless.items():
            self.doubt(expect.provider, wanted, f"{kind} leads to an address without a name", ids)
        if not self.whole:
            self.doubt(expect.provider, wanted, self.lacking)


_CHECKS: Final[tuple[Callable[[_Judged, Expect, Sequence[Exchange]], None], ...]] = (
    _Judged.auth,
    _Judged.placeholders,
    _Judged.statuses,
    _Judged.number,
    _Judged.tunnels,
    _Judged.direct,
)


def _has_other_than_placeholders(auth: Iterable[AuthHeader]) -> bool:
    return any(header.credential.placeholder is None for header in auth)


def _was_never_answered(tunnel: Tunnel) -> bool:
    """In a whole capture: its CONNECT is there, and nothing after it."""
    return tunnel.authority is not None and not (tunnel.bytes_up or tunnel.bytes_down)


def _host(tunnel: Tunnel) -> str:
    return (tunnel.authority or "").rpartition(":")[0]
