"""H1: the client's headers, path or version are not what the API wants."""

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
from inspector.diagnosis.rules import (
    client_header_rejected,
    clock_skew,
    credential_not_received,
    edge_refused,
    wrong_auth_scheme,
    wrong_path,
)
from inspector.diagnosis.usable import is_untold_error

QUESTION: Final = "Does the client's auth header, path or version explain a failure?"
#: What its verdict rests on: where that was not read it is "not observable".
SPEAKS_ABOUT: Final = "requests on the agents' hop, and the answers to them"
of_attempts = nothing_was_sent

#: Headers of the client's own that go through the API proxy unchanged.
_STEERING: Final = ("anthropic-version", "anthropic-beta", "x-github-api-version")


def judge(call: FailedCall, case: Case) -> Judgement:
    """Confirmed only where the API's answer is about something that the client chose.

    A credential is not: the API proxy replaces it, so a 401 is about the API proxy's own.
    """
    if call.answered_by == "nobody":
        return _of_no_answer(call, case)
    if call.answered_by == "unknown":
        return not_observable("who answered cannot be told; keys would show it")
    if call.answered_by != "upstream" and _may_have_arrived(call, case):
        return not_observable("whether the API saw it needs keys")
    if call.answered_by != "upstream":
        return refuted("the API never saw it")
    is_error = call.outcome == "status" and call.is_read
    if is_error and (told := _of_the_answer(call, case)) is not None:
        return told
    if call.inner is not None and (told := _of_what_arrived(call)) is not None:
        return told
    if call.outcome == "redirected":
        return refuted("the API sent it elsewhere, whatever its headers")
    if call.outcome == "unusable" and is_untold_error(call.exchange):
        return not_observable("what the error in its success is about is not told")
    if call.outcome != "status":
        return refuted("the API accepted it")
    if not call.is_read:
        return not_observable("the error's body was not captured whole")
    is_read = call.inner is not None and call.inner.request is not None
    if wrong_auth_scheme.explains(call, case):
        if is_read:
            return refuted("the scheme that arrived is the API proxy's own")
        return not_observable("the scheme inside the tunnel needs keys")
    if credential_not_received.CAUSE.explains(call, case):
        if is_read:
            return refuted("the API proxy sent what arrived, and what did not")
        return not_observable("which credential header arrived needs keys")
    if clock_skew.CAUSE.explains(call, case) and not is_read:
        return not_observable("whose signature was judged needs keys")
    if call.status == 401 and "bearer" in call.message and _sends_bearer(call):
        return not_observable("whose Authorization was judged needs keys")
    if call.status == 401:
        return refuted("the API judged what the API proxy wrote")
    return refuted(f"{call.status} is about nothing the client's headers say")


def _of_no_answer(call: FailedCall, case: Case) -> Judgement:
    """Of a call whose client got no byte: an answer may have come as far as the API proxy."""
    answer = None if call.inner is None else call.inner.response
    if case.not_read.is_lossy:
        return not_observable("packets are missing, perhaps including its answer")
    if answer is not None and answer.status < 400:
        return refuted("the API accepted it")
    if answer is not None:
        return not_observable(f"the API's {answer.status} inside the tunnel is not judged")
    if (tunnel := case.came_back(call)) is not None:
        return not_observable(f"what came back through {tunnel.id} needs keys")
    return refuted(f"nobody judged the headers of {call.exchange.id}")


def _of_the_answer(call: FailedCall, case: Case) -> Judgement | None:
    """Of an answer that says itself what was not wanted, whosever credential came with it."""
    if wrong_path.explains(call, case):
        return confirmed("the API has no such path")
    if client_header_rejected.CAUSE.explains(call, case):
        return confirmed("the API names a header of the client's own")
    if edge_refused.explains(call, case):
        return refuted("the API never looked at it")
    if call.status == 400:
        named = next((name for name in _STEERING if name in call.message), None)
        if named is not None:
            return confirmed(f"the API names the client's {named}")
    return None


def _of_what_arrived(call: FailedCall) -> Judgement | None:
    """Of a credential that the API refused: whose it was, as the API got it."""
    inner, asked = call.inner, call.exchange.request
    if inner is None or inner.request is None or asked is None or not inner.request.complete:
        return None
    if call.status not in (400, 401, 403) or not inner.request.auth:
        return None
    sent = {item.credential.fingerprint for item in asked.auth}
    own = [item.name for item in inner.request.auth if item.credential.fingerprint in sent]
    if own:
        return confirmed(f"the client's own {own[0][:32]} reached the API")
    if call.status == 401:
        names = ", ".join(dict.fromkeys(item.name.lower() for item in inner.request.auth))
        return refuted(f"the API got the API proxy's {names[:32]} alone")
    return None


def _may_have_arrived(call: FailedCall, case: Case) -> bool:
    """Whether TLS was complete in a tunnel of the call's: what went up in it may be the request.

    Where it is not known which tunnel was its own, any of them may have carried it.
    """
    if not call.tunnels:
        return case.may_have_tunnel(call)
    return any(
        tunnel.tls is not None and tunnel.tls.handshake == "complete" and tunnel.records_up
        for tunnel in call.tunnels
    )


def _sends_bearer(call: FailedCall) -> bool:
    request = call.exchange.request
    return request is not None and any(auth.scheme for auth in request.auth)
