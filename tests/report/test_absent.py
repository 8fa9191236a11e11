"""Roles that a user named and that no packet shows are said first."""

from __future__ import annotations

from inspector.options import Options
from inspector.report.page.headline import headline
from inspector.report.page.view import View
from tests.diagnosis.calls import API_SAYS, CALL
from tests.exchanges.network import FINGERPRINT_KEY, Network, response, say


def first_line(**roles: tuple[str, ...]) -> str:
    net = Network()
    say(net.to_api_proxy(), CALL, response("200 OK", *API_SAYS)).close()
    options = Options(fingerprint_key=FINGERPRINT_KEY, **roles)  # type: ignore[arg-type]
    return headline(View(net.report(options))).sentence


def test_a_named_api_proxy_without_a_packet_is_said_with_who_behaves_like_it() -> None:
    told = first_line(api_proxies=("172.30.0.31",))

    assert told.startswith("No packet of the API proxy (172.30.0.31) is in the capture")
    assert "172.30.0.30 behaves like it." in told


def test_a_named_agent_without_a_packet_is_said() -> None:
    assert "No packet of the agent (172.30.0.99)" in first_line(agents=("172.30.0.99",))


def test_roles_by_default_and_roles_that_are_there_are_not_said() -> None:
    assert "No packet" not in first_line()
    assert "No packet" not in first_line(api_proxies=("172.30.0.30",), agents=("172.30.0.20",))
