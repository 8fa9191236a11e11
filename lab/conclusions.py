"""What the report ought to conclude of a scenario: chains, findings, hypotheses, root cause.

Told from `scenario.toml` (what was done on purpose) and `truth.json` (what the programs logged),
in the form of the report's stable part; see `expected.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from lab.places import PROVIDERS, place, squid_address

Row = dict[str, Any]

HYPOTHESES: Final = ("H1", "H2", "H3", "H4a", "H4b")
#: Who answered, in the words of the API proxy's record and in the report's.
_ANSWERED_BY: Final = {
    "upstream": "upstream",
    "squid": "forward-proxy",
    "proxy": "api-proxy",
    None: "nobody",
}
#: Pages that the API proxy serves itself: who asks for one makes no call.
_OWN_PAGES: Final = frozenset({"/health", "/reflect", "/metrics"})
#: Causes of calls whose answer has no error's status.
_FAILED_WITHOUT_ERROR: Final = frozenset({"redirected", "answer-unusable"})
#: Findings of this level are not listed in `scenario.toml`: a healthy capture may have any.
_UNLISTED: Final = "note"


def conclusions(scenario: Mapping[str, Any], truth: Mapping[str, Any]) -> Row:
    """The pattern of all conclusions; where the capture lacks something, of the certain ones."""
    codes = scenario["expect"]["findings"]
    pattern: Row = {"findings": [{"code": code} for code in codes]}
    if scenario["report"]["partial"]:
        return {**pattern, "root_cause": None}
    if scenario.get("lab", {}).get("gateway"):
        # The API proxy's log speaks of what the gateway let through to it.
        cause = scenario["expect"].get("root_cause")
        failed = sum(_is_failed(call) for call in truth["client_calls"])
        counted = {"code": cause, "explains": failed, "of": failed}
        pattern["root_cause"] = None if cause is None else counted
        return pattern | {"hypotheses": _hypotheses(scenario, truth)}
    pattern["root_cause"] = _root_cause(scenario, truth)
    pattern["hypotheses"] = _hypotheses(scenario, truth)
    pattern["chains"] = _chains(scenario, truth)
    return pattern


def weighty(stable: Mapping[str, Any]) -> Row:
    """A stable report without the findings that no scenario lists (notes)."""
    findings = [item for item in stable["findings"] if item["severity"] != _UNLISTED]
    return {**stable, "findings": findings}


def _root_cause(scenario: Mapping[str, Any], truth: Mapping[str, Any]) -> Row | None:
    code = scenario["expect"].get("root_cause")
    if code is None:
        return None
    failed = sum(_failed(request, code) for request in truth["agent_requests"])
    # Where no request of a failed call is in the packets, there is nothing to count.
    return {"code": code, "explains": failed, "of": failed} if failed else {"code": code}


def _failed(request: Row, code: str) -> bool:
    """Whether the agent got no use of its answer; `code` tells what befell the streams."""
    status = request["status"]
    if status is None or status >= 400 or not request["response_finished"]:
        return True
    if code in _FAILED_WITHOUT_ERROR and request["answered_by"] == "upstream":
        return True
    streamed = "event-stream" in (request["upstream_content_type"] or "")
    streamed = streamed or (request["kind"] == "websocket-upgrade" and status == 101)
    return streamed and code.startswith("stream-")


def _is_failed(call: Row) -> bool:
    """Whether the client says so itself."""
    return call["status"] is None or call["status"] >= 400 or not call["response_finished"]


def _hypotheses(scenario: Mapping[str, Any], truth: Mapping[str, Any]) -> list[Row]:
    """All five; one that can be defended either way without a verdict.

    Of a capture that lacks nothing a hypothesis that does not hold is refuted, unless the
    scenario says why it cannot be.
    """
    expect, verdicts = scenario["expect"], scenario["report"].get("verdicts", {})
    asked = truth["agent_requests"] or truth["client_calls"]
    rows = []
    for identity in HYPOTHESES:
        verdict = verdicts.get(identity)
        if verdict is None and identity not in expect["undecided"]:
            verdict = "confirmed" if expect[identity] else "refuted" if asked else "no traffic"
        rows.append({"id": identity} | ({"verdict": verdict} if verdict else {}))
    return rows


def _chains(scenario: Mapping[str, Any], truth: Mapping[str, Any]) -> list[Row]:
    cut = scenario["report"].get("ended_by") == "capture-end"
    squid = squid_address(truth)
    opened = {
        tunnel["client"]: f"{place(tunnel['client'])[0]} CONNECT {tunnel['authority']}: "
        f"{tunnel['status']}"
        for tunnel in truth["proxy_tunnels"]
    }
    rows = []
    for request in truth["agent_requests"]:
        if request["method"] == "GET" and request["target"] in _OWN_PAGES:
            continue
        through = place(request["client"])[0] == squid
        hop = "forward-proxy-to-api-proxy" if through else "agent-to-api-proxy"
        provider = PROVIDERS[place(request["server"])[1]]
        asked = f"{request['method']} {request['target']}"
        *attempts, last = [None, *(opened[tunnel] for tunnel in request["tunnels"])]
        rows.append(
            {
                "agent_exchange": f"{hop} {provider} {asked}: {request['status'] or 'none'}",
                "tunnel": last,
                "attempts": attempts[1:],
                "answered_by": _ANSWERED_BY[request["answered_by"]],
                "status": request["status"],
            }
        )
        if cut and request["status"] is None:
            del rows[-1]["answered_by"]  # who was asked may have answered later
    return rows
