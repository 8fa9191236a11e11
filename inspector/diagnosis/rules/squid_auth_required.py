"""Squid itself wants its clients to name themselves."""

from __future__ import annotations

from typing import Final

from inspector.diagnosis.call import FailedCall
from inspector.diagnosis.case import Case
from inspector.diagnosis.rule import BOTH_HOPS, Cause, Code
from inspector.diagnosis.rules.parent_proxy_refused import asked_for
from inspector.diagnosis.words import at, authority, plural, refusal_of

ABOUT: Final = Code(
    "squid-auth-required",
    severity="error",
    title="Squid wants a user name and password",
    needs=BOTH_HOPS,
    meaning=(
        "Squid answered CONNECT with 407 and its own X-Squid-Error: a rule of it (proxy_auth)"
        " lets only clients through that send Proxy-Authorization. The API proxy sends none, and"
        " the API's key was never asked for. A Squid behind this one could have written it, too."
    ),
    advice=(
        "Remove the proxy_auth rule for the API proxy's address from squid.conf, or put user and"
        " password into the API proxy's HTTPS_PROXY (http://user:password@host:port)."
    ),
    shown_by="squid-auth-required",
)


def explains(call: FailedCall, case: Case) -> bool:
    refusal = refusal_of(call)
    return refusal is not None and refusal.status == 407 and not refusal.is_relayed


def sentence(call: FailedCall, case: Case, count: int) -> str:
    where = at(call.packet, case)
    return f"Squid asks for a login before {authority(call)}: {plural(count, 'call')} ({where})."


CAUSE: Final = Cause(ABOUT, explains, sentence, asked_for)
