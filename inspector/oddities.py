"""Oddities are counted data: what was odd, how often, and where first."""

from __future__ import annotations

from typing import Final

from inspector.fact import Changing
from inspector.model.capture import Fault, Oddity

#: The oddity of a packet that is stamped earlier than the one before it: times are not to be relied
#: on where packets tell another order.
CLOCK_SET_BACK: Final = "clock-stepped-back"
#: Packets listed for one oddity; its count goes on.
PACKETS_LISTED: Final = 5


class _Tally(Changing):
    count: int
    packets: list[int]
    detail: str


class OddityCounter:
    """Collects faults by name: memory is bounded by the number of names.

    `detail` is that of the first occurrence.
    """

    __slots__ = ("_tallies",)

    def __init__(self) -> None:
        self._tallies: dict[str, _Tally] = {}

    def add(self, fault: Fault) -> None:
        """Count one occurrence."""
        tally = self._tallies.get(fault.name)
        if tally is None:
            self._tallies[fault.name] = _Tally(1, [fault.packet], fault.detail)
            return
        tally.count += 1
        if len(tally.packets) < PACKETS_LISTED and fault.packet not in tally.packets:
            tally.packets.append(fault.packet)

    def merge(self, other: OddityCounter) -> None:
        """Add what another counter counted."""
        for name, theirs in other._tallies.items():
            ours = self._tallies.setdefault(name, _Tally(0, [], theirs.detail))
            ours.count += theirs.count
            ours.packets = sorted({*ours.packets, *theirs.packets})[:PACKETS_LISTED]

    def clear(self) -> None:
        """Forget everything."""
        self._tallies.clear()

    def facts(self) -> tuple[Oddity, ...]:
        """The oddities in order of their names."""
        return tuple(
            Oddity(name, tally.count, tuple(sorted(tally.packets)), tally.detail)
            for name, tally in sorted(self._tallies.items())
        )
