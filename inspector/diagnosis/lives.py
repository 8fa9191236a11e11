"""Whether a process went on living when it closed a connection, told from all its others.

When a process ends, the kernel closes every connection it has, at once.  So one that it goes on
using, or closes by itself later, shows that it lived; and where the last of several close in the
same moment, the process may have gone although a supervisor brings it back a second later.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from typing import Final

from inspector.model.http import Exchange
from inspector.model.ids import number_of
from inspector.model.network import BY_CLIENT, Connection, Tunnel

#: What a kernel closes for a process that ended, it closes within this (measured: 4 ms for 40
#: connections); the same time is left for what was on its way.
AT_ONCE: Final = 50_000_000
#: The last time in nanoseconds that 64 bits hold: a file may state any.
_LATEST: Final = (1 << 63) - 1


class Lives:
    """The connections of some processes, each known by its address."""

    def __init__(self, addresses: Iterable[str]) -> None:
        self._of = {address: _Life() for address in addresses}
        #: By connection, when its process last wrote something.
        self._signs: dict[int, int] = {}

    def see(self, exchange: Exchange) -> None:
        """An answer is a sign of life; of all exchanges, before `survey`."""
        if exchange.server.ip in self._of and exchange.response is not None:
            response, number = exchange.response, number_of(exchange.connection)
            at, known = response.ended_at or response.started_at, self._signs.get(number)
            if known is None or at > known:
                self._signs[number] = at

    def _sign(self, connection: str, at: int | None) -> None:
        if at is not None:
            number = number_of(connection)
            self._signs[number] = max(self._signs.get(number, at), at)

    def survey(self, connections: Iterable[Connection], tunnels: Iterable[Tunnel]) -> None:
        """Read the other facts, each list once."""
        if not self._of:
            return
        for tunnel in tunnels:
            if tunnel.client.ip in self._of and tunnel.last_data_at != tunnel.last_down_at:
                self._sign(tunnel.connection, tunnel.last_data_at)
        for connection in connections:
            if connection.outcome not in ("established", "midstream"):
                continue
            for address, side in (
                (connection.server.ip, ("server", "reset-by-server")),
                (connection.client.ip, BY_CLIENT),
            ):
                life = self._of.get(address)
                if life is not None:
                    own = connection.closed_by in side
                    life.add(connection, own, self._signs.get(number_of(connection.id)))
        for life in self._of.values():
            life.sort()
        self._signs.clear()

    def goes_on(self, address: str, at: int) -> bool:
        """Whether a connection that was open at `at` shows the process alive well after it."""
        life = self._of.get(address)
        return life is not None and life.goes_on(at)

    def ends(self, address: str, at: int) -> bool:
        """Whether all of several connections that were open at `at` closed then, at once."""
        life = self._of.get(address)
        return life is not None and life.ends(at)


class _Life:
    """One process.  Times are nanoseconds; each array is in the order of its times."""

    def __init__(self) -> None:
        self.opened = array("q")
        #: The latest sign of life on any connection opened up to the same place in `opened`.
        self.shown = array("q")
        self.closed = array("q")
        self.closed_by_itself = array("q")
        self._rows: list[tuple[int, int]] = []

    def add(self, connection: Connection, own: bool, sign: int | None) -> None:
        closed = connection.closed_at
        if closed is not None:
            self.closed.append(min(closed, _LATEST))
            if own:
                self.closed_by_itself.append(min(closed, _LATEST))
                sign = closed if sign is None else max(sign, closed)
        opened = min(connection.opened_at, _LATEST)
        self._rows.append((opened, min(opened if sign is None else sign, _LATEST)))

    def sort(self) -> None:
        latest = -1
        for opened, sign in sorted(self._rows):
            latest = max(latest, sign)
            self.opened.append(opened)
            self.shown.append(latest)
        self._rows.clear()
        self.closed = array("q", sorted(self.closed))
        self.closed_by_itself = array("q", sorted(self.closed_by_itself))

    def goes_on(self, at: int) -> bool:
        before = bisect_left(self.opened, at)
        return before > 0 and self.shown[before - 1] > at + AT_ONCE

    def ends(self, at: int) -> bool:
        opened = bisect_right(self.opened, at)
        gone = bisect_right(self.closed, at + AT_ONCE)
        own = bisect_right(self.closed_by_itself, at + AT_ONCE) - bisect_left(
            self.closed_by_itself, at - AT_ONCE
        )
        # Where all has one time, closing at once is no sign.
        return own > 1 and gone >= opened and self.opened[0] < at
