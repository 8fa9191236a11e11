from __future__ import annotations

from inspector.model.conclusions import Hypothesis
from inspector.model.report import Report
from tests.diagnosis.calls import CALL, PROXY_SAYS, called, proxy_error, refusal, through
from tests.exchanges.network import response

BAD_GATEWAY = response("502 Bad Gateway", *PROXY_SAYS, body=proxy_error("socket hang up"))
REFUSED = response("403 Forbidden", *PROXY_SAYS, body=proxy_error("no"))


def h1(report: Report) -> Hypothesis:
    return next(row for row in report.hypotheses if row.id == "H1")


def test_what_the_api_proxy_refused_by_itself_the_api_never_saw() -> None:
    told = h1(called(CALL, REFUSED))
    assert (told.verdict, told.because) == ("refuted", ("the API never saw it",))


def test_a_request_may_have_arrived_by_a_tunnel_whose_tls_was_complete() -> None:
    told = h1(through("api.anthropic.com", CALL, BAD_GATEWAY))
    assert told.verdict == "not observable"
    assert "the API never saw it" not in told.because


def test_of_a_signature_that_the_api_judged_only_keys_show_whose_it_was() -> None:
    expired = (
        b'{"message":"Signature expired: 20261128T164400Z is now earlier than 20261128T165500Z"}'
    )
    told = h1(called(CALL, refusal(403, body=expired)))
    assert told.verdict == "not observable"
    assert told.because == ("whose signature was judged needs keys",)
