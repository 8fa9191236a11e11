"""H2: two credentials in one request get in each other's way."""

from __future__ import annotations

from typing import Final

from inspector.diagnosis.call import FailedCall
from inspector.diagnosis.case import Case
from inspector.diagnosis.hypotheses.judgement import (
    Judgement,
    confirmed,
    not_observable,
    nothing_was_sent,
    refuted,
)

QUESTION: Final = "Do two differing placeholders explain a failure?"
#: What its verdict rests on: where that was not read it is "not observable".
SPEAKS_ABOUT: Final = "the credentials of a request on the agents' hop"
of_attempts = nothing_was_sent


def judge(call: FailedCall, case: Case) -> Judgement:
    """Refuted unless two credentials differ and the API judged one of that kind.

    Even then only what arrived inside the tunnel can confirm it: the API proxy takes both off
    and writes its own (measured: two that differ break nothing).
    """
    request = call.exchange.request
    auth = () if request is None else request.auth
    if request is None or (not auth and not request.complete):
        return not_observable("the request's head is not whole")
    if len({item.credential.fingerprint for item in auth}) < 2:
        return refuted("no failed call carried two that differ")
    if call.answered_by != "upstream":
        return refuted("they differ, but no API judged them")
    if call.outcome != "status" or call.status != 401:
        return refuted("they differ; the answer is not about them")
    inner = None if call.inner is None else call.inner.request
    if inner is not None and inner.complete:
        sent = {item.credential.fingerprint for item in auth}
        reached = [item for item in inner.auth if item.credential.fingerprint in sent]
        if len(reached) > 1:
            return confirmed(f"{len(reached)} of the client's reached the API")
        if not reached:
            return refuted("they differ; neither reached the API")
    if "bearer" in call.message or not call.is_read:
        return not_observable("whose Authorization was judged needs keys")
    return refuted("they differ; the API judged the API proxy's key")
