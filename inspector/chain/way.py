"""The way to an answer: what the API proxy did between the end of a request and the answer.

A proxy that answered without opening or using anything answered itself.  That is proof only where
the capture holds what the proxy opens: no packet is missing, and the hop was seen.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Container, Iterable
from typing import Final

from inspector.chain.evidence import ENDS_TOGETHER, GAVE_UP, JITTER, is_silent, was_hung_up
from inspector.chain.rows import UNKNOWN, CallRow, Carrier
from inspector.chain.signs import Way
from inspector.fact import Changing, field
from inspector.model.ids import number_of
from inspector.model.network import Connection
from inspector.model.topology import Topology

#: The close of a connection that is still open.
_OPEN: Final = (1 << 63) - 1


class _Opened(Changing):
    """What one API proxy opened, in the order of time."""

    at: array[int] = field(default_factory=lambda: array("q"))
    numbers: array[int] = field(default_factory=lambda: array("q"))
    #: Opening and close of those that go past the forward proxy, and may carry any call.
    past: list[tuple[int, int]] = field(default_factory=list)
    #: When it used a tunnel that had been open, other than for the call it was opened for.
    used: array[int] = field(default_factory=lambda: array("q"))


class Outward:
    """Each connection that an API proxy opened; which are somebody's is told by `settle`."""

    def __init__(self, connections: Iterable[Connection], topology: Topology) -> None:
        proxies, forward = frozenset(topology.api_proxy), frozenset(topology.forward_proxy)
        self._of: dict[str, _Opened] = {}
        #: Connections that the forward proxy did not accept.
        self._vain: set[int] = set()
        found: dict[str, list[tuple[int, int]]] = {}
        for connection in connections:
            client, server = connection.client.ip, connection.server.ip
            if client not in proxies or server in proxies:
                continue
            number = number_of(connection.id)
            opened = min(connection.opened_at, _OPEN)
            found.setdefault(client, []).append((opened, number))
            mine = self._of.setdefault(client, _Opened())
            if server not in forward:
                closed = _OPEN if connection.closed_at is None else connection.closed_at
                mine.past.append((opened, min(closed, _OPEN)))
            elif connection.outcome in ("refused", "unanswered", "unreachable"):
                self._vain.add(number)
        for client, rows in found.items():
            for opened, number in sorted(rows):
                self._of[client].at.append(opened)
                self._of[client].numbers.append(number)

    def settle(self, taken: Container[int], used: Iterable[tuple[str, int]] = ()) -> None:
        """Leave out connections that carried a call; `used` are proxies that used others, when."""
        for mine in self._of.values():
            free = [
                (at, number)
                for at, number in zip(mine.at, mine.numbers, strict=True)
                if number not in taken
            ]
            mine.at = array("q", (at for at, _ in free))
            mine.numbers = array("q", (number for _, number in free))
        for proxy, at in sorted(used, key=lambda item: item[1]):
            self._of.setdefault(proxy, _Opened()).used.append(at)

    def way(self, call: CallRow) -> Way:
        """What an API proxy did while a call waited that has no tunnel, in a whole capture."""
        mine = self._of.get(call.service[0])
        if mine is None:
            return "nothing seen"
        begun, until = call.begun, call.until
        if begun == UNKNOWN or until == UNKNOWN:
            return "not known"
        first, last = bisect_left(mine.at, begun - JITTER), bisect_right(mine.at, until + JITTER)
        if last > first:
            vain = all(number in self._vain for number in mine.numbers[first:last])
            return "knocked in vain" if vain else "not known"
        if any(opened <= until and closed >= begun for opened, closed in mine.past):
            return "not known"
        place = bisect_left(mine.used, begun - JITTER)
        if place < len(mine.used) and mine.used[place] <= until + JITTER:
            return "not known"
        return "nothing opened"


def way_through(call: CallRow, carrier: Carrier) -> Way:
    """What the tunnel that was opened for a call has to do with its answer."""
    if carrier.refused:
        return "relayed refusal" if carrier.status == call.status else "failed"
    if carrier.failed:
        return "failed"
    if is_silent(call, carrier):
        return "silent"
    if was_hung_up(call, carrier):
        return "hung up"
    if carrier.first == UNKNOWN or carrier.heard_by(call.answered) == UNKNOWN:
        # Bytes of a handshake of which the rest was not read are no answer yet.
        return "not known"
    if call.status in GAVE_UP and UNKNOWN != call.answered <= call.begun:
        return "not known"  # a clock without resolution: whether it was silent cannot be told
    if carrier.heard > call.answered + ENDS_TOGETHER and carrier.first > call.answered + JITTER:
        return "not known"  # all that came through it came after the answer
    return "carried"
