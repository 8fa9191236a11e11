"""Diagnosis: findings, the root cause and the five hypotheses, each with where to look.

`diagnose(case)` asks every rule of `rules/` and every hypothesis of `hypotheses/` about one
`Case`.  Nothing here reads packets: a conclusion rests on facts, and names them.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator, Mapping
from typing import TypeAlias, get_args

from inspector.diagnosis.aside import Aside
from inspector.diagnosis.attempts import classify
from inspector.diagnosis.call import FailedCall
from inspector.diagnosis.case import Case as Case
from inspector.diagnosis.catalogue import CODES
from inspector.diagnosis.hypotheses import Trial
from inspector.diagnosis.index import closed_moment, opened_moment
from inspector.diagnosis.outcome import HIDING
from inspector.diagnosis.root_cause import Explained, Foreign, root_cause
from inspector.diagnosis.rule import Concern, Match, Tally, of_call, of_connection
from inspector.diagnosis.rules import (
    CAUSES,
    NOTICES,
    OF_ATTEMPTS,
    OF_CALLS,
    OF_EXCHANGES,
    OF_FOREIGN,
    OF_HELD,
    OF_RECOVERED,
    OF_TUNNELS,
    OF_UNEXPLAINED,
    proxy_died,
)
from inspector.exchanges.calls import is_upstream
from inspector.fact import Fact, replace
from inspector.model.conclusions import SEVERITIES, Finding, Hypothesis, RootCause
from inspector.model.http import Exchange
from inspector.model.ids import ExchangeId, exchange_id, number_of
from inspector.wire import Moment


class Diagnosis(Fact):
    """What follows from a case.  Findings are in order of severity, then of the catalogue."""

    findings: tuple[Finding, ...]
    hypotheses: tuple[Hypothesis, ...]
    root_cause: RootCause | None
    #: Failed calls that were made good, and by which call.
    recovered: Mapping[ExchangeId, ExchangeId]


_Asked: TypeAlias = tuple[str, Callable[[Exchange, Case], Match | None]]


class OneWalk:
    """Takes every exchange once, in order: for the case, and for the rules that speak of each."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.tallies: dict[str, Tally] = {}
        #: Numbers of those that some rule is to be asked of when all were seen.
        self.held: array[int] = array("q")
        self._rules: dict[Concern, list[_Asked]] = {subject: [] for subject in get_args(Concern)}
        for rule in OF_EXCHANGES:
            self._rules[rule.of].append((rule.code, rule.match))
        self._concerns = [rule.concerns for rule in OF_HELD]

    def see(self, exchange: Exchange) -> None:
        """Take the next exchange, for the case too."""
        self.case.see(exchange)
        self.ask(exchange)

    def ask(self, exchange: Exchange) -> None:
        """Ask what is found in exchanges of the next one."""
        case = self.case
        if is_upstream(exchange, case.api_proxies):
            return
        for code, match in self._asked(exchange):
            found = match(exchange, case)
            if found is not None:  # hardly ever: so nothing else is done for each exchange
                self.note(code, found)
        for concerns in self._concerns:
            if concerns(exchange, case):
                self.held.append(number_of(exchange.id))
                break

    def _asked(self, exchange: Exchange) -> list[_Asked]:
        """The rules that may find something in an exchange."""
        rules, response = self._rules, exchange.response
        asked = rules["any"]
        if response is not None and response.stream is not None:
            asked = asked + rules["stream"]
        if response is not None and response.status >= 400:
            asked = asked + rules["error"]
        if exchange.ended_by in HIDING:
            asked = asked + rules["unheard"]
        if exchange.server.ip in self.case.forward_proxies:
            asked = asked + rules["at forward proxy"]
        if exchange.relays is not None:
            asked = asked + rules["second leg"]
        return asked

    def note(self, code: str, match: Match | None) -> None:
        """What a rule has found, if it has."""
        if match is not None:
            self.tallies.setdefault(code, Tally()).add(match)


def diagnose(case: Case, walk: OneWalk | None = None) -> Diagnosis:
    """Apply every rule and hypothesis to a case, in one pass over each long list.

    `walk` has taken all its exchanges; without one they are walked through again.
    """
    if walk is None:
        walk = OneWalk(case)
        for exchange in case.exchanges:
            walk.ask(exchange)
    note, tallies = walk.note, walk.tallies
    explained: dict[str, Explained] = {}
    unexplained = 0
    died: dict[str, Moment] = {}
    trial, aside = Trial(), Aside()
    for call in _with_those_held(walk):
        trial.judge(call, case)
        for of_calls in OF_CALLS:
            note(of_calls.code, of_calls.match(call, case))
        earlier = aside.cause(call)
        cause = earlier or next((cause for cause in CAUSES if cause.explains(call, case)), None)
        if cause is None:
            unexplained += 1
            for of_unexplained in OF_UNEXPLAINED:
                note(of_unexplained.code, of_unexplained.match(call, case))
            continue
        found = explained.setdefault(cause.code, Explained(cause))
        found.tally.add(Match(of_call(call)))
        (found.groups if earlier is None else found.meanwhile).add(call)
        aside.note(call, cause)
        if cause.code == proxy_died.CAUSE.code and call.connection is not None:
            died.setdefault(
                call.exchange.server.ip,
                closed_moment(call.connection) or opened_moment(call.connection),
            )
    foreign: dict[str, Foreign] = {}
    for connection in case.foreign_connections():
        of_foreign = next((rule for rule in OF_FOREIGN if rule.explains(connection, case)), None)
        if of_foreign is not None:
            about = foreign.setdefault(of_foreign.code, Foreign(of_foreign, connection))
            about.tally.add(Match(of_connection(connection), of_foreign.severity))
    for call in case.recovered_calls():
        trial.judge(call, case)
        for of_recovered in OF_RECOVERED:
            note(of_recovered.code, of_recovered.match(call, case))
    attempts = classify(case, died)
    # A cause says more than a notice with the same code; what never became a call adds to it.
    tallies |= {code: found.tally for code, found in foreign.items()}
    tallies |= {code: found.tally for code, found in explained.items()}
    for tunnel in case.tunnels:
        for of_tunnels in OF_TUNNELS:
            note(of_tunnels.code, of_tunnels.match(tunnel, case))
    for of_attempts in OF_ATTEMPTS:
        for match in of_attempts.find(attempts):
            note(of_attempts.code, match)
    for notice in NOTICES:
        for match in notice.find(case):
            note(notice.code, match)
    findings = {
        code: tallies[code].finding(about) for code, about in CODES.items() if code in tallies
    }
    for code, found in explained.items():
        if found.cause.advice is not None:
            advice = found.cause.advises(found.groups.heaviest_first()[0].first, case)
            findings[code] = replace(findings[code], advice=advice)
    return Diagnosis(
        tuple(sorted(findings.values(), key=lambda item: SEVERITIES.index(item.severity))),
        trial.verdicts(case, len(attempts.refused) + len(case.connects.barred)),
        root_cause(case, explained, unexplained, attempts, findings, foreign),
        {exchange_id(number): exchange_id(by) for number, by in case.recovered.items()},
    )


def _with_those_held(walk: OneWalk) -> Iterator[FailedCall]:
    """The failed calls in their order, while rules are asked of what was held back for them.

    No finding of exchanges is one of calls that have no cause, so that neither waits for the other.
    """
    case = walk.case
    failed = iter(case.failed)
    number = next(failed, None)
    for held in walk.held:
        # While it is unpacked, and those near it.
        while number is not None and number < held:
            yield case.call(number)
            number = next(failed, None)
        exchange = case.exchanges.get(exchange_id(held))
        assert exchange is not None
        for rule in OF_HELD:
            walk.note(rule.code, rule.match(exchange, case))
    while number is not None:
        yield case.call(number)
        number = next(failed, None)
