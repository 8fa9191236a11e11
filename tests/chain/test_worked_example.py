"""The worked example in the docstring of `inspector.chain` is what the program computes."""

from __future__ import annotations

import pytest

import inspector.chain
from inspector.chain.clustering import clusters
from inspector.chain.evidence import attempt_cost, cost, may_answer, patience
from inspector.chain.explanation import NO_TUNNEL, NOBODYS, Explanation
from inspector.chain.sizes import Learned
from inspector.chain.verdict import Scene as Limits
from inspector.chain.verdict import of_link
from tests.chain.made import a_call, a_tunnel
from tests.chain.test_join import Scene

A, B = a_call(0, 300), a_call(2, 200)
T1, T2, T3 = a_tunnel(5, 299), a_tunnel(7, 199), a_tunnel(120, 150)


def test_the_five_are_one_cluster() -> None:
    (cluster,) = clusters([A, B], [T1, T2, T3])
    assert (len(cluster.calls), len(cluster.carriers)) == (2, 3)


def test_the_table_of_prices() -> None:
    def price(call, carrier, before) -> str:  # type: ignore[no-untyped-def]
        busy = before.opened if before is not None else -1
        prices = [attempt_cost(call, carrier, Learned())]
        if may_answer(call, carrier):
            prices.append(cost(call, carrier, Learned(), busy, patience(2)))
        return f"{min(value for value in prices if value is not None):.2f}"

    rows = [[price(call, *pair) for pair in ((T1, None), (T2, T1), (T3, T2))] for call in (A, B)]

    assert rows == [["0.08", "2.00", "2.00"], ["4.00", "0.08", "2.00"]]
    told = [line.split() for line in (inspector.chain.__doc__ or "").splitlines()]
    assert ["A", *rows[0]] in told
    assert ["B", *rows[1]] in told


def test_the_margin_and_the_confidence() -> None:
    links = Explanation([A, B], [T1, T2, T3], lambda call: True, Learned(), False).links()

    assert {call: link.carrier for call, link in links.items()} == {0: 0, 1: 1}
    assert [link.margin for link in links.values()] == pytest.approx([1.92, 1.92])
    scene = Limits(lossy=False, hop_seen=True)
    for call, carrier, place in ((A, T1, 0), (B, T2, 1)):
        assert of_link(call, carrier, links[place], scene, False).confidence == 0.74
    assert (NOBODYS, NO_TUNNEL["relayed"]) == (3.0, 12.0)


@pytest.mark.parametrize(("third", "confidence"), [(True, 0.74), (False, 0.95)])
def test_the_third_tunnel_is_what_makes_it_unsure(*, third: bool, confidence: float) -> None:
    scene = Scene()
    scene.call(0, 300)
    scene.call(2, 200)
    mine = [scene.tunnel(5, 299), scene.tunnel(7, 199)]
    if third:
        scene.tunnel(120, 150)

    chains = scene.chains()

    assert [chain.tunnel for chain in chains] == mine
    assert {chain.confidence for chain in chains} == {confidence}
