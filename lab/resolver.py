"""A name server for the lab: knows a few addresses, and how to fail.

Run by `squid.start` in the outside world::

    python resolver.py ADDRESS '{"api.example": "203.0.113.10", "slow.example": null}'

A name with an address is answered (A; AAAA is answered empty), a name with null is never
answered, every other name, PTR look-ups among them, does not exist (NXDOMAIN).  Messages are those
of RFC 1035 section 4, one question each.
"""

from __future__ import annotations

import json
import socket
import struct
import sys
from collections.abc import Mapping

_A = 1
_NXDOMAIN = 3
#: QR, RD, RA: a response of a recursive server.
_FLAGS = 0x8180
_TTL = 60
#: A pointer to the question's name, at offset 12 (section 4.1.4).
_NAME = b"\xc0\x0c"


def answer(query: bytes, names: Mapping[str, str | None]) -> bytes | None:
    """The response to one query; None where there shall be none, or it is no query.

    ``names``: lower-case names and their IPv4 addresses, None for silence.
    """
    if len(query) < 17 or query[2] & 0x80:
        return None
    identity, _, questions = struct.unpack_from("!HHH", query)
    labels = []
    position = 12
    while length := query[position]:
        labels.append(query[position + 1 : position + 1 + length])
        position += 1 + length
        if length > 63 or position + 5 > len(query):
            return None
    if questions != 1:
        return None
    (kind,) = struct.unpack_from("!H", query, position + 1)
    question = query[12 : position + 5]
    name = b".".join(labels).decode("ascii", "replace").lower()
    address = names.get(name)
    if name in names and address is None:
        return None
    records = b""
    if address is not None and kind == _A:
        records = _NAME + struct.pack("!HHIH", _A, 1, _TTL, 4) + socket.inet_aton(address)
    flags = _FLAGS if address is not None else _FLAGS | _NXDOMAIN
    return struct.pack("!6H", identity, flags, 1, bool(records), 0, 0) + question + records


def main(address: str, names: str) -> None:
    """Answer on UDP port 53 until killed."""
    known = {name.lower(): ip for name, ip in json.loads(names).items()}
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind((address, 53))
        print("answering", flush=True)
        while True:
            query, client = server.recvfrom(4096)
            if response := answer(query, known):
                server.sendto(response, client)


if __name__ == "__main__":
    main(*sys.argv[1:])
