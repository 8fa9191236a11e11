"""The positions of a request or response that carry a credential, as tables.

Header names are lower case, as they are compared (RFC 9110 5.1); query
parameter names too, because the APIs behind the proxy spell one of them three
ways (`key`, `apiKey`, `api_key`).
"""

from __future__ import annotations

import re
from enum import Enum
from typing import Final


class Syntax(Enum):
    """How the value of a credential header is built."""

    #: auth-scheme, space, credentials (RFC 9110 11.4)
    SCHEME = "scheme"
    #: the bare credential; a known scheme in front of it is a client's mistake
    BARE = "bare"
    #: cookie pairs (RFC 6265 4.2.1), one credential as a whole
    COOKIE = "cookie"


#: Header -> syntax.  These are reported in `request.auth`, and redacted.
CREDENTIAL_HEADERS: Final[dict[bytes, Syntax]] = {
    b"authorization": Syntax.SCHEME,
    b"proxy-authorization": Syntax.SCHEME,
    b"x-api-key": Syntax.BARE,
    b"api-key": Syntax.BARE,
    b"x-goog-api-key": Syntax.BARE,
    b"cookie": Syntax.COOKIE,
}

#: Redacted in responses, besides every request position that a server may echo.
RESPONSE_HEADERS: Final[dict[bytes, Syntax]] = {b"set-cookie": Syntax.COOKIE}

#: Names that tell by themselves that their value is secret.  Redacted, but not
#: reported as auth: no provider of this network reads them.  `sec-websocket-key`
#: and `idempotency-key` are nonces, and `…-ratelimit-…-tokens` are counts.
SECRET_NAME: Final = re.compile(
    rb"(?:.*[-_])?(?:token|secret|passw(?:or)?d|authorization|api-?_?key|access-?_?key"
    rb"|subscription-key|auth-key|private-key|credentials?|signature)",
    re.IGNORECASE | re.DOTALL,
)

#: Headers whose value is a URL, or an authority (`host`): read like a target.
URL_HEADERS: Final = frozenset(
    {b"host", b"location", b"content-location", b"referer", b"link", b"refresh"}
)

#: Query parameters reported in `request.auth` (as `?key`), and redacted.
CREDENTIAL_QUERY: Final = frozenset({"key", "apikey", "api_key", "access_token"})

#: Query parameters redacted only: other parties' tokens and URL signatures.
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
