"""`expected.json`: what the report's stable part ought to say of a scenario.

Written from `scenario.toml` and `truth.json` alone, by rules that know nothing of the
inspector's code; the report never has a hand in it.  It is a pattern: of each object the fields
that stand here must be equal, of each list every element must have its partner and none may be
left over (`pattern.py`).  What no log tells (byte counts inside TLS, who closed first) is left
out.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from lab.conclusions import conclusions
from lab.places import PROVIDERS, agent_address, api_proxy_address, place, squid_address
from lab.truth import connects

Row = dict[str, Any]

_PLACEHOLDERS: Final = {
    "sk-ant-placeholder-key-for-credential-isolation",
    "placeholder-token-for-credential-isolation",
    "sk-placeholder-for-api-proxy",
    "ghu_" + 36 * "a",
    "gemini-api-key-placeholder-for-credential-isolation",
}
#: (documented prefix, kind) of the keys that clients send in the scenarios.
_KINDS: Final = (
    ("sk-ant-api03-", "anthropic-api-key"),
    ("sk-ant-oat01-", "anthropic-oauth"),
    ("sk-proj-", "openai-project-key"),
    ("gho_", "github-token"),
    ("AIza", "google-api-key"),
)
#: Error types of the Messages API by status (its reference, "Errors").
_ANTHROPIC_ERRORS: Final = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    529: "overloaded_error",
}
_SIGV4: Final = "AWS4-HMAC-SHA256"
_SCHEMES: Final = ("Bearer ", "bearer ", "token ", "Basic ", f"{_SIGV4} ")
_QUERY: Final = {"key", "apiKey", "api_key", "access_token"}
_SCHEMED: Final = {"authorization", "proxy-authorization"}
_SQUID: Final = 3128


def expected(scenario: Mapping[str, Any], truth: Mapping[str, Any]) -> Row:
    """The pattern for one scenario; empty lists are claims too."""
    report = scenario["report"]
    pattern: Row = {"completeness": {"verdict": report["verdict"]}}
    if report["partial"]:
        # The capture lacks what the logs have: of the facts the verdict alone is certain.
        return pattern | conclusions(scenario, truth)
    if scenario["lab"].get("gateway"):
        # A gateway stands before who wrote the API proxy's log; Squid's has every tunnel.
        pattern["tunnels"] = [
            {
                "client": place(line["client"])[0],
                "authority": line["url"],
                "connect_status": line["status"],
                "established": line["status"] == 200,
            }
            for line in connects(truth["squid_log"])
        ]
        return pattern | conclusions(scenario, truth)
    pattern["clients"] = _clients(scenario, truth)
    pattern["exchanges"] = _exchanges(scenario, truth)
    pattern["tunnels"] = _tunnels(scenario, truth)
    pattern["connections"] = _connections(scenario, truth)
    pattern["direct_tls"] = _direct_tls(truth)
    pattern["oddities"] = [
        {"name": name, "count": count} for name, count in report.get("oddities", {}).items()
    ]
    return pattern | conclusions(scenario, truth)


# --- what a client's requests look like ------------------------------------


def auth(name: str, value: str) -> Row:
    """A credential as the report names it, told from the value that was really sent."""
    scheme = None
    if name.lower() in _SCHEMED:
        found = next((prefix for prefix in _SCHEMES if value.startswith(prefix)), None)
        if found:
            scheme, value = found[:-1], value[len(found) :]
    prefix, kind = next(
        ((prefix, kind) for prefix, kind in _KINDS if value.startswith(prefix)), (None, "unknown")
    )
    if scheme == _SIGV4:
        prefix, kind = value.removeprefix("Credential=")[:4], "aws-sigv4"
    bare = "".join(filter(str.isprintable, value)).strip(" \"'")
    placeholder = bare if bare in _PLACEHOLDERS else None
    if placeholder:
        prefix, kind = None, "placeholder"
    return {
        "name": name,
        "scheme": scheme,
        "credential": {
            "kind": kind,
            "prefix": prefix,
            "length": len(value),
            "placeholder": placeholder,
        },
    }


def _auth(request: Row) -> list[Row]:
    """All credentials of a request in wire order: those of the target come first."""
    query = parse_qsl(urlsplit(request["target"]).query)
    rows = [auth(f"?{name}", value) for name, value in query if name in _QUERY]
    return rows + [auth(item["name"], item["value"]) for item in request["auth"]]


def _exchanges(scenario: Mapping[str, Any], truth: Mapping[str, Any]) -> list[Row]:
    report = {**scenario["report"], "targets": scenario["lab"].get("targets", {})}
    squid = squid_address(truth)
    pages = {
        number
        for tunnel in truth["proxy_tunnels"]
        if tunnel["squid_error"]
        for number in tunnel["agent_requests"]
    }
    rows = []
    for request in truth["agent_requests"]:
        ip, _ = place(request["client"])
        legs = ip == squid
        service = place(request["server"])
        whole = request["response_finished"]
        asked: Row = {
            "method": request["method"],
            "target": request["target"],
            "header_names": request["header_names"],
            "auth": _auth(request),
            "complete": request.get("request_read", True),
        }
        if asked["complete"] is None:
            del asked["complete"]  # no log tells
        rows.append(
            {
                "hop": "forward-proxy-to-api-proxy" if legs else "agent-to-api-proxy",
                "relays": legs,
                "client": ip,
                "server": {"ip": service[0], "port": service[1]},
                "provider": PROVIDERS[service[1]],
                "tunnel": None,
                "request": asked,
                "response": _answer(
                    request, report, whole=bool(whole), has_page=request["n"] in pages
                ),
                "upgrade": "websocket" if request["status"] == 101 else None,
                "ended_by": "complete" if whole else report["ended_by"],
            }
        )
        if request["kind"] == "h2c":
            del rows[-1]["ended_by"]  # both ends close at once
    return rows + _through_squid(scenario, truth)


def _answer(request: Row, report: Mapping[str, Any], *, whole: bool, has_page: bool) -> Row | None:
    """The agent's answer; of an error or an event stream also what every API documents of it.

    `has_page`: Squid wrote a page of its own; of what a proxy behind it says it passes on a head.
    """
    status: int | None = request["status"]
    if status is None:
        return None
    answer: Row = {"status": status, "complete": whole}
    if request["response_finished"] is None:
        del answer["complete"]  # no log tells
    by, kind = request["answered_by"], request["upstream_content_type"]
    if by == "squid" and has_page:
        answer["content_type"] = "text/html"
    elif by == "upstream" and status in _ANTHROPIC_ERRORS and _is_anthropics(request, report):
        answer["api_error"] = {"type": _ANTHROPIC_ERRORS[status]}
    elif by == "upstream" and status == 200 and kind:
        answer["stream"] = report.get("stream") if "event-stream" in kind else None
    elif by == "upstream" and status == 101:
        answer["stream"] = report.get("stream")
    return answer


def _is_anthropics(request: Row, report: Mapping[str, Any]) -> bool:
    """Whether the API that answered is Anthropic's: its port, and no other target behind it."""
    return request["server"].endswith(":10001") and "anthropic" not in report.get("targets", ())


def _plain_answer(row: Row) -> Row | None:
    status = row["status"]
    return None if status is None else {"status": status, "complete": row["response_finished"]}


def _asked_of_squid(truth: Mapping[str, Any]) -> list[tuple[Row, Row, bool]]:
    """The agent's calls to Squid, each with Squid's line; whether it was plain in a CONNECT."""
    told = {row["client"]: row for row in truth["client_calls"] if row["client"]}
    proxies = {tunnel["client"] for tunnel in truth["proxy_tunnels"]}
    calls = _calls_without_port(truth)
    asked = [line for line in truth["squid_log"] if line["method"] != "CONNECT"]
    asked += [line for line in connects(truth["squid_log"]) if line["status"] == 200]
    rows = []
    for line in truth["squid_log"]:
        if line["client"] in proxies or line not in asked:
            continue
        plain = line["method"] == "CONNECT"
        if plain and line["url"].endswith(":443"):
            continue
        row = told.get(line["client"]) or calls.pop("connect" if plain else "absolute")
        rows.append((line, row, plain))
    return rows


def _through_squid(scenario: Mapping[str, Any], truth: Mapping[str, Any]) -> list[Row]:
    """The agent's own legs to Squid: absolute-form requests, and what is plain in a CONNECT."""
    rows = []
    for line, row, plain in _asked_of_squid(truth):
        ip, _ = place(line["client"])
        is_unanswered = plain and row["status"] is None
        rows.append(
            {
                "hop": "inside-tunnel" if plain else "agent-to-forward-proxy",
                "relays": False,
                "client": ip,
                "server": {"ip": squid_address(truth), "port": _SQUID},
                "provider": PROVIDERS.get(_port_of(line["url"]) or 0, "unknown"),
                "tunnel": line["url"] if plain else None,
                "request": {
                    "method": row["method"],
                    "target": row["target"],
                    "auth": [auth(item["name"], item["value"]) for item in row["auth"]],
                    "complete": True,
                },
                "response": _plain_answer(row),
                "upgrade": None,
                "ended_by": scenario["report"]["ended_by"] if is_unanswered else "complete",
            }
        )
    return rows


def _calls_without_port(truth: Mapping[str, Any]) -> dict[str, Row]:
    """Calls of programs that do not tell their port, by the way they went: one of each at most."""
    return {row["via"]: row for row in truth["client_calls"] if row["client"] is None}


def _clients(scenario: Mapping[str, Any], truth: Mapping[str, Any]) -> list[Row]:
    """Who called which service how often, and with what: by address and user agent."""
    squid = squid_address(truth)
    agents = {
        row["program"]: row["user_agent"] for row in truth["client_calls"] if row["user_agent"]
    }
    groups: dict[tuple[str, str | None, str], list[Row]] = {}
    for request in truth["agent_requests"]:
        ip, _ = place(request["client"])
        # A call that came through Squid is its client's, not Squid's.
        ip = agent_address(truth) if ip == squid else ip
        key = (ip, agents.get(request["made_by"]), request["server"])
        groups.setdefault(key, []).append(request)
    for line, row, plain in _asked_of_squid(truth):
        if plain and row["status"] is None:
            # It was meant for the API proxy, which never saw it.
            key = (place(line["client"])[0], row["user_agent"], line["url"])
            groups.setdefault(key, []).append(row)
    cut = scenario["report"]["ended_by"] == "capture-end"
    rows = []
    for (ip, user_agent, server), requests in groups.items():
        service = place(server)
        headers: Counter[str] = Counter()
        for request in requests:
            headers.update(map(json.dumps, _auth(request)))
        statuses = Counter(
            str(request["status"] or ("unknown" if cut else "none")) for request in requests
        )
        rows.append(
            {
                "ip": ip,
                "user_agent": user_agent,
                "role": "agent",
                "provider": PROVIDERS[service[1]],
                "service": {"ip": service[0], "port": service[1]},
                "requests": len(requests),
                "auth_headers": [
                    {**json.loads(text), "requests": count} for text, count in headers.items()
                ],
                "statuses": dict(statuses),
            }
        )
    return rows + _elsewhere(truth)


def _elsewhere(truth: Mapping[str, Any]) -> list[Row]:
    """Clients that asked Squid in plain for something else than the API proxy, or Squid itself."""
    rows = []
    for row in truth["client_calls"]:
        url = urlsplit(row["target"] if row["via"] == "absolute" else f"http://{row['server']}")
        if row["via"] == "connect" or url.port in PROVIDERS:
            continue
        rows.append(
            {
                "ip": agent_address(truth),
                "user_agent": row["user_agent"],
                "role": "agent",
                "provider": "unknown",
                "service": {"ip": url.hostname, "port": url.port or 80},
                "requests": 1,
                "auth_headers": [],
                "statuses": {str(row["status"]): 1},
            }
        )
    return rows


# --- tunnels and connections ------------------------------------------------


def _tunnels(scenario: Mapping[str, Any], truth: Mapping[str, Any]) -> list[Row]:
    reached = {call["tunnel"]: call for call in truth["upstream_calls"]}
    mine = {tunnel["client"]: tunnel for tunnel in truth["agent_tunnels"]}
    refusals = {tunnel["client"]: tunnel["squid_error"] for tunnel in truth["proxy_tunnels"]}
    rows = []
    for line in _connects(truth):
        ip, _ = place(line["client"])
        opened = line["status"] == 200
        row: Row = {
            "client": ip,
            "authority": line["url"],
            "connect_status": line["status"],
            "established": opened,
            "auth": [],
        }
        if line["status"] is None and not scenario["lab"]["settled"]:
            del row["established"]  # still waited for when the capture ended
        if line["client"] in refusals:
            row["proxy_error"] = refusals[line["client"]]
        if opened and line["url"].endswith(":443"):
            row["protocol"] = "tls"
            version = (mine.get(line["client"], {}).get("tls") or {}).get("version")
            if line["client"] in reached:
                version = reached[line["client"]]["tls"]
            whole = line["client"] in reached or line["client"] in mine
            row["tls"] = {
                "sni": line["url"].rpartition(":")[0],
                "handshake": "complete" if whole else scenario["report"]["handshake"],
            }
            if version:
                row["tls"]["version"] = version.replace("TLSv", "TLS ")
            row["exchanges"] = 0
            if scenario["lab"]["one_network"]:
                ip, port = place(line["dest"])
                row["egress"] = {"server": {"ip": ip, "port": port}}
        elif opened:
            row |= {"protocol": "http/1.1", "tls": None, "exchanges": 1}
        else:
            row |= {"tls": None, "exchanges": 0}
        rows.append(row)
    return rows


def _direct_tls(truth: Mapping[str, Any]) -> list[Row]:
    """TLS that clients began where plain HTTP is spoken."""
    rows = []
    for row in truth["client_calls"]:
        if row.get("protocol") == "tls":
            ip, port = place(row["server"])
            server = {"ip": ip, "port": port}
            shaken = {"sni": None, "handshake": "failed"}
            rows.append({"client": place(row["client"])[0], "server": server, "tls": shaken})
    return rows


def _connects(truth: Mapping[str, Any]) -> list[Row]:
    """Every CONNECT that Squid logged, and those that it did not live to log."""
    unanswered = {row["client"] for row in truth["proxy_tunnels"] if row["status"] is None}
    # Of a CONNECT that was waited for in vain Squid's line tells what it would have said.
    lines = [row for row in connects(truth["squid_log"]) if row["client"] not in unanswered]
    logged = {line["client"] for line in lines}
    return lines + [
        {**tunnel, "url": tunnel["authority"], "dest": None}
        for tunnel in truth["proxy_tunnels"]
        if tunnel["client"] not in logged
    ]


def _connections(scenario: Mapping[str, Any], truth: Mapping[str, Any]) -> list[Row]:
    """Every TCP connection on the bridge that a log knows, and how it began."""
    squid = squid_address(truth)
    ends: dict[str, str] = {
        request["client"]: request["server"] for request in truth["agent_requests"]
    }
    ends |= {
        row["client"]: row["server"]
        for row in truth["client_calls"]
        if row["client"] and row["via"] == "direct"
    }
    ends |= {
        line["client"]: f"{squid}:{_SQUID}" for line in (*truth["squid_log"], *_connects(truth))
    }
    rows = [_connection(client, server, "established") for client, server in ends.items()]
    for row in truth["client_calls"]:
        if (
            row["client"] is None
            and row["error"]
            and row["status"] is None
            and row["via"] != "connect"
        ):
            outcome = "unanswered" if "timed out" in str(row["error"]).lower() else "refused"
            address = agent_address(truth)
            rows.append(_connection(f"{address}:0", row["server"], outcome))
    rows += [
        _connection(f"{api_proxy_address(truth)}:0", f"{squid}:{_SQUID}", "refused")
        for _ in truth["vain_attempts"]
    ]
    if scenario["lab"]["one_network"]:
        for line in truth["squid_log"]:
            if line["method"] == "CONNECT" and line["status"] == 200:
                rows.append(_connection(f"{squid}:0", line["dest"], "established"))
    return rows


def _connection(client: str, server: str, outcome: str) -> Row:
    ip, port = place(server)
    return {"client": place(client)[0], "server": {"ip": ip, "port": port}, "outcome": outcome}


def _port_of(url: str) -> int | None:
    authority = url.removeprefix("http://").partition("/")[0]
    port = authority.rpartition(":")[2]
    return int(port) if port.isdigit() else None
