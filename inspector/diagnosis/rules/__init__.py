"""The rules, one module a finding; `ORDER` and `OTHERS` list them.

A module is named like its finding and holds `ABOUT`, the `Code` of the finding, and the rules
that make it.  To add a finding, add its module, one line to `ORDER` or `OTHERS`, and its
tests in tests/diagnosis/rules/.
"""

from __future__ import annotations

from importlib import import_module
from typing import Final, TypeVar

from inspector.diagnosis.rule import (
    Cause,
    Code,
    Notice,
    OfAttempts,
    OfCall,
    OfExchange,
    OfForeign,
    OfHeld,
    OfRecovered,
    OfTunnel,
    OfUnexplained,
    Rule,
)

#: The findings that can be a root cause, from the origin of a call outward and back.  The first
#: that explains a failed call is its cause; of those that explain equally many calls, the first
#: heads the report.
ORDER: Final[tuple[str, ...]] = (
    "api-proxy-bypassed",
    "credential-malformed",
    "request-malformed",
    "redirected",
    "wrong-path",
    "wrong-protocol",
    "h2c-refused",
    "stale-connection",
    "request-not-acknowledged",
    "proxy-died",
    "proxy-not-listening",
    "proxy-not-configured",
    "tls-expected",
    "squid-down",
    "squid-silent",
    "squid-denied",
    "squid-auth-required",
    "parent-proxy-refused",
    "squid-dns-failure",
    "squid-cannot-forward",
    "squid-cannot-connect",
    "tls-failed-in-tunnel",
    "gateway-timeout",
    "gateway-cannot-connect",
    "edge-refused",
    "wrong-target",
    "client-header-rejected",
    "clock-skew",
    "credential-not-received",
    "credential-in-wrong-header",
    "wrong-auth-scheme",
    "credential-expired",
    "model-not-found",
    "model-refused",
    "answer-unusable",
    "proxy-refused",
    "upstream-rejected-credential",
    "upstream-forbidden",
    "upstream-bad-request",
    "upstream-rate-limited",
    "upstream-overloaded",
    "upstream-server-error",
    "connection-reset",
    "stream-error-event",
    "stream-malformed",
    "stream-stalled",
    "stream-cut",
    "response-cut",
    "client-aborted",
    "call-unanswered",
)

#: The findings that never head a report, in the order in which reports list them.
OTHERS: Final[tuple[str, ...]] = (
    "call-failed",
    "api-proxy-unreachable",
    "real-key-on-agent-hop",
    "call-recovered",
    "websocket-refused",
    "key-in-body",
    "no-auth-header",
    "squid-page-relayed",
    "retry-storm",
    "anthropic-beta-retired",
    "anthropic-version-unusual",
    "credentials-differ",
    "call-through-squid",
    "plain-http-in-connect",
    "stream-buffered",
    "sni-mismatch",
    "tunnel-without-data",
    "origin-form-at-squid",
    "agent-bypasses-squid",
    "api-proxy-bypasses-squid",
    "side-traffic-denied",
    "no-api-call",
    "client-left-after-end",
    "capture-incomplete",
    "log-tunnel-empty",
    "log-status-differs",
    "log-without-packets",
)


def _found(code: str) -> tuple[Code, tuple[Rule, ...]]:
    """What the module of a finding holds: what it is, and the rules that make it."""
    members = vars(import_module(f"{__name__}.{code.replace('-', '_')}"))
    about = members["ABOUT"]
    # Modules may use each other's conditions: only what is about its own finding counts.
    mine = (item for item in members.values() if isinstance(item, Rule))
    return about, tuple(rule for rule in mine if rule.about is about)


_FOUND: Final = tuple(map(_found, (*ORDER, *OTHERS)))

#: Every finding, by name.
ABOUT: Final[dict[str, Code]] = {about.code: about for about, _ in _FOUND}

#: Every rule.  Rules of one finding stand together.
RULES: Final[tuple[Rule, ...]] = tuple(rule for _, rules in _FOUND for rule in rules)

_Kind = TypeVar("_Kind", bound=Rule)


def _of_kind(kind: type[_Kind]) -> tuple[_Kind, ...]:
    return tuple(rule for rule in RULES if isinstance(rule, kind))


#: A failed call has the first of these that explains it: the nearest to its origin.
CAUSES: Final = _of_kind(Cause)

#: Asked about every failed call, in the one pass over them.
OF_CALLS: Final = _of_kind(OfCall)

#: A connection on which no call was read has the first of these that explains it.
OF_FOREIGN: Final = _of_kind(OfForeign)

#: Asked about every failed call that was made good.
OF_RECOVERED: Final = _of_kind(OfRecovered)

#: Asked about every failed call that none of the causes explains.
OF_UNEXPLAINED: Final = _of_kind(OfUnexplained)

#: Asked about every exchange, in the one pass over them.
OF_EXCHANGES: Final = _of_kind(OfExchange)

#: Asked about the exchanges that they concern, once all were seen.
OF_HELD: Final = _of_kind(OfHeld)

#: Asked about every tunnel, in the one pass over them.
OF_TUNNELS: Final = _of_kind(OfTunnel)

#: Asked about the connection attempts, once they are classified.
OF_ATTEMPTS: Final = _of_kind(OfAttempts)

#: Asked about the case.
NOTICES: Final = _of_kind(Notice)
