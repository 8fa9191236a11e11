"""A gateway's own 502, 503 or 504 without a tunnel: it reached nobody."""

from __future__ import annotations

from typing import Final

from inspector.diagnosis.call import FailedCall
from inspector.diagnosis.case import Case
from inspector.diagnosis.rule import BOTH_HOPS, Cause, Code
from inspector.diagnosis.words import answer, at, told
from inspector.regex import regex

ABOUT: Final = Code(
    "gateway-cannot-connect",
    severity="error",
    title="The proxy before the API reached nobody",
    needs=BOTH_HOPS,
    meaning=(
        "The answer is the API proxy's own 502, 503 or 504, and no tunnel was established for the"
        " call: it could not connect, or it has no healthy upstream to connect to. The API never"
        " saw the call. Why the connection failed stands in the answer or in that proxy's log."
    ),
    advice=(
        "Look at the API proxy's upstream settings: host name, port, forward proxy"
        " (HTTPS_PROXY), health checks. Try that connection from its container."
    ),
    shown_by="haproxy-no-server",
)

#: RFC 9110 15.6.3 to 15.6.5.
STATUSES: Final = frozenset({502, 503, 504})
#: Words about a connection that was not to be had: Node, Envoy, Go, Python, nginx.  Envoy's
#: "upstream connect error or disconnect/reset before headers" is either; its reason tells which.
_WORDS: Final = regex(
    r"\bconnect e(?!rror)[a-z]+|\bgetaddrinfo\b|no healthy upstream"
    r"|reset reason: (?:remote |local )?connection (?:failure|timeout)"
    r"|\b[0-9]{3}, message='[^']{0,80}', url='http"  # aiohttp, of a proxy that refused its CONNECT
    r"|connection refused|no such host|name or service not known|no route to host"
    r"|network is unreachable|cannot connect to host|all connection attempts failed"
    r"|no server is available|no available server"
)

#: Pages of gateways' own that say nothing else: HAProxy writes its 503 when no server was
#: available (its configuration manual, 1.3.1).
_PAGES: Final = frozenset({("haproxy", 503)})


def explains(call: FailedCall, case: Case) -> bool:
    """It says that it could not connect, or it was seen to have no connection for the call.

    Where nothing of what it opens was captured, an answer without such words may have a tunnel.
    """
    if call.answered_by != "api-proxy" or not call.is_read or call.given_up_by is not None:
        return False
    if any(tunnel.established for tunnel in call.tunnels):
        return False
    if not call.tunnels and case.may_have_tunnel(call) and not says_so(call):
        return False  # one of several may be its own
    if call.status in (500, *STATUSES) and says_so(call):
        return True
    seen = call.exchange.server.ip in case.contacts.openers and not case.not_read.is_lossy
    return call.status in STATUSES and seen and not refuses(call)


def says_so(call: FailedCall) -> bool:
    """Whether the answer is in words about a connection, or a page that means just that."""
    response = call.exchange.response
    page = None if response is None else response.page
    return (page, call.status) in _PAGES or bool(_WORDS.search(call.message))


def refuses(call: FailedCall) -> bool:
    """Whether a 503 names a kind of error: a guard's, or an identity that is not ready."""
    response = call.exchange.response
    error = None if response is None else response.api_error
    kind = None if error is None else error.type
    return call.status == 503 and bool(kind) and kind != "Proxy error"


def sentence(call: FailedCall, case: Case, count: int) -> str:
    return f"The API proxy reached nobody: {count} x {answer(call)} ({at(call.packet, case)})."


CAUSE: Final = Cause(ABOUT, explains, sentence, told, "why its connection failed")
