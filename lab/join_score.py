"""How many of a report's chains name the tunnel that really carried the call."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from inspector.model.conclusions import RELIABLE, Chain
from inspector.model.ids import ExchangeId, TunnelId


@dataclass(frozen=True, slots=True)
class JoinScore:
    """How many chains were right, wrong, or named no tunnel, by how sure they are."""

    right: int
    wrong: int
    without: int
    #: For each tenth of confidence the same three.
    bands: Mapping[float, tuple[int, int, int]]
    wrong_and_sure: tuple[Chain, ...]

    def __str__(self) -> str:
        head = f"right {self.right}, wrong {self.wrong}, without a tunnel {self.without}"
        rows = [
            f"  {band:.1f}: right {right}, wrong {wrong}, without {without}"
            for band, (right, wrong, without) in sorted(self.bands.items(), reverse=True)
        ]
        return "\n".join([head, *rows])


def score(chains: Iterable[Chain], truth: Mapping[ExchangeId, TunnelId | None]) -> JoinScore:
    """Chains held against the truth; a call of which nothing is known is left out."""
    counts: Counter[tuple[float, str]] = Counter()
    sure = []
    for chain in chains:
        if chain.agent_exchange not in truth:
            continue
        true = truth[chain.agent_exchange]
        is_right = chain.tunnel == true
        told = "right" if is_right else "without" if chain.tunnel is None else "wrong"
        counts[int(chain.confidence * 10 + 1e-9) / 10, told] += 1
        if not is_right and chain.confidence >= RELIABLE:
            sure.append(chain)
    totals = Counter[str]()
    for (_, told), count in counts.items():
        totals[told] += count
    bands = {
        band: (counts[band, "right"], counts[band, "wrong"], counts[band, "without"])
        for band in {band for band, _ in counts}
    }
    return JoinScore(totals["right"], totals["wrong"], totals["without"], bands, tuple(sure))
