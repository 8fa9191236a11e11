"""What tshark says of a capture, asked through pyshark, in rows to compare with.

tshark's settings are those with which it reads best: the bridge's ports are
HTTP, and segments out of order are put in order.
"""

from __future__ import annotations

import asyncio
import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pyshark

from inspector.secrets.positions import CREDENTIAL_HEADERS

#: Why it cannot be asked; None when it can.
ABSENT: Final = (
    "needs tshark, which is not installed"
    if shutil.which("tshark") is None
    else "needs pyshark, which asks asyncio for a child watcher: Python 3.14 has none"
    if not hasattr(asyncio, "SafeChildWatcher")
    else None
)
HTTP_PORTS: Final = (3128, *range(10000, 10005))

_CLIENT_HELLO, _SERVER_HELLO = "1", "2"

Address = tuple[str, int]
#: (client, server) as tshark sees them in the packet.
Ends = tuple[Address, Address]
#: (name as sent, length of the value) of each auth header.
Auth = tuple[tuple[str, int], ...]


@dataclass
class Opinion:
    """What one reader says: requests, statuses by connection in order, TLS hellos."""

    requests: Counter[tuple[Ends, str, str, Auth]] = field(default_factory=Counter)
    statuses: dict[Ends, list[int]] = field(default_factory=dict)
    server_names: Counter[tuple[Ends, str]] = field(default_factory=Counter)
    ciphers: Counter[tuple[Ends, str]] = field(default_factory=Counter)


def opinion(path: Path) -> Opinion:
    """One pass of tshark over `path`."""
    found = Opinion()
    capture = pyshark.FileCapture(
        str(path),
        display_filter="http or tls.handshake.type == 1 or tls.handshake.type == 2",
        decode_as={f"tcp.port=={port}": "http" for port in HTTP_PORTS},
        custom_parameters=["-o", "tcp.reassemble_out_of_order:TRUE"],
        keep_packets=False,
    )
    try:
        for packet in capture:
            _read(packet, found)
    finally:
        capture.close()
    return found


def _read(packet: Any, found: Opinion) -> None:
    sender = (str(packet.ip.src), int(packet.tcp.srcport))
    receiver = (str(packet.ip.dst), int(packet.tcp.dstport))
    for layer in packet.get_multiple_layers("http"):
        if "request_method" in layer.field_names:
            lines = [str(line.show) for line in _all(layer, "request_line")]
            row = ((sender, receiver), str(layer.request_method), str(layer.request_uri))
            found.requests[*row, _auth(lines)] += 1
        elif "response_code" in layer.field_names:
            statuses = found.statuses.setdefault((receiver, sender), [])
            statuses.append(int(str(layer.response_code)))
    for layer in packet.get_multiple_layers("tls"):
        kinds = [str(kind.show) for kind in _all(layer, "handshake_type")]
        if _CLIENT_HELLO in kinds:
            for name in _all(layer, "handshake_extensions_server_name"):
                found.server_names[(sender, receiver), str(name.show)] += 1
        if _SERVER_HELLO in kinds:
            for cipher in _all(layer, "handshake_ciphersuite"):
                shown = str(cipher.showname).removeprefix("Cipher Suite: ").partition(" ")[0]
                found.ciphers[(receiver, sender), shown] += 1


def _all(layer: Any, name: str) -> Iterator[Any]:
    """Every occurrence of a field within a layer."""
    container = layer.get_field(name)
    return iter(() if container is None else container.all_fields)


def _auth(lines: list[str]) -> Auth:
    found = []
    for line in lines:
        # tshark shows a line with its line end, as the two escapes.
        name, _, value = line.removesuffix("\\r\\n").rstrip("\r\n").partition(":")
        if name.lower().encode() in CREDENTIAL_HEADERS:
            found.append((name, len(value.strip())))
    return tuple(found)
