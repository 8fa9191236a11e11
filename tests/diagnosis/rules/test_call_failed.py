"""call-failed: where it is found, and where something only resembles it."""

from __future__ import annotations

import pytest

from tests.diagnosis.calls import API_SAYS, CALL, OTHER, PROXY_SAYS, called, found
from tests.exchanges.network import Network, response, say


@pytest.mark.parametrize(
    "answer",
    [
        response("502 Bad Gateway", "Content-Type: text/html", body=b"<h1>Bad Gateway</h1>"),
        response("503 Service Unavailable", *PROXY_SAYS, body=b'{"error":'),
        response("504 Gateway Timeout", *PROXY_SAYS, body=b'{"error":"timeout"}'),
        response("502 Bad Gateway"),
    ],
    ids=["502-html", "503-broken-json", "504", "502-bare"],
)
def test_a_failed_call_that_no_cause_explains_is_an_error_of_its_own(answer: bytes) -> None:
    net = Network()
    for _ in range(3):
        say(net.to_api_proxy(), CALL, answer).close()
    say(net.to_api_proxy(), OTHER, response("200 OK", *API_SAYS)).close()

    report = net.report()
    finding = found(report)["call-failed"]

    assert (finding.severity, finding.count) == ("error", 3)
    assert [item.exchange for item in finding.evidence] == ["e1", "e2", "e3"]
    assert report.root_cause is None


@pytest.mark.parametrize(
    ("call", "answer"),
    [
        (CALL, response("200 OK", *API_SAYS)),
        (CALL, response("500 Internal Server Error", *API_SAYS)),
        (CALL, None),
        (CALL[:-2], response("200 OK", *API_SAYS)),
    ],
    ids=["answered", "explained", "unanswered", "not-wholly-asked"],
)
def test_a_call_that_is_explained_or_well_is_no_failure_without_a_cause(
    call: bytes, answer: bytes | None
) -> None:
    assert "call-failed" not in found(called(call, answer))


def test_an_unanswered_call_beside_missing_packets_has_a_finding_of_its_own() -> None:
    net = Network()
    net.to_api_proxy().up(CALL).end(False).end(True)
    net.to_api_proxy().ack(True, 50).end(True).end(False, offset=50)

    assert set(found(net.report())) >= {"call-unanswered"}
    assert "call-failed" not in found(net.report())
