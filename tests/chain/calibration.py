"""How right links are that are said with a confidence: loads of each kind, band by band.

`python -m tests.chain.calibration` prints the table; `make diagnose-matrix` has it, too.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from inspector.model.conclusions import RELIABLE, Chain
from inspector.model.ids import ExchangeId, TunnelId
from tests.chain.load import Load, loaded

SURE: Final = 0.95
#: What is asked of the links (issue: calibration).
RIGHT_SHARE: Final = 0.98

LOADS: Final[Mapping[str, Load]] = {
    "1 in flight": Load(calls=1),
    "20": Load(calls=20),
    "100": Load(calls=100),
    "500": Load(calls=500),
    "500, tried again": Load(calls=500, retried=0.1),
    "500, some refused": Load(calls=500, refused=0.1),
    "100, 1 % lost": Load(calls=100, lost=0.01),
    "500, 1 % lost": Load(calls=500, lost=0.01),
    "500, 5 % lost": Load(calls=500, lost=0.05),
    "500, alike, 5 % lost": Load(calls=500, lost=0.05, same_sizes=True),
}


@dataclass(frozen=True, slots=True)
class Band:
    """Of so many calls: links said at a confidence or above, and how many of them are right."""

    calls: int
    said: int
    right: int

    @property
    def linked(self) -> float:
        """The share of calls that are linked so surely."""
        return self.said / self.calls if self.calls else 0.0

    @property
    def share(self) -> float:
        """The share of these links that are right."""
        return self.right / self.said if self.said else 1.0


def band(
    chains: Iterable[Chain], truth: Mapping[ExchangeId, TunnelId | None], least: float
) -> Band:
    """The links that are said with at least this confidence, held against the truth.

    Counted are calls that had a tunnel which is in the capture.
    """
    counts = Counter[str]()
    for chain in chains:
        true = truth.get(chain.agent_exchange)
        if true is None:
            continue
        counts["calls"] += 1
        if chain.tunnel is not None and chain.confidence >= least:
            counts["said"] += 1
            counts["right"] += chain.tunnel == true
    return Band(counts["calls"], counts["said"], counts["right"])


def table(seeds: int = 2) -> list[str]:
    """The lines of the table."""
    lines = [f"{'load':20} {'calls':>6} {'linked >= 0.8':>14} {'right':>8} {'wrong >= 0.95':>14}"]
    for name, load in LOADS.items():
        all_, sure = [], []
        for seed in range(1, seeds + 1):
            made = loaded(replace(load, seed=seed))
            chains = made.chains()
            all_.append(band(chains, made.truth, RELIABLE))
            sure.append(band(chains, made.truth, SURE))
        total, surest = _sum(all_), _sum(sure)
        lines.append(
            f"{name:20} {total.calls:6} {total.linked:13.1%} {total.share:8.1%}"
            f" {surest.said - surest.right:14}"
        )
    return lines


def _sum(bands: Iterable[Band]) -> Band:
    rows = list(bands)
    return Band(
        sum(row.calls for row in rows),
        sum(row.said for row in rows),
        sum(row.right for row in rows),
    )


def main() -> int:
    """Print the table."""
    print("\n".join(table()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
