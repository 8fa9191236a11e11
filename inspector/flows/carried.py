"""Whether a packet that no dissector reads carries TCP all the same.

Headers may stand around a packet that nobody here knows: an own ethertype, VXLAN at a port of
somebody's choice, a vendor's tag.  What they hold is not guessed at; but where a whole IP packet
with a whole TCP header stands, its connection was not read, and the capture is not complete.
Bytes by chance pass for one less than once in a thousand million packets.
"""

from __future__ import annotations

from typing import Final

from inspector.flows.tcp import FIN, SYN

#: Why a packet was passed over that may hold another one.
MAY_CARRY: Final = frozenset({"llc", "not-ip", "not-tcp", "udp", "unknown-link-type"})
#: How many bytes the unknown headers may have.
FARTHEST: Final = 64
#: How many bytes may follow the inner packet: padding to Ethernet's least, a check sequence.
BEHIND: Final = 50

_TCP: Final = 6
_IPV4_SIZE: Final = 20
_IPV6_SIZE: Final = 40
_TCP_SIZE: Final = 20


def inner_headers(data: bytes, start: int, end: int, wire_end: int) -> tuple[int, int] | None:
    """Where the headers of IP and TCP stand of a packet in `data[start:end]`; None: none is there.

    They begin at one of the first places, and end where TCP's options would begin.

    `wire_end`: where the bytes ended on the wire, behind `end` where the snap length cut them.
    """
    for at in range(start, min(start + FARTHEST, end - _IPV4_SIZE - _TCP_SIZE) + 1):
        first = data[at]
        if first == 0x45:
            # No fragment, of the length that is there.
            size = int.from_bytes(data[at + 2 : at + 4])
            fits = data[at + 9] == _TCP and not data[at + 6] & 0xBF and not data[at + 7]
            header = _IPV4_SIZE
        elif first == 0x60:
            size = _IPV6_SIZE + int.from_bytes(data[at + 4 : at + 6])
            fits = data[at + 6] == _TCP and not data[at + 1] & 0xF0
            header = _IPV6_SIZE
        else:
            continue
        if fits and 0 <= wire_end - at - size <= BEHIND and _is_tcp(data, at + header, end):
            return at, at + header + _TCP_SIZE
    return None


def _is_tcp(data: bytes, at: int, end: int) -> bool:
    """Whether a TCP header may stand there: its length, no reserved bits, a sane set of flags."""
    if at + _TCP_SIZE > end:
        return False
    length, flags = data[at + 12], data[at + 13]
    return length >> 4 >= 5 and not length & 0x0E and flags & (SYN | FIN) != SYN | FIN and flags > 0
