"""Of a call whose agent got no byte, a tunnel that brought something back leaves open what."""

from __future__ import annotations

import ssl
from typing import Final

import pytest

from inspector import Options, inspect
from inspector.diagnosis import diagnose
from inspector.diagnosis.call import FailedCall
from inspector.diagnosis.case import Case
from inspector.diagnosis.hypotheses import h1, h3, h4b
from inspector.diagnosis.outcome import CallOutcome
from inspector.fact import replace
from inspector.model.conclusions import HypothesisId, HypothesisVerdict
from inspector.model.report import Report
from tests.diagnosis.calls import CALL, case_of, cause
from tests.diagnosis.matrix import GOLDEN
from tests.exchanges.network import ESTABLISHED, Network, connect, play, response, say
from tests.protocols.tls_memory import Recording, client_context, converse, server_context

LONG: Final = 1_000_000_000


def conversed(version: ssl.TLSVersion) -> Recording:
    """A handshake, with TLS 1.3 two session tickets, a request, and an answer of 1000 bytes."""
    return converse(client_context(version), server_context(version))


def unanswered(inside: Recording, *, is_left: bool = False) -> Report:
    """The report of a call whose tunnel carried that, and whose agent got nothing."""
    net = Network()
    tcp = net.to_api_proxy()
    tcp.up(CALL).ack(False)
    far = say(net.to_squid(), connect("api.anthropic.com:443"), ESTABLISHED)
    play(far, inside)
    tcp.end(is_left).end(not is_left)
    far.close()
    return net.report()


def verdicts(report: Report) -> dict[HypothesisId, HypothesisVerdict]:
    return {row.id: row.verdict for row in report.hypotheses}


def ruled_out(report: Report) -> set[str]:
    return {each.what for each in cause(report).ruled_out}


@pytest.mark.parametrize("is_left", [False, True])
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_what_came_back_to_the_api_proxy_may_be_an_answer(
    version: ssl.TLSVersion, is_left: bool
) -> None:
    report = unanswered(conversed(version), is_left=is_left)
    (tunnel,) = report.tunnels
    assert report.chains[0].tunnel == tunnel.id
    assert tunnel.data_down is not None
    assert tunnel.data_down > 1000

    told = verdicts(report)
    assert (told["H1"], told["H3"], told["H4b"]) == ("not observable",) * 3
    assert not ruled_out(report) & {"upstream error", "cut stream"}
    assert cause(report).details[-1] == (
        f"t1 brought back {tunnel.data_down:,} bytes of data: whether they are its answer is"
        " inside TLS."
    )


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_what_tls_sends_of_itself_is_no_answer(version: ssl.TLSVersion) -> None:
    inside = conversed(version)
    up, _ = inside.flights.pop()
    assert not up
    report = unanswered(inside)
    assert report.tunnels[0].data_down == (0 if version is ssl.TLSVersion.TLSv1_2 else 500)

    told = verdicts(report)
    assert (told["H1"], told["H3"], told["H4b"]) == ("refuted",) * 3
    assert {"upstream error", "cut stream"} <= ruled_out(report)
    assert not any("brought back" in line for line in cause(report).details)


def test_what_came_back_before_the_call_is_no_answer_to_it() -> None:
    """A tunnel that is used again brought what it brought for the call before."""
    report = unanswered(conversed(ssl.TLSVersion.TLSv1_3))
    ((exchange,), (tunnel,)) = report.exchanges, report.tunnels
    assert exchange.request is not None
    for earlier, told in ((0, "not observable"), (1, "refuted")):
        last = replace(tunnel, last_down_at=exchange.request.started_at - earlier)
        case = case_of(replace(report, tunnels=(last,)))
        said = {row.id: row.verdict for row in diagnose(case).hypotheses}
        assert (said["H1"], said["H3"], said["H4b"]) == (told,) * 3


@pytest.mark.parametrize("is_asked", [True, False])
def test_an_error_of_a_proxys_own_may_stand_in_place_of_the_apis(is_asked: bool) -> None:
    """A proxy before the API proxy gives up; in the tunnel something had come back by then."""
    net = Network()
    front = net.to("172.30.0.35", 8080)
    front.up(CALL).ack(False)
    behind = net.to_api_proxy(client="172.30.0.35")
    behind.up(CALL).ack(False)
    far = say(net.to_squid(), connect("api.anthropic.com:443"), ESTABLISHED)
    inside = conversed(ssl.TLSVersion.TLSv1_3)
    if not is_asked:
        inside.flights.pop()
    play(far, inside)
    net.wire.now += 2 * LONG
    page = b"<html><body><center><h1>504</h1></center><hr><center>nginx</center></body></html>"
    fields = ("Server: nginx", "Content-Type: text/html")
    front.down(response("504 Gateway Time-out", *fields, body=page)).ack(True).close()
    behind.end(True).end(False)
    report = net.report()

    assert cause(report).code == "gateway-timeout"
    assert verdicts(report)["H4b"] == ("not observable" if is_asked else "refuted")
    assert ("upstream error" in ruled_out(report)) is not is_asked


def kept_from_the_agent(
    name: str, outcome: CallOutcome, *, closed_after: int
) -> tuple[FailedCall, Case]:
    """A golden call read with keys, as if the agent had got no byte of its answer.

    Its connection is closed so many nanoseconds after the answer's end inside the tunnel.
    """
    folder = GOLDEN / name
    report = inspect(folder, options=Options(key_logs=(folder / "keys.log",)))
    by_id = {exchange.id: exchange for exchange in report.exchanges}
    chain = next(each for each in report.chains if each.upstream_exchanges)
    exchange, inner = by_id[chain.agent_exchange], by_id[chain.upstream_exchanges[-1]]
    assert inner.response is not None
    assert inner.response.ended_at is not None
    connection = next(each for each in report.connections if each.id == exchange.connection)
    closed = replace(connection, closed_at=inner.response.ended_at + closed_after)
    call = FailedCall(replace(exchange, response=None), outcome, "nobody", (), closed, inner=inner)
    return call, case_of(report)


@pytest.mark.parametrize(
    ("name", "outcome", "closed_after", "told"),
    [
        ("h3-proxy-buffers", "unanswered", LONG, ("refuted", "confirmed", "refuted")),
        ("h3-proxy-buffers", "left", LONG, ("refuted", "confirmed", "refuted")),
        ("h3-proxy-buffers", "left", -LONG, ("refuted", "refuted", "refuted")),
        ("h3-proxy-buffers", "unanswered", -LONG, ("refuted", "confirmed", "refuted")),
        ("envoy-401", "unanswered", LONG, ("not observable", "confirmed", "confirmed")),
    ],
)
def test_with_keys_the_answer_inside_is_judged(
    name: str, outcome: CallOutcome, closed_after: int, told: tuple[HypothesisVerdict, ...]
) -> None:
    call, case = kept_from_the_agent(name, outcome, closed_after=closed_after)
    judged = h1.judge(call, case), h3.judge(call, case), h4b.judge(call, case)
    assert tuple(each.verdict for each in judged) == told


def test_an_answer_that_was_not_whole_inside_was_not_cut_by_the_api_proxy() -> None:
    call, case = kept_from_the_agent("h3-proxy-buffers", "unanswered", closed_after=LONG)
    assert call.inner is not None
    assert call.inner.response is not None
    cut = replace(call.inner, response=replace(call.inner.response, complete=False))
    told = h3.judge(replace(call, inner=cut), case)
    assert (told.verdict, told.because) == ("refuted", "the API's own answer was not whole")
