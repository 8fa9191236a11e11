"""Some calls of a report alone: what belongs to them stays, and no conclusion is drawn of them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from inspector.exchanges.processes import SocketOwner
from inspector.inspection import Inspector
from inspector.model.network import Endpoint, Process
from inspector.model.report import Report
from inspector.options import Options
from inspector.report.page.terminal import MOST_ROWS, render
from inspector.report.selecting import Selection, TimeBound, select
from tests.diagnosis.calls import CALL, golden
from tests.exchanges.network import AGENT, API_PROXY, Network, request, response, say

SECOND = 1_000_000_000


@pytest.fixture(scope="module")
def run() -> Report:
    """Four calls: curl and claude to Anthropic (200, 401), curl to OpenAI (200, none)."""
    net = Network()
    for port, agent, answer in (
        (10001, "curl/8", response()),
        (10001, "claude-cli/2", response("401 No")),
        (10000, "curl/8", response()),
    ):
        call = request("POST /v1/messages HTTP/1.1", f"User-Agent: {agent}", "x-api-key: dummy")
        say(net.to_api_proxy(port), call, answer).close()
        net.wire.now += SECOND
    last = net.to_api_proxy(10000)
    last.up(request("POST /v1/chat/completions HTTP/1.1", "User-Agent: curl/8")).ack(False)
    last.end(False).end(True)
    return net.report()


def _ids(report: Report, selection: Selection) -> list[str]:
    return [each.id for each in select(report, selection).report.exchanges]


@pytest.mark.parametrize(
    ("selection", "ids"),
    [
        (Selection(), ["e1", "e2", "e3", "e4"]),
        (Selection(clients=("CURL",)), ["e1", "e3", "e4"]),
        (Selection(clients=(AGENT,)), ["e1", "e2", "e3", "e4"]),
        (Selection(providers=("anthropic",)), ["e1", "e2"]),
        (Selection(failed=True), ["e2", "e4"]),
        (Selection(statuses=("401", "none")), ["e2", "e4"]),
        (Selection(statuses=("2xx",)), ["e1", "e3"]),
        (Selection(exchanges=("e3", "e2")), ["e2", "e3"]),
        (Selection(clients=("curl",), failed=True), ["e4"]),
        (Selection(providers=("gemini",)), []),
    ],
)
def test_a_call_is_selected_if_all_of_it_applies(
    run: Report, selection: Selection, ids: list[str]
) -> None:
    assert _ids(run, selection) == ids


def test_a_call_is_of_the_time_at_which_it_began(run: Report) -> None:
    second = run.exchanges[1].request
    assert second is not None
    at = TimeBound(second.started_at, is_offset=False)
    assert _ids(run, Selection(since=at)) == ["e2", "e3", "e4"]
    assert _ids(run, Selection(until=at)) == ["e1", "e2"]
    assert _ids(run, Selection(since=at, until=at)) == ["e2"]


def test_an_offset_counts_from_the_first_packet() -> None:
    report = golden("keep-alive-50")
    start = report.captures[0].started_at
    assert start is not None
    offset = Selection(since=TimeBound(SECOND // 10, is_offset=True))
    absolute = Selection(since=TimeBound(start + SECOND // 10, is_offset=False))
    assert _ids(report, offset) == _ids(report, absolute)
    assert 0 < len(_ids(report, offset)) < len(report.exchanges)


def test_a_call_keeps_its_legs_tunnels_and_connections_and_no_others() -> None:
    report = golden("through-squid-absolute")
    alone = select(report, Selection(exchanges=("e2",))).report
    call = report.exchanges[0]
    assert [each.id for each in alone.exchanges] == [
        each.id for each in report.exchanges if each.relays == call.id or each.id == call.id
    ]
    assert [tunnel.id for tunnel in alone.tunnels] == [alone.chains[0].tunnel]
    held = {*(e.connection for e in alone.exchanges), *(t.connection for t in alone.tunnels)}
    assert {each.id for each in alone.connections} == held


def test_clients_are_counted_anew(run: Report) -> None:
    selected = select(run, Selection(statuses=("401",)))
    [client] = selected.report.clients
    assert (client.requests, dict(client.statuses)) == (1, {"401": 1})
    assert [header.requests for header in client.auth_headers] == [1]
    assert (selected.calls, selected.of) == (1, 4)


def test_a_program_or_container_names_a_client_too() -> None:
    net, inspector = Network(), Inspector(Options(fingerprint_key=b"lab"))
    for number, container in enumerate(("one", "two"), start=1):
        client = Endpoint(AGENT, 40_000 + number)
        process = Process(pid=number, comm="node", container=container)
        server = Endpoint(API_PROXY, 10001)
        inspector.claim(SocketOwner(client, server, "client", net.wire.now, process))
        say(net.to_api_proxy(), CALL, response()).close()
    inspector.feed(net.wire.batch())
    report = inspector.finish()
    assert _ids(report, Selection(clients=("two",))) == ["e2"]
    assert _ids(report, Selection(clients=("node",))) == ["e1", "e2"]


def test_a_filtered_page_says_so_and_concludes_from_the_whole_run() -> None:
    report = golden("issue-1527")
    whole = render(report)
    page = render(report, selection=Selection(statuses=("200",), said="--status 200"))
    assert "FILTERED by --status 200: 0 of 1 requests." in page
    assert "of the whole run." in " ".join(page.split())
    for said in ("CAUSE  proxy-died   explains 1 of 1 failed call", "H4a  200s taken for answers"):
        assert said in whole
        assert said in page
    assert "SENT" not in page


def test_no_failure_among_some_calls_is_no_run_without_one(run: Report) -> None:
    page = render(run, selection=Selection(statuses=("200",), said="--status 200"))
    assert "None failed" not in page


def test_a_long_run_is_a_bounded_page(run: Report) -> None:
    call = run.exchanges[0]
    many = replace(run, exchanges=tuple(call for _ in range(MOST_ROWS + 7)))
    page = render(many, verbosity=1)
    assert "... 7 more rows with -v or --limit" in page
    assert "more rows" not in render(many, verbosity=1, limit=0)
    assert f"... {MOST_ROWS + 5} more rows" in render(many, verbosity=1, limit=2)
