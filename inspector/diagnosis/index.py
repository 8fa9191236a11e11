"""Facts by their ids, and connections by the service that they went to."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import Final, Protocol, TypeVar

from inspector.fact import Changing, field
from inspector.model.ids import AnyId, number_of
from inspector.model.network import Connection
from inspector.wire import Moment, precedes

#: The last time in nanoseconds that 64 bits hold.
_LATEST: Final = (1 << 63) - 1


class _Numbered(Protocol):
    @property
    def id(self) -> AnyId: ...


N = TypeVar("N", bound=_Numbered)


class Index(Sequence[N]):
    """Facts by id: the lists are in the order of their ids' numbers."""

    def __init__(self, items: Sequence[N]) -> None:
        self._items = items

    def __len__(self) -> int:
        return len(self._items)

    def __getitem__(self, place):  # type: ignore[no-untyped-def]
        return self._items[place]

    def __iter__(self) -> Iterator[N]:
        return iter(self._items)

    def get(self, name: str) -> N | None:
        """Return the fact with this id; None if there is none."""
        number = number_of(name)
        if 0 < number <= len(self) and (found := self._items[number - 1]).id == name:
            return found
        low, high = 0, len(self)
        while low < high:
            middle = (low + high) // 2
            found = self._items[middle]
            if found.id == name:
                return found
            if number_of(found.id) < number:
                low = middle + 1
            else:
                high = middle
        return None


#: Paths remembered of one port; a client has few.
PATHS: Final = 256


class Openings(Changing):
    """Connections, or attempts at one, in the order in which the capture has them.

    `times` (ns) need not rise: a clock may step back, or have no resolution.
    """

    names: array[int] = field(default_factory=lambda: array("q"))
    times: array[int] = field(default_factory=lambda: array("q"))
    packets: array[int] = field(default_factory=lambda: array("q"))

    def __len__(self) -> int:
        return len(self.names)

    def add(self, connection: Connection) -> None:
        """Append the next connection."""
        self.names.append(number_of(connection.id))
        self.times.append(_held(connection.opened_at))
        self.packets.append(connection.packet)

    def moment(self, place: int) -> Moment:
        """When the one at `place` was opened."""
        return self.times[place], self.packets[place]

    def place_after(self, moment: Moment) -> int:
        """The place of the first one that was opened after `moment`."""
        return bisect_left(range(len(self)), True, key=lambda p: precedes(moment, self.moment(p)))


class Service(Changing):
    """A port of one of the proxies: when it took connections, and when it did not.

    `silent` counts attempts that nobody answered at all, which says little where packets
    are missing.
    """

    accepted: Openings = field(default_factory=lambda: Openings())
    failed: Openings = field(default_factory=lambda: Openings())
    silent: int = 0
    #: Attempts that a router, or a firewall, said lead nowhere.
    unreached: int = 0
    #: Bytes of the largest body of a call that it answered well; None without such a call.
    largest: int | None = None
    #: Paths of calls that it answered well, the first `PATHS` of them.
    served: set[str] = field(default_factory=set)

    def accepted_after(self, moment: Moment) -> int:
        """How many connections it took after `moment`."""
        return len(self.accepted) - self.accepted.place_after(moment)

    def failed_after(self, moment: Moment) -> int:
        """How many attempts failed after `moment`."""
        return len(self.failed) - self.failed.place_after(moment)

    def failed_next(self, moment: Moment) -> tuple[int, int]:
        """The places in `failed` of the attempts from `moment` to the next accepted one."""
        start = self.failed.place_after(moment)
        taken = self.accepted.place_after(moment)
        if taken == len(self.accepted):
            return start, len(self.failed)
        return start, max(start, self.failed.place_after(self.accepted.moment(taken)))


def opened_moment(connection: Connection) -> Moment:
    """When a connection was opened."""
    return connection.opened_at, connection.packet


def closed_moment(connection: Connection | None) -> Moment | None:
    """When a connection was closed; None when that was not seen."""
    if connection is None or connection.closed_at is None:
        return None
    # A report written before the packet was kept has the opening one alone.
    packet = connection.closed_packet
    return connection.closed_at, connection.packet if packet is None else packet


def _held(at: int) -> int:
    """A time as an array can hold it: a file may state any, such as the year 500000."""
    return min(at, _LATEST)
