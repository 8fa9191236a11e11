"""A proxy behind Squid (a company's) refused the CONNECT; Squid passes its head on."""

from __future__ import annotations

from typing import Final

from inspector.diagnosis.attempts import barred
from inspector.diagnosis.call import FailedCall
from inspector.diagnosis.case import Case
from inspector.diagnosis.rule import BOTH_HOPS, Cause, Code, Match, OfTunnel, of_tunnel
from inspector.diagnosis.words import at, authority, refusal_of
from inspector.model.network import Tunnel
from inspector.secrets.labels import shortened

ABOUT: Final = Code(
    "parent-proxy-refused",
    severity="error",
    title="A proxy behind Squid refused the CONNECT",
    needs=BOTH_HOPS,
    meaning=(
        "The refusal of the CONNECT has no X-Squid-Error, which Squid writes into each of its own:"
        " it is the head of a parent proxy's answer (cache_peer), passed on without its body. 407:"
        " that proxy wants a login. 403: its rules forbid the host. 502 to 504: it cannot reach"
        " the host. Where the proxy that was asked is no Squid, the refusal can be its own. The"
        " API never saw the call, and its key is not the matter."
    ),
    advice=(
        "Ask whoever runs the proxy behind Squid (cache_peer in squid.conf; the firewall takes it"
        " from HTTPS_PROXY of its host) to let the host through."
    ),
    shown_by="parent-proxy-refused",
)

_LOGIN: Final = (
    "Give Squid the login of the proxy behind it: login=user:password at its cache_peer (the"
    " firewall takes it from HTTPS_PROXY of its host: http://user:password@host:port)."
)
_NO_PASSWORD: Final = (
    "That proxy takes {schemes} only, which Squid cannot send with login=user:password: let its"
    " administrators allow Squid's address without a login, or allow Basic."
)
_UNREACHABLE: Final = (
    "Ask whoever runs the proxy behind Squid (cache_peer) why it cannot reach {host}; from that"
    " proxy, not from Squid."
)


def explains(call: FailedCall, case: Case) -> bool:
    refusal = refusal_of(call)
    return refusal is not None and refusal.is_relayed


def sentence(call: FailedCall, case: Case, count: int) -> str:
    refusal, tunnel = refusal_of(call), call.refused
    assert refusal is not None
    assert tunnel is not None
    return (
        f"A proxy behind Squid refused {authority(call)}:"
        f" {count} x {refusal.status} ({at(tunnel.packet, case)})."
    )


def asked_for(call: FailedCall, case: Case, count: int) -> tuple[str, ...]:
    """What a 407 asks for, by its challenges (RFC 9110 11.7.1)."""
    refusal = refusal_of(call)
    if refusal is None or refusal.status != 407:
        return ()
    told = shortened("; ".join(refusal.challenges), 50)
    return (f"Proxy-Authenticate: {told}." if told else "407 without a Proxy-Authenticate.",)


def details(call: FailedCall, case: Case, count: int) -> tuple[str, ...]:
    return (
        "The CONNECT's answer has no X-Squid-Error: Squid passed it on.",
        *asked_for(call, case, count),
    )


def advice(call: FailedCall, case: Case) -> str:
    refusal = refusal_of(call)
    if refusal is not None and refusal.status == 407:
        schemes = {challenge.partition(" ")[0] for challenge in refusal.challenges}
        if not schemes or any(scheme.lower() == "basic" for scheme in schemes):
            return _LOGIN
        return _NO_PASSWORD.format(schemes=", ".join(sorted(schemes)))
    if refusal is not None and refusal.status in (502, 503, 504):
        return _UNREACHABLE.format(host=authority(call))
    return ABOUT.advice


def match(tunnel: Tunnel, case: Case) -> Match | None:
    """A call that got no further than its CONNECT to the API proxy."""
    return Match(of_tunnel(tunnel)) if barred(tunnel, case) == ABOUT.code else None


OF_TUNNELS: Final = OfTunnel(ABOUT, match)
CAUSE: Final = Cause(
    ABOUT, explains, sentence, details, "what the proxy behind Squid wrote in its page", advice
)
