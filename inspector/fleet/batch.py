"""Runs judged one after the other in a cell, whatever becomes of it: each has its row in the end.

While the cell judges one run, the files of the next are brought here.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Final

from inspector.fact import replace
from inspector.fleet.cell import Cell, Died, RunTask, TooSlow
from inspector.fleet.fetching import fetch, forget
from inspector.fleet.judging import Judged, failed
from inspector.fleet.scratch import Scratch
from inspector.fleet.settings import FleetSettings
from inspector.fleet.tables import Failure

#: So many processes may die of one run before it is given up: the first may have been killed by
#: somebody who meant another.
LIVES: Final = 2
#: Questions in the cell: one that it judges, one that it finds when it is done.
AHEAD: Final = 2


class Stopped(Exception):
    """Somebody asked for it."""


@dataclass(slots=True)
class _Open:
    """A question without an answer; `original` is the run as it was found."""

    original: RunTask
    asked: RunTask
    place: Path
    deaths: int = 0


class Keeper:
    """Keeps one cell busy, and makes another one when it is gone."""

    def __init__(
        self, settings: FleetSettings, make_cell: Callable[[FleetSettings], Cell] = Cell
    ) -> None:
        self._settings = settings
        self._make = make_cell
        self._cell: Cell | None = None
        self._open: deque[_Open] = deque()
        self._numbers = count()
        self._is_stopped = False
        self._scratch = Scratch()

    def __enter__(self) -> Keeper:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def stop(self) -> None:
        """Answer nothing more: `judged`, in another thread, raises `Stopped`."""
        self._is_stopped = True
        if (cell := self._cell) is not None:
            cell.kill()

    def close(self) -> None:
        """End the cell and delete what was brought here.  Idempotent."""
        if self._cell is not None:
            self._cell.close()
            self._cell = None
        self._open.clear()
        self._scratch.close()

    def judged(self, questions: Iterable[RunTask]) -> Iterator[Judged]:
        """An answer to each question, in their order."""
        for question in questions:
            place = self._scratch.path / str(next(self._numbers))
            here = replace(question, run=fetch(question.run, place))
            self._open.append(_Open(question, here, place))
            if self._cell is None:
                self._begin()
            else:
                self._cell.ask(here)
            while len(self._open) >= AHEAD:
                yield self._next()
        while self._open:
            yield self._next()

    def _next(self) -> Judged:
        """The answer to the oldest question."""
        first = self._open[0]
        while True:
            if self._cell is None:
                self._begin()
            assert self._cell is not None
            try:
                told = self._cell.answer()
            except TooSlow:
                limit = f"{self._settings.time_limit:g} s"
                told = self._given_up(
                    first, "time-limit", f"it took longer than {limit} (--time-limit)"
                )
            except Died as error:
                self._cell = None
                if self._is_stopped:
                    raise Stopped from None
                first.deaths += 1
                if first.deaths < LIVES:
                    continue
                told = self._given_up(first, "worker-died", f"{LIVES} times {error.how}")
            else:
                if told.failure == "memory-limit":
                    self._cell.close()
                    self._cell = None
            self._open.popleft()
            forget(first.place)
            return told

    def _given_up(self, first: _Open, failure: Failure, told: str) -> Judged:
        self._cell = None
        return failed(first.original.run, self._settings, failure, told)

    def _begin(self) -> None:
        """A new cell, which is asked again what the last one did not answer."""
        self._cell = self._make(self._settings)
        for each in self._open:
            self._cell.ask(each.asked)
