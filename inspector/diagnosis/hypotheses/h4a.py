"""H4a: Squid's 200s are only tunnel establishments."""

from __future__ import annotations

from typing import Final

from inspector.diagnosis.call import FailedCall
from inspector.diagnosis.case import Case
from inspector.diagnosis.hypotheses.judgement import (
    Judgement,
    confirmed,
    not_observable,
    refuted,
)

QUESTION: Final = "Did calls fail although Squid established tunnels with 200?"
#: What its verdict rests on: where that was not read it is "not observable".
SPEAKS_ABOUT: Final = "CONNECTs of the API proxy, the answers to them, and how calls ended"


def judge(call: FailedCall, case: Case) -> Judgement:
    """Confirmed with whoever's tunnels: a 200 in Squid's log is no answer of an API."""
    tunnel = call.tunnel
    if tunnel is not None and tunnel.established:
        return confirmed("the tunnels opened with 200; the calls failed all the same")
    return of_attempts(case, call)


def of_attempts(case: Case, call: FailedCall | None = None) -> Judgement:
    """Of calls without a tunnel of their own: are there others that carry no good call?"""
    if case.connects.idle_of_others:
        opened = (
            "none opened by the API proxy" if not case.connects.proxy_established else "none for it"
        )
        return confirmed(f"{case.connects.idle_of_others} of {case.connects.established}, {opened}")
    if case.connects.idle and case.not_read.is_whole and not case.clock_set_back:
        return confirmed(
            f"{len(case.connects.idle)} of {case.connects.established} carry no good call"
        )
    if not case.not_read.is_whole:
        return not_observable("the capture is not whole: tunnels may be missing in it")
    if case.clock_set_back:
        return not_observable("the clock was set back: whose tunnels are is not known")
    if call is not None and call.outcome == "left" and not call.tunnels:
        return not_observable("what the API proxy did meanwhile was not captured")
    if call is not None and call.answered_by == "upstream":
        return not_observable("the tunnels are not in the capture")
    if call is not None and call.answered_by == "unknown" and call.status is not None:
        return not_observable("who answered is not known, nor whether through a tunnel")
    if case.connects.established:
        return refuted("every established tunnel carried a good call")
    return refuted("Squid established no tunnel")
