"""curl: its command line, and the row of the log that its own report gives."""

from __future__ import annotations

import itertools
import json
import re
import subprocess
import time
from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import urlsplit

from lab.clients import CREDENTIAL_HEADERS

#: A line of `curl -v` that shows what was sent.
_SENT: Final = re.compile(r"> ?(.*)")


def curl_argv(
    url: str, headers: Sequence[tuple[str, str]], body: str, options: Sequence[str]
) -> list[str]:
    """The command: headers in order, the body as it is, curl's own report as JSON."""
    argv = ["curl", "--silent", "--show-error", "--verbose", "--no-buffer", "--output", "/dev/null"]
    argv += ["--write-out", "%{json}\n", "--max-time", "30", *options]
    for name, value in headers:
        argv += ["--header", f"{name}: {value}"]
    if body:
        argv += ["--data-binary", body]
    return [*argv, url]


def curl_row(
    program: str,
    url: str,
    headers: Sequence[tuple[str, str]],
    body: str,
    argv: Sequence[str],
    done: subprocess.CompletedProcess[str],
) -> dict[str, Any]:
    """What curl says it sent and got (`%{json}`, and the lines that `-v` marks with `>`)."""
    told = json.loads(done.stdout.splitlines()[-1])
    blocks = _sent_blocks(done.stderr)
    place = urlsplit(url)
    path = place.path + (f"?{place.query}" if place.query else "")
    # Nothing was sent where nobody listened: then the command says what would have been.
    method, target, names = _last_request(blocks) or ("POST" if body else "GET", path, None)
    sent = itertools.chain(*blocks)
    agents = [line[12:] for line in sent if line.lower().startswith("user-agent: ")]
    tunnel = any(block[0].startswith("CONNECT ") for block in blocks)
    local = _end(told["local_ip"], told["local_port"])
    remote = _end(told["remote_ip"], told["remote_port"]) or place.netloc
    row: dict[str, Any] = {
        "event": "client_call",
        "program": program,
        "n": 1,
        "client": local,
        "server": remote,
        "via": "connect" if tunnel else "absolute" if _is_absolute(target) else "direct",
        "method": method,
        "target": target,
        "header_names": names,
        "user_agent": agents[-1] if agents else None,
        "auth": [
            {"name": name, "value": value}
            for name, value in headers
            if name.lower() in CREDENTIAL_HEADERS
        ],
        "status": told["response_code"] or None,
        "body_bytes": told["size_download"],
        "response_finished": told["exitcode"] == 0 and told["response_code"] > 0,
        "error": told["errormsg"],
        "started_at": time.time() - told["time_total"],
    }
    if "--http2-prior-knowledge" in argv:
        row["protocol"] = "h2c"
    if url.startswith("https:") and names is None and local is not None and not tunnel:
        row["protocol"] = "tls"  # and no request: the handshake came to nothing
    if tunnel:
        row["connect_status"] = told["http_connect"] or None
        row["authority"] = blocks[0][0].split(" ")[1]
    return row


def _end(ip: str, port: int) -> str | None:
    if port <= 0:
        return None
    return f"[{ip}]:{port}" if ":" in ip else f"{ip}:{port}"


def _is_absolute(target: str) -> bool:
    return target.startswith("http://")


def _sent_blocks(verbose: str) -> list[list[str]]:
    """The heads that curl sent, each a list of lines."""
    blocks: list[list[str]] = []
    inside = False
    for line in verbose.splitlines():
        found = _SENT.fullmatch(line.rstrip("\r"))
        if not found:
            continue
        if not inside:
            blocks.append([])
        if found[1]:
            blocks[-1].append(found[1])
        inside = bool(found[1])
    return [block for block in blocks if block]


def _last_request(blocks: list[list[str]]) -> tuple[str, str, list[str]] | None:
    if not blocks or blocks[-1][0].startswith("CONNECT "):
        return None
    method, target, _ = blocks[-1][0].split(" ", 2)
    return method, target, [line.partition(":")[0] for line in blocks[-1][1:]]
