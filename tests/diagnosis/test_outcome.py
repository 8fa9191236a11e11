"""Who wrote an answer, told from its header names."""

from __future__ import annotations

import pytest

from inspector.diagnosis.outcome import answered_by
from inspector.model.http import Response
from tests.exchanges.network import Network, only_exchange, request, response, say


def answered(*fields: str) -> Response:
    net = Network()
    say(net.to_api_proxy(), request("POST /v1/messages HTTP/1.1"), response("401 No", *fields))
    found = only_exchange(net.report()).response
    assert found is not None
    return found


@pytest.mark.parametrize(
    "name",
    [
        "request-id", "cf-ray", "x-github-request-id", "openai-processing-ms", "server",
        "anthropic-organization-id", "apim-request-id", "x-cloud-trace-context", "x-should-retry",
        "strict-transport-security", "x-envoy-upstream-service-time", "server-timing",
    ],
)  # fmt: skip
def test_a_header_that_only_apis_and_their_networks_write_shows_the_api(name: str) -> None:
    """Even where the content type's name is in Title-Case, as the API proxy writes its own."""
    marked = answered("Content-Type: application/json", f"{name}: of-the-api")

    assert answered_by(marked) == "upstream"


@pytest.mark.parametrize(
    ("fields", "by"),
    [
        (("Content-Type: application/json",), "api-proxy"),
        (("Content-Type: application/json", "x-unheard-of: 1"), "api-proxy"),
        (("content-type: application/json",), "upstream"),
        (("content-type: text/html", "Server: squid/5.7"), "forward-proxy"),
        (("content-type: text/html", "x-squid-error: ERR_ACCESS_DENIED 0"), "forward-proxy"),
    ],
)
def test_without_such_a_header_the_writing_of_the_names_tells(
    fields: tuple[str, ...], by: str
) -> None:
    assert answered_by(answered(*fields)) == by
