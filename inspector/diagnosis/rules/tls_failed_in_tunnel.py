"""The tunnel stands and TLS in it does not."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from inspector.diagnosis import peeked, tls_words
from inspector.diagnosis.call import FailedCall
from inspector.diagnosis.case import Case
from inspector.diagnosis.rule import BOTH_HOPS, Cause, Code
from inspector.diagnosis.tls_words import Reason, reason_in
from inspector.diagnosis.words import at, authority, plural, told
from inspector.model.network import BY_CLIENT, Certificate, Tunnel
from inspector.protocols.x509 import NAMES_LIMIT, STAMP
from inspector.secrets.labels import shortened

ABOUT: Final = Code(
    "tls-failed-in-tunnel",
    severity="error",
    title="TLS failed inside an established tunnel",
    needs=BOTH_HOPS,
    meaning=(
        "Squid said 200 and the tunnel carried no byte of HTTP: an alert, a close or reset during"
        " the handshake, silence, or a certificate that the API proxy refused. Node sends no alert"
        " then: it ends the handshake and closes at once. The certificate's issuer, names and"
        " dates can be read in TLS 1.2; in TLS 1.3 the API proxy's own words tell. A bare close by"
        " Squid's side behind the ClientHello has three causes: a rule on the server name, no"
        " connection to the host, the host itself; Squid's log tells them apart."
    ),
    advice=(
        "Read the API proxy's error; check its CA certificates (NODE_EXTRA_CA_CERTS) and what the"
        " API's host speaks."
    ),
    shown_by="tls-untrusted",
)

_NS: Final = 1_000_000_000
#: The last second of the year 9999, later than which no date is; a file may state any time.
_LAST: Final = 253_402_300_799
_WITH_LOG: Final = (
    "Analyze once more with Squid's access.log (--squid-log): its line of port {port} tells a"
    " forbidden server name (only 200 NONE_NONE), a failed connection (503 HIER_DIRECT) and a"
    " close by {host} (TCP_TUNNEL) apart."
)


def explains(call: FailedCall, case: Case) -> bool:
    if call.answered_by not in ("api-proxy", "nobody"):
        return False
    if has_failed(call.tunnel, case):
        return True
    reason = reason_in(call.message)
    is_open = call.tunnel is not None and bool(call.tunnel.established)
    return is_open and reason is not None and not reason.after and _is_own(call)


def has_failed(tunnel: Tunnel | None, case: Case) -> bool:
    """A handshake that ended badly, or a ClientHello that nobody ever answered.

    Silence is one only where nothing is known to be missing.
    """
    if tunnel is None or not tunnel.established or tunnel.inner is not None:
        return False
    if tunnel.tls is None:
        return tunnel.protocol == "none" and tunnel.closed_at is not None and case.not_read.is_whole
    if tunnel.tls.handshake == "failed" or tunnel.is_left_unused:
        return True
    return (
        tunnel.tls.handshake == "incomplete"
        and not tunnel.bytes_down
        and not case.not_read.is_lossy
    )


def _is_own(call: FailedCall) -> bool:
    return call.answered_by == "api-proxy" and (call.status or 0) >= 500


def how(tunnel: Tunnel) -> str:
    """How it failed, in a few words."""
    tls = tunnel.tls
    if tls is None:
        return "no ClientHello"
    if tls.alerts:
        return f"alert: {tls.alerts[0]}"
    if peeked.is_closed_before_hello(tunnel):
        return "Squid's side closed before a ServerHello"
    if _is_silent(tunnel):
        return "silence after the ClientHello"
    if tunnel.closed_by in BY_CLIENT:
        return "the API proxy closed after the certificate, as one that does not trust it"
    return "closed during the handshake"


def _is_silent(tunnel: Tunnel) -> bool:
    """Whether a ClientHello went up, and nothing at all came back."""
    tls = tunnel.tls
    return tls is not None and not tls.alerts and not tunnel.bytes_down


def reason_of(call: FailedCall) -> Reason | None:
    """Return why it failed: by the API proxy's own words, else by what stands in the clear."""
    reason = reason_in(call.message) if _is_own(call) or call.answered_by == "nobody" else None
    tunnel = call.tunnel
    if reason is not None or tunnel is None or tunnel.tls is None:
        return reason
    tls = tunnel.tls
    if tls.wants_certificate and tunnel.closed_by not in BY_CLIENT:
        return tls_words.WANTS_CERTIFICATE
    alerts = " ".join(tls.alerts).replace("_", " ")
    if (reason := reason_in(alerts)) is not None:
        return reason
    if tunnel.is_left_unused:
        return _by_certificate(tls.certificates[0], tls.sni, tunnel.opened_at)
    return None


def _by_certificate(shown: Certificate, name: str | None, at_time: int) -> Reason | None:
    """What is wrong with a certificate that a client left for, as far as it can be read."""
    now = datetime.fromtimestamp(min(at_time // _NS, _LAST), UTC).strftime(STAMP)
    if now < (shown.not_before or now) or (shown.not_after or now) < now:
        return tls_words.EXPIRED
    if name is not None and shown.names and not any(_covers(known, name) for known in shown.names):
        # Of more names than are read, one that was not may be the host's.
        return tls_words.OTHER_NAME if len(shown.names) < NAMES_LIMIT else None
    return tls_words.UNTRUSTED


def _covers(known: str, name: str) -> bool:
    """Whether a certificate's name is the host's, a wildcard for one label (RFC 9525 6.3)."""
    known, name = known.lower(), name.lower()
    return known == name or (known[:2] == "*." and known[2:] == name.partition(".")[2])


def sentence(call: FailedCall, case: Case, count: int) -> str:
    tunnel = call.tunnel
    assert tunnel is not None
    reason = reason_of(call)
    why = how(tunnel) if reason is None else reason.why
    return f"TLS failed inside {tunnel.id}: {why} ({at(tunnel.packet, case)})."


def details(call: FailedCall, case: Case, count: int) -> tuple[str, ...]:
    tunnel = call.tunnel
    assert tunnel is not None
    lines = [f"Squid said 200: {plural(count, 'call')}, no byte of HTTP inside."]
    if peeked.is_closed_before_hello(tunnel) and not (tunnel.tls and tunnel.tls.alerts):
        if peeked.of_call(call, case) == "upstream-closed":
            lines.append("Squid had made the tunnel: the API's host closed it.")
        else:
            lines.append(
                "By a rule on the name, no connection, or the API's host: not known which."
            )
    if tunnel.tls is not None and tunnel.tls.certificates:
        lines += _described(tunnel.tls.certificates[0])
    return (*lines, *told(call, case, count))


def _described(shown: Certificate) -> tuple[str, str]:
    names = ", ".join(shortened(name, 40) for name in shown.names[:2])
    others = " and others" if len(shown.names) > 2 else ""
    dates = f"{(shown.not_before or '?')[:10]} to {(shown.not_after or '?')[:10]}"
    return (
        f"Its certificate is signed by {shortened(shown.issuer, 60)}.",
        f"It is for {names or shortened(shown.subject, 60)}{others}, valid {dates}.",
    )


def advice(call: FailedCall, case: Case) -> str:
    reason, tunnel = reason_of(call), call.tunnel
    host = authority(call)
    if reason is not None:
        return reason.advice.format(host=host)
    if tunnel is not None and peeked.is_closed_before_hello(tunnel):
        if peeked.of_call(call, case) is None:
            return _WITH_LOG.format(port=tunnel.client.port, host=host)
        return f"Try a TLS connection to {host} from Squid's container: it closes by itself."
    if tunnel is not None and _is_silent(tunnel):
        return (
            f"Look at the way behind Squid to {host}: somebody took the connection and never"
            " answered the ClientHello. A route, a small MTU or a firewall does that; no"
            " certificate was looked at."
        )
    return ABOUT.advice


CAUSE: Final = Cause(ABOUT, explains, sentence, details, advice=advice)
