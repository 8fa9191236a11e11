"""What a client sent behind a CONNECT or an upgrade, held until it is known what that is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from inspector.exchanges.context import Context
from inspector.model.capture import Fault
from inspector.wire import Segment

FAULTS: Final[dict[str, str]] = {
    "held-data-limit": "More bytes followed a CONNECT or an upgrade, while it was not answered,"
    " than are held; they were not read.",
}

#: Bytes held of one client behind a CONNECT or an upgrade that is not answered yet: clients
#: wait for the answer, but for a TLS ClientHello at most.
HELD_LIMIT: Final = 256 << 10
#: The same for all connections together.
HELD_TOTAL_LIMIT: Final = 16 << 20
#: Held bytes that a segment is counted as beside its own (measured: a tuple, a bytes object).
SEGMENT_COST: Final = 150


class HeldBack:
    """The held calls of one layer, in order; true while there are any.

    Bytes are charged to their connection and to all connections together.  What is beyond a
    limit is not kept: it becomes a gap of its size, where it stood.
    """

    __slots__ = ("_charged", "_context", "_missed", "_steps")

    def __init__(self, context: Context) -> None:
        self._context = context
        self._steps: list[Callable[[], None]] = []
        self._charged = 0
        # So many bytes were too many.
        self._missed = 0

    def __bool__(self) -> bool:
        return bool(self._steps)

    def keep(self, step: Callable[[], None]) -> None:
        """Hold a call until `release`."""
        self._steps.append(step)

    def charge(
        self, segments: Sequence[Segment], on_missed: Callable[[int, int, int], None]
    ) -> bool:
        """Whether there is room for these bytes; `on_missed(count, at, packet)` where not."""
        ledger, (at, packet, _) = self._context.ledger, segments[0]
        count = sum([len(data) for _, _, data in segments])
        cost = count + SEGMENT_COST * len(segments)
        if not self._missed and (
            self._charged + cost <= HELD_LIMIT and ledger.held + cost <= HELD_TOTAL_LIMIT
        ):
            self._charged += cost
            ledger.held += cost
            return True
        if not self._missed:
            self._context.fault(Fault("held-data-limit", packet, FAULTS["held-data-limit"]))
            self._steps.append(partial(self._miss, on_missed, at, packet))
        self._missed += count
        return False

    def discharge(self) -> None:
        """Nothing is charged any longer."""
        self._context.ledger.held -= self._charged
        self._charged = 0

    def release(self) -> None:
        """It is known what the bytes are: make the calls, in their order."""
        self.discharge()
        held, self._steps = self._steps, []
        for again in held:
            again()

    def _miss(self, on_missed: Callable[[int, int, int], None], at: int, packet: int) -> None:
        count, self._missed = self._missed, 0
        on_missed(count, at, packet)
