"""What happened in a scenario, from what its programs logged themselves, never from packets.

Four sources, one row an event:

* the clients' log (`lab.clients`);
* the record of the API proxy stand-in (`proxy.js`): `request` (who asked, header lines as
  received), `attempt` (a CONNECT and its answer), `sent` (what left inside the tunnel),
  `upstream_response`, `answered`, `exit`;
* Squid's access log;
* the upstream stand-in's record (`upstream.py`).

`truth()` puts them together in the form of the recordings of the real stack: `agent_requests`,
`proxy_tunnels`, `upstream_calls`, `squid_log`, `api_proxy_died`.  Three lists are the lab's own:
`client_calls`, every attempt of a client and how it ended for the client (also those that
reached nobody); `agent_tunnels`, the CONNECTs that clients made themselves; `vain_attempts`, the
API proxy's attempts to reach Squid that did not even connect.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from lab.places import PROVIDERS, place

Row = dict[str, Any]

#: Squid's log: time, client, Host, destination, HTTP version, method, status, decision, URL, agent.
_COLUMNS: Final = 10


@dataclass(frozen=True, slots=True)
class Logs:
    """The rows of the four logs of one run."""

    clients: list[Row] = field(default_factory=list)
    proxy: list[Row] = field(default_factory=list)
    upstream: list[Row] = field(default_factory=list)
    squid: list[Row] = field(default_factory=list)

    @classmethod
    def read(cls, clients: Path, proxy: Path, upstream: Path, access_log: Path) -> Logs:
        """Read what the programs of a run wrote; a log that is not there is empty."""
        return cls(_json_rows(clients), _json_rows(proxy), _json_rows(upstream), squid(access_log))


def truth(frame: Mapping[str, Any], logs: Logs, *, gateway_alone: bool = False) -> Row:
    """The whole of `truth.json`; `frame` is what the scenario states (name, expect, keys).

    `gateway_alone`: a gateway asked the API by itself, and has no record: the API's own tells.
    """
    requests = [row for row in logs.proxy if row["event"] == "request"]
    calls = _taken(logs) if gateway_alone else _upstream_calls(logs)
    numbers = {request["request"]: n for n, request in enumerate(requests, start=1)}
    return {
        **frame,
        "agent_requests": [
            *(
                _agent_request(n, request, logs, calls)
                for n, request in enumerate(requests, start=1)
            ),
            *_not_read(logs, requests),
        ],
        "proxy_tunnels": _proxy_tunnels(logs, calls, numbers),
        "upstream_calls": [
            {name: value for name, value in call.items() if name != "request"} for call in calls
        ],
        "squid_log": logs.squid,
        "api_proxy_died": any(row["event"] == "exit" and row["code"] != 0 for row in logs.proxy),
        "agent_tunnels": _agent_tunnels(logs),
        "vain_attempts": [
            {
                "authority": row["authority"],
                "agent_requests": _numbers(row, numbers),
                "error": row["error"],
            }
            for row in logs.proxy
            if row["event"] == "attempt" and row.get("tunnel") is None
        ],
        "client_calls": [_without(row, "event", "n", "started_at") for row in logs.clients],
    }


def _agent_request(n: int, request: Row, logs: Logs, calls: list[Row]) -> Row:
    identity = request["request"]
    answers = _of(logs.proxy, "answered", identity)
    answer = answers[-1] if answers else {"status": None, "finished": None}
    if not answer.get("read", True) and (said := _of_node(request, logs)) is not None:
        # Whether it reached the client, which had left or was still writing, is in no log.
        answer = {**answer, "status": said, "finished": None, "source": "proxy"}
    return {
        "n": n,
        "kind": request["kind"],
        "made_by": _made_by(request, logs.clients),
        "client": request["agent"],
        "server": request["server"],
        "method": request["method"],
        "target": request["target"],
        "header_names": request["header_names"],
        "auth": request["auth"],
        "status": answer["status"],
        "response_finished": answer["finished"],
        "request_read": answer.get("read", True),
        "answered_by": answer.get("source"),
        "request_id": identity if answers else None,
        "upstream_calls": [call["m"] for call in calls if call["request"] == identity],
        "tunnels": [
            row["tunnel"] for row in _of(logs.proxy, "attempt", identity) if row.get("tunnel")
        ],
        "upstream_content_type": _content_type(logs.upstream, identity),
    }


def _of_node(request: Row, logs: Logs) -> int | None:
    """What Node itself answered to a request that did not come to its end."""
    said = [
        row["status"]
        for row in logs.proxy
        if row["event"] == "unread" and row["agent"] == request["agent"]
    ]
    return said[-1] if said else None


def _not_read(logs: Logs, requests: list[Row]) -> list[Row]:
    """What clients wrote to the API proxy and it neither read nor logged.

    HTTP/2 that it does not understand, a request on a connection that it had closed, one whose
    packets never arrived, one that Node itself refused.  Requests of one connection are read in
    their order.
    """
    read = Counter(request["agent"] for request in requests)
    refused = {row["agent"]: row["status"] for row in logs.proxy if row["event"] == "unread"}
    rows = []
    for row in logs.clients:
        if row["client"] is None or not _is_written(row):
            continue
        if read[row["client"]]:
            read[row["client"]] -= 1
        elif row["status"] is None or refused.get(row["client"]) == row["status"]:
            rows.append(row)
    return [_of_client(n, row) for n, row in enumerate(rows, len(requests) + 1)]


def _is_written(row: Row) -> bool:
    """Whether a client wrote a request to a port of the API proxy, whatever became of it."""
    return (
        row["via"] == "direct"
        and row["header_names"] is not None
        and place(row["server"])[1] in PROVIDERS
    )


def _of_client(n: int, row: Row) -> Row:
    kind = row.get("protocol", "http")
    names = row["header_names"]
    return {
        "n": n,
        "kind": kind,
        "made_by": row["program"],
        "client": row["client"],
        "server": row["server"],
        "method": row["method"],
        "target": row["target"],
        # HTTP/2 has no other case (RFC 9113 8.2.1).
        "header_names": [name.lower() for name in names] if kind == "h2c" else names,
        "auth": row["auth"],
        # Whether its end was written is in no log; HTTP/2's frames are small enough to be whole.
        "request_read": True if kind == "h2c" else None,
        "status": row["status"],
        "response_finished": row["status"] is not None and row["response_finished"],
        "answered_by": None if row["status"] is None else "proxy",
        "request_id": None,
        "upstream_calls": [],
        "tunnels": [],
        "upstream_content_type": None,
    }


def _content_type(upstream: Iterable[Row], identity: str) -> str | None:
    """What the API said that its last answer to this request was."""
    calls = {
        row["call"]: row
        for row in upstream
        if row["event"] == "request" and row["x_request_id"] == identity
    }
    types = [
        row["content_type"]
        for row in upstream
        if row["event"] == "response" and row["call"] in calls
    ]
    return types[-1] if types else None


def _made_by(request: Row, clients: list[Row]) -> str:
    """The program on that connection; of those that do not tell their port, all that may be it."""
    exact = {row["program"] for row in clients if row["client"] == request["agent"]}
    if exact:
        return "|".join(sorted(exact))
    path = request["target"]
    may = {
        row["program"]
        for row in clients
        if (row["client"] is None or row["via"] != "direct") and row["target"].endswith(path)
    }
    return "|".join(sorted(may))


def _upstream_calls(logs: Logs) -> list[Row]:
    """What the proxy sent inside its tunnels, each with what came back there.

    `received`: the upstream's own record has the same request, with the same headers in the
    same order and the same credentials.
    """
    received = [_as_sent(row) for row in logs.upstream if row["event"] == "request"]
    responses = {
        row["tunnel"]: row
        for row in logs.proxy
        if row["event"] == "upstream_response" and row["source"] == "upstream"
    }
    calls = []
    for m, sent in enumerate((row for row in logs.proxy if row["event"] == "sent"), start=1):
        response = responses.get(sent["tunnel"], {"status": None})
        calls.append(
            {
                "m": m,
                "request": sent["request"],
                "tunnel": sent["tunnel"],
                "host": sent["host"],
                "method": sent["method"],
                "path": sent["path"],
                "header_names": sent["header_names"],
                "auth": sent["auth"],
                "status": response["status"],
                "request_id": sent["request"],
                "tls": sent["tls"],
                "resumed": sent["resumed"],
                "received": _as_sent(sent) in received,
            }
        )
    return calls


def _taken(logs: Logs) -> list[Row]:
    """What the upstream took, by its own record; an answer that broke off is none."""
    tls = {row["connection"]: row for row in logs.upstream if row["event"] == "tls"}
    statuses = {
        row["call"]: row["status"]
        for row in logs.upstream
        if row["event"] == "response" and row["finished"]
    }
    return [
        {
            "m": m,
            "request": None,
            "tunnel": None,
            "host": row["host"],
            "method": row["method"],
            "path": row["target"],
            "header_names": row["header_names"],
            "auth": row["auth"],
            "status": statuses.get(row["call"]),
            "request_id": row["x_request_id"],
            "tls": tls[row["connection"]]["version"],
            "resumed": tls[row["connection"]]["resumed"],
            "received": True,
        }
        for m, row in enumerate((row for row in logs.upstream if row["event"] == "request"), 1)
    ]


def _as_sent(row: Row) -> tuple[object, ...]:
    target = row.get("target", row.get("path"))
    # What cannot be in a value at the other end: the white space around it (RFC 9110 5.5).
    auth = [(item["name"], item["value"].strip()) for item in row["auth"]]
    return (row["host"], row["method"], target, row["header_names"], auth)


def _proxy_tunnels(logs: Logs, calls: list[Row], numbers: Mapping[str, int]) -> list[Row]:
    decisions = {line["client"]: line["decision"] for line in logs.squid}
    return [
        {
            "client": attempt["tunnel"],
            "proxy": attempt["proxy"],
            "authority": attempt["authority"],
            "status": attempt["status"],
            "reason": attempt["reason"],
            "squid_error": attempt["squid_error"],
            "squid": decisions.get(attempt["tunnel"]),
            "agent_requests": [numbers[attempt["request"]]]
            if attempt["request"] in numbers
            else [],
            "upstream_calls": [call["m"] for call in calls if call["tunnel"] == attempt["tunnel"]],
        }
        for attempt in logs.proxy
        if attempt["event"] == "attempt" and attempt.get("tunnel") is not None
    ]


def _numbers(attempt: Row, numbers: Mapping[str, int]) -> list[int]:
    """The agent request that an attempt was made for; none for the API proxy's own."""
    return [numbers[attempt["request"]]] if attempt["request"] in numbers else []


def _agent_tunnels(logs: Logs) -> list[Row]:
    """CONNECTs that a client made itself.  Where it does not tell its port, Squid's log does."""
    proxies = {row.get("tunnel") for row in logs.proxy if row["event"] == "attempt"}
    told = {row["client"]: row for row in logs.clients if row["via"] == "connect"}
    return [
        {
            "client": line["client"],
            "authority": line["url"],
            "status": line["status"],
            "squid": line["decision"],
            "inside": told[line["client"]]["status"] if line["client"] in told else None,
            "tls": (told.get(line["client"]) or {}).get("tls"),
        }
        for line in connects(logs.squid)
        if line["client"] not in proxies
    ]


def connects(lines: Iterable[Row]) -> list[Row]:
    """One line for each CONNECT: the answer to it.

    A Squid that peeks writes a second one of what came of the tunnel, with another status.
    """
    found, peeked = [], set()
    for line in lines:
        if line["method"] == "CONNECT" and line["client"] not in peeked:
            found.append(line)
            if line["decision"] == "NONE_NONE:HIER_NONE" and line["status"] == 200:
                peeked.add(line["client"])
    return found


def squid(access_log: Path) -> list[Row]:
    """Squid's lines in order: client, method, status, decision, URL.

    Lines of requests that it could not read (`error:…`) are kept: they were answered too.
    """
    rows = []
    for line in access_log.read_text().splitlines() if access_log.exists() else ():
        parts = line.split(maxsplit=_COLUMNS - 1)
        rows.append(
            {
                "client": _bracketed(parts[1]),
                "dest": _bracketed(parts[3]),
                "method": parts[5],
                "status": int(parts[6]),
                "decision": parts[7],
                "url": parts[8],
            }
        )
    return rows


def _bracketed(place: str) -> str:
    """`ip:port` with brackets around an IPv6 address, which Squid writes without."""
    ip, _, port = place.rpartition(":")
    return f"[{ip}]:{port}" if ":" in ip and not ip.startswith("[") else place


def _of(rows: Iterable[Row], event: str, request: str) -> list[Row]:
    return [row for row in rows if row["event"] == event and row["request"] == request]


def _without(row: Mapping[str, Any], *names: str) -> Row:
    return {name: value for name, value in row.items() if name not in names}


def _json_rows(path: Path) -> list[Row]:
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text().splitlines() if line]
