"""Rates "of N that could tell", with 95 % intervals: what was not read is in no denominator."""

from __future__ import annotations

from math import sqrt
from typing import Final

from inspector.fact import Fact

#: The 97.5 % quantile of the normal distribution: two-sided intervals of 95 %.
_Z: Final = 1.959963984540054


class Rate(Fact):
    """So many runs of those that could tell."""

    hits: int
    """Runs in which it is so."""
    of: int
    """Runs that could tell."""

    @property
    def share(self) -> float | None:
        """The rate; None where no run could tell."""
        return self.hits / self.of if self.of else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """Wilson's score interval (1927): it holds for few runs, and for rates near 0 and 1."""
        if not self.of:
            return None
        share, n = self.hits / self.of, self.of
        spread = _Z * sqrt(share * (1 - share) / n + _Z * _Z / (4 * n * n))
        middle, scale = share + _Z * _Z / (2 * n), 1 + _Z * _Z / n
        return max(0.0, (middle - spread) / scale), min(1.0, (middle + spread) / scale)


def difference(a: Rate, b: Rate) -> tuple[float, float] | None:
    """The interval of `b - a` by Newcombe's hybrid score method (1998, method 10).

    None where one of them has no run that could tell.  An interval without zero is a difference
    that chance makes in one of twenty comparisons.
    """
    of_a, of_b = a.interval, b.interval
    if of_a is None or of_b is None or a.share is None or b.share is None:
        return None
    change = b.share - a.share
    down = sqrt((b.share - of_b[0]) ** 2 + (of_a[1] - a.share) ** 2)
    up = sqrt((of_b[1] - b.share) ** 2 + (a.share - of_a[0]) ** 2)
    return max(-1.0, change - down), min(1.0, change + up)
