"""A credential of a real key's shape anywhere in plaintext on the bridge.

What is real is told by shape alone.  A documented prefix is a key's wherever it stands in a
head: in a credential's position, within `Basic`, in any other header or in the target.  A
shape without a prefix (a JSON Web Token, 32 hexadecimal digits) is one on its way to an API
or out of the bridge; a service on the bridge, such as an MCP gateway, may have handed it out
for itself.  An opaque value may be anything: that nothing but placeholders is sent is asked of
a policy, not found here.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from inspector.credentials.kinds import names_a_key
from inspector.diagnosis.case import Case
from inspector.diagnosis.rule import Code, Match, OfExchange, OfTunnel, of_exchange, of_tunnel
from inspector.model.credentials import AuthHeader, CredentialKind
from inspector.model.http import Exchange, Request
from inspector.model.network import Headers, Tunnel

ABOUT: Final = Code(
    "real-key-on-agent-hop",
    severity="error",
    title="A key that looks real was sent in plaintext",
    needs="the head of a request or CONNECT on the bridge",
    meaning=(
        "A credential of a real key's shape was sent in plaintext on the bridge: to the API"
        " proxy, to another host of the bridge, out of it through Squid or past it, or in a"
        " CONNECT; or, as its keys show, inside TLS. Isolation is broken, even where the call"
        " succeeds. A key is told by its documented prefix, in whatever header or in the target;"
        " on the way to an API or out of the bridge also by its form (a JSON Web Token, 32"
        " hexadecimal digits). An opaque value,"
        " a session's cookie or a password is not meant: a policy's placeholder_only is."
    ),
    advice="Take the key out of the agent's environment and replace it at the provider.",
    shown_by="agent-holds-real-key",
)

#: Kinds told from a form that has no prefix of its own.
_SHAPED: Final[frozenset[CredentialKind]] = frozenset({"aws-sigv4", "azure-key", "jwt"})

_TO_API_PROXY: Final = "The agent holds a key that looks real"
_TO_NEIGHBOUR: Final = "A key that looks real was sent to a host of the bridge in plaintext"
_OUTWARD: Final = "A key that looks real was sent out of the bridge in plaintext"
_INSIDE: Final = "A key that looks real was sent inside TLS, past the API proxy"
_IN_CONNECT: Final = "A key that looks real was sent to Squid with a CONNECT"


def of_request(exchange: Exchange, case: Case) -> Match | None:
    """Once for a call, not for each of its legs."""
    request = exchange.request
    if request is None or exchange.relays is not None:
        return None
    if not _names_one(request, shaped=True):
        return None
    if exchange.decrypted:
        title, shaped = _INSIDE, True
    elif case.is_call(exchange) or case.is_first_leg(exchange):
        title, shaped = _TO_API_PROXY, True
    elif case.neighbourhood.keeps(exchange):
        title, shaped = _TO_NEIGHBOUR, False
    else:
        title, shaped = _OUTWARD, True
    real = shaped or _names_one(request, shaped)
    return Match(of_exchange(exchange), title=title) if real else None


def _names_one(request: Request, shaped: bool) -> bool:
    return _holds_key(request.auth, request.headers, shaped) or names_a_key(request.target)


def of_connect(tunnel: Tunnel, case: Case) -> Match | None:
    real = _holds_key(tunnel.auth, tunnel.headers, shaped=True) or names_a_key(
        tunnel.authority or ""
    )
    return Match(of_tunnel(tunnel), title=_IN_CONNECT) if real else None


def _holds_key(auth: Iterable[AuthHeader], headers: Headers, shaped: bool) -> bool:
    # No label goes over a line, so all values are looked through at once.
    for header in auth:
        if _is_real(header, shaped):
            return True
    return names_a_key("\n".join([value for _, value in headers]))


def _is_real(header: AuthHeader, shaped: bool) -> bool:
    """Whether a credential looks like a key; `shaped`: be it by a form without a prefix."""
    credential = header.credential
    if credential.placeholder is not None:
        return False
    return credential.prefix is not None or (shaped and credential.kind in _SHAPED)


NOTICE: Final = OfExchange(ABOUT, of_request)
OF_TUNNELS: Final = OfTunnel(ABOUT, of_connect)
