"""An interface of a pcapng file: what its description block says, and what statistics add.

Source: draft-ietf-opsawg-pcapng 4.2 (interface description), 4.6 (interface statistics).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias

from inspector.fact import Changing
from inspector.model.capture import Interface
from inspector.pcap import options as opt
from inspector.wire import COUNTED_CUTS

#: Characters of an interface's name that are kept; Linux allows 15, Windows' GUIDs have 50.
NAME_LIMIT: Final = 256
#: Characters of a capture filter that are kept.
FILTER_LIMIT: Final = 4096

_MICROSECONDS: Final = opt.resolution(opt.DEFAULT_RESOLUTION)
_SECOND: Final = 1_000_000_000

#: The value of a numeric option in the file's byte order: its block's options, its code, its
#: layout in the words of `struct`; None where it is absent or has another length.
Number: TypeAlias = Callable[[opt.BlockOptions, int, str], int | None]


class DescribedInterface(Changing):
    """An interface of one section, and what its statistics added."""

    link_type: int
    snap_length: int
    name: str | None = None
    filter: str | None = None
    resolution: opt.Resolution = _MICROSECONDS
    offset: int = 0
    counted_cuts: bool = False
    received: int | None = None
    #: Packets dropped, by statistics, which are totals; and by what packets say, each of those
    #: between the one before and itself.
    counted: int | None = None
    lost: int | None = None
    #: Statistics are promised, and have not come.
    owed: bool = False

    @property
    def shared(self) -> tuple[int, bool]:
        """What the packets of one run have in common."""
        return self.link_type, self.counted_cuts

    def time(self, ticks: int) -> int:
        """Nanoseconds since the epoch of a time stamp of this interface."""
        numerator, denominator = self.resolution
        return ticks * numerator // denominator + self.offset

    def describe(self, found: opt.BlockOptions, number: Number) -> None:
        """Take the options of its description block."""
        name, rule = found.last(opt.IF_NAME), found.last(opt.IF_FILTER)
        self.name = None if name is None else _clipped(opt.text(name), NAME_LIMIT)
        whole = "" if rule is None else opt.filter_text(rule)
        self.filter = None if rule is None else _clipped(whole, FILTER_LIMIT)
        self.counted_cuts = whole.endswith(COUNTED_CUTS)
        unit = number(found, opt.IF_TSRESOL, "B")
        if unit is not None:
            self.resolution = opt.resolution(unit)
        self.offset = (number(found, opt.IF_TSOFFSET, "q") or 0) * _SECOND

    def count(self, found: opt.BlockOptions, number: Number) -> None:
        """Take the options of a statistics block.

        Counters are totals since the capture began: a later block replaces an earlier one.
        """
        self.owed = False
        received = number(found, opt.ISB_IFRECV, "Q")
        if received is not None:
            self.received = received
        drops = [number(found, code, "Q") for code in (opt.ISB_IFDROP, opt.ISB_OSDROP)]
        known = [count for count in drops if count is not None]
        if known:
            self.counted = sum(known)

    def lose(self, drops: int) -> None:
        """So many packets were dropped before a packet."""
        self.lost = (self.lost or 0) + drops

    @property
    def dropped(self) -> int | None:
        """Packets dropped; None if nothing says.  Statistics count those before a packet, too."""
        return max((n for n in (self.counted, self.lost) if n is not None), default=None)

    def fact(self) -> Interface:
        """The interface as a report has it."""
        kept = self.snap_length or None
        return Interface(self.name, self.link_type, kept, self.filter, self.received, self.dropped)


def _clipped(text: str, limit: int) -> str:
    """A text that a file states, which may be 64 KB for each of its interfaces."""
    return text if len(text) <= limit else text[: limit - 3] + "..."
