from __future__ import annotations

from dataclasses import replace

import pytest

from inspector.exchanges.clients import status_of
from inspector.model.http import EndedBy, Exchange, Response
from inspector.model.report import Report
from inspector.report.page.grouping import failure, groups, page, tunnel_row


@pytest.fixture
def answered(report: Report) -> tuple[Exchange, Response]:
    """A call with a complete event stream."""
    exchange = report.exchanges[1]
    assert exchange.response is not None
    return exchange, exchange.response


def test_a_call_that_ended_well_states_no_failure(answered: tuple[Exchange, Response]) -> None:
    assert failure(answered[0]) == ""


def test_a_call_without_answer_states_who_ended_it(report: Report) -> None:
    unanswered = report.exchanges[4]
    assert failure(unanswered) == "no answer: the capture ends here"
    assert failure(replace(unanswered, ended_by="server")) == "no answer: the server closed"


def test_an_error_is_told_in_the_apis_own_words(report: Report) -> None:
    assert failure(report.exchanges[0]) == 'authentication_error "invalid x-api-key"'


def test_squids_page_is_told_by_squids_header(report: Report) -> None:
    exchange = report.exchanges[0]
    assert exchange.response is not None
    headers = (("X-Squid-Error", "ERR_ACCESS_DENIED 0"), ("Content-Type", "text/html"))
    denied = replace(exchange.response, status=403, api_error=None, headers=headers)
    assert failure(replace(exchange, response=denied)) == "X-Squid-Error: ERR_ACCESS_DENIED 0"


def test_an_error_that_states_nothing_is_told_by_its_content_type(report: Report) -> None:
    exchange = report.exchanges[0]
    assert exchange.response is not None
    blank = replace(exchange.response, api_error=None, content_type=None)
    assert (
        failure(replace(exchange, response=blank)) == "no error that can be read (no content type)"
    )


@pytest.mark.parametrize(
    ("ended_by", "said"),
    [
        ("server", "cut short: the server closed"),
        ("reset-by-client", "cut short: the client reset"),
        ("gap", "cut short: bytes are missing from the capture"),
    ],
)
def test_an_answer_that_was_cut_states_by_whom(
    answered: tuple[Exchange, Response], ended_by: EndedBy, said: str
) -> None:
    assert failure(replace(answered[0], ended_by=ended_by)) == said


def test_a_stream_without_its_end_is_a_failure_though_http_was_complete(
    answered: tuple[Exchange, Response],
) -> None:
    exchange, response = answered
    assert response.stream is not None
    stream = replace(response.stream, terminated=False, events=6)
    cut = replace(exchange, response=replace(response, stream=stream))
    assert failure(cut) == "event stream: 6 events, NO END"


def test_groups_keep_the_order_of_their_first_member(report: Report) -> None:
    alike = groups(report.tunnels, tunnel_row)
    assert [[t.id for t in group] for group in alike] == [
        ["t1", "t5"],
        ["t2"],
        ["t3"],
        ["t4"],
    ]
    rows = page(report)
    assert [[e.id for e in group] for group in rows.failures] == [["e1", "e3"], ["e5"]]
    assert [[c.id for c in group] for group in rows.silent] == [["c2"]]
    assert [call.id for call in rows.calls] == ["e1", "e2", "e3", "e5"]


def test_the_calls_of_a_client_are_those_it_counts(report: Report) -> None:
    rows = page(report)
    for client in report.clients:
        made = rows.made_by(client)
        assert len(made) == client.requests
        assert {status_of(call) for call in made} == set(client.statuses)
