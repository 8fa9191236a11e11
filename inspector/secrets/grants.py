"""The table: header -> what each word of its value may be, and why it may be shown.

Names are lower case and whole; there are no wildcards.  What is not here is shown as its length
and fingerprint: request ids, trace ids, session ids, entity tags and nonces too, since no grammar
tells them from a key.  Headers that carry credentials have labels of their own
(`secrets.positions`), those that hold URLs are read as targets are (`paths`).
"""

from __future__ import annotations

from typing import Final

from inspector.fact import Fact
from inspector.secrets.grammar import (
    DATES,
    HOSTS,
    MEDIA,
    NAMES,
    NUMBER,
    NUMBERS,
    PRODUCTS,
    SWITCHES,
    VERSION,
    WORD,
    ValueGrammar,
)


class Grant(Fact):
    """A grammar, and the reason for which values of it may be shown."""

    grammar: ValueGrammar
    reason: str


#: The pseudo-name of a status line's phrase.
REASON: Final = b":reason"

_CODINGS: Final = ValueGrammar(
    r"[0-9]{1,4}",
    r"(?i:aws|chunked|x|gzip|deflate|br|zstd|dcb|dcz|identity|compress|trailers|q)",
)
_FIELD_NAMES: Final = ValueGrammar(WORD, r"[0-9]{1,3}", r"http2|h2c|h2|sha256|md5|x")
_DIRECTIVES: Final = ValueGrammar(WORD, r"[0-9]{1,10}")
_LANGUAGES: Final = ValueGrammar(r"[A-Za-z]{1,8}", r"[0-9]{1,3}")
_SQUID: Final = ValueGrammar(r"[A-Z]{1,11}", r"[0-9]{1,6}")
_CACHE: Final = ValueGrammar(WORD, r"[0-9]{1,5}", r"[0-9a-fA-F]{1,4}")
_PHRASE: Final = ValueGrammar(WORD, r"[0-9]{1,4}")
_CHALLENGE: Final = ValueGrammar(WORD, r"[0-9]{1,3}")
_GRPC: Final = ValueGrammar(WORD, r"[0-9]{1,8}[HMSmun]?")
_DURATION: Final = ValueGrammar(NUMBER, r"(?:[0-9]{1,9}(?:ms|us|ns|[smhd]))+")


def _rows(reason: str, grammar: ValueGrammar, names: str) -> dict[bytes, Grant]:
    return {name.encode(): Grant(grammar, reason) for name in names.split()}


GRANTS: Final[dict[bytes, Grant]] = {
    REASON: Grant(_PHRASE, "what the status says in words (RFC 9112 4)"),
    **_rows("how a message is framed (RFC 9112 6)", ValueGrammar(r"[0-9]{1,19}"), "content-length"),
    **_rows("how a message is framed and coded (RFC 9112 6.1, RFC 9110 8.4)", _CODINGS,
            "transfer-encoding content-encoding te accept-encoding llm_provider-transfer-encoding"
            " llm_provider-content-encoding"),
    **_rows("what a body is (RFC 9110 8.3, 12.5.1)", MEDIA,
            "content-type accept llm_provider-content-type accept-charset"),
    **_rows("what a connection does next (RFC 9110 7.6, 7.8)", _FIELD_NAMES,
            "connection proxy-connection keep-alive upgrade trailer expect vary allow"
            " access-control-allow-headers access-control-expose-headers"
            " access-control-allow-methods"),
    **_rows("languages (RFC 9110 8.5)", _LANGUAGES, "accept-language content-language"),
    **_rows("a time (RFC 9110 5.6.7, RFC 3339)", DATES,
            "date last-modified expires if-modified-since x-amz-date x-ms-date llm_provider-date"
            " anthropic-ratelimit-requests-reset anthropic-ratelimit-tokens-reset"
            " anthropic-ratelimit-input-tokens-reset anthropic-ratelimit-output-tokens-reset"
            " retry-after"),
    **_rows("a count or a duration of the API's own", _DURATION,
            "age max-forwards retry-after-ms x-stainless-retry-count x-ratelimit-limit"
            " x-ratelimit-remaining x-ratelimit-reset x-ratelimit-limit-requests"
            " x-ratelimit-limit-tokens x-ratelimit-remaining-requests"
            " x-ratelimit-remaining-tokens x-ratelimit-reset-requests"
            " x-ratelimit-reset-tokens anthropic-ratelimit-requests-limit"
            " anthropic-ratelimit-requests-remaining anthropic-ratelimit-tokens-limit"
            " anthropic-ratelimit-tokens-remaining anthropic-ratelimit-input-tokens-limit"
            " anthropic-ratelimit-input-tokens-remaining anthropic-ratelimit-output-tokens-limit"
            " anthropic-ratelimit-output-tokens-remaining openai-processing-ms"
            " x-envoy-upstream-service-time sec-websocket-version upgrade-insecure-requests"
            " x-litellm-attempted-fallbacks x-litellm-attempted-retries"
            " x-litellm-callback-duration-ms x-litellm-key-spend x-litellm-overhead-duration-ms"
            " x-litellm-response-cost x-litellm-response-cost-discount-amount"
            " x-litellm-response-cost-input x-litellm-response-cost-margin-amount"
            " x-litellm-response-cost-margin-percent x-litellm-response-cost-original"
            " x-litellm-response-cost-output x-litellm-response-cost-tool-usage"
            " x-litellm-response-duration-ms"),
    **_rows("how long a client waits (the SDKs say NOT_GIVEN for no limit)", NUMBERS,
            "x-stainless-timeout x-stainless-read-timeout"),
    **_rows("which program speaks (RFC 9110 10.1.5, 10.2.4)", PRODUCTS,
            "user-agent server via x-powered-by llm_provider-server x-stainless-lang"
            " x-stainless-package-version x-stainless-os x-stainless-arch x-stainless-runtime"
            " x-stainless-runtime-version x-goog-api-client x-app originator"
            " editor-version editor-plugin-version x-litellm-version openai-version"),
    **_rows("what steers an API: versions, features, models (the providers' references)", NAMES,
            "anthropic-version anthropic-beta openai-beta copilot-integration-id"
            " openai-organization openai-project x-github-api-version x-codex-beta-features"
            " openai-model x-gemini-service-tier x-initiator openai-intent x-interaction-type"
            " x-litellm-model-group x-litellm-model-name x-ms-region mime-version"),
    **_rows("Squid's reason (errorpage.cc: a page's name, errno)", _SQUID, "x-squid-error"),
    **_rows("what a cache did, and where", _CACHE,
            "x-cache x-cache-lookup cf-cache-status cf-mitigated x-cache-status"),
    **_rows("directives of caches, browsers and robots", _DIRECTIVES,
            "cache-control pragma strict-transport-security x-content-type-options"
            " x-frame-options x-robots-tag x-xss-protection referrer-policy"
            " accept-ranges content-disposition access-control-allow-origin"
            " access-control-max-age access-control-allow-credentials"),
    **_rows("what a server asks for (RFC 9110 11.6.1)", _CHALLENGE,
            "www-authenticate proxy-authenticate"),
    **_rows("yes or no", SWITCHES,
            "x-should-retry x-accel-buffering anthropic-dangerous-direct-browser-access"
            " x-stainless-async dnt"),
    **_rows("how a browser fetches (Fetch)", ValueGrammar(WORD),
            "sec-fetch-mode sec-fetch-site sec-fetch-dest sec-fetch-user"),
    **_rows("extensions and protocols of a WebSocket (RFC 6455 11.3)", ValueGrammar(WORD, VERSION),
            "sec-websocket-extensions sec-websocket-protocol"),
    **_rows("an attempt's number (AWS SDKs)", ValueGrammar(WORD, NUMBER, r"[0-9]{8}T[0-9]{6}Z"),
            "amz-sdk-request"),
    **_rows("an address or a host", HOSTS,
            "origin x-forwarded-host x-forwarded-proto x-forwarded-port x-forwarded-for x-real-ip"),
    **_rows("how a call of gRPC ended, and what it asks for (gRPC over HTTP/2)", _GRPC,
            "grpc-status grpc-message grpc-encoding grpc-accept-encoding grpc-timeout"),
    **_rows("the fault's name (AWS)", ValueGrammar(WORD, r"(?:[A-Z][a-z]{2,16}){2,5}"),
            "x-amzn-errortype"),
}  # fmt: skip


def granted(name: bytes) -> ValueGrammar | None:
    """What a header's value may be, by its folded name; None: no value of it is shown."""
    grant = GRANTS.get(name)
    return None if grant is None else grant.grammar
