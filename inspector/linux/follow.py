"""Following bridges that come, go and come again.

When the kernel reports a changed interface or address, look again and bind each
unbound ring to the bridge that is now there.  No privilege is needed:
the rings and everything here were opened while there was some.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, TypeAlias

from inspector.errors import CannotCapture
from inspector.linux.bridge import BridgeFinder
from inspector.linux.netlink import Changes, Netlink
from inspector.linux.ring import Ring

#: Told (the ring, why it is bound to its interface) after each binding.
OnBound: TypeAlias = Callable[[Ring, str], None]

#: As many interfaces are named to a person who may have mistyped one.
_NAMED: Final = 12


class Follower:
    """Keeps rings bound, each to an interface told by name or to whatever a finder finds.

    `wanted` go with `rings`.  It is readable when something has changed; then call `look`.
    """

    def __init__(
        self,
        rings: Sequence[Ring],
        wanted: Sequence[str | BridgeFinder],
        *,
        netns: Path | None = None,
        on_bound: OnBound = lambda ring, because: None,
    ) -> None:
        self._wanted = list(zip(rings, wanted, strict=True))
        #: Interfaces that were removed and captured again when they were made anew.
        self.made_anew: Counter[str] = Counter()
        self._on_bound = on_bound
        # Before the first look: what comes in between is told.
        self._changes = Changes(netns)
        self._netlink = Netlink(netns)

    def fileno(self) -> int:
        return self._changes.fileno()

    def look(self) -> None:
        """Bind what can be bound now; never raises for an interface that is not (yet) fit."""
        self._changes.clear()
        for ring, _ in self._wanted:
            ring.check()  # its interface may be gone, and another of that name be there
        waiting = [(ring, what) for ring, what in self._wanted if ring.state in ("waiting", "gone")]
        if not waiting:
            return
        taken = self._taken()
        for ring, what in waiting:
            for candidate, index, because in self._candidates(what):
                if index in taken:
                    continue
                before = ring.interface
                try:
                    ring.bind(candidate)
                except CannotCapture:
                    continue  # it went again, or is of another kind
                taken.add(ring.index)
                if before is not None:
                    self.made_anew[candidate] += 1
                self._on_bound(ring, because)
                break

    def awaited(self) -> list[str]:
        """What never was there, of each ring that is still without an interface."""
        taken = self._taken()
        found = []
        for ring, what in self._wanted:
            if ring.interface is not None:
                continue
            if isinstance(what, str):
                found.append(f"interface {what}")
            elif not any(index in taken for _, index, _ in self._candidates(what)):
                found.append(f"a bridge of {what.subnet}")
        return found

    def present(self) -> str:
        """The interfaces that are there, named; the ends of containers' wires are left out."""
        try:
            names = [link.name for link in self._netlink.links() if link.kind != "veth"]
        except CannotCapture:
            return "the kernel does not tell which are"
        more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        return f"there are: {', '.join(names[:_NAMED])}{more}" if names else "there is none"

    def close(self) -> None:
        self._changes.close()
        self._netlink.close()

    def _taken(self) -> set[int]:
        """The interfaces that a ring listens on."""
        return {ring.index for ring, _ in self._wanted if ring.state in ("running", "down")}

    def _candidates(self, what: str | BridgeFinder) -> list[tuple[str, int, str]]:
        try:
            if isinstance(what, str):
                links = self._netlink.links()
                return [(what, link.index, "it is there") for link in links if link.name == what]
            found = what.look()
        except CannotCapture:
            return []
        return [(bridge.name, bridge.index, bridge.because) for bridge in found]
