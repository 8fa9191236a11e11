"""Chains in columns are the chains that were said."""

from __future__ import annotations

import pickle

from inspector.chain.chains import Chains
from inspector.chain.verdict import Statement
from inspector.model.conclusions import Chain
from inspector.model.ids import chain_id, exchange_id, tunnel_id

SURE = Statement("upstream", 0.95, ("prompt", "ends", "alone"))
DOUBTFUL = Statement("upstream", 0.5, ("ambiguous",), (2, 2))
NOBODY = Statement("nobody", 0.9, ("none", "no-tunnel"))


def made() -> tuple[Chains, list[Chain]]:
    """Three calls, and what is said of each."""
    rows = (
        (exchange_id(3), 200, SURE, tunnel_id(7), (tunnel_id(5), tunnel_id(6))),
        (exchange_id(8), -1, NOBODY, None, ()),
        (exchange_id(9), 200, DOUBTFUL, tunnel_id(1), ()),
        (exchange_id(70_000), 200, SURE, tunnel_id(70_001), ()),
    )
    chains = Chains()
    for row in rows:
        chains.add(*row)
    return chains, [
        Chain(
            chain_id(number), call, tunnel, attempts, said.confidence, said.sentences(),
            said.answered_by, None if status < 0 else status,
        )
        for number, (call, status, said, tunnel, attempts) in enumerate(rows, start=1)
    ]  # fmt: skip


def test_each_chain_is_what_was_said_of_its_call() -> None:
    chains, expected = made()

    assert list(chains) == expected
    assert chains == expected
    assert [chains[place] for place in range(-4, 4)] == [*expected, *expected]
    assert chains[1:] == tuple(expected[1:])
    assert len(chains) == 4


def test_a_copy_is_the_same() -> None:
    chains, expected = made()

    assert pickle.loads(pickle.dumps(chains)) == expected
