"""What is taken out of a healthy capture turns exactly the claims that speak about it.

Each of the named removals (`removals.py`) turns the rows that stand beside it here, hypotheses to
"not observable" and expectations to "not proven", and no other; none is ever turned to the worse.
"""

from __future__ import annotations

from typing import Any, Final

import pytest

from inspector.model.report import Report
from tests.diagnosis.degraded import frames, report_of
from tests.diagnosis.matrix import GOLDEN, HYPOTHESES
from tests.diagnosis.removals import REMOVALS, without
from tests.policy.checks.holding import KEPT, NOT_PROVEN, held

#: Expectations that a healthy capture keeps, each of another claim of docs/claims.md.
ASKED: Final[dict[str, dict[str, Any]]] = {
    "placeholder_only": {"placeholder_only": True},
    "statuses": {"statuses": ("200",)},
    "max_calls": {"max_calls": 50},
    "min_calls": {"min_calls": 1},
    "hosts": {"hosts": ("api.anthropic.com:443", "api.openai.com:443")},
    "direct_connect": {"direct_connect": False},
}

#: A call may be in what is missing: all that speaks about calls, and where they led.
_CALLS: Final = (*HYPOTHESES, "placeholder_only", "statuses", "max_calls", "hosts")
#: It is missing of a tunnel alone: where that led.
_TUNNELS: Final = ("hosts",)
#: Whoever is left says as much as before; a connection without a packet is not known of, except by
#: a log beside the capture.
_NOTHING: Final = ()

TABLE: Final[dict[str, tuple[str, ...]]] = {
    "a request": _CALLS,
    "an answer": _CALLS,
    "all requests": (*_CALLS, "min_calls"),
    "all answers": _CALLS,
    "the SYN of a call": _NOTHING,
    "the SYN-ACK of a call": _CALLS,
    "the FINs of the agent": _NOTHING,
    "what the agent sent": (*_CALLS, "min_calls"),
    "what the API proxy sent to the agent": _CALLS,
    "a call's connection": _NOTHING,
    "a CONNECT": _TUNNELS,
    "the reply to a CONNECT": _TUNNELS,
    "the SYN of a tunnel": _NOTHING,
    "a ClientHello": _TUNNELS,
    "a ServerHello": _TUNNELS,
    "a record of data": _TUNNELS,
    "what Squid sent": _TUNNELS,
    "what the API proxy sent to Squid": _TUNNELS,
    "a tunnel's connection": _NOTHING,
    "the first third": _CALLS,
    "the last third": _CALLS,
}


def turned(report: Report) -> tuple[set[str], set[str]]:
    """The claims that are not made any more, and those that are made wrongly."""
    verdicts = {item.id: item.verdict for item in report.hypotheses}
    gone: set[str] = {name for name, verdict in verdicts.items() if verdict != "refuted"}
    wrong: set[str] = {name for name, verdict in verdicts.items() if verdict == "confirmed"}
    for name, asked in ASKED.items():
        code = held(report, **asked).exit_code
        if code is not KEPT:
            gone.add(name)
        if code not in (KEPT, NOT_PROVEN):
            wrong.add(name)
    return gone, wrong


def test_there_are_at_least_twenty_named_removals_each_with_its_row() -> None:
    assert TABLE.keys() == REMOVALS.keys()
    assert len(TABLE) >= 20


@pytest.mark.parametrize("golden", ["healthy-json", "healthy-sse"])
def test_a_healthy_capture_keeps_everything(golden: str) -> None:
    assert turned(report_of(frames(GOLDEN / golden))) == (set(), set())


@pytest.mark.parametrize("golden", ["healthy-json", "healthy-sse"])
@pytest.mark.parametrize("name", TABLE)
def test_a_removal_turns_exactly_its_rows(name: str, golden: str) -> None:
    report = report_of(without(name, golden))

    assert report.root_cause is None
    gone, wrong = turned(report)
    assert wrong == set()
    assert gone == set(TABLE[name])
