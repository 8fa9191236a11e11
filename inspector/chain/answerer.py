"""Weigh the signs of who wrote an answer.

An answer is somebody's if the signs for him weigh `DECIDES` or more and outweigh those for anybody
else by `LEAD`; else it is not known who wrote it.  So one weak sign decides nothing, and strong
ones that contradict each other do not either.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from inspector.chain.signs import BY_NAME, Author, Sign, Way, marks_of, signs_of
from inspector.fact import Fact
from inspector.model.conclusions import AnsweredBy
from inspector.model.http import Response

#: The least that speaks for an author.  Above it: answers that only spelling and a kind of error
#: tell stay unknown.  Higher than 2.5: a gateway's page on a hop that was not captured would.
DECIDES: Final = 2.0
#: The least by which an author leads.  Spelling alone (1) must not tip what stands equal.
LEAD: Final = 1.5


class Weighed(Fact):
    """Who wrote an answer, by how much he leads, and the names of the signs that speak for him.

    Undecided, `by` is "unknown" and `signs` are those of the one who leads, then the others'.
    """

    by: AnsweredBy
    lead: float
    signs: tuple[str, ...]

    def reasons(self) -> tuple[str, ...]:
        """The signs as phrases."""
        return tuple(BY_NAME[name].reason for name in self.signs)


@lru_cache(maxsize=256)
def weigh(marks: int, way: Way = "not known") -> Weighed:
    """Return who wrote an answer, by the signs in it (`marks_of`) and the way to it."""
    held = signs_of(marks, way)
    totals = _totals(held)
    first, second, _ = sorted(totals, key=lambda author: -totals[author])
    lead = totals[first] - totals[second]
    mine = tuple(sign.name for sign in held if sign.author == first)
    if totals[first] >= DECIDES and lead >= LEAD:
        return Weighed(first, lead, mine)
    return Weighed("unknown", lead, mine + tuple(s.name for s in held if s.author != first))


def answered_by(response: Response) -> AnsweredBy:
    """Return who wrote an answer of which no chain tells: by what it shows itself."""
    return weigh(marks_of(response)).by


@lru_cache(maxsize=256)
def likely(marks: int) -> Author:
    """Return who wrote an answer most likely, by the answer alone: a guess that prices a join."""
    totals = _totals(signs_of(marks, "not known"))
    return max(totals, key=lambda author: totals[author])


def _totals(signs: Iterable[Sign]) -> dict[Author, float]:
    totals: dict[Author, float] = {"upstream": 0.0, "api-proxy": 0.0, "forward-proxy": 0.0}
    for sign in signs:
        totals[sign.author] += sign.weight
    return totals
