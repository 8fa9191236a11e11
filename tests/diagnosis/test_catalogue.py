"""The catalogue: a code has a rule, a golden capture and a page, and the names are the issue's."""

from __future__ import annotations

import pytest

from inspector.diagnosis.catalogue import CAUSES, CODES, OTHERS
from inspector.diagnosis.rules import CAUSES as CAUSE_RULES
from inspector.diagnosis.rules import RULED
from tests.diagnosis.matrix import GOLDEN, judged

#: Fixed by the issue of record.
NAMES = [
    "upstream-rejected-credential",
    "upstream-forbidden",
    "upstream-bad-request",
    "upstream-rate-limited",
    "upstream-overloaded",
    "upstream-server-error",
    "proxy-died",
    "proxy-not-listening",
    "proxy-not-configured",
    "proxy-refused",
    "squid-denied",
    "squid-cannot-connect",
    "squid-dns-failure",
    "squid-down",
    "tls-failed-in-tunnel",
    "response-cut",
    "stream-cut",
    "stream-malformed",
    "stream-stalled",
    "stream-error-event",
    "client-aborted",
    "api-proxy-bypassed",
    "wrong-auth-scheme",
    "wrong-path",
    "credential-malformed",
]


def test_causes_have_the_names_of_the_issue() -> None:
    assert sorted(entry.code for entry in CAUSES) == sorted(NAMES)


def test_every_code_has_a_rule_and_every_rule_a_code() -> None:
    assert set(CODES) == RULED
    assert len(CODES) == len(CAUSES) + len(OTHERS)


def test_rules_are_asked_from_the_origin_of_a_call_outward() -> None:
    order = [entry.code for entry in CAUSES]
    asked = [rule.code for rule in CAUSE_RULES]
    # 4xx of the API in general come after those that have a name of their own.
    general = "upstream-bad-request"

    assert [code for code in asked if code != general] == [
        code for code in order if code in asked and code != general
    ]


@pytest.mark.parametrize(
    "entry", [entry for entry in CODES.values() if entry.shown_by], ids=lambda entry: entry.code
)
def test_the_golden_capture_that_shows_a_code_has_it(entry) -> None:  # type: ignore[no-untyped-def]
    report = judged(GOLDEN / entry.shown_by).report

    assert entry.code in {finding.code for finding in report.findings}
