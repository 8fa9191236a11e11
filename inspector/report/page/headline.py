"""The first sentences of a page: why calls failed, or that none did, or that none was seen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

from inspector.chain.answerer import answered_by
from inspector.diagnosis.outcome import SUCCEEDED
from inspector.exchanges.clients import status_of
from inspector.fact import Fact, replace
from inspector.model.conclusions import AnsweredBy, CauseGroup, Evidence, RootCause
from inspector.model.http import Exchange
from inspector.model.report import Report
from inspector.report.page import grouping, words
from inspector.report.page.absent import absent_roles
from inspector.report.page.escape import clipped
from inspector.report.page.verdicts import FindingRow, finding_rows
from inspector.report.page.view import View

#: Longest sentence of a conclusion that is shown, in characters.
SENTENCE: Final = 600

#: Kinds of failure told in the first block.
_GROUPS: Final = 3
_ANSWERERS: Final[Mapping[AnsweredBy, str]] = {
    "upstream": "The API",
    "api-proxy": "The API proxy itself",
    "forward-proxy": "Squid",
    "nobody": "Nobody",
    "unknown": "Somebody unknown",
}
_BYPASSED: Final = "api-proxy-bypassed"
_OPENED: Final = ((True, "opened a tunnel"), (False, "refused"), (None, "not known"))


class Headline(Fact):
    """What a reader wants first, in escaped text.

    `code` and `explains` are those of the root cause, null and empty without
    one.  `remarks` are pairs of a short label and what it says.
    """

    sentence: str
    code: str | None = None
    explains: str = ""
    details: tuple[str, ...] = ()
    remarks: tuple[tuple[str, str], ...] = ()


def headline(view: View) -> Headline:
    """The first block of the page."""
    cause = view.report.root_cause
    if cause is not None:
        told_first = _cause(view, cause)
        return replace(told_first, details=(*absent_roles(view), *told_first.details))
    if nothing := nothing_captured(view.report):
        return Headline(clipped(nothing, SENTENCE))
    failed = _failed_alike(view)
    told = tuple(_what_happened(view, group) for group in failed[:_GROUPS])
    if len(failed) > _GROUPS:
        told += (f"{len(failed) - _GROUPS} more kinds of failure are under FAILED OR CUT.",)
    worst = _worst(view)
    said, remarks = "", []
    if worst is not None:
        where = f" ({worst.where})" if worst.where else ""
        said = f"{worst.severity.capitalize()}: {worst.title}{where}."
        if worst.advice:
            remarks.append(("Next", worst.advice.rstrip(".")))
        evidence = [f.evidence for f in view.report.findings if f.code == worst.code]
        remarks.append(("More", ", ".join(_commands(view, worst.code, *evidence[:1]))))
    parts = (*absent_roles(view), said, counts(view), _nothing_failed(view))
    return Headline(" ".join(filter(None, parts)), details=told, remarks=tuple(remarks))


def _worst(view: View) -> FindingRow | None:
    """The gravest finding, where no cause of failed calls is before it."""
    rows = finding_rows(view, "warning")
    return next((row for row in rows if row.code not in _TOLD), None)


def _commands(view: View, code: str, evidence: Sequence[Evidence] = ()) -> list[str]:
    """What says more of a finding, and shows the first call or tunnel that it is about."""
    shown = (
        view.call(each.exchange) if each.exchange is not None else each.tunnel or each.connection
        for each in evidence
    )
    first = next(filter(None, shown), None)
    return [
        f"inspector explain {code}",
        *([] if first is None else [f"inspector show FILE {clipped(first, 20)}"]),
    ]


#: Findings that the sentences after it tell in full.
_TOLD: Final = frozenset({"call-failed"})


def nothing_captured(report: Report) -> str:
    """The sentence for a capture without a packet, with the reason; empty for any other report."""
    held = report.completeness
    if held.packets or not held.because or not report.captures:
        return ""
    return f"Nothing was captured: {held.because[0]}."


def counts(view: View) -> str:
    """How many calls got which answer, and how many CONNECTs opened a tunnel.

    The two are never added: a CONNECT's 200 answers no call.
    """
    report = view.report
    made = [call for call in view.page.calls if call.request is not None]
    answers = Counter(map(status_of, made))
    text = words.count(len(made), "call") if made else _no_call(view)
    if made:
        text += ": " + words.answers(answers, words.FEW)
        text += words.although(sum(_is_spoilt(view, call) for call in made))
    if report.tunnels:
        opened = Counter(tunnel.established for tunnel in report.tunnels)
        told = [f"{opened[known]:,} {what}" for known, what in _OPENED if opened[known]]
        text += f". {words.count(len(report.tunnels), 'CONNECT')}: {', '.join(told)}"
    return f"{text}."


def _is_spoilt(view: View, call: Exchange) -> bool:
    """Whether a call failed although its status is one of success."""
    status = 0 if call.response is None else call.response.status
    return status < 400 and call.response is not None and view.outcome(call) not in SUCCEEDED


def _no_call(view: View) -> str:
    """What was seen in a call's place at the API proxy's ports."""
    foreign: Counter[str] = Counter()
    refused = 0
    for connection in view.report.connections:
        client, server = view.role(connection.client.ip), view.role(connection.server.ip)
        if server != "api-proxy" or client == "api-proxy":
            continue
        if connection.bytes_up and connection.protocol in _FOREIGN:
            foreign[_FOREIGN[connection.protocol]] += 1
        refused += connection.outcome in ("refused", "unreachable")
    if foreign:
        told = ", ".join(f"{what} on {words.count(n, 'connection')}" for what, n in foreign.items())
        return f"No call could be read at the API proxy's ports: {told}"
    if refused:
        return f"No call was made: {words.count(refused, 'connection')} to the API proxy refused"
    return "No call to an API was seen"


_FOREIGN: Final[Mapping[str, str]] = {
    "tls": "TLS",
    "h2": "HTTP/2",
    "unknown": "an unknown protocol",
}


def _nothing_failed(view: View) -> str:
    """What can be said without a root cause: of calls at the API proxy, and of others."""
    calls = view.page.calls
    if not calls or not view.report.hypotheses:
        return ""  # there is nothing, or nobody looked for a cause
    recovered = sum(call.recovered_by is not None for call in calls)
    outcomes = [
        (view.outcome(call), view.at_api_proxy(call)) for call in calls if call.recovered_by is None
    ]
    failed = [at_proxy for outcome, at_proxy in outcomes if outcome not in SUCCEEDED]
    unasked = sum(_is_unasked(call) for call in calls)
    idle = sum(_is_of_idle_connection(call) for call in calls)
    unknown = sum(outcome == "unknown" for outcome, _ in outcomes) - unasked - idle
    foreign = sum(call.ended_by == "unread" for call in calls if call.recovered_by is None)
    upgraded = sum(_is_upgraded(call) and view.outcome(call) == "unread" for call in calls)
    unread = sum(outcome == "unread" for outcome, _ in outcomes) - foreign - upgraded
    told = []
    if recovered:
        told.append(f"{recovered} failed at first and {_was(recovered)} made good by a later call.")
    if any(failed):
        told.append(f"{sum(failed)} failed, of no cause that can be proven.")
    elif failed:
        told.append(f"No call to the API proxy failed, {len(failed)} elsewhere did.")
    if unasked:
        which = "1 answer is" if unasked == 1 else f"{unasked:,} answers are"
        told.append(f"What {which} to is not in the capture.")
    if unknown:
        told.append(f"How {unknown} ended is not in the capture.")
    if foreign:
        told.append(f"What {foreign} got in answer is no HTTP, and was not read.")
    if upgraded:
        told.append(f"What {upgraded} carried after the change of protocol was not read.")
    if unread:
        told.append(f"What {unread} got in answer is in no form that is read here.")
    if told:
        return " ".join(told)
    whole = view.report.completeness.verdict == "complete"
    return "None failed." if whole else "None failed in what was captured."


def _is_upgraded(call: Exchange) -> bool:
    """Whether a call went on in another protocol."""
    response = call.response
    return response is not None and response.status == 101 and call.ended_by != "unread"


def _was(count: int) -> str:
    return "was" if count == 1 else "were"


def _is_of_idle_connection(call: Exchange) -> bool:
    """Whether it is the 408 that Node sends to a connection on which nothing was asked."""
    response = call.response
    return call.request is None and response is not None and response.status == 408


def _is_unasked(call: Exchange) -> bool:
    """Whether an answer is there from its first byte to its last, and its request is not."""
    if call.request is not None or _is_of_idle_connection(call):
        return False
    return call.response is not None and call.response.complete


def _failed_alike(view: View) -> tuple[tuple[Exchange, ...], ...]:
    """The failed calls at the API proxy, grouped by what became of them."""
    if not view.report.hypotheses:
        return ()  # nobody looked for a cause
    return grouping.groups(
        (
            call
            for call in view.page.calls
            if view.outcome(call) not in SUCCEEDED
            and call.recovered_by is None
            and view.at_api_proxy(call)
        ),
        lambda call: (_answerer(view, call), grouping.status(call), grouping.failure(call)),
    )


def _answerer(view: View, call: Exchange) -> AnsweredBy:
    if call.response is None:
        return "nobody"
    told = view.answered.get(call.id)
    return told[-1] if told else answered_by(call.response)


def _what_happened(view: View, group: tuple[Exchange, ...]) -> str:
    """One sentence for calls that failed alike: who answered what, in the answer's own words."""
    first, calls = group[0], words.count(len(group), "call")
    which = f"{calls} ({words.some([call.id for call in group])})"
    said = grouping.failure(first)
    who = _ANSWERERS[_answerer(view, first)]
    if first.response is None:
        return f"{who} answered {which}: {said.removeprefix('no answer: ')}."
    return f"{who} answered {first.response.status} to {which}: {said or 'it cannot be read'}."


def _code(group: CauseGroup, cause: RootCause) -> str:
    """The code of a group that another cause explains, in brackets."""
    return "" if group.code == cause.code else f"[{clipped(group.code, words.CELL)}]"


def _explains(cause: RootCause) -> str:
    """How much it explains; whether calls past the API proxy failed is inside TLS."""
    if cause.code == _BYPASSED:
        return f"{words.count(cause.of, 'way')} past the API proxy, and no call to it"
    return f"explains {cause.explains} of {words.count(cause.of, 'failed call')}"


def _cause(view: View, cause: RootCause) -> Headline:
    remarks = []
    if cause.not_in_packets:
        remarks.append(("Not in the packets", clipped(cause.not_in_packets, SENTENCE)))
    code = clipped(cause.code, words.CELL)
    if advice := clipped(cause.advice, SENTENCE):
        remarks.append(("Next", advice.rstrip(".")))
    remarks += [("Also", f"{clipped(other.sentence, SENTENCE)} {_code(other, cause)}".strip())
                for other in cause.others[:_GROUPS]]  # fmt: skip
    if cause.ruled_out:
        remarks.append(("Ruled out", ", ".join(clipped(r.what, 80) for r in cause.ruled_out)))
    remarks.append(("More", ", ".join(_commands(view, code, cause.evidence))))
    return Headline(
        sentence=clipped(cause.sentence, SENTENCE),
        code=code,
        explains=_explains(cause),
        details=tuple(clipped(detail, SENTENCE) for detail in cause.details),
        remarks=tuple(remarks),
    )
