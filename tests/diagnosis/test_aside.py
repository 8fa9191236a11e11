"""What a gateway refuses while its upstream is put aside has the cause of the failure before it."""

from __future__ import annotations

from inspector.model.report import Report
from tests.diagnosis.calls import CALL, WELL, cause, found, golden, refusal
from tests.exchanges.network import ESTABLISHED, Network, connect, play, response, say, tls

ASIDE = response(
    "429 Too Many Requests",
    "content-type: application/json",
    body=b'{"error":{"type":"rate_limit_error","message":"No deployments available for selected'
    b' model, Try again in 5 seconds. All deployments for selected model are in cooldown."}}',
)
REJECTED = refusal(
    401, body=b'{"type":"error","error":{"type":"authentication_error","message":"invalid'
    b' x-api-key"}}'
)  # fmt: skip


def report_of(*answers: bytes, port: int = 10001, then: int | None = None) -> Report:
    """The report of calls with these answers: with 429 no tunnel is opened."""
    net = Network()
    for turn, answer in enumerate(answers):
        last = turn == len(answers) - 1
        agent = net.to_api_proxy(port if then is None or not last else then)
        agent.up(CALL).ack(False)
        if answer is not ASIDE:
            tunnel = say(net.to_squid(), connect(), ESTABLISHED)
            play(tunnel, tls(turn))
            agent.down(answer).ack(True)
            tunnel.close()
        else:
            agent.down(answer).ack(True)
        agent.close()
    return net.report()


def test_a_401_heads_the_report_and_the_refusals_after_it_are_its_own() -> None:
    told = cause(report_of(REJECTED, ASIDE, ASIDE, ASIDE))

    assert (told.code, told.explains, told.of) == ("upstream-rejected-credential", 4, 4)
    assert "1 x 401" in told.sentence
    assert any("refused 3 calls itself (429" in line for line in told.details)
    assert told.others == ()


def test_the_golden_capture_of_litellm_says_so() -> None:
    report = golden("litellm-401")

    assert cause(report).code == "upstream-rejected-credential"
    assert set(found(report)) == {"upstream-rejected-credential"}


def test_without_a_failure_before_it_the_gateway_refused_by_itself() -> None:
    told = cause(report_of(ASIDE, ASIDE))

    assert told.code == "proxy-refused"
    assert "cooldown_time" in told.advice


def test_a_failure_at_another_service_is_not_why() -> None:
    told = cause(report_of(REJECTED, ASIDE, ASIDE, then=10000))

    assert told.code == "upstream-rejected-credential"
    assert told.explains == 2
    assert [group.code for group in told.others] == ["proxy-refused"]


def test_what_went_well_before_is_no_failure() -> None:
    well = response("200 OK", "content-type: application/json", "request-id: r", body=WELL)

    assert cause(report_of(well, ASIDE)).code == "proxy-refused"


def test_whether_the_api_failed_before_is_open_where_the_refusals_alone_were_seen() -> None:
    verdicts = {each.id: each.verdict for each in report_of(ASIDE, ASIDE).hypotheses}
    assert verdicts["H4b"] == "not observable"
