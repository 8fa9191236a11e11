"""One definition of a call: the page, chains, policies and diagnosis count the same."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Final

import pytest

from inspector.capture_files import inspect
from inspector.diagnosis import Case
from inspector.policy.judge import judge
from inspector.policy.model import Policy
from inspector.report.page.headline import counts
from inspector.report.page.view import View
from tests.exchanges.network import GATEWAY, PLACEHOLDER, SQUID, Network, request, response, say

CAPTURES: Final = Path(__file__).parent.parent.parent / "captures"
GOLDENS: Final = sorted(path.parent.name for path in CAPTURES.glob("*/expected.json"))
LOOK: Final = "GET /health HTTP/1.1"
CALL: Final = request("POST /v1/messages HTTP/1.1", f"x-api-key: {PLACEHOLDER}", body=b"{}")


@pytest.mark.parametrize("name", GOLDENS)
def test_page_chains_policy_and_diagnosis_count_the_same_calls(name: str) -> None:
    report = inspect(CAPTURES / name)
    view = View(report)
    made = [call for call in view.page.calls if call.request is not None]
    at_proxy = [call.id for call in made if view.at_api_proxy(call)]

    assert {view.call(chain.agent_exchange) for chain in report.chains} <= set(at_proxy)
    told = judge(report, Policy("p", None), date(2026, 8, 3)).calls
    assert told in (len(view.page.calls), 0 if not at_proxy else -1)
    assert counts(view).startswith((f"{len(made):,} call", "No call"))
    case = Case(
        exchanges=report.exchanges, tunnels=report.tunnels, connections=report.connections,
        direct_tls=report.direct_tls, chains=report.chains, topology=report.topology,
        completeness=report.completeness,
    )  # fmt: skip
    # A call in a tunnel of the agent's that never came to the API proxy failed, and is counted.
    lost = [call.id for call in made if call.hop == "inside-tunnel" and call.id not in at_proxy]
    assert case.calls == len(at_proxy) + len(lost)


def looks(net: Network) -> Network:
    """The API proxy's own pages, asked for by an agent and by the host, and one call."""
    for line in (LOOK, "GET /reflect HTTP/1.1"):
        say(net.to_api_proxy(10000), request(line), response()).close()
    say(net.to_api_proxy(10000, GATEWAY), request(LOOK), response()).close()
    say(net.to_api_proxy(), CALL, response()).close()
    return net


def test_a_look_at_the_api_proxys_own_pages_is_none() -> None:
    report = looks(Network()).report()
    view = View(report)
    (call,) = view.page.calls
    assert [chain.agent_exchange for chain in report.chains] == [call.id]
    assert len(view.page.asked) == 4
    assert counts(view).startswith("1 call: 1 got 200")
    assert judge(report, Policy("p", None), date(2026, 8, 3)).calls == 1


def test_the_same_path_elsewhere_is_one() -> None:
    net = looks(Network())
    target = "GET http://other.lab.test/health HTTP/1.1"
    say(net.to_squid("172.30.0.20"), request(target), response()).close()
    assert len(View(net.report()).page.calls) == 2


def test_a_look_by_way_of_squid_is_none_either() -> None:
    net = looks(Network())
    first = net.to_squid("172.30.0.20").up(request("GET http://172.30.0.30:10000/health HTTP/1.1"))
    say(net.to_api_proxy(10000, SQUID), request(LOOK), response()).close()
    first.down(response()).close()
    view = View(net.report())
    assert len(view.page.calls) == 1
