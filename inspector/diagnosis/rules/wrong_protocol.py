"""What came to the API proxy's port is not what it speaks there."""

from __future__ import annotations

from typing import Final

from inspector.diagnosis.call import FailedCall
from inspector.diagnosis.case import Case
from inspector.diagnosis.rule import Cause, Code, OfForeign
from inspector.diagnosis.words import at, plural
from inspector.exchanges.neighbourhood import asked_host
from inspector.model.network import Connection
from inspector.secrets.labels import shortened

ABOUT: Final = Code(
    "wrong-protocol",
    severity="error",
    title="The API proxy was spoken to in a protocol that it does not speak there",
    needs="the first bytes of a connection to the API proxy",
    meaning=(
        "A client began with TLS on a port where the API proxy speaks plain HTTP: its base URL"
        " says https, and it reports a wrong version number. Or it took the API proxy for a forward"
        " proxy, by a CONNECT or with another host's URL in the request line. No call reached an"
        " API. A note where it was TLS: what was to be asked is not known."
    ),
    advice=(
        "Write the base URL with http:// (ANTHROPIC_BASE_URL, OPENAI_BASE_URL, ...); let"
        " HTTPS_PROXY and HTTP_PROXY name Squid, never the API proxy."
    ),
)

_HTTP: Final = (
    "Write the client's base URL with http:// in place of https:// (ANTHROPIC_BASE_URL,"
    " OPENAI_BASE_URL, ...)"
)
_PROXY: Final = (
    "Let HTTPS_PROXY and HTTP_PROXY name Squid, not the API proxy, and the client's base URL the"
    " API proxy"
)


def is_tls(connection: Connection, case: Case) -> bool:
    """Whether it began with TLS that came to nothing: no handshake was completed."""
    return connection.protocol == "tls" and connection.id in case.handshakes_failed


def is_misled(connection: Connection, case: Case) -> bool:
    """Whether it asked the API proxy for a tunnel and got none."""
    tunnel = case.connects.misled.get(connection.id)
    return tunnel is not None and not tunnel.established


def asks_for_another(call: FailedCall, case: Case) -> bool:
    """Whether the request line asks the API proxy for another host (RFC 9112 3.2.2)."""
    host = asked_host(call.exchange)
    if call.exchange.server.ip not in case.api_proxies or call.answered_by == "upstream":
        return False
    return bool(host) and host not in case.api_proxies and not call.tunnels


def tls_sentence(connection: Connection, case: Case, count: int) -> str:
    server = connection.server
    answered = ""
    if connection.plain_answer is not None:
        answered = f", HTTP {connection.plain_answer}"
    return (
        f"TLS to plain port {server.ip}:{server.port}: {plural(count, 'attempt')}{answered}"
        f" ({at(connection.packet, case)})."
    )


def connect_sentence(connection: Connection, case: Case, count: int) -> str:
    tunnel = case.connects.misled[connection.id]
    asked = shortened(tunnel.authority or "somewhere", 40)
    return (
        f"The client asks the API proxy for a tunnel: CONNECT {asked}, {count} x"
        f" ({at(tunnel.packet, case)})."
    )


def sentence(call: FailedCall, case: Case, count: int) -> str:
    return (
        f"The client takes the API proxy for a forward proxy: it asks for"
        f" {shortened(asked_host(call.exchange), 40)}, {count} x ({at(call.packet, case)})."
    )


def advice(call: FailedCall, case: Case) -> str:
    return _PROXY


# What the client was to ask stands in no packet: that a call failed is not proven.
TLS: Final = OfForeign(ABOUT, is_tls, tls_sentence, _HTTP, "note")
CONNECT: Final = OfForeign(ABOUT, is_misled, connect_sentence, _PROXY)
CAUSE: Final = Cause(ABOUT, asks_for_another, sentence, advice=advice)
