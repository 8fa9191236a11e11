"""The chains of a capture, in columns: each is made when somebody looks at it.

A capture may hold more than a hundred thousand calls.  What is said of most of them is said of
many, so that a chain is a few numbers: 16 bytes, less than a packed one takes, and nothing is
packed or unpacked for it.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from typing import Final, TypeAlias, overload

from inspector.chain.verdict import Statement
from inspector.model.conclusions import AnsweredBy, Chain
from inspector.model.ids import ExchangeId, TunnelId, chain_id, exchange_id, number_of, tunnel_id
from inspector.packed import Alike

#: What a chain says of a statement: how sure it is, why, and who answered.
_Told: TypeAlias = tuple[float, tuple[str, ...], AnsweredBy]
#: In place of a tunnel or a status; tunnels are numbered from 1.
_NONE: Final = -1


class Chains(Alike[Chain]):
    """Grows at its end, and is then a sequence of `Chain`."""

    __slots__ = (
        "_attempts",
        "_calls",
        "_last",
        "_numbers",
        "_said",
        "_statuses",
        "_told",
        "_tunnels",
    )

    def __init__(self) -> None:
        self._calls = array("i")
        self._tunnels = array("i")
        self._statuses = array("i")
        #: For each chain the place of what it says in `_told`.
        self._said = array("i")
        self._told: list[_Told] = []
        self._numbers: dict[_Told, int] = {}
        #: The statement of the chain before, and its place: mostly that of the next one, too.
        self._last: tuple[Statement | None, int] = None, _NONE
        self._attempts: dict[int, tuple[TunnelId, ...]] = {}

    def add(
        self,
        call: ExchangeId,
        status: int,
        statement: Statement,
        tunnel: TunnelId | None = None,
        attempts: tuple[TunnelId, ...] = (),
    ) -> None:
        """What is said of the next call; a `status` below 0 is none."""
        if statement is not self._last[0]:
            self._last = statement, self._place(statement)
        if attempts:
            self._attempts[len(self._calls)] = attempts
        self._calls.append(number_of(call))
        self._tunnels.append(_NONE if tunnel is None else number_of(tunnel))
        self._statuses.append(status)
        self._said.append(self._last[1])

    def _place(self, statement: Statement) -> int:
        told = statement.confidence, statement.sentences(), statement.answered_by
        place = self._numbers.setdefault(told, len(self._told))
        if place == len(self._told):
            self._told.append(told)
        return place

    def __len__(self) -> int:
        return len(self._calls)

    @overload
    def __getitem__(self, index: int) -> Chain: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Chain, ...]: ...
    def __getitem__(self, index: int | slice) -> Chain | tuple[Chain, ...]:
        places = range(len(self))[index]
        return self._at(places) if isinstance(places, int) else tuple(map(self._at, places))

    def __iter__(self) -> Iterator[Chain]:
        return map(self._at, range(len(self)))

    def _at(self, place: int) -> Chain:
        confidence, reasons, answered_by = self._told[self._said[place]]
        tunnel, status = self._tunnels[place], self._statuses[place]
        return Chain(
            chain_id(place + 1),
            exchange_id(self._calls[place]),
            None if tunnel < 0 else tunnel_id(tunnel),
            self._attempts.get(place, ()),
            confidence,
            reasons,
            answered_by,
            None if status < 0 else status,
        )
