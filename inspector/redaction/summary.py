"""What a copy may hold back while it is made, and what was masked in it."""

from __future__ import annotations

from collections import Counter
from typing import Final

from inspector.fact import Changing, Fact, field
from inspector.redaction.audit import Audited


class HoldLimits(Fact):
    """How much may wait while a copy is made."""

    held_bytes: int = 64 << 20
    """Bytes of packets that wait in a copy until it is known what is in them; live 16 MiB."""
    held_time: int | None = None
    """Nanoseconds between the oldest waiting packet and the newest; live 3 s, else any."""


#: For a capture that is written while it is taken.
LIVE: Final = HoldLimits(held_bytes=16 << 20, held_time=3_000_000_000)


class RedactionSummary(Changing):
    """What was masked; never a value.

    `positions`: credentials by the name of their header or parameter (`?key`).
    `echoes`: keys in free text.  `blanked`: stretches of bytes that were
    blanked, by the reason: "compressed" (a coded body with a key in it),
    "unreadable" (cannot be searched), "undecided" (a limit was hit), "unmatched"
    (not the bytes that were sent first), "forgotten" (the bytes that were sent
    first are not here any more), "unplaced" (they fit nowhere in a connection),
    "bodies" (but for their structure), "plaintext" (of a direction, what is no
    HTTP), "options" (of a header), "quoted" (a packet in an ICMP error), "tls" (a direction
    of it: what is encrypted and what is no name), "internal-error" (a reader failed),
    "no-time" (connections of a live capture, while packets came faster than they were read).
    `audit`: what the audit found.
    """

    packets: int = 0
    changed: int = 0
    positions: Counter[str] = field(default_factory=Counter)
    echoes: int = 0
    blanked: Counter[str] = field(default_factory=Counter)
    audit: Audited | None = None
