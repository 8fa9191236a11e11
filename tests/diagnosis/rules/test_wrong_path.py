"""wrong-path: where it is found, and where something only resembles it."""

from __future__ import annotations

import pytest

from tests.diagnosis.calls import PROXY_SAYS, called, cause, found, golden, openai, refusal, through
from tests.exchanges.network import Network, request, response


def test_a_404_to_a_path_that_the_reference_lacks_is_the_paths_fault() -> None:
    assert "wrong-path" in found(golden("h1-wrong-path"))


def test_another_4xx_to_a_known_path_is_not() -> None:
    assert "wrong-path" not in found(golden("upstream-413"))


@pytest.mark.parametrize(
    ("port", "path", "advised"),
    [
        (10000, "/chat/completions", "http://172.30.0.30:10000/v1: /v1 is missing"),
        (10000, "/v1/v1/responses", "Take /v1 out of the client's OPENAI_BASE_URL"),
        (10001, "/messages", "http://172.30.0.30:10001/v1: /v1 is missing"),
        (10001, "/v1/v1/messages", "Take /v1 out of the client's ANTHROPIC_BASE_URL"),
        (10003, "/models/m:generateContent", "http://172.30.0.30:10003/v1"),
    ],
)
def test_a_version_that_is_missing_or_there_twice_is_named(
    port: int, path: str, advised: str
) -> None:
    answer = refusal(404, body=openai(f"Invalid URL (POST {path})"))
    host = {10000: "api.openai.com", 10001: "api.anthropic.com"}.get(
        port, "generativelanguage.googleapis.com"
    )
    told = cause(through(host, request(f"POST {path} HTTP/1.1"), answer, port=port))

    assert told.code == "wrong-path"
    assert advised in told.advice


@pytest.mark.parametrize(
    "answer",
    [
        response("404 Not Found", *PROXY_SAYS, body=b'{"error":"Not found"}'),
        refusal(404, body=b"404 page not found", kind="text/plain"),
        refusal(404, body=b"<html>nginx</html>", kind="text/html"),
        refusal(405, body=b'{"detail":"Method Not Allowed"}'),
    ],
    ids=["api-proxy", "go", "nginx", "method"],
)
def test_whoever_answers_a_path_that_the_reference_lacks(answer: bytes) -> None:
    assert cause(called(request("POST /v2/messages HTTP/1.1"), answer)).code == "wrong-path"


def test_an_upgrade_that_is_refused_at_a_path_without_its_version_is_the_paths() -> None:
    call = request("GET /responses HTTP/1.1", "Connection: Upgrade", "Upgrade: websocket")
    answer = refusal(426, body=openai("Upgrade required"))

    assert cause(through("api.openai.com", call, answer, port=10000)).code == "wrong-path"


def test_an_upgrade_that_is_refused_at_a_good_path_is_not() -> None:
    call = request("GET /v1/responses HTTP/1.1", "Connection: Upgrade", "Upgrade: websocket")
    answer = refusal(426, body=openai("Upgrade required"))

    report = through("api.openai.com", call, answer, port=10000)

    assert "wrong-path" not in found(report)


def test_the_api_proxys_own_404_to_a_good_path_is_no_paths() -> None:
    answer = response("404 Not Found", *PROXY_SAYS, body=b'{"error":"Not found"}')

    assert "wrong-path" not in found(called(request("POST /v1/messages HTTP/1.1"), answer))


def test_a_path_at_which_another_call_was_answered_well_is_there() -> None:
    """Codex without /v1: the upgrade is refused, the POST at the same path is served."""
    net = Network()
    upgrade = request("GET /responses HTTP/1.1", "Connection: Upgrade", "Upgrade: websocket")
    through("api.openai.com", upgrade, refusal(426, body=openai("no")), port=10000, net=net)
    served = response("200 OK", "content-type: application/json", body=b'{"object":"response"}')
    report = through(
        "api.openai.com", request("POST /responses HTTP/1.1"), served, port=10000, net=net
    )

    assert "wrong-path" not in found(report)
    assert next(each.verdict for each in report.hypotheses if each.id == "H1") != "confirmed"
