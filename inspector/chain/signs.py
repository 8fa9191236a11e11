"""The signs of who wrote an answer, each with its weight: what an answer says of itself, and what
the network shows of the way to it.

**Scale.**  1 is a hint that one gateway in five contradicts (the spelling of header names); 2 a
form that others are known to imitate; 3 to 4 a fact with few exceptions; 6 a signature that nobody
else writes.  What speaks for the same author adds up.  `DECIDES` and `LEAD` in `answerer` say how
much of it is an answer.

**Where the weights come from.**  Each row names its source.  They were set on the golden captures
(`captures/`), whose truth is the programs' own logs, and on captures of litellm, Envoy, nginx and
HAProxy in the API proxy's place, and then held against recordings of the real stack, which had no
part in it: `python -m tests.chain.who` prints which sign was seen how often, and how often with
another author; tests/chain/test_signs.py has each weight from either side.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cached_property, lru_cache
from typing import Final, Literal, TypeAlias

from inspector.fact import Fact
from inspector.model.http import PageAuthor, Response
from inspector.regex import regex

#: Who may have written an answer that came from the API proxy's port.
Author: TypeAlias = Literal["upstream", "api-proxy", "forward-proxy"]

#: What the network shows of the time between the end of a request and its answer.
Way: TypeAlias = Literal[
    "not known",  # packets are missing, or the proxy went where nobody looked
    "carried",  # a tunnel of the call's, or one that was open, brought bytes before the answer
    "silent",  # such a tunnel stands, and nothing came through it when the answer was written
    "hung up",  # such a tunnel was closed from the far side, and had been silent before the answer
    "failed",  # each tunnel that was opened for it was refused, or TLS failed in it
    "relayed refusal",  # the forward proxy refused the CONNECT, with the status of the answer
    "knocked in vain",  # the forward proxy did not take the API proxy's connection
    "nothing opened",  # no connection was opened or used, on a hop that the capture holds
    "nothing seen",  # the same where the capture holds nothing of that hop at all
]


class Look(Fact, dict=True):
    """An answer, as the signs look at it."""

    #: The names of its header fields as written, in their order.
    written: tuple[str, ...]
    #: What `Server` says, folded; empty without one.
    server: str
    #: The type that its error names, and its text; empty without one.
    kind: str
    message: str
    #: Whose error page its body is.
    page: PageAuthor | None
    #: Whether all of it was captured.
    is_whole: bool

    @cached_property
    def names(self) -> Mapping[str, str]:
        """The names of its header fields as written, by the folded name."""
        return {name.lower(): name for name in self.written}

    @cached_property
    def telling(self) -> tuple[str, ...]:
        """The header names whose spelling tells something, as written."""
        return tuple(written for name, written in self.names.items() if name in _TELLING)


class Sign(Fact):
    """One sign: whom it speaks for, how much, why, and where that is from."""

    name: str
    author: Author
    weight: float
    #: The phrase of `Chain.reasons`; its wording is stable.
    reason: str
    #: A document, or what was measured on what.
    source: str
    #: What the answer shows, or what the way to it was.
    holds: Callable[[Look], bool] | Way


#: Header names that a proxy or the upstream writes.  `Date`, `Connection`, `Keep-Alive` and
#: `Transfer-Encoding` are Node's own on every answer, and tell nothing.
_TELLING: Final = frozenset({"content-type", "content-length", "x-request-id", "request-id"})

#: Fields that the APIs' own code writes, or the edge in front of them.
_OF_APIS: Final = frozenset({
    "request-id", "anthropic-organization-id", "openai-processing-ms", "openai-organization",
    "openai-version", "x-github-request-id", "apim-request-id", "x-ms-region",
    "x-cloud-trace-context", "x-goog-ext-353267353-bin", "x-amzn-requestid", "x-should-retry",
    "anthropic-ratelimit-requests-remaining", "x-ratelimit-remaining-requests", "cf-ray",
    "cf-mitigated", "x-azure-ref", "x-amz-cf-id", "x-served-by", "cf-aig-log-id",
})  # fmt: skip
#: Fields of public sites, which a gateway on a bridge has no use for.
_OF_SITES: Final = frozenset(
    {"strict-transport-security", "server-timing", "alt-svc", "report-to", "nel"}
)
#: `Server` of edges that stand before APIs, and never on the bridge.
_EDGES: Final = ("cloudflare", "github.com", "gws", "esf", "scaffolding on httpserver2", "awselb")
#: `Server` of programs that stand in an API proxy's place.  They write it over the upstream's
#: (nginx, Envoy, Kong), so it says who passed an answer on as well.
_GATEWAYS: Final = (
    "nginx", "openresty", "envoy", "istio-envoy", "kong", "caddy", "uvicorn", "hypercorn",
    "gunicorn", "litellm", "bifrost", "traefik", "apache", "haproxy", "fasthttp", "tyk", "apisix",
    "werkzeug", "daphne", "granian",
)  # fmt: skip

#: `error.type` of the API proxy's guards and its own errors (read in its source, August 2026).
_PROXY_KINDS: Final = frozenset({
    "provider_not_configured", "effective_tokens_limit_exceeded", "max_cache_misses_exceeded",
    "permission_denied_limit_exceeded", "ai_credits_limit_exceeded", "model_policy_violation",
    "max_runs_exceeded", "model_multiplier_cap_exceeded", "retired_model",
    "unknown_model_ai_credits", "Proxy error", "Response stream error",
})  # fmt: skip

#: What gateways say in errors of their own; an API behind an Envoy or an nginx of its own says the
#: same, which the way to the answer tells apart.
_GATEWAYS_SAY: Final = regex(
    # Envoy: response_code_details and local replies (docs, "Response Code Details").
    r"upstream connect error or disconnect/reset before headers|upstream request timeout"
    r"|no healthy upstream|no cluster match|cluster_not_found|stream timeout"
    r"|upstream max stream duration reached|response timeout|RBAC: access denied"
    r"|local_rate_limited|request headers failed strict check"
    # Kong: kong/error_handlers.lua and router.
    r"|An invalid response was received from the upstream server"
    r"|The upstream server is timing out|no Route matched with those values"
    r"|failure to get a peer from the ring-balancer"
    # Traefik and other Go proxies (net/http status texts as bodies), Starlette, FastAPI.
    r"|^(?:Bad Gateway|Gateway Timeout|Service Unavailable|404 page not found"
    r"|Internal Server Error|no available server)$"
    # Node's own errors, in whose words a gateway tells of its connection upstream.
    r"|\bconnect (?:ECONNREFUSED|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH)\b|\bgetaddrinfo E[A-Z_]+"
    r"|\bsocket hang up\b|^fetch failed$",
    re.IGNORECASE,
)
#: What litellm, Bifrost and Portkey say in errors of their own; no API says it.
_LLM_GATEWAYS_SAY: Final = regex(
    r"^No connected db\.|\blitellm\b|LiteLLM Virtual Key|expected to start with 'sk-'"
    r"|^Authentication Error, |No api key passed in|Invalid proxy server token"
    r"|Invalid model name passed in model=|No deployments available for selected model"
    r"|virtual key (?:not found|is required|is blocked)|no keys? found for provider"
    r"|failed to (?:execute|make) http request to provider",
    re.IGNORECASE,
)
#: How litellm passes on what its upstream answered (docs.litellm.ai/docs/exception_mapping): a kind
#: of its own, whose API it was, and that API's words; `_QUOTED` where these are a whole error.
_PASSED_ON: Final = regex(
    r"\blitellm\.(?:Authentication|BadRequest|NotFound|RateLimit|PermissionDenied"
    r"|UnprocessableEntity|ContextWindowExceeded|ContentPolicyViolation)Error:"
    r" .{0,60}?Exception - ",
    re.IGNORECASE,
)
_QUOTED: Final = regex(r"\blitellm\.[a-z]{2,40}Error: .{0,60}?Exception - (?:b')?\{", re.IGNORECASE)
_LLM_GATEWAY_KINDS: Final = frozenset({
    "no_db_connection", "auth_error", "token_not_found_in_db", "budget_exceeded",
    "expired_key", "team_model_access_denied", "key_model_access_denied", "bifrost_error",
})  # fmt: skip
#: `error.type` of the APIs.  Gateways write them, too, when they translate.
_API_KINDS: Final = frozenset({
    "authentication_error", "permission_error", "invalid_request_error", "not_found_error",
    "overloaded_error", "api_error", "request_too_large", "insufficient_quota", "API_KEY_INVALID",
    "UNAUTHENTICATED", "PERMISSION_DENIED", "INVALID_ARGUMENT", "NOT_FOUND", "RESOURCE_EXHAUSTED",
    "server_error", "tokens", "requests",
})  # fmt: skip


def _is_bare(look: Look) -> bool:
    """No field but Node's own: what is absent was not sent only if all of it was seen."""
    return look.is_whole and set(look.names) <= {"connection", "keep-alive", "date"}


SIGNS: Final[tuple[Sign, ...]] = (
    # -- the way: what the network shows ------------------------------------------------------
    Sign(
        "carried", "upstream", 3.0,
        "its tunnel brought bytes until the answer was written",
        "golden captures: 185 of 186 answers of the upstream, and no other answer",
        "carried",
    ),
    Sign(
        "silent", "api-proxy", 4.0,
        "its tunnel stands, and nothing came through it when the answer was written",
        "Envoy's and nginx's time limits; an API proxy passes bytes on within 2 ms",
        "silent",
    ),
    Sign(
        "hung-up", "api-proxy", 1.5,
        "its tunnel was closed from the far side, and was silent before that",
        "golden captures: envoy-reset; an API may close late behind an answer that a proxy holds",
        "hung up",
    ),
    Sign(
        "failed", "api-proxy", 4.0,
        "no tunnel that was opened for it can have brought an answer",
        "golden captures: TLS that fails, a Squid that refuses; Envoy's 503 behind a denial",
        "failed",
    ),
    Sign(
        "refusal", "forward-proxy", 2.0,
        "the forward proxy refused the CONNECT with the same status",
        "golden captures: Squid's pages that the API proxy passes on",
        "relayed refusal",
    ),
    Sign(
        "in-vain", "api-proxy", 3.0,
        "the forward proxy did not accept the API proxy's connection",
        "golden captures: squid-down",
        "knocked in vain",
    ),
    Sign(
        "nothing-opened", "api-proxy", 4.0,
        "the API proxy opened and used no connection between the request and the answer",
        "golden captures: 6 answers of the API proxy's own, and no other answer",
        "nothing opened",
    ),
    Sign(
        "nothing-seen", "api-proxy", 1.5,
        "no connection of the API proxy's is in the capture",
        "litellm and nginx that refuse a call; a capture of the agent's link alone looks so, too",
        "nothing seen",
    ),
    # -- who signs ----------------------------------------------------------------------------
    Sign(
        "squid", "forward-proxy", 6.0,
        "the answer names Squid",
        "Squid writes X-Squid-Error and Server into each of its pages (errorpage.cc)",
        lambda look: (
            "x-squid-error" in look.names
            or look.server.startswith("squid")
            or look.page == "squid"
        ),
    ),
    Sign(
        "challenge", "forward-proxy", 3.0,
        "the answer asks for a login to a proxy",
        "RFC 9110 11.7.1: Proxy-Authenticate is a proxy's; golden captures: parent-proxy-refused",
        lambda look: "proxy-authenticate" in look.names,
    ),
    Sign(
        "api-fields", "upstream", 4.0,
        "the answer has header fields that only the API or its edge writes",
        "the providers' API references; golden captures: 185 answers of the upstream, no other",
        lambda look: bool(_OF_APIS & look.names.keys()),
    ),
    Sign(
        "edge", "upstream", 3.0,
        "the answer is signed by an edge before the API",
        "Server of Cloudflare, Google and GitHub; their pages",
        lambda look: (
            look.server.startswith(_EDGES)
            or look.page in ("cloudflare", "google", "awselb", "cloudfront")
        ),
    ),
    Sign(
        "upstream-took", "upstream", 2.0,
        "the gateway states how long its upstream took",
        "Envoy's and Kong's docs: these fields are on answers of an upstream only",
        lambda look: (
            "x-envoy-upstream-service-time" in look.names
            or "x-kong-upstream-latency" in look.names
        ),
    ),
    Sign(
        "site-fields", "upstream", 1.0,
        "the answer has header fields of a public site",
        "recordings: HSTS, Server-Timing and Alt-Svc come from edges",
        lambda look: bool(_OF_SITES & look.names.keys()),
    ),
    Sign(
        "proxy-kind", "api-proxy", 4.0,
        "the error is of a kind that only the API proxy writes",
        "the API proxy's source: its guards, and the errors of its connections",
        lambda look: look.kind in _PROXY_KINDS or look.message in _PROXY_KINDS,
    ),
    Sign(
        "llm-gateway", "api-proxy", 3.0,
        "the error is in the words of a gateway for language models",
        "litellm's proxy/_types.py and auth; Bifrost's and Portkey's errors",
        lambda look: (
            look.kind in _LLM_GATEWAY_KINDS
            or (
                bool(_LLM_GATEWAYS_SAY.search(look.message))
                and not _PASSED_ON.search(look.message)
                and not _QUOTED.search(look.message)
            )
        ),
    ),
    Sign(
        "quoted", "upstream", 3.0,
        "the gateway quotes an error of the API's",
        "litellm's exception mapping; golden captures: litellm-401",
        lambda look: bool(_QUOTED.search(look.message)),
    ),
    Sign(
        "gateway-words", "api-proxy", 2.0,
        "the error is in the words of a gateway",
        "Envoy's local replies, Kong's, Traefik's and Starlette's; an API may stand behind one",
        lambda look: (
            bool(_GATEWAYS_SAY.search(look.message)) or "x-kong-response-latency" in look.names
        ),
    ),
    Sign(
        "gateway-page", "api-proxy", 2.0,
        "the page is signed by a gateway",
        "nginx's, HAProxy's, Apache's and Kong's error pages; an API may stand behind one",
        lambda look: look.page in ("nginx", "openresty", "haproxy", "apache", "kong"),
    ),
    Sign(
        "gateway-server", "api-proxy", 0.5,
        "Server names a gateway",
        "nginx, Envoy and Kong write it over the upstream's: on their own answers and on others",
        lambda look: look.server.startswith(_GATEWAYS),
    ),
    Sign(
        "envoy-own", "api-proxy", 1.5,
        "Envoy does not state how long an upstream took",
        "Envoy docs: its own answers lack the field; a setting leaves it out of all answers",
        lambda look: (
            look.server.startswith(("envoy", "istio-envoy"))
            and "x-envoy-upstream-service-time" not in look.names
        ),
    ),
    Sign(
        "api-kind", "upstream", 0.5,
        "the error is of a kind that the APIs name",
        "the providers' API references; litellm and the API proxy write some of them, too",
        lambda look: look.kind in _API_KINDS,
    ),
    # -- spelling: weak, for each gateway spells as its language does ----------------------------
    Sign(
        "lower-case", "upstream", 1.0,
        "the header names are written as the API proxy passes them on",
        "API proxy 0.25.4 and August 2026; litellm and Envoy spell their own so, too",
        lambda look: bool(look.telling) and not all(name[:1].isupper() for name in look.telling),
    ),
    Sign(
        "title-case", "api-proxy", 1.0,
        "the header names are written as the API proxy writes its own",
        "API proxy 0.25.4 and August 2026; nginx passes on what the upstream spelled so",
        lambda look: bool(look.telling) and all(name[:1].isupper() for name in look.telling),
    ),
    Sign(
        "bare", "api-proxy", 1.0,
        "the answer has no header field but Node's own",
        "API proxy: GET of an unconfigured port",
        _is_bare,
    ),
)  # fmt: skip

#: The table by name.
BY_NAME: Final[dict[str, Sign]] = {sign.name: sign for sign in SIGNS}


_SERVER_SIZE: Final = len("server")


def marks_of(response: Response) -> int:
    """Return which signs an answer shows by itself, as a set of bits: the place in `SIGNS`."""
    error, names, server = response.api_error, [], None
    for name, value in response.headers:  # asked of every answer: once through its fields
        names.append(name)
        if len(name) == _SERVER_SIZE and server is None and name.lower() == "server":
            server = value.lower()
    return _marks(
        tuple(names),
        server or "",
        (error.type or "") if error is not None else "",
        (error.message or "") if error is not None else "",
        response.page,
        response.complete,
    )


@lru_cache(maxsize=256)  # most answers of a capture look alike
def _marks(
    written: tuple[str, ...],
    server: str,
    kind: str,
    message: str,
    page: PageAuthor | None,
    is_whole: bool,
) -> int:
    look = Look(written, server, kind, message, page, is_whole)
    return sum(
        1 << place
        for place, sign in enumerate(SIGNS)
        if not isinstance(sign.holds, str) and sign.holds(look)
    )


def signs_of(marks: int, way: Way) -> tuple[Sign, ...]:
    """Return the signs of an answer and of the way to it."""
    return tuple(
        sign
        for place, sign in enumerate(SIGNS)
        if marks >> place & 1 or (isinstance(sign.holds, str) and sign.holds == way)
    )
