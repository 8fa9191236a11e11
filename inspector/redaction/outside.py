"""Frames that hold no segment of TCP: what of them is no payload."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from inspector.redaction.frames import Reading

#: ICMP's and ICMPv6's types of messages that quote a packet (RFC 792, RFC 4443 2.1).
_ICMP_ERRORS: Final = frozenset({1, 2, 3, 4, 5, 11, 12})
#: Reasons -> bytes of the header that stays behind those that were peeled, so that the reason does.
HEADERS: Final[Mapping[str, int]] = {
    "arp": 28,  # of Ethernet and IPv4 (RFC 826)
    "bad-ip-header": 20,
    "bad-tcp-header": 20,
    "encrypted": 8,  # ESP's index and number (RFC 4303 2), as much of MACsec's tag
    "icmp": 8,  # RFC 792
    "sctp": 12,  # RFC 9260 3.1
    "truncated-header": 20,
    "udp": 8,  # RFC 768
}


def quoted_payload(frame: bytes, reading: Reading) -> int:
    """Where in an ICMP error the payload begins of the packet that it quotes.

    It quotes the start of a packet, perhaps with its payload (RFC 1812 4.3.2.3).  The quoted
    headers stay: IP's, and 20 bytes that TCP's has at least.
    """
    at, start = reading.unread, len(frame)
    if reading.quoted:
        return min(start, at + 16)  # the reader stands behind the quoted ports
    if reading.reason == "icmp" and at + 9 <= len(frame) and frame[at] in _ICMP_ERRORS:
        first = frame[at + 8]
        start = at + 8 + 20 + (40 if first >> 4 == 6 else (first & 15) << 2)
    return min(start, len(frame))
