"""The table of signs: what each weighs, and what shows it."""

from __future__ import annotations

import pytest

from inspector.chain.signs import BY_NAME, SIGNS, marks_of, signs_of
from tests.chain.test_answerer import answered

#: Whom each speaks for, and how much: a weight that changes changes who is said to have answered.
TABLE = {
    "carried": ("upstream", 3.0),
    "silent": ("api-proxy", 4.0),
    "hung-up": ("api-proxy", 1.5),
    "failed": ("api-proxy", 4.0),
    "refusal": ("forward-proxy", 2.0),
    "in-vain": ("api-proxy", 3.0),
    "nothing-opened": ("api-proxy", 4.0),
    "nothing-seen": ("api-proxy", 1.5),
    "squid": ("forward-proxy", 6.0),
    "challenge": ("forward-proxy", 3.0),
    "api-fields": ("upstream", 4.0),
    "edge": ("upstream", 3.0),
    "upstream-took": ("upstream", 2.0),
    "site-fields": ("upstream", 1.0),
    "proxy-kind": ("api-proxy", 4.0),
    "llm-gateway": ("api-proxy", 3.0),
    "quoted": ("upstream", 3.0),
    "gateway-words": ("api-proxy", 2.0),
    "gateway-page": ("api-proxy", 2.0),
    "gateway-server": ("api-proxy", 0.5),
    "envoy-own": ("api-proxy", 1.5),
    "api-kind": ("upstream", 0.5),
    "lower-case": ("upstream", 1.0),
    "title-case": ("api-proxy", 1.0),
    "bare": ("api-proxy", 1.0),
}


def test_every_sign_has_its_weight() -> None:
    assert {sign.name: (sign.author, sign.weight) for sign in SIGNS} == TABLE


def test_every_sign_says_where_it_is_from_and_has_a_phrase_of_its_own() -> None:
    assert all(sign.source for sign in SIGNS)
    assert len({sign.reason for sign in SIGNS}) == len(SIGNS) == len(BY_NAME)


def shown(*fields: str, body: bytes = b"", status: str = "400 No") -> set[str]:
    return {
        sign.name
        for sign in signs_of(marks_of(answered(*fields, body=body, status=status)), "not known")
    }


JSON, TEXT, HTML = (
    f"content-type: {kind}" for kind in ("application/json", "text/plain", "text/html")
)
NGINX = b"<html><body><center><h1>413</h1></center><hr><center>nginx/1.22.1</center></body></html>"
HAPROXY = (
    b"<html><body><h1>504 Gateway Time-out</h1>\nThe server didn't respond in time.\n</body></html>"
)


@pytest.mark.parametrize(
    ("fields", "body", "signs"),
    [
        ((JSON,), b"{}", {"lower-case"}),
        (("Content-Type: application/json",), b"{}", {"title-case"}),
        ((JSON, "server: cloudflare"), b"{}", {"lower-case", "edge"}),
        ((JSON, "server: envoy"), b"{}", {"lower-case", "gateway-server", "envoy-own"}),
        (
            (JSON, "server: envoy", "x-envoy-upstream-service-time: 3"),
            b"{}",
            {"lower-case", "gateway-server", "upstream-took"},
        ),
        ((JSON, "x-kong-upstream-latency: 3"), b"{}", {"lower-case", "upstream-took"}),
        ((JSON, "x-kong-response-latency: 3"), b"{}", {"lower-case", "gateway-words"}),
        ((JSON, "cf-ray: 1", "alt-svc: x"), b"{}", {"lower-case", "api-fields", "site-fields"}),
        ((HTML,), NGINX, {"lower-case", "gateway-page"}),
        ((HTML,), HAPROXY, {"lower-case", "gateway-page"}),
        ((HTML,), b"<p>The Squid Software Foundation", {"lower-case", "squid"}),
        ((HTML,), b"<div id='cf-wrapper'>", {"lower-case", "edge"}),
        ((HTML,), b"<h1>nginx</h1>", {"lower-case"}),
        ((TEXT,), b"no healthy upstream", {"lower-case", "gateway-words"}),
        ((TEXT,), b"Internal Server Error", {"lower-case", "gateway-words"}),
        ((TEXT,), b"An Internal Server Error of ours", {"lower-case"}),
        (
            (JSON,),
            b'{"error":{"message":"No connected db.","type":"no_db_connection"}}',
            {"lower-case", "llm-gateway"},
        ),
        (  # its own words around those of the API
            (JSON,),
            b'{"error":{"message":"litellm.AuthenticationError: AnthropicException - {\\"type\\":'
            b' \\"error\\"}. Received Model Group=m","type":null}}',
            {"lower-case", "quoted"},
        ),
        (
            (JSON,),
            b'{"error":{"message":"litellm.AuthenticationError: AuthenticationError:'
            b' OpenAIException - Incorrect API key provided","type":null}}',
            {"lower-case"},
        ),
        (
            (JSON,),
            b'{"error":{"message":"litellm.Timeout: AnthropicException - litellm.Timeout:'
            b' Connection timed out. Timeout passed=1.0","type":null}}',
            {"lower-case", "llm-gateway"},
        ),
        (
            (JSON,),
            b'{"error":{"message":"litellm.BadRequestError: LLM Provider NOT provided"}}',
            {"lower-case", "llm-gateway"},
        ),
        (
            (JSON,),
            b'{"error":{"message":"bad","type":"authentication_error"}}',
            {"lower-case", "api-kind"},
        ),
        (
            (JSON,),
            b'{"error":{"message":"m","type":"max_runs_exceeded"}}',
            {"lower-case", "proxy-kind"},
        ),
        (
            (JSON,),
            b'{"error":"Proxy error","message":"connect ECONNREFUSED 10.0.0.1:3128"}',
            {"lower-case", "proxy-kind", "gateway-words"},
        ),
    ],
)
def test_what_shows_a_sign(fields: tuple[str, ...], body: bytes, signs: set[str]) -> None:
    # The helper's Content-Length is in Title-Case, which is no matter beside another spelling.
    assert shown(*fields, body=body) == signs
