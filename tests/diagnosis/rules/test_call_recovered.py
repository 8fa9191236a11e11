"""call-recovered: where it is found, and where something only resembles it."""

from __future__ import annotations

from tests.diagnosis.calls import API_SAYS, CALL, OTHER, found
from tests.exchanges.network import Network, response, say


def test_a_call_that_the_next_try_makes_good_is_no_failure() -> None:
    net = Network()
    for status in ("529 Overloaded", "500 Error", "200 OK"):
        say(net.to_api_proxy(), CALL, response(status, *API_SAYS)).close()
    report = net.report()

    assert (found(report)["call-recovered"].severity, found(report)["call-recovered"].count) == (
        "note",
        2,
    )
    assert report.root_cause is None
    assert [each.recovered_by for each in report.exchanges] == ["e3", "e3", None]


def test_a_success_for_another_purpose_makes_nothing_good() -> None:
    net = Network()
    say(net.to_api_proxy(), CALL, response("500 Error", *API_SAYS)).close()
    say(net.to_api_proxy(), OTHER, response("200 OK", *API_SAYS)).close()

    assert "call-recovered" not in found(net.report())


def test_calls_that_are_well_need_no_recovery() -> None:
    net = Network()
    for _ in range(2):
        say(net.to_api_proxy(), CALL, response("200 OK", *API_SAYS)).close()

    assert "call-recovered" not in found(net.report())
