"""Which finding heads the report: the nearest to the origin that explains most failures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Final

from inspector.diagnosis import aside, peeked
from inspector.diagnosis.attempts import Attempts, barred
from inspector.diagnosis.call import FailedCall
from inspector.diagnosis.case import Case
from inspector.diagnosis.catalogue import CODES, ORIGIN
from inspector.diagnosis.groups import Group, Groups
from inspector.diagnosis.index import opened_moment
from inspector.diagnosis.rule import Cause, OfForeign, Tally, of_call
from inspector.diagnosis.rules import api_proxy_bypassed
from inspector.diagnosis.words import arrived, at, first_to_close, plural
from inspector.fact import Changing, field
from inspector.model.conclusions import CauseGroup, Evidence, Finding, RootCause, RuledOut
from inspector.model.ids import connection_id, tunnel_id
from inspector.model.network import Connection
from inspector.secrets.labels import shortened

_LIVES: Final = "it took or opened connections afterwards"
_NO_SIGN: Final = "Nothing shows whether the API proxy lives: not started, or dead before."

#: Statuses of answers to those that went past the API proxy.
_STATUSES: Final = 3
#: Groups of failed calls told beside the one that heads the report.
GROUPS: Final = 8


class Explained(Changing):
    """The failed calls that one cause explains."""

    cause: Cause
    tally: Tally = field(default_factory=Tally)
    groups: Groups = field(default_factory=Groups)
    #: Calls that a gateway refused itself because of these failures.
    meanwhile: Groups = field(default_factory=Groups)


class Foreign(Changing):
    """The connections without a call that was read, which one rule explains."""

    rule: OfForeign
    first: Connection
    tally: Tally = field(default_factory=Tally)


def root_cause(
    case: Case,
    explained: dict[str, Explained],
    unexplained: int,
    attempts: Attempts,
    findings: dict[str, Finding],
    foreign: dict[str, Foreign],
) -> RootCause | None:
    """Return the cause that heads the report; None when no call failed, or none is explained."""
    counts = {code: found.tally.count for code, found in explained.items()}
    of_attempts = Counter({"proxy-not-listening": len(attempts.refused)})
    for number in case.connects.barred:
        tunnel = case.tunnels.get(tunnel_id(number))
        of_attempts[(barred(tunnel, case) if tunnel is not None else None) or "squid-denied"] += 1
    for code, count in of_attempts.items():
        # Beside calls of the same cause they are in the count of these already.
        if count:
            counts.setdefault(code, count)
    for code, about in foreign.items():
        counts[code] = counts.get(code, 0) + about.tally.count
    of = sum(counts.values()) + unexplained
    if not of:
        if attempts.unexplained or not case.not_read.is_whole or case.topology.source == "traffic":
            return None  # calls to the API proxy may be what is not in the capture
        return _bypassed(case, findings)
    weights = dict(counts)
    if "proxy-died" in weights:
        weights["proxy-died"] += attempts.retries
    if not weights:
        return None
    code = min(weights, key=lambda name: (-weights[name], ORIGIN[name]))
    if code == "proxy-not-listening" and attempts.refused:
        return _not_listening(case, attempts, of, findings)
    if code not in explained and code in foreign:
        return _foreign(case, foreign[code], of)
    if code not in explained:
        return _barred(case, of, findings[code])
    found = explained[code]
    cause = found.cause
    heaviest = found.groups.heaviest_first()[0]
    first, count = heaviest.first, heaviest.count
    inside = arrived(first, case)
    return RootCause(
        code,
        explains=found.tally.count,
        of=of,
        sentence=cause.sentence(first, case, count),
        ruled_out=_ruled_out(code, first, case),
        details=(
            *cause.details(first, case, count),
            *inside,
            *_unheard(first, case),
            *aside.told(found.meanwhile),
        ),
        others=_others(case, explained, heaviest),
        not_in_packets=None if inside else cause.leaves_open(first),
        advice=cause.advises(first, case),
        evidence=tuple(found.tally.evidence),
    )


def _unheard(call: FailedCall, case: Case) -> tuple[str, ...]:
    """What came as far as the API proxy for a call that was not answered."""
    tunnel = None if call.exchange.response is not None else case.came_back(call)
    if tunnel is None:
        return ()
    return (
        f"{tunnel.id} brought back {tunnel.data_down:,} bytes of data: whether they are its answer"
        " is inside TLS.",
    )


def _foreign(case: Case, about: Foreign, of: int) -> RootCause:
    """Every failed call is a connection on which none could be read."""
    rule, count = about.rule, about.tally.count
    return RootCause(
        rule.code,
        explains=count,
        of=of,
        sentence=rule.sentence(about.first, case, count),
        ruled_out=(),
        advice=rule.advice,
        evidence=tuple(about.tally.evidence),
    )


def _others(case: Case, explained: dict[str, Explained], told: Group) -> tuple[CauseGroup, ...]:
    """The other groups of failed calls, heaviest first, then nearest to the origin."""
    groups = [
        (found.cause, group)
        for found in explained.values()
        for group in found.groups.heaviest_first()
        if group is not told
    ]
    groups.sort(key=lambda pair: (-pair[1].count, ORIGIN[pair[0].code]))
    return tuple(
        CauseGroup(
            cause.code,
            group.count,
            cause.sentence(group.first, case, group.count),
            cause.advises(group.first, case),
            of_call(group.first),
        )
        for cause, group in groups[:GROUPS]
    )


def _not_listening(
    case: Case, attempts: Attempts, of: int, findings: dict[str, Finding]
) -> RootCause:
    code = "proxy-not-listening"
    name, packet = attempts.refused[0]
    connection = case.connections.get(connection_id(name))
    where = "a port" if connection is None else f":{connection.server.port}"
    count = len(attempts.refused)
    lives = connection is not None and case.contacts.lives_after(
        connection.server.ip, opened_moment(connection)
    )
    return RootCause(
        code,
        explains=count,
        of=of,
        sentence=f"Nobody listens on {where}: {plural(count, 'attempt')} ({at(packet, case)}).",
        ruled_out=(RuledOut("death of the API proxy", _LIVES),) if lives else (),
        details=(f"The API proxy lives: {_LIVES}.",) if lives else (_NO_SIGN,),
        advice=CODES[code].advice,
        evidence=findings[code].evidence if code in findings else (Evidence(packet=packet),),
    )


def _barred(case: Case, of: int, finding: Finding) -> RootCause:
    """Every call that was refused so was a CONNECT for the API proxy."""
    tunnel = case.tunnels.get(finding.evidence[0].tunnel or "t0")
    refusal = None if tunnel is None else tunnel.refusal
    assert tunnel is not None
    assert refusal is not None
    where, count = shortened(tunnel.authority or "", 40), finding.count
    counted = f"{count} x {refusal.status} ({at(tunnel.packet, case)})"
    if finding.code == "squid-denied":
        sentence = f"Squid denied CONNECT {where}: {counted}."
        detail = f"The client asks Squid for port {tunnel.port} of the API proxy, NO_PROXY or not."
        advice = (
            f"Call {where} without a proxy (the client ignores NO_PROXY), or let Squid pass it."
        )
    else:
        sentence = f"CONNECT {where} failed at Squid: {counted}."
        detail = "Its answer has no X-Squid-Error."
        if refusal.error:
            detail = f"{refusal.error}: its connection to the API proxy failed."
        advice = finding.advice
    is_own = finding.code != "squid-denied" and refusal.error
    return RootCause(
        finding.code,
        explains=count,
        of=of,
        sentence=sentence,
        ruled_out=(RuledOut("upstream error", "the API proxy never saw the call"),),
        details=(detail,),
        not_in_packets="why the API proxy is not there" if is_own else None,
        advice=advice,
        evidence=finding.evidence,
    )


def _bypassed(case: Case, findings: dict[str, Finding]) -> RootCause | None:
    """Where every API call of the agent went past the API proxy, none of them can be seen."""
    finding = findings.get("api-proxy-bypassed")
    if finding is None or case.calls:
        return None
    evidence = finding.evidence[0]
    host, packet = api_proxy_bypassed.where(evidence, case)
    does = "CONNECTs to" if evidence.exchange is None else "asks Squid for"
    statuses, is_read = api_proxy_bypassed.answers(case)
    told = ", ".join(f"{status} x{count}" for status, count in list(statuses.items())[:_STATUSES])
    inside = (f"Inside its tunnels the API answered {told}.",) if statuses else ()
    return RootCause(
        finding.code,
        explains=finding.count,
        of=finding.count,
        sentence=(
            f"The agent {does} {shortened(host, 30)} itself:"
            f" {finding.count} x ({at(packet, case)})."
        ),
        ruled_out=(),
        details=("No call came to the API proxy.", *inside),
        not_in_packets=None if is_read else "what the API answered, which is inside TLS",
        advice=finding.advice,
        evidence=finding.evidence,
    )


# -- what it is not -------------------------------------------------------------


def _denial(call: FailedCall, case: Case) -> str | None:
    if any(tunnel.refusal is not None for tunnel in call.tunnels):
        return None
    if call.tunnel is not None and peeked.is_closed_before_hello(call.tunnel):
        if peeked.of_call(call, case) in (None, "denied"):
            return None  # a Squid that peeks says 200 before it knows the server name
        return f"its log has a second line of {call.tunnel.id}"
    if call.tunnel is not None and call.tunnel.established:
        return f"Squid answered {call.tunnel.id} with 200"
    if call.answered_by == "forward-proxy" or _may_have_had_one(call, case):
        return None
    return "no CONNECT was made for it"


def _may_have_had_one(call: FailedCall, case: Case) -> bool:
    """Whether a tunnel may have been a call's although none is said to be."""
    return case.may_have_tunnel(call) or not case.not_read.is_whole


def _tls(call: FailedCall, case: Case) -> str | None:
    tunnel = call.tunnel
    if tunnel is None:
        if call.answered_by == "upstream" or _may_have_had_one(call, case):
            return None
        return "no tunnel was opened for it"
    if tunnel.refusal is not None:
        if tunnel.established:
            return f"Squid answered in {tunnel.id} before any TLS of the API's"
        return "no tunnel was established for it"
    if tunnel.tls is not None and tunnel.tls.handshake == "complete":
        return f"the handshake in {tunnel.id} is complete"
    return None


def _upstream(call: FailedCall, case: Case) -> str | None:
    if call.answered_by in ("nobody", "api-proxy") and case.came_back(call) is not None:
        return None  # the API may have answered the API proxy
    if call.answered_by == "nobody":
        return "no response byte came"
    if call.outcome == "cut" and first_to_close(call, case) == "upstream":
        return None  # it broke its own answer off
    if call.answered_by in ("api-proxy", "forward-proxy"):
        return f"the answer is the {call.answered_by}'s own"
    if (
        call.status is not None
        and call.status < 400
        and call.outcome
        not in (
            "error-event",
            "unusable",
        )
    ):
        return f"the API answered {call.status}"
    return None


def _cut(call: FailedCall, case: Case) -> str | None:
    response = call.exchange.response
    if response is None:
        return None if case.came_back(call) is not None else "there was no stream"
    return "the answer arrived whole" if response.complete else None


def _death(call: FailedCall, case: Case) -> str | None:
    connection = call.connection
    if connection is None or not case.contacts.lives_after(
        call.exchange.server.ip, opened_moment(connection)
    ):
        return None if call.exchange.response is None else "it answered"
    return _LIVES


_ALTERNATIVES: Final[
    tuple[tuple[str, frozenset[str], Callable[[FailedCall, Case], str | None]], ...]
] = (
    ("Squid denial", frozenset({"squid-denied", "squid-down"}), _denial),
    ("TLS failure", frozenset({"tls-failed-in-tunnel", "squid-down"}), _tls),
    ("upstream error", frozenset(), _upstream),
    ("cut stream", frozenset({"stream-cut", "response-cut", "client-aborted"}), _cut),
    ("death of the API proxy", frozenset({"proxy-died"}), _death),
)


def _ruled_out(code: str, call: FailedCall, case: Case) -> tuple[RuledOut, ...]:
    """Return the other plausible causes that a fact excludes."""
    told = []
    for what, codes, excluded in _ALTERNATIVES:
        if code in codes:
            continue
        if what == "upstream error" and code.startswith(("upstream-", "wrong-")):
            continue
        because = excluded(call, case)
        if because is not None:
            told.append(RuledOut(what, because))
    return tuple(told)
