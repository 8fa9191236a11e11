"""Frames that hold no segment of TCP: what of them is no payload."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from inspector.redaction.frames import ICMP_HEADER, Reading

#: ICMP's and ICMPv6's types of messages that quote a packet (RFC 792, RFC 4443 2.1).
_ICMP_ERRORS: Final = frozenset({1, 2, 3, 4, 5, 11, 12})
#: IP protocols -> bytes that their headers have at least: ICMP, TCP, UDP, ICMPv6.
_QUOTED: Final[Mapping[int, int]] = {1: 8, 6: 20, 17: 8, 58: 8}
#: Reasons -> bytes of the header that stays behind those that were peeled, so that the reason does.
HEADERS: Final[Mapping[str, int]] = {
    "arp": 28,  # of Ethernet and IPv4 (RFC 826)
    "bad-ip-header": 4,  # version and lengths: what is wrong with it
    "bad-tcp-header": 20,
    "encrypted": 8,  # ESP's index and number (RFC 4303 2), as much of MACsec's tag
    "icmp": ICMP_HEADER,
    "sctp": 12,  # RFC 9260 3.1
    "truncated-header": 20,
    "udp": 8,  # RFC 768
}


def quoted_payload(frame: bytes, reading: Reading) -> int:
    """Where in a message of ICMP its own header ends, and in an error those of the packet quoted.

    An error quotes the start of a packet, perhaps with its payload (RFC 1812 4.3.2.3).  The quoted
    headers stay: IP's, and of its protocol's what they have at least.
    """
    at = reading.unread
    if reading.quoted:
        return min(len(frame), at + 16)  # the reader stands behind the quoted ports
    if reading.reason != "icmp":
        return min(len(frame), at)  # what it quotes is no segment, and was not peeled whole
    start = at + HEADERS["icmp"]
    if start < len(frame) and frame[at] in _ICMP_ERRORS:
        version = frame[start] >> 4
        size, protocol = (40, start + 6) if version == 6 else (20, start + 9)
        is_plain = version == 6 or frame[start] == 0x45
        if is_plain and protocol < len(frame):
            size += _QUOTED.get(frame[protocol], 0)
        start += size  # behind options nothing stays
    return min(start, len(frame))
