"""What each client sent: the calls it made, and every auth header with its value's label."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from inspector.fact import Fact
from inspector.model.credentials import Credential
from inspector.model.http import Exchange
from inspector.model.ids import ExchangeId
from inspector.model.topology import Client, ClientAuth
from inspector.report.page import words
from inspector.report.page.escape import clipped
from inspector.report.page.numbers import told
from inspector.report.page.view import View

#: The header that says which dialect of its API a client speaks.
_VERSION: Final = "anthropic-version"


class Asked(Fact):
    """Calls alike: method and target, the steering header, and the calls' ids."""

    what: str
    steering: str
    ids: tuple[str, ...]


class SentAuth(Fact):
    """An auth header; `remark` says how it compares, `bad` that it ought not to be so."""

    header: str
    credential: str
    remark: str
    bad: bool


class Sent(Fact):
    """One client towards one service, in escaped text.

    `unread` counts requests not whole, `numbers` says how long answers took; empty where none
    counts.
    """

    who: str
    where: str
    service: str
    answers: str
    failed: bool
    asked: tuple[Asked, ...]
    auth: tuple[SentAuth, ...]
    unread: int
    numbers: str

    @property
    def without_auth(self) -> str:
        """What stands in the place of auth headers where none is known."""
        if not self.unread:
            return "no auth header"
        whole = "is not whole" if self.unread == 1 else "are not whole"
        return f"no auth header in what was read: {words.count(self.unread, 'request')} {whole}"


def sent(view: View) -> tuple[Sent, ...]:
    """One entry a client; those with a failed call first."""
    failed = {call.id for group in view.page.failures for call in group}
    blocks = [_sent(view, client, failed) for client in view.report.clients]
    return tuple(sorted(blocks, key=lambda block: not block.failed))


def _sent(view: View, client: Client, failed: set[ExchangeId]) -> Sent:
    calls = view.page.made_by(client)
    return Sent(
        who=_program(client.user_agent),
        where=_where(client),
        service=_service(view, client),
        answers=f"{client.requests:,} sent, {_answered(client)}{_spoilt(calls, failed)}",
        failed=any(call.id in failed for call in calls),
        asked=_asked(calls),
        auth=tuple(_auth(client)),
        numbers=told(client.numbers),
        unread=sum(call.request is not None and not call.request.complete for call in calls),
    )


def _answered(client: Client) -> str:
    return (
        words.answers(client.statuses, words.FEW)
        if set(client.statuses) - {"none", "unknown"}
        else "0 answered"
    )


def _spoilt(calls: Iterable[Exchange], failed: set[ExchangeId]) -> str:
    """How many of the calls failed although their status is one of success."""
    return words.although(
        sum(
            call.id in failed and call.response is not None and call.response.status < 400
            for call in calls
        )
    )


def _program(user_agent: str | None) -> str:
    """Name and version without the comment that follows (RFC 9110 10.1.5)."""
    if user_agent is None:
        return "no user agent"
    return clipped(user_agent.partition(" (")[0] or user_agent, words.CELL)


def _where(client: Client) -> str:
    process = client.process
    if process is None:
        return clipped(client.ip, 60)
    pids = {each.pid for each in client.processes} or {process.pid}
    named = f"{process.comm}[{process.pid}]" if len(pids) == 1 else f"{len(pids)} x {process.comm}"
    if container := words.container(process):
        named += f" in {container}"
    return f"{clipped(client.ip, 60)} {clipped(named, words.CELL)}"


def _service(view: View, client: Client) -> str:
    service = client.service
    at_proxy = view.role(service.ip) == "api-proxy"
    place = f":{service.port}" if at_proxy else words.service(service, view.prefix)
    return f"{place} {client.provider}"


def _asked(calls: Iterable[Exchange]) -> tuple[Asked, ...]:
    rows: dict[tuple[str, str], list[str]] = {}
    for call in calls:
        request = call.request
        if request is None:
            what, steering = "request not seen", ""
        else:
            what = f"{clipped(request.method, 20)} {clipped(request.target, words.CELL)}"
            steering = next(
                (
                    f"{clipped(name, 40)}: {clipped(value, 40)}"
                    for name, value in request.steering.items()
                    if name.lower() == _VERSION
                ),
                "",
            )
        rows.setdefault((what, steering), []).append(call.id)
    return tuple(Asked(what, steering, tuple(ids)) for (what, steering), ids in rows.items())


def folded(rows: Sequence[SentAuth], limit: int) -> Iterator[SentAuth]:
    """At most `limit` values of each header: the rest of them on one line, with their number.

    A signature, a nonce or a cookie is another value in each call.  What ought not to be so
    is told first.
    """
    headers: dict[str, list[SentAuth]] = {}
    for row in rows:
        headers.setdefault(row.header, []).append(row)
    for header, alike in headers.items():
        if len(alike) <= limit:
            yield from alike
            continue
        alike = sorted(alike, key=lambda row: not row.bad)
        bad = sum(row.bad for row in alike)
        yield from alike[: limit - 1]
        left = alike[limit - 1 :]
        told = f"{len(alike):,} different values"
        remark = f"({bad:,} of them not as they ought to be)" if bad else ""
        yield SentAuth(header, f"{len(left):,} more with -v: {told}", remark, left[0].bad)


def _auth(client: Client) -> Iterable[SentAuth]:
    seen: set[Credential] = set()
    for auth in client.auth_headers:
        remarks = []
        if seen:
            remarks.append("the same" if auth.credential in seen else "differs")
        seen.add(auth.credential)
        real = _looks_real(client, auth)
        if real:
            remarks.append("NOT A PLACEHOLDER")
        if auth.requests != client.requests:
            remarks.append(f"in {auth.requests} of {client.requests}")
        yield SentAuth(
            header=words.header(auth),
            credential=words.credential(auth.credential),
            remark=f"({', '.join(remarks)})" if remarks else "",
            bad=real or bool(auth.credential.anomalies),
        )


def _looks_real(client: Client, auth: ClientAuth) -> bool:
    """Whether an agent shows a key that only the API proxy should hold."""
    return (
        client.role == "agent"
        and auth.credential.placeholder is None
        and (auth.credential.kind not in ("empty", "unknown"))
    )
