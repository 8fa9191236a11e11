"""H4b: the API's answer inside the tunnel is an error."""

from __future__ import annotations

from typing import Final

from inspector.diagnosis.answers import is_put_aside
from inspector.diagnosis.call import FailedCall
from inspector.diagnosis.case import Case
from inspector.diagnosis.hypotheses.judgement import (
    Judgement,
    confirmed,
    not_observable,
    nothing_was_sent,
    refuted,
)
from inspector.diagnosis.rules import edge_refused
from inspector.diagnosis.usable import unusable

QUESTION: Final = "Did the API itself answer with an error?"
#: What its verdict rests on: where that was not read it is "not observable".
SPEAKS_ABOUT: Final = (
    "answers on the agents' hop, and whether a tunnel brought them; inside TLS with keys alone"
)
of_attempts = nothing_was_sent

_NOT_THE_API: Final = {
    "api-proxy": "the error is the API proxy's own",
    "forward-proxy": "the error page is Squid's",
    "nobody": "nobody answered",
}


def judge(call: FailedCall, case: Case) -> Judgement:
    """Told from the answer's headers and body."""
    answer = None if call.inner is None else call.inner.response
    is_edges = call.outcome == "status" and edge_refused.explains(call, case)
    if answer is not None and answer.status >= 400 and not is_edges:
        return confirmed(f"the API answered {answer.status} inside the tunnel")
    if call.outcome == "error-event":
        return confirmed("an event of the stream is the API's error")
    if call.outcome == "status":
        if is_edges:
            return refuted("a network in front of the API answered, not the API")
        if call.answered_by == "upstream":
            return confirmed(f"the API answered {call.status}")
        if call.answered_by == "unknown":
            return not_observable("who wrote the error cannot be told; keys would")
        if is_put_aside(call):
            return not_observable("the gateway refused it for a call that had failed before")
        if call.answered_by == "api-proxy" and (tunnel := case.came_back(call)) is not None:
            # A gateway may write its own error in place of the API's.
            return not_observable(f"what came back through {tunnel.id} needs keys")
        return refuted(_NOT_THE_API[call.answered_by])
    if call.outcome == "unusable" and unusable(call.exchange) == "error":
        if call.answered_by == "upstream":
            return confirmed(f"the API's {call.status} holds an error")
        return not_observable("who wrote the error in the answer cannot be told")
    if call.outcome == "unusable":
        return refuted("no error of the API's came, and no answer either")
    if call.outcome == "redirected":
        return refuted(f"{call.status} sends the call elsewhere; it is no error")
    if call.answered_by == "nobody":
        return _of_no_answer(call, case)
    return refuted("the API answered with success")


def _of_no_answer(call: FailedCall, case: Case) -> Judgement:
    """Of a call whose client got no byte: an answer may have come as far as the API proxy."""
    answer = None if call.inner is None else call.inner.response
    if case.not_read.is_lossy:
        return not_observable("packets are missing, perhaps including its answer")
    if answer is not None:
        return refuted(f"the API answered {answer.status} inside the tunnel")
    if (tunnel := case.came_back(call)) is not None:
        return not_observable(f"what came back through {tunnel.id} needs keys")
    return refuted(f"nobody answered {call.exchange.id}")
