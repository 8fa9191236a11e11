"""Calls that the API proxy tries again: which tunnels were a call's earlier attempts.

A tunnel that was opened as soon as a call's own was over is that call's next attempt.  One that was
opened seconds later, or a little before, is it if its size says so: no lost packet changes how much
a request grows on its way (`evidence`), and each attempt of a call has just that size.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Final

from inspector.chain.evidence import AGAIN, MS, may_belong
from inspector.chain.rows import UNKNOWN, CallRow, Carrier
from inspector.chain.sizes import ALIKE_BYTES, Learned

#: The next attempt is made at once, or once a short pause is over that the answer asked for.
_AGAIN: Final = 50 * MS
#: Or after seconds, as the API proxy asks Copilot again (2 s); then sizes must say that it is.
_PAUSE: Final = 2500 * MS
#: A busy API proxy closes a tunnel so long after it has opened the next one (measured: 93 ms with
#: 500 calls); then, too.
_CLOSED_LATE: Final = 100 * MS
#: Attempts that ended just before a tunnel was opened, of which it may be the next.
_NEAREST: Final = 64
#: How often a call is tried again at most (seen: twice more).
_ATTEMPTS: Final = 3
#: Calls of one size that are looked at for one tunnel, at most: of more it tells nothing.
_ALIKE: Final = 8

#: What a pair costs (a call, a tunnel); None where it is excluded.
_Price = Callable[[int, int], float | None]


class Retries:
    """The earlier attempts of the calls of one cluster.

    `carrier_of` and `call_of` are the assignment so far, which `move_on` changes.
    """

    def __init__(
        self,
        calls: Sequence[CallRow],
        carriers: Sequence[Carrier],
        learned: Learned,
        carrier_of: dict[int, int],
        call_of: dict[int, int],
        price: _Price,
    ) -> None:
        self._calls, self._carriers, self._learned = calls, carriers, learned
        self._carrier_of, self._call_of = carrier_of, call_of
        self._price = price
        self.earlier: dict[int, list[int]] = {}

    def move_on(self) -> None:
        """Move calls on to the tunnels that were opened once their own were over."""
        for _ in range(_ATTEMPTS):
            if not self._has_free():
                return
            moved: set[int] = set()
            for _, call, carrier in sorted(self._moves()):
                if call in moved or carrier in self._call_of:
                    continue
                mine = self._carrier_of[call]
                self.earlier.setdefault(call, []).append(mine)
                del self._call_of[mine]
                self._carrier_of[call] = carrier
                self._call_of[carrier] = call
                moved.add(call)
            if not moved:
                return

    def find_earlier(self) -> None:
        """Give tunnels that are nobody's to the calls of their size, as earlier attempts.

        Each was over when the call's own tunnel was opened, and no other call is of that size.
        """
        if not self._has_free():
            return
        taken = {at for earlier in self.earlier.values() for at in earlier}
        free = [at for at in self._free() if at not in taken]
        by_size = self._by_size(free)
        for at in free:
            mine = [call for call in by_size(at) if self._may_have_tried(call, at)]
            if len(mine) == 1:
                self.earlier.setdefault(mine[0], []).append(at)

    def _has_free(self) -> bool:
        """Whether a tunnel is no call's: hardly ever."""
        return len(self._call_of) < len(self._carriers)

    def _free(self) -> list[int]:
        return [at for at in range(len(self._carriers)) if at not in self._call_of]

    def _may_have_tried(self, call: int, carrier: int) -> bool:
        """Whether the tunnel was over when the call's own was opened, and opened for it."""
        row, own = self._carriers[carrier], self._carriers[self._carrier_of[call]]
        return (
            carrier < self._carrier_of[call]
            and row.over != UNKNOWN
            and row.over <= own.opened + _CLOSED_LATE
            and may_belong(self._calls[call], row)
        )

    def _moves(self) -> Iterator[tuple[float, int, int]]:
        """Yield each possible next attempt: its price, call and tunnel."""
        overs = sorted(
            (self._carriers[carrier].over, call)
            for call, carrier in self._carrier_of.items()
            if self._carriers[carrier].over != UNKNOWN
        )
        free = self._free()
        by_size = self._by_size(free)
        for index in free:
            opened = self._carriers[index].opened
            first = bisect_left(overs, (opened - _AGAIN, -1))
            last = bisect_right(overs, (opened + MS, len(self._calls)))
            near = [call for _, call in overs[max(first, last - _NEAREST) : last]]
            alike = [call for call in by_size(index) if self._is_soon(call, opened)]
            for call in dict.fromkeys((*near, *alike)):
                if self._carrier_of[call] < index and not self._learned.is_stranger(
                    self._calls[call], self._carriers[index]
                ):
                    yield from self._move(call, index)

    def _is_soon(self, call: int, opened: int) -> bool:
        """Whether a tunnel opened then may be the next attempt, if it is of the call's size."""
        over = self._carriers[self._carrier_of[call]].over
        return over != UNKNOWN and opened - _PAUSE <= over <= opened + _CLOSED_LATE

    def _move(self, call: int, index: int) -> Iterator[tuple[float, int, int]]:
        """Yield the move to this tunnel if it explains more than the call's own."""
        carrier, mine = self._carriers[index], self._carrier_of[call]
        if not may_belong(self._calls[call], carrier):
            return
        price, now = self._price(call, index), self._price(call, mine)
        if price is not None and (now is None or now - price > AGAIN):
            apart = abs(carrier.opened - self._carriers[mine].over)
            yield price + min(apart, _AGAIN) / (10 * MS), call, index

    def _by_size(self, free: Iterable[int]) -> Callable[[int], list[int]]:
        """Return what finds the few calls whose request a tunnel's size is that of."""
        spans: dict[tuple[str | None, int], list[int]] = {}
        for authority in {self._carriers[at].authority for at in free}:
            for call in self._carrier_of:
                for span in self._learned.spans_of(self._calls[call], authority):
                    spans.setdefault((authority, span), []).append(call)

        def of(at: int) -> list[int]:
            return self._alike(at, spans)

        return of

    def _alike(self, at: int, spans: Mapping[tuple[str | None, int], list[int]]) -> list[int]:
        row = self._carriers[at]
        if row.failed or not row.is_whole or row.span <= 0:
            return []
        found = (
            call
            for off in range(-ALIKE_BYTES, ALIKE_BYTES + 1)
            for call in spans.get((row.authority, row.span + off), ())
        )
        few = list(islice(found, _ALIKE + 1))
        return few if len(few) <= _ALIKE else []
