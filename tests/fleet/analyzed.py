"""What the rows of a run ought to be, taken from the JSON that `analyze` prints of its capture."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import Any, TypeAlias

from inspector.model.report import Report
from inspector.report.formats.whole import as_dict

Row: TypeAlias = dict[str, Any]


def expected(report: Report) -> dict[str, list[Row]]:
    """The columns of each table that a report decides, but for the key of the run."""
    told = as_dict(report)
    exchanges = [_exchange(each) for each in told["exchanges"]]
    tunnels = [
        {**_tunnel(each), "denied": tunnel.refusal is not None and tunnel.refusal.is_denial}
        for each, tunnel in zip(told["tunnels"], report.tunnels, strict=True)
    ]
    clients = [_client(each) for each in told["clients"]]
    findings = [
        {name: each[name] for name in ("code", "severity", "title", "count")}
        for each in told["findings"]
    ]
    run = _run(told)
    run["denied"] = sorted({f"{t['host']}:{t['port']}" for t in tunnels if t["denied"]})
    run["tunnels_refused"] = sum(tunnel.refusal is not None for tunnel in report.tunnels)
    return {
        "runs": [run],
        "clients": clients,
        "exchanges": exchanges,
        "tunnels": tunnels,
        "findings": findings,
    }


def seen(rows: dict[str, list[Row]], wanted: dict[str, list[Row]]) -> dict[str, list[Row]]:
    """The rows of a run, each with the columns that are wanted of it."""
    assert {table: len(some) for table, some in rows.items()} == {
        table: len(some) for table, some in wanted.items()
    }
    return {
        table: [
            {name: row[name] for name in want} for row, want in zip(rows[table], some, strict=True)
        ]
        for table, some in wanted.items()
    }


def calls_add_up(run: Row, exchanges: list[Row]) -> bool:
    """Whether the counts of calls in a run are those of its exchanges."""
    asked = [row for row in exchanges if row["is_call"] and row["method"] is not None]
    made_good = sum(row["recovered_by"] is not None for row in exchanges if row["is_call"])
    shown = Counter(str(row["status"]) for row in asked if row["status"] is not None)
    told = {name: n for name, n in run["statuses"].items() if name not in ("none", "unknown")}
    return (
        run["calls"] == len(asked) == sum(run["statuses"].values())
        and run["calls_made_good"] == made_good
        and told == dict(shown)
        and run["calls_failed"] + made_good <= sum(row["is_call"] for row in exchanges)
    )


def _run(told: Row) -> Row:
    cause, held = told["root_cause"], told["completeness"]
    begun = [each["started_at"] for each in told["captures"] if each["started_at"] is not None]
    ended = [each["ended_at"] for each in told["captures"] if each["ended_at"] is not None]
    headers = [auth for client in told["clients"] for auth in client["auth_headers"]]
    tool = told["tool"]
    return {
        "failure": None,
        "error": None,
        "started_at": min(begun, default=None),
        "ended_at": max(ended, default=None),
        "files": len(told["captures"]),
        "packets": held["packets"],
        "completeness": held["verdict"],
        "unread": sorted({each["reason"] for each in held["unread"]}),
        "cause": cause and cause["code"],
        "cause_explains": cause["explains"] if cause else 0,
        "cause_of": cause["of"] if cause else 0,
        "cause_sentence": cause and cause["sentence"],
        "providers": sorted({client["provider"] for client in told["clients"]}),
        "clients": sorted({_product(client["user_agent"]) for client in told["clients"]}),
        "auth": sorted(set(map(_sent, headers))),
        "real_keys": sum(
            each["count"] for each in told["findings"] if each["code"] == "real-key-on-agent-hop"
        ),
        "tunnels": len(told["tunnels"]),
        "findings": list(dict.fromkeys(each["code"] for each in told["findings"])),
        "worst": told["findings"][0]["severity"] if told["findings"] else None,
        "hypotheses": {each["id"]: each["verdict"] for each in told["hypotheses"]},
        "policy": None,
        "judged_by": f"{tool['version']} {tool['build']}",
        "report_schema": told["schema"],
        "fingerprint_key": told["provenance"]["fingerprint_key"],
    }


def _client(told: Row) -> Row:
    return {
        "ip": told["ip"],
        "role": told["role"],
        "user_agent": told["user_agent"],
        "provider": told["provider"],
        "service": _end(told["service"]),
        "requests": told["requests"],
        "statuses": told["statuses"],
        "auth": [
            {"name": auth["name"], "scheme": auth["scheme"], "requests": auth["requests"],
             **{name: auth["credential"][name] for name in
                ("kind", "prefix", "length", "fingerprint", "placeholder", "anomalies")}}
            for auth in told["auth_headers"]
        ],
    }  # fmt: skip


def _exchange(told: Row) -> Row:
    request, response = told["request"] or {}, told["response"] or {}
    begun, ended = request.get("started_at"), response.get("ended_at")
    return {
        "exchange": told["id"],
        "recovered_by": told["recovered_by"],
        "hop": told["hop"],
        "provider": told["provider"],
        "client": told["client"]["ip"],
        "server": _end(told["server"]),
        "user_agent": request.get("user_agent"),
        "method": request.get("method"),
        "target": request.get("target"),
        "host": request.get("host"),
        "auth": [_sent(auth) for auth in request.get("auth", ())],
        "status": response.get("status"),
        "error": (response.get("api_error") or {}).get("type"),
        "model": response.get("model"),
        "request_bytes": request.get("body_bytes"),
        "response_bytes": response.get("body_bytes"),
        "events": (response.get("stream") or {}).get("events"),
        "started_at": begun,
        "seconds": None if begun is None or ended is None else _seconds(begun, ended),
        "ended_by": told["ended_by"],
        "decrypted": told["decrypted"],
        "packet": _number((request or response)["packet"]),
    }


def _tunnel(told: Row) -> Row:
    tls = told["tls"] or {}
    host, _, port = (told["authority"] or "").rpartition(":")
    return {
        "tunnel": told["id"],
        "client": told["client"]["ip"],
        "proxy": _end(told["proxy"]),
        "host": host.strip("[]") or None,
        "port": int(port) if port else None,
        "established": told["established"],
        "status": told["connect_status"],
        "proxy_error": told["proxy_error"],
        "protocol": told["protocol"],
        "sni": tls.get("sni"),
        "tls_version": tls.get("version"),
        "handshake": tls.get("handshake"),
        "bytes_up": told["bytes_up"],
        "bytes_down": told["bytes_down"],
        "opened_at": told["opened_at"],
        "closed_at": told["closed_at"],
        "closed_by": told["closed_by"],
    }


def _product(user_agent: str | None) -> str:
    return (user_agent or "").partition(" ")[0] or "no user agent"


def _sent(auth: Row) -> str:
    parts = (auth["name"].lower(), auth["scheme"], auth["credential"]["kind"])
    return " ".join(part for part in parts if part)


def _end(endpoint: Row) -> str:
    ip = endpoint["ip"]
    return f"[{ip}]:{endpoint['port']}" if ":" in ip else f"{ip}:{endpoint['port']}"


def _number(packet: int | str) -> int:
    return int(str(packet).rpartition(":")[2])


def _seconds(begun: str, ended: str) -> float:
    return (_nanoseconds(ended) - _nanoseconds(begun)) / 1e9


def _nanoseconds(time: str) -> int:
    whole, _, rest = time.removesuffix("Z").partition(".")
    return int(datetime.fromisoformat(f"{whole}+00:00").timestamp()) * 10**9 + int(rest)
