"""How the upstream stand-in behaves, host by host: switches, read from a JSON file.

The file is read again for each connection, so a scenario can change it while it runs::

    {"api.anthropic.com": {"answer": "429", "retry_after": 1}, "*": {"first_byte": 0.0}}

``"*"`` holds for every host; what a host says itself goes before.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final

#: What can befall the TLS handshake of a connection.
TLS: Final = {
    "normal": "a handshake",
    "alert": "a fatal handshake_failure alert in answer to the ClientHello",
    "silence": "the ClientHello is read, nothing is ever said",
    "close": "FIN in answer to the ClientHello",
    "reset": "RST in answer to the ClientHello",
    "reset-in-handshake": "ServerHello and half of what follows, then RST",
}

#: What can befall an event stream, after `Behaviour.after` events or `Behaviour.at` bytes.
STREAM: Final = {
    "whole": "it ends as its provider ends it",
    "error-event": "an `event: error` (or its provider's like), then a proper end of the body",
    "end-early": "a proper end of the body without the provider's last event",
    "cut": "FIN without the last chunk and without a close_notify alert",
    "reset": "RST",
    "stall": "nothing more, until the client leaves",
    "bad-framing": "one event without its blank line, one with a broken field; then on to the end",
}

#: What can befall a body that is no stream, half-way or after `Behaviour.at` bytes.
BODY: Final = {
    "whole": "as promised",
    "cut": "FIN before the promised length",
    "reset": "RST before the promised length",
    "stall": "nothing more, until the client leaves",
    "gzip-label": "plain text labelled gzip",
    "hang-up": "RST in place of an answer, also of an event stream",
}


@dataclass(frozen=True, slots=True)
class Behaviour:
    """One host's switches; the defaults are a healthy API."""

    #: "ok", or the name of an answer in `lab.upstream_scripted`: of `SCRIPTED` or `REFUSALS`.
    answer: str = "ok"
    #: The scripted answer is given so many times, then "ok"; none: always.
    times: int | None = None
    #: Seconds in the `retry-after` header of 429 and 529.
    retry_after: int = 1
    #: Credentials that are accepted; empty: all but the firewall's placeholders.
    accepts: tuple[str, ...] = ()
    #: Values of `anthropic-beta` that are answered by 400.
    retired_betas: tuple[str, ...] = ("context-1m-2025-08-07",)
    #: A key of `STREAM`, and the events before it strikes.
    stream: str = "whole"
    after: int = 5
    #: Bytes of the body, before compression and chunking, after which the answer breaks off:
    #: inside an event, in the middle of a word.  None: where `after` or `body` says.
    at: int | None = None
    #: A key of `BODY`.
    body: str = "whole"
    #: Whether an answer is compressed for a client that accepts gzip.
    gzip: bool = True
    #: Seconds until the answer begins, and between two events.
    first_byte: float = 0.05
    pace: float = 0.01
    #: A key of `TLS`; the highest version spoken; tickets after a TLS 1.3 handshake; ALPN.
    tls: str = "normal"
    tls_version: str = "1.3"
    tickets: int = 2
    alpn: tuple[str, ...] = ("h2", "http/1.1")

    def __post_init__(self) -> None:
        for name, table in (("tls", TLS), ("stream", STREAM), ("body", BODY)):
            if getattr(self, name) not in table:
                raise ValueError(f"{name}: {getattr(self, name)!r} is none of {', '.join(table)}")


_NAMES: Final = {field.name for field in fields(Behaviour)}


def of(switches: Mapping[str, Mapping[str, Any]], host: str) -> Behaviour:
    """The behaviour of one host.

    :raises ValueError: there is no such switch, or no such value.
    """
    merged = {**switches.get("*", {}), **switches.get(host, {})}
    if unknown := merged.keys() - _NAMES:
        raise ValueError(f"no such switch of the upstream: {', '.join(sorted(unknown))}")
    values: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in merged.items()
    }
    return Behaviour(**values)


def write(path: Path, switches: Mapping[str, Mapping[str, Any]]) -> None:
    """Check the switches and put them where the upstream reads them, in one step.

    :raises ValueError: there is no such switch, or no such value.
    """
    for host in switches:
        of(switches, host)
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps(switches, indent=1))
    fresh.replace(path)


def read(path: Path, host: str) -> Behaviour:
    """The behaviour of one host as the file has it now."""
    return of(json.loads(path.read_text()), host)
