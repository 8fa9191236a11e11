"""TCP's own numbers: control bits, and sequence numbers modulo 2**32 (RFC 9293 3.4)."""

from __future__ import annotations

from typing import Final

#: Control bits of a segment (RFC 9293 3.1).
FIN: Final = 0x01
SYN: Final = 0x02
RST: Final = 0x04
ACK: Final = 0x10

SEQUENCE_MASK: Final = 0xFFFFFFFF


def distance(a: int, b: int) -> int:
    """How far `a` lies after `b` in sequence space: -2**31 .. 2**31-1."""
    return ((a - b + 0x80000000) & SEQUENCE_MASK) - 0x80000000
