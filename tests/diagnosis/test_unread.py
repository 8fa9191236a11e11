"""What was not read confirms and refutes nothing: not of a call, not of calls that went well."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import pytest

from inspector.diagnosis import diagnose
from inspector.model.capture import Unread, UnreadReason
from inspector.model.conclusions import Hypothesis
from inspector.model.ids import ConnectionId, connection_id
from inspector.model.report import Report
from tests.diagnosis.calls import case_of
from tests.exchanges.network import (
    ESTABLISHED,
    PLACEHOLDER,
    Network,
    connect,
    play,
    request,
    response,
    say,
    tls,
)

CALL: Final = request("POST /v1/messages HTTP/1.1", f"x-api-key: {PLACEHOLDER}")
SAYS: Final = ("content-type: application/json", "request-id: req_1")
REASONS: Final[tuple[UnreadReason, ...]] = (
    "gap",
    "truncated",
    "midstream",
    "one-sided",
    "conflict",
    "after-close",
    "limit",
    "internal-error",
)


def run(status: str) -> Report:
    """One call (c1) with its tunnel (c2), and a CONNECT of the agent's own (c3)."""
    net = Network()
    call = net.to_api_proxy()
    call.up(CALL).ack(False)
    play(say(net.to_squid(), connect(), ESTABLISHED), tls()).close()
    call.down(response(status, *SAYS)).ack(True)
    call.close()
    play(say(net.to_squid("172.30.0.20"), connect("lab.test:443"), ESTABLISHED), tls(1)).close()
    return net.report()


def verdicts(report: Report, *unread: Unread) -> dict[str, Hypothesis]:
    """What is said of the same facts, had this not been read."""
    held = replace(report.completeness, verdict="incomplete", because=("made up",), unread=unread)
    case = case_of(replace(report, completeness=held) if unread else report)
    return {item.id: item for item in diagnose(case).hypotheses}


@pytest.mark.parametrize("reason", REASONS)
@pytest.mark.parametrize("connection", [connection_id(1), connection_id(3), None])
def test_no_call_failed_is_not_known_where_one_may_be_in_what_was_not_read(
    connection: ConnectionId | None, reason: UnreadReason
) -> None:
    report = run("200 OK")
    assert {item.verdict for item in verdicts(report).values()} == {"refuted"}
    told = verdicts(report, Unread(connection, reason, 1))
    assert {item.verdict for item in told.values()} == {"not observable"}
    assert {item.because[0] for item in told.values()} == {
        "not all was read; what was not may hold a failed call"
    }


@pytest.mark.parametrize("reason", ["one-sided", "conflict", "limit"])
def test_a_tunnel_of_the_api_proxys_holds_no_call_of_the_agents(reason: UnreadReason) -> None:
    told = verdicts(run("200 OK"), Unread(connection_id(2), reason, 1))
    assert {item.verdict for item in told.values()} == {"refuted"}


@pytest.mark.parametrize(
    "reason", ["one-sided", "conflict", "after-close", "limit", "internal-error"]
)
def test_of_a_failed_call_whose_connection_was_not_read_whole_nothing_is_known(
    reason: UnreadReason,
) -> None:
    report = run("401 Unauthorized")
    assert verdicts(report)["H4b"].verdict == "confirmed"
    told = verdicts(report, Unread(connection_id(1), reason, 1))
    for name in ("H1", "H2", "H3", "H4b"):
        assert told[name].verdict == "not observable"
        said = reason.replace("-", " ")
        assert told[name].because == (f"its connection was not read whole ({said})",)
        assert len(told[name].because[0]) <= 60
    assert told["H4a"].verdict == "confirmed", "its tunnel was read, and established"


def test_what_was_not_read_elsewhere_leaves_a_failed_calls_answer_as_it_is() -> None:
    told = verdicts(run("401 Unauthorized"), Unread(connection_id(3), "conflict", 1))
    assert told["H4b"].verdict == "confirmed"


def test_without_a_call_there_may_have_been_one_where_not_all_was_read() -> None:
    net = Network()
    say(net.to_squid("172.30.0.20"), connect("lab.test:443"), b"HTTP/1.1 403 No\r\n\r\n").close()
    report = net.report()
    assert {item.verdict for item in verdicts(report).values()} == {"no traffic"}
    told = verdicts(report, Unread(connection_id(1), "internal-error", 1))
    assert {item.verdict for item in told.values()} == {"not observable"}


def test_conflicting_copies_of_an_answer_are_read_so() -> None:
    net = Network()
    tcp = net.to_api_proxy()
    tcp.up(CALL).ack(False)
    one, other = (response(status, *SAYS) for status in ("200 OK", "401 OK"))
    tcp.down(one).down(other, offset=0).ack(True)
    tcp.close()
    report = net.report()
    assert "conflict" in {entry.reason for entry in report.completeness.unread}
    assert {item.verdict for item in report.hypotheses} == {"not observable"}
