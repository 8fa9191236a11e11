"""From one report to the rows of its run: what `analyze` says, in columns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import date
from typing import Any, Final

from inspector.diagnosis.outcome import SUCCEEDED, outcome_of
from inspector.exchanges.clients import status_of
from inspector.fact import Fact, replace
from inspector.fleet.tables import (
    AuthRow,
    ClientRow,
    ExchangeRow,
    FindingRow,
    Placeholders,
    Row,
    RunRow,
    TunnelRow,
)
from inspector.model.credentials import AuthHeader
from inspector.model.http import Exchange
from inspector.model.network import Endpoint, Tunnel
from inspector.model.report import Report
from inspector.model.topology import Client, ClientAuth
from inspector.policy.hearing import Subject
from inspector.policy.judge import Judgement, judge_subject
from inspector.policy.model import Policy
from inspector.policy.result import verdict_of
from inspector.wire import FILE_SHIFT

#: The finding that counts keys that look real.
REAL_KEY: Final = "real-key-on-agent-hop"

#: Asked of every run: does the capture prove that there is no further finding?
_ANY_FINDING: Final = Policy("--fail-on", "note")
_NUMBER: Final = (1 << FILE_SHIFT) - 1
#: A client that names no version, or nothing at all.
_NAMELESS: Final = "no user agent"


class RunRows(Fact):
    """All rows of one run."""

    run: RunRow
    clients: tuple[ClientRow, ...] = ()
    exchanges: tuple[ExchangeRow, ...] = ()
    tunnels: tuple[TunnelRow, ...] = ()
    findings: tuple[FindingRow, ...] = ()

    def tables(self) -> Iterator[tuple[str, Iterable[Row]]]:
        """Name of a table and its rows, for each table of `tables.TABLES`."""
        yield "runs", (self.run,)
        yield "clients", self.clients
        yield "exchanges", self.exchanges
        yield "tunnels", self.tunnels
        yield "findings", self.findings


def rows_of(report: Report, blank: RunRow, policy: Policy | None, today: date) -> RunRows:
    """The rows of a run.  `blank` says what is known of it without its report.

    `today` decides which ignores of the policy have expired.
    """
    subject = Subject(report)
    view = subject.view
    made = [call for call in view.page.calls if call.request is not None]
    calls = {call.id: outcome_of(call) for call in view.page.calls}
    starts = [one.started_at for one in report.captures if one.started_at is not None]
    ends = [one.ended_at for one in report.captures if one.ended_at is not None]
    cause, held = report.root_cause, report.completeness
    failed = sum(
        outcome not in SUCCEEDED for outcome in (calls[c.id] for c in _kept(view.page.calls))
    )
    unknown = sum(calls[call.id] in ("unknown", "unread") for call in _kept(view.page.calls))
    told = report.provenance
    judgement = None if policy is None else judge_subject(subject, policy, today)
    run = replace(
        blank,
        labels={**blank.labels, **({} if told is None else told.labels)},
        started_at=min(starts, default=None),
        ended_at=max(ends, default=None),
        files=len(report.captures),
        packets=held.packets,
        completeness=held.verdict,
        unread=tuple(sorted({each.reason for each in held.unread})),
        cause=None if cause is None else cause.code,
        cause_explains=0 if cause is None else cause.explains,
        cause_of=0 if cause is None else cause.of,
        cause_sentence=None if cause is None else cause.sentence,
        could_tell=cause is not None
        or (bool(made) and not failed and not unknown and held.verdict == "complete"),
        calls=len(made),
        calls_failed=failed,
        calls_made_good=sum(call.recovered_by is not None for call in view.page.calls),
        calls_unknown=unknown,
        statuses=dict(sorted(Counter(map(status_of, made)).items())),
        providers=_names(client.provider for client in report.clients),
        clients=_names(_program(client.user_agent) for client in report.clients),
        auth=_names(_sent(auth) for client in report.clients for auth in client.auth_headers),
        placeholders=_placeholders(report.clients),
        real_keys=sum(one.count for one in report.findings if one.code == REAL_KEY),
        tunnels=len(report.tunnels),
        tunnels_refused=sum(tunnel.refusal is not None for tunnel in report.tunnels),
        denied=_names(
            tunnel.authority
            for tunnel in report.tunnels
            if _is_denied(tunnel) and tunnel.authority is not None
        ),
        findings=tuple(dict.fromkeys(finding.code for finding in report.findings)),
        worst=report.findings[0].severity if report.findings else None,
        proves_absence=not judge_subject(subject, _ANY_FINDING, today).doubts,
        hypotheses={each.id: each.verdict for each in report.hypotheses},
        policy=None if judgement is None else judgement.policy,
        policy_verdict=None if judgement is None else verdict_of(judgement),
        policy_exit_code=None if judgement is None else int(judgement.exit_code),
        policy_broken=() if judgement is None else _broken(judgement),
        judged_by=" ".join(filter(None, (report.tool.version, report.tool.build))),
        fingerprint_key=None if told is None else told.fingerprint_key,
    )
    key = run.key
    return RunRows(
        run,
        tuple(_client(key, client) for client in report.clients),
        tuple(_exchange(key, one, calls.get(one.id)) for one in report.exchanges),
        tuple(_tunnel(key, tunnel) for tunnel in report.tunnels),
        tuple(
            FindingRow(key=key, code=f.code, severity=f.severity, title=f.title, count=f.count)
            for f in report.findings
        ),
    )


def scrubbed(rows: RunRows, scrub: Callable[[str], str]) -> RunRows:
    """The same with every text cleaned: of a report that somebody else may have written."""

    def cleaned(value: Any) -> Any:
        if isinstance(value, str):
            return scrub(value)
        if isinstance(value, tuple):
            return tuple(map(cleaned, value))
        if isinstance(value, dict):
            return {cleaned(name): cleaned(item) for name, item in value.items()}
        if isinstance(value, AuthRow):
            return record(value)
        return value

    def record(row: Any) -> Any:
        fixed = ("key", "stamp", "settings", "inputs", "fingerprint", "fingerprint_key")
        names = [name for name in row.__dataclass_fields__ if name not in fixed]
        return replace(row, **{name: cleaned(getattr(row, name)) for name in names})

    return RunRows(
        record(rows.run),
        *(tuple(map(record, part)) for part in
          (rows.clients, rows.exchanges, rows.tunnels, rows.findings)),
    )  # fmt: skip


def _kept(calls: Iterable[Exchange]) -> Iterator[Exchange]:
    """The calls that no later one made good."""
    return (call for call in calls if call.recovered_by is None)


def _names(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(names)))


def product(user_agent: str | None) -> tuple[str | None, str | None]:
    """The first product of a user agent and its version (RFC 9110 10.1.5): `curl/8.5.0`."""
    if user_agent is None:
        return None, None
    first = user_agent.partition(" ")[0]
    name, slash, version = first.rpartition("/")
    return (name, version) if slash and name else (first or None, None)


def _program(user_agent: str | None) -> str:
    name, version = product(user_agent)
    return "/".join(filter(None, (name, version))) or _NAMELESS


def _sent(auth: AuthHeader | ClientAuth) -> str:
    """`authorization Bearer jwt`: the header in lower case, its scheme, the kind."""
    parts = (auth.name.lower(), auth.scheme, auth.credential.kind)
    return " ".join(filter(None, parts))


def _placeholders(clients: Iterable[Client]) -> Placeholders | None:
    sent = {
        auth.credential.placeholder is not None
        for client in clients
        if client.role == "agent"
        for auth in client.auth_headers
    }
    if not sent:
        return None
    return "some" if len(sent) > 1 else "only" if True in sent else "none"


def _broken(judgement: Judgement) -> tuple[str, ...]:
    codes = (finding.code for finding in judgement.findings)
    named = (remark.name or remark.expected for remark in judgement.broken)
    return tuple(dict.fromkeys((*codes, *named)))


def _end(endpoint: Endpoint) -> str:
    return f"[{endpoint.ip}]:{endpoint.port}" if ":" in endpoint.ip else (
        f"{endpoint.ip}:{endpoint.port}"
    )  # fmt: skip


def _client(key: str, client: Client) -> ClientRow:
    program, version = product(client.user_agent)
    return ClientRow(
        key=key,
        ip=client.ip,
        role=client.role,
        user_agent=client.user_agent,
        program=program,
        version=version,
        provider=client.provider,
        service=_end(client.service),
        requests=client.requests,
        statuses=dict(client.statuses),
        auth=tuple(
            AuthRow(
                name=auth.name,
                scheme=auth.scheme,
                kind=auth.credential.kind,
                prefix=auth.credential.prefix,
                length=auth.credential.length,
                fingerprint=auth.credential.fingerprint,
                placeholder=auth.credential.placeholder,
                anomalies=auth.credential.anomalies,
                requests=auth.requests,
            )
            for auth in client.auth_headers
        ),
    )


def _exchange(key: str, exchange: Exchange, outcome: str | None) -> ExchangeRow:
    request, response = exchange.request, exchange.response
    started = None if request is None else request.started_at
    ended = None if response is None else response.ended_at
    known = request or response
    return ExchangeRow(
        key=key,
        exchange=exchange.id,
        is_call=outcome is not None,
        outcome=outcome,
        recovered_by=exchange.recovered_by,
        hop=exchange.hop,
        provider=exchange.provider,
        client=exchange.client.ip,
        server=_end(exchange.server),
        user_agent=None if request is None else request.user_agent,
        method=None if request is None else request.method,
        target=None if request is None else request.target,
        host=None if request is None else request.host,
        auth=() if request is None else tuple(map(_sent, request.auth)),
        status=None if response is None else response.status,
        error=None
        if response is None or response.api_error is None
        else response.api_error.type,
        model=None if response is None else response.model,
        request_bytes=None if request is None else request.body_bytes,
        response_bytes=None if response is None else response.body_bytes,
        events=None if response is None or response.stream is None else response.stream.events,
        started_at=started,
        seconds=None if started is None or ended is None else (ended - started) / 1e9,
        ended_by=exchange.ended_by,
        decrypted=exchange.decrypted,
        packet=None if known is None else known.packet & _NUMBER,
    )  # fmt: skip


def _is_denied(tunnel: Tunnel) -> bool:
    return tunnel.refusal is not None and tunnel.refusal.is_denial


def _tunnel(key: str, tunnel: Tunnel) -> TunnelRow:
    tls = tunnel.tls
    return TunnelRow(
        key=key,
        tunnel=tunnel.id,
        client=tunnel.client.ip,
        proxy=_end(tunnel.proxy),
        host=tunnel.host or None,
        port=tunnel.port,
        established=tunnel.established,
        status=tunnel.connect_status,
        denied=_is_denied(tunnel),
        proxy_error=tunnel.proxy_error,
        protocol=tunnel.protocol,
        sni=None if tls is None else tls.sni,
        tls_version=None if tls is None else tls.version,
        handshake=None if tls is None else tls.handshake,
        bytes_up=tunnel.bytes_up,
        bytes_down=tunnel.bytes_down,
        opened_at=tunnel.opened_at,
        closed_at=tunnel.closed_at,
        closed_by=tunnel.closed_by,
    )
