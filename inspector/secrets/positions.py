"""The positions of a request or response that carry a credential, as tables.

Header names are lower case, as they are compared (RFC 9110 5.1); query
parameter names too, because the APIs behind the proxy spell one of them three
ways (`key`, `apiKey`, `api_key`).
"""

from __future__ import annotations

import re
from enum import Enum
from typing import Final

from inspector.regex import regex


class Syntax(Enum):
    """How the value of a credential header is built."""

    #: auth-scheme, space, credentials (RFC 9110 11.4)
    SCHEME = "scheme"
    #: the bare credential; a known scheme in front of it is a client's mistake
    BARE = "bare"
    #: cookie pairs (RFC 6265 4.2.1), one credential as a whole
    COOKIE = "cookie"


#: Headers in which gateways in front of APIs, and services that an agent calls beside them,
#: take a key (each vendor's own documentation).  Those that may hold a scheme are read as
#: `Authorization` is.
GATEWAY_HEADERS: Final[dict[bytes, Syntax]] = dict.fromkeys(
    (
        b"cf-aig-authorization",  # Cloudflare AI Gateway
        b"helicone-auth",
        b"x-authorization",
        b"x-bf-vk",  # Bifrost
        b"x-forwarded-authorization",
        b"x-goog-iam-authorization-token",
        b"x-litellm-api-key",
        b"x-litellm-key",
        b"x-original-authorization",
        b"x-serverless-authorization",  # Cloud Run
    ),
    Syntax.SCHEME,
) | dict.fromkeys(
    (
        b"access-token",
        b"apikey",  # Kong, Supabase
        b"appkey",
        b"auth-token",
        b"circle-token",
        b"dd-api-key",  # Datadog
        b"dd-application-key",
        b"fastly-key",
        b"job-token",  # GitLab
        b"ocp-apim-subscription-key",  # Azure API Management
        b"private-token",  # GitLab
        b"x-access-token",
        b"x-amz-security-token",
        b"x-anthropic-api-key",
        b"x-api-token",
        b"x-apikey",
        b"x-app-key",
        b"x-auth-key",  # Cloudflare
        b"x-auth-token",  # OpenStack
        b"x-azure-api-key",
        b"x-client-secret",
        b"x-functions-key",  # Azure Functions
        b"x-gitlab-token",
        b"x-google-api-key",
        b"x-honeycomb-team",
        b"x-jwt",
        b"x-jwt-assertion",
        b"x-master-key",
        b"x-openai-api-key",
        b"x-openrouter-api-key",
        b"x-portkey-api-key",
        b"x-portkey-virtual-key",
        b"x-rapidapi-key",
        b"x-secret-key",
        b"x-service-token",
        b"x-token",
        b"x-vault-token",
        b"xi-api-key",  # ElevenLabs
    ),
    Syntax.BARE,
)

#: Header -> syntax.  These are reported in `request.auth`, and redacted.
CREDENTIAL_HEADERS: Final[dict[bytes, Syntax]] = {
    b"authorization": Syntax.SCHEME,
    b"proxy-authorization": Syntax.SCHEME,
    b"x-api-key": Syntax.BARE,
    b"api-key": Syntax.BARE,
    b"x-goog-api-key": Syntax.BARE,
    b"cookie": Syntax.COOKIE,
} | GATEWAY_HEADERS

#: Redacted in responses, besides every request position that a server may echo.
RESPONSE_HEADERS: Final[dict[bytes, Syntax]] = {b"set-cookie": Syntax.COOKIE}

#: Names that tell by themselves that their value is secret.  Redacted, and reported
#: as auth where the value has a key's documented prefix: `x-csrf-token` is none.
#: `sec-websocket-key` and `idempotency-key` are nonces, `…-ratelimit-…-tokens` are counts.
SECRET_NAME: Final = regex(
    rb"(?:.*[-_])?(?:token|secret|passw(?:or)?d|authorization|api-?_?key|access-?_?key"
    rb"|subscription-key|auth-key|private-key|credentials?|signature)",
    re.IGNORECASE | re.DOTALL,
)

#: What allows or forbids credentials (Fetch 3.3.5): no credential, though named after them.
_ABOUT_CREDENTIALS: Final = b"access-control-"

#: Browsers can send a key nowhere else: among subprotocols (RFC 6455 11.3.4).
SUBPROTOCOLS: Final = b"sec-websocket-protocol"


def is_secret_name(folded: bytes) -> bool:
    """Whether a header's name (lower case) tells by itself that its value is secret."""
    return SECRET_NAME.fullmatch(folded) is not None and not folded.startswith(_ABOUT_CREDENTIALS)


#: Headers whose value is a URL, or an authority (`host`): read like a target.
URL_HEADERS: Final = frozenset(
    {b"host", b"location", b"content-location", b"referer", b"link", b"refresh"}
)

#: Query parameters reported in `request.auth` (as `?key`), and redacted.
CREDENTIAL_QUERY: Final = frozenset({"key", "apikey", "api_key", "access_token"})

#: Query parameters redacted, and reported likewise: other parties' tokens, URL signatures.
SECRET_QUERY: Final = CREDENTIAL_QUERY | {
    "api-key",
    "auth",
    "client_secret",
    "id_token",
    "password",
    "refresh_token",
    "secret",
    "sig",
    "signature",
    "token",
    "x-amz-credential",
    "x-amz-security-token",
    "x-amz-signature",
    "x-api-key",
    "x-goog-api-key",
    "x-goog-credential",
    "x-goog-signature",
}

#: Headers that steer authentication without being secret: shown in full.
STEERING_HEADERS: Final = frozenset(
    {
        b"anthropic-beta",
        b"anthropic-version",
        b"copilot-integration-id",
        b"openai-organization",
        b"openai-project",
        b"x-github-api-version",
        b"x-stainless-retry-count",
    }
)

#: Authorization schemes known by name, in lower case (the IANA registry of HTTP
#: authentication schemes and those in use without being registered).
SCHEMES: Final = frozenset(
    {
        b"apikey",
        b"aws4-ecdsa-p256-sha256",
        b"aws4-hmac-sha256",
        b"basic",
        b"bearer",
        b"digest",
        b"dpop",
        b"goog4-hmac-sha256",
        b"goog4-rsa-sha256",
        b"hawk",
        b"hoba",
        b"mutual",
        b"negotiate",
        b"ntlm",
        b"oauth",
        b"privatetoken",
        b"scram-sha-1",
        b"scram-sha-256",
        b"sharedkey",
        b"token",
        b"vapid",
    }
)
