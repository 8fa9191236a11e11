"""A report judged by a policy: what breaks it, and what the capture cannot prove.

A capture that lacks something proves no absence: "never", "at least" and "no
such finding" become doubts instead of being kept in silence.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Final

from inspector.diagnosis.outcome import outcome_of
from inspector.diagnosis.rules import key_in_body
from inspector.errors import ExitCode, plain_parts
from inspector.fact import Fact, replace
from inspector.model.conclusions import Finding, Severity
from inspector.model.http import Exchange
from inspector.model.report import Report
from inspector.policy.checks import CHECKS
from inspector.policy.hearing import Hearing, Remark, Subject
from inspector.policy.ignoring import Ignoring
from inspector.policy.model import Expect, Ignore, Policy, Requirement, WhenNotProven, is_of
from inspector.policy.sentences import CALLS, REQUIRED, breaking, sentence_of
from inspector.report.page import words

#: Link types of captures of all interfaces of a host (LINUX_SLL, LINUX_SLL2).
_OVER_ALL: Final = frozenset({113, 276})
_NETWORKS: Final = "all of the firewall's networks"
_UNJUDGED: Final = (
    "chains, hypotheses, findings or root_cause are missing in it: an earlier version wrote it, or"
    " nobody looked for them; judge the capture itself"
)


class JudgedSentence(Fact):
    """One sentence of a policy (`sentences`), and what the run has to say to it.

    `findings` and `broken` are what is not as it demands, `doubts` what the capture cannot prove;
    what an [[ignore]] passes over is in none of them.  `fails`: the first two break the policy.
    """

    sentence: str
    findings: tuple[Finding, ...] = ()
    broken: tuple[Remark, ...] = ()
    doubts: tuple[Remark, ...] = ()
    fails: bool = True


class Judgement(Fact):
    """What a policy says of a report that has so many `calls` to an API.

    `held` is each sentence of the policy with what became of it.  `findings`, `broken` and
    `doubts` decide; `remarked` are expectations that are not kept and whose level is below the
    policy's.  `out_of_scope` counts connections of other networks, which were not judged.
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
    remarked: tuple[Remark, ...] = ()
    when_not_proven: WhenNotProven = "fail"
    held: tuple[JudgedSentence, ...] = ()

    @property
    def about_nothing(self) -> bool:
        """Whether the run had no call to an API, and nothing broke the policy all the same."""
        return not self.calls and self.verdict is not ExitCode.BROKEN

    @property
    def verdict(self) -> ExitCode:
        """`BROKEN` for a finding or a broken expectation, else `NOT_PROVEN` for a doubt."""
        if self.findings or self.broken:
            return ExitCode.BROKEN
        return ExitCode.NOT_PROVEN if self.doubts else ExitCode.DONE

    @property
    def exit_code(self) -> ExitCode:
        """The verdict, but for a doubt that the policy lets pass."""
        if self.verdict is ExitCode.NOT_PROVEN and self.when_not_proven != "fail":
            return ExitCode.DONE
        return self.verdict


def judge(report: Report, policy: Policy, today: date) -> Judgement:
    """Judge a report.  `today` decides which ignores have expired."""
    return judge_subject(Subject(report), policy, today)


def judge_subject(subject: Subject, policy: Policy, today: date) -> Judgement:
    """The same of a report that was looked at before: by another policy, say."""
    report = subject.report
    ignoring = Ignoring(subject, policy.ignore, today)
    findings = tuple(
        finding
        for finding in _weighed(report, policy)
        if is_of(finding.severity, policy.fail_on) and not ignoring.finding(finding)
    )
    held = [one for expect in policy.expect for one in _expected(subject, policy, expect, ignoring)]
    held += _of_run(subject, policy, findings)
    broken = [remark for one in held for remark in one.broken]
    doubts = dict.fromkeys(doubt for one in held if one.fails for doubt in one.doubts)
    return Judgement(
        policy=plain_parts(policy.name),
        fail_on=policy.fail_on,
        findings=findings,
        broken=tuple(remark for remark in broken if policy.fails(remark.level)),
        doubts=tuple(doubts),
        ignored=ignoring.used,
        expired=ignoring.expired,
        calls=_calls(subject),
        out_of_scope=report.completeness.out_of_scope,
        remarked=tuple(remark for remark in broken if not policy.fails(remark.level)),
        when_not_proven=policy.when_not_proven,
        held=tuple(held),
    )


def _expected(
    subject: Subject, policy: Policy, expect: Expect, ignoring: Ignoring
) -> Iterator[JudgedSentence]:
    """Each sentence of one expectation; whose the calls are, is a doubt about all of them."""
    hearing = Hearing(subject, expect)
    unknown = tuple(hearing.doubts)
    for check in CHECKS:
        wanted = check.wanted(expect)
        if wanted is None:
            continue
        broken, doubts = len(hearing.broken), len(hearing.doubts)
        check.hold(hearing, wanted)
        yield JudgedSentence(
            sentence_of(expect, wanted, policy),
            broken=tuple(each for each in hearing.broken[broken:] if not ignoring.remark(each)),
            doubts=(*unknown, *hearing.doubts[doubts:]),
            fails=policy.fails(expect.level),
        )


def _of_run(
    subject: Subject, policy: Policy, findings: tuple[Finding, ...]
) -> Iterator[JudgedSentence]:
    """What is demanded of the run as a whole, its findings last."""
    for required in policy.require:
        lacking = _lacking(subject, required)
        remark = Remark("any", f"a run with {_REQUIRED[required]}", lacking or "")
        yield JudgedSentence(REQUIRED[required], broken=() if lacking is None else (remark,))
    if policy.require_calls:
        found = "none" if subject.whole else f"none; {subject.lacking}"
        missing = () if _calls(subject) else (Remark("any", "a call to an API", found),)
        is_proven = subject.whole
        yield JudgedSentence(
            CALLS,
            broken=missing if is_proven else (),
            doubts=() if is_proven else missing,
        )
    for sentence, wanted, why in _unproven(subject):
        yield JudgedSentence(sentence, doubts=() if why is None else (Remark("any", wanted, why),))
    if policy.fail_on is not None:
        wanted = f"no finding of level {policy.fail_on} or above"
        unfound = _unfound(subject, policy.fail_on)
        doubts = tuple(Remark("any", wanted, why, where) for why, where in unfound)
        yield JudgedSentence(breaking(policy), findings=findings, doubts=doubts)


def _unfound(subject: Subject, level: Severity) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Why a finding may be there that nobody could make, and where."""
    if not subject.whole:
        yield subject.lacking, ()
    elif (unread := subject.unread.of(lambda connection: True)) is not None:
        yield unread.because, unread.where
    calls = [call.id for call in subject.view.page.calls if outcome_of(call) == "unread"]
    if calls:
        what = words.count(len(calls), "call")
        yield f"the answer to {what} is in no form that is read here", tuple(calls)
    if is_of(key_in_body.ABOUT.severity, level):
        hidden = [call.id for call in subject.view.page.calls if _may_hide_key(call)]
        if hidden:
            what = words.count(len(hidden), "request")
            yield f"the body of {what} was not searched for a key", tuple(hidden)


def _may_hide_key(call: Exchange) -> bool:
    """Whether the body of a request is there, and nobody could search it."""
    request = call.request
    if request is None or not request.complete or not request.body_bytes:
        return False
    return request.key_in_body is None and not request.body_searched


def _weighed(report: Report, policy: Policy) -> Iterator[Finding]:
    """The findings, as bad as the policy says."""
    for finding in report.findings:
        severity = policy.severity.get(finding.code, finding.severity)
        if severity != "never":
            yield replace(finding, severity=severity)


def _calls(subject: Subject) -> int:
    codes = {finding.code for finding in subject.report.findings}
    return 0 if "no-api-call" in codes else len(subject.view.page.calls)


_REQUIRED: Final[dict[Requirement, str]] = {
    "complete": "a complete capture",
    "logs": "the proxies' logs beside it",
    "processes": "the process of each call, as a live capture knows it",
}


def _lacking(subject: Subject, required: Requirement) -> str | None:
    report = subject.report
    match required:
        case "complete":
            return None if subject.whole else subject.lacking
        case "logs":
            return None if report.witnesses is not None else "no log was read"
        case "processes":
            without = sum(
                connection is None or connection.client_process is None
                for connection in (
                    subject.connections.get(call.connection) for call in subject.view.page.calls
                )
            )
            return f"{words.count(without, 'call')} of an unknown process" if without else None


def _unproven(subject: Subject) -> Iterator[tuple[str, str, str | None]]:
    """What a report must be for any policy: sentence, what is expected, why it is not proven."""
    report = subject.report
    unjudged = None if report.hypotheses else _UNJUDGED
    yield "The report must hold conclusions.", "a report that was judged", unjudged
    elsewhere = _not_judged(report)
    why = None if elsewhere is None else f"{elsewhere}; see --scope all"
    yield "The capture must hold all of the firewall's networks.", _NETWORKS, why


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
