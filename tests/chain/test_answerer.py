"""Who wrote an answer: signs weighed against each other, and the way to the answer among them."""

from __future__ import annotations

import pytest

from inspector.chain.answerer import DECIDES, LEAD, answered_by, likely, weigh
from inspector.chain.signs import SIGNS, Way, marks_of
from inspector.model.http import Response
from tests.exchanges.network import Network, only_exchange, request, response, say

OWN = "Content-Type: application/json"
RELAYED = "content-type: application/json"


def answered(*fields: str, body: bytes = b"", status: str = "401 No") -> Response:
    net = Network()
    answer = response(status, *fields, body=body)
    say(net.to_api_proxy(), request("POST /v1/messages HTTP/1.1"), answer)
    found = only_exchange(net.report()).response
    assert found is not None
    return found


def marks(*names: str) -> int:
    return sum(1 << place for place, sign in enumerate(SIGNS) if sign.name in names)


@pytest.mark.parametrize(
    "name",
    [
        "request-id", "cf-ray", "x-github-request-id", "openai-processing-ms",
        "anthropic-organization-id", "apim-request-id", "x-cloud-trace-context", "x-should-retry",
    ],
)  # fmt: skip
def test_a_field_that_only_apis_and_their_edges_write_shows_the_api(name: str) -> None:
    """Even where the content type's name is in Title-Case, as the API proxy writes its own."""
    assert answered_by(answered(OWN, f"{name}: of-the-api")) == "upstream"


@pytest.mark.parametrize(
    ("fields", "by"),
    [
        # spelling alone decides nothing: litellm and Envoy write their own in lower case
        ((OWN,), "unknown"),
        ((RELAYED,), "unknown"),
        ((RELAYED, "server: envoy"), "unknown"),
        ((RELAYED, "server: kong/3.4"), "unknown"),
        ((OWN, "Server: nginx/1.22.1"), "unknown"),
        ((OWN, "strict-transport-security: max-age=1"), "unknown"),
        ((RELAYED, "strict-transport-security: max-age=1"), "upstream"),
        ((RELAYED, "server: cloudflare"), "upstream"),
        (("content-type: text/html", "Server: squid/5.7"), "forward-proxy"),
        (("content-type: text/html", "x-squid-error: ERR_ACCESS_DENIED 0"), "forward-proxy"),
    ],
)
def test_who_an_answer_is_of_by_its_fields_alone(fields: tuple[str, ...], by: str) -> None:
    assert answered_by(answered(*fields)) == by


ENVOY = (b"upstream connect error or disconnect/reset before headers. reset reason: x", "503 No")
BUSY = (b"upstream request timeout", "504 Gateway Timeout")


@pytest.mark.parametrize(
    ("way", "fields", "body", "by"),
    [
        # the same words: of the gateway on the bridge, or of an Envoy in front of the API
        ("failed", ("content-type: text/plain", "server: envoy"), ENVOY, "api-proxy"),
        ("carried", ("content-type: text/plain", "server: cloudflare"), ENVOY, "upstream"),
        ("carried", ("content-type: text/plain", "server: envoy"), ENVOY, "unknown"),
        ("hung up", ("content-type: text/plain", "server: envoy"), ENVOY, "api-proxy"),
        ("hung up", ("content-type: text/plain", "server: cloudflare"), ENVOY, "unknown"),
        ("silent", ("content-type: text/plain", "server: envoy"), BUSY, "api-proxy"),
        ("not known", ("content-type: text/plain", "server: envoy"), BUSY, "api-proxy"),
        ("not known", ("content-type: text/plain",), BUSY, "unknown"),
        # a proxy that opened nothing answered itself, however it spells
        ("nothing opened", (RELAYED,), (b"{}", "401 No"), "api-proxy"),
        ("nothing opened", (OWN,), (b"{}", "401 No"), "api-proxy"),
        ("nothing seen", (RELAYED,), (b"{}", "401 No"), "unknown"),
        ("nothing seen", (OWN,), (b"{}", "401 No"), "api-proxy"),
        # unless the answer is surely the API's: kept from an earlier call, or opened unseen
        ("nothing opened", (RELAYED, "cf-ray: 1"), (b"{}", "401 No"), "unknown"),
        ("nothing seen", (RELAYED, "cf-ray: 1"), (b"{}", "401 No"), "upstream"),
        # Squid's page, and the same status from somebody else behind it
        ("relayed refusal", (RELAYED,), (b"{}", "403 No"), "unknown"),
        ("relayed refusal", ("x-squid-error: ERR_X 0",), (b"{}", "403 No"), "forward-proxy"),
        ("relayed refusal", ("proxy-authenticate: Basic",), (b"", "407 No"), "forward-proxy"),
        ("carried", (RELAYED, "proxy-authenticate: Basic"), (b"{}", "407 No"), "unknown"),
        ("knocked in vain", (OWN,), (b"{}", "502 No"), "api-proxy"),
    ],
)
def test_the_way_to_an_answer_and_what_it_says_are_weighed_together(
    way: Way, fields: tuple[str, ...], body: tuple[bytes, str], by: str
) -> None:
    shown = answered(*fields, body=body[0], status=body[1])

    assert weigh(marks_of(shown), way).by == by


def test_less_than_what_decides_is_not_known_and_says_all_signs() -> None:
    weighed = weigh(marks("lower-case", "gateway-server"))

    assert (weighed.by, weighed.lead) == ("unknown", 0.5)
    assert weighed.signs == ("lower-case", "gateway-server")


def test_what_decides_and_the_lead_that_is_needed() -> None:
    assert (DECIDES, LEAD) == (2.0, 1.5)
    assert weigh(marks("gateway-words")).by == "api-proxy"  # 2.0 against nothing
    assert weigh(marks("site-fields", "api-kind")).by == "unknown"  # 1.5 against nothing
    assert weigh(marks("gateway-words", "api-kind")).by == "api-proxy"  # 2.0 against 0.5
    assert weigh(marks("gateway-words", "lower-case")).by == "unknown"  # 2.0 against 1.0


def test_the_likely_one_is_who_leads_by_however_little() -> None:
    assert likely(marks("title-case")) == "api-proxy"
    assert likely(marks("lower-case", "gateway-server")) == "upstream"
    assert likely(0) == "upstream"


def test_the_reasons_are_the_phrases_of_the_signs() -> None:
    assert weigh(marks("squid")).reasons() == ("the answer names Squid",)
