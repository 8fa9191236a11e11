"""Starts the API proxy stand-in (proxy.js) on its host, and names its switches.

The program has the wire habits of the firewall's proxy in two generations: "old" (0.25.4) and
"new" (August 2026).  What differs between them, and is the same here:

==========================  =======================================  ============================
habit                       old                                      new
==========================  =======================================  ============================
a key's surrounding space   is kept: a newline ends the process      is trimmed
start-up                    silent                                   up to four tunnels of its own
provider without a key      does not listen (RST)                    403 ``provider_not_configured``
upstream stream is cut      an error text and a clean last chunk     no last chunk
port 10004                  OpenCode, another way to Anthropic       Vertex
``anthropic-beta`` retired  the 400 is relayed                       tried again without it
==========================  =======================================  ============================

Its record (`Proxy.log`) is one JSON object a line, each with `at` and `event`:

* `listening`: `provider`, `address`; `ready`: start-up is over; `died`: `error` and `message` of
  the exception that ended it; `exit`: `code` (missing after a signal that kills);
* `request`: what an agent sent: `request` (the x-request-id the proxy gave it), `kind` ("http",
  "websocket-upgrade"), `provider`, `agent`, `server`, `method`, `target`, `http_version`,
  `header_names` in wire order, `auth` [{`name`, `value`}];
* `attempt`: a CONNECT and its answer: `request` (null for its own), `purpose` ("agent",
  "startup"), `tunnel` (the proxy's own ip:port), `proxy` (Squid's), `authority`, `status`,
  `reason`, `squid_error`, and `error` when no answer came (also none until the process ended);
* `sent`: what went into the tunnel once TLS stood: `request`, `purpose`, `tunnel`, `host`,
  `method`, `path`, `header_names`, `auth`, `tls`, `resumed`.  A handshake that fails, or a
  refused CONNECT, has none: the key never left;
* `upstream_response`: `request`, `tunnel`, `status`, `source` ("upstream", or "squid" whose
  error page was taken for the API's answer);
* `unread`: what Node itself says to a request that it cannot read to its end: `agent`, `error`,
  `status` (400, or null where nothing could be said);
* `answered`: what the agent got: `request`, `status`, `source` ("upstream", "squid", "proxy" or
  null), `finished`, and `read`: whether the request had come to its end.  Missing when the
  process died first, or was ended before it answered.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from lab.network import Host, Network
from lab.processes import Process, find

PROGRAM = Path(__file__).with_name("proxy.js")

#: Lab-made, in the shapes of real keys.
ANTHROPIC_KEY = "sk-ant-api03-LABONLY" + "0123456789abcdefghijklmno" * 3 + "pqrstuvwxyzAA"
OPENAI_KEY = "sk-proj-LABONLY" + "abcdefghijklmnopqrstuvwxy" * 5 + "z"
COPILOT_KEY = "gho_LABONLY0123456789abcdefghijklmnopqrs"
GEMINI_KEY = "AIzaLABONLY0123456789abcdefghijklmnopqr"
KEYS: Mapping[str, str] = {
    "anthropic": ANTHROPIC_KEY,
    "openai": OPENAI_KEY,
    "copilot": COPILOT_KEY,
    "gemini": GEMINI_KEY,
}

#: Port of each provider on the proxy's address.
PORTS: Mapping[str, int] = {
    "openai": 10000,
    "anthropic": 10001,
    "copilot": 10002,
    "gemini": 10003,
    "vertex": 10004,
}

#: Ways to spoil (or, with "rechunk", not to spoil) an event stream on its way to the agent.
STREAM_FAULTS = (
    "rechunk",
    "buffer",
    "mangle",
    "truncate",
    "truncate-clean",
    "content-type",
    "gzip-label",
    "gzip-unlabelled",
)
#: Guards: the name is the error's type; they answer after so many requests, without a tunnel.
GUARDS = ("rate_limit_error", "max_runs_exceeded", "permission_denied_limit_exceeded")

#: The switches of `start(faults=…)`, each with what it takes.
FAULTS: Mapping[str, str] = {
    "copilot_scheme": 'the scheme sent to Copilot in place of "Bearer", as "token"',
    "gemini_bearer": "true: Gemini's key is sent as a bearer token, not as x-goog-api-key",
    "guard": '{"name": one of GUARDS, "after": requests let through first}',
    "stream": "one of STREAM_FAULTS, done to every event stream",
    "stream_after": "pieces let through before the stream is truncated (4)",
    "stream_any": "true: the stream fault is done to every answer, also JSON",
    "passes": "true: the client's own credential passes through, none is written",
    "resume": "true: offer the last TLS session again",
    "tls_version": 'the highest TLS version offered, "TLSv1.2"',
}


@dataclass(frozen=True, slots=True)
class Proxy:
    """A running API proxy."""

    #: The ground truth, see the module.
    log: Path
    #: What it printed, in the real proxy's own words: a scenario's api-proxy.jsonl.
    output: Path
    #: TLS secrets of its tunnels (NSS key log), absent when it never spoke TLS.
    keylog: Path
    process: Process

    def records(self) -> list[dict[str, Any]]:
        """The record so far."""
        return [json.loads(line) for line in self.log.read_text().splitlines()]


def start(
    network: Network,
    *,
    directory: Path,
    keys: Mapping[str, str] = KEYS,
    faults: Mapping[str, Any] | None = None,
    generation: Literal["old", "new"] = "new",
    ca: Path | None = None,
    probes: bool = True,
    ports: Mapping[int, int] | None = None,
    targets: Mapping[str, str] | None = None,
) -> Proxy:
    """Start the stand-in on the proxy's host; it listens, and its start-up calls are over.

    ``keys`` by provider, exactly as an environment would hold them (also with a newline);
    ``ca``: the authority it trusts beside the system's, none for a proxy that trusts nobody.
    ``targets``: hosts by provider, in place of the provider's own.
    """
    return launch(
        network.api_proxy,
        squid=(network.squid.address, 3128),
        directory=directory,
        keys=keys,
        faults=faults,
        generation=generation,
        ca=ca,
        probes=probes,
        ports=ports,
        targets=targets,
    )


def launch(
    host: Host,
    *,
    squid: tuple[str, int],
    directory: Path,
    keys: Mapping[str, str] = KEYS,
    faults: Mapping[str, Any] | None = None,
    generation: Literal["old", "new"] = "new",
    ca: Path | None = None,
    probes: bool = True,
    ports: Mapping[int, int] | None = None,
    targets: Mapping[str, str] | None = None,
    upstream_port: int = 443,
) -> Proxy:
    """`start` anywhere: ``ports`` moves the listening ports, ``upstream_port`` the API's."""
    unknown = set(faults or ()) - set(FAULTS)
    if unknown:
        raise ValueError(f"no such fault of the proxy: {', '.join(sorted(unknown))}")
    directory.mkdir(parents=True, exist_ok=True)
    log, keylog = directory / "proxy-record.jsonl", directory / "keys.log"
    settings = {
        "listen": host.address,
        "squid": {"host": squid[0], "port": squid[1]},
        "generation": generation,
        "keys": dict(keys),
        "faults": dict(faults or {}),
        "targets": dict(targets or {}),
        "ports": {str(port): other for port, other in (ports or {}).items()},
        "upstream_port": upstream_port,
        "probes": probes,
        "record": str(log),
    }
    (directory / "proxy.json").write_text(json.dumps(settings, indent=1))
    log.write_text("")
    output = directory / "api-proxy.jsonl"
    process = host.start(
        [find("node") or "node", f"--tls-keylog={keylog}", PROGRAM, directory / "proxy.json"],
        log=output,
        env={"NODE_NO_WARNINGS": "1"} | ({} if ca is None else {"NODE_EXTRA_CA_CERTS": str(ca)}),
        ready=lambda: '"event":"ready"' in log.read_text(),
        timeout=30.0,
    )
    return Proxy(log=log, output=output, keylog=keylog, process=process)
