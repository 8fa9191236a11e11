"""Hundreds of calls in flight at once: the n-th request has the n-th tunnel, and doubt is said."""

from __future__ import annotations

import pytest

from inspector.chain import clustering as sweep
from inspector.chain.clustering import CROWDED
from inspector.chain.join import join
from inspector.chain.verdict import REASONS
from inspector.model.conclusions import RELIABLE
from lab.join_score import score
from tests.chain import calibration
from tests.chain.load import Load, loaded
from tests.chain.test_join import TOPOLOGY, WHOLE, Scene

#: Of 500 calls in flight so many are joined right, at least.
SHARE = 480 / 500

LOADS = {
    "500": Load(calls=500),
    "500, bodies alike, tunnels of the proxy's own among them": Load(
        calls=500, same_sizes=True, own_tunnels=8
    ),
    "500, some tried again": Load(calls=500, retried=0.1),
    "500, some lost": Load(calls=500, lost=0.05),
    "500, ends shuffled": Load(calls=500, ends="shuffled", same_sizes=True, swapped=0.05),
}
MORE = {
    "1000, tunnels of the proxy's own among them": Load(
        calls=1000, same_sizes=True, own_tunnels=20
    ),
    "3000": Load(calls=3000, burst=2500),
    "3000, some tried again": Load(calls=3000, burst=2500, retried=0.05),
    "500, some answered by the proxy": Load(calls=500, refused=0.1),
    "500, some tried again, bodies alike": Load(calls=500, retried=0.1, same_sizes=True),
    "1000, some lost": Load(calls=1000, lost=0.05, burst=1000),
    "500, of everything": Load(calls=500, own_tunnels=12, retried=0.05, refused=0.05, lost=0.02),
    "500, ends that lag": Load(calls=500, same_sizes=True, lag=(20, 60), own_tunnels=8),
    "500, tunnels closed in another order": Load(calls=500, same_sizes=True, closes=(0, 5000)),
    "500, each ends with its neighbour": Load(
        calls=500, ends="neighbours", same_sizes=True, swapped=0.05
    ),
    "500 within 50 ms": Load(calls=500, same_sizes=True, burst=50, swapped=0.05),
}


def _joined(load: Load) -> None:
    made = loaded(load)
    found = score(made.chains(), made.truth)
    assert found.right >= SHARE * len(made.truth), str(found)
    assert found.wrong_and_sure == (), str(found)


@pytest.mark.parametrize("name", LOADS)
def test_calls_in_flight_at_once_have_their_tunnels(name: str) -> None:
    _joined(LOADS[name])


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[pytest.mark.long] if MORE[name].calls > 500 else [])
        for name in MORE
    ],
)
def test_more_loads_have_their_tunnels(name: str) -> None:
    _joined(MORE[name])


@pytest.mark.parametrize(
    ("load", "linked"),
    [
        (Load(calls=20), 0.95),
        (Load(calls=500), 0.95),
        # where calls or tunnels are lost, the size of a request tells it from its neighbours
        (Load(calls=500, lost=0.05), 0.6),
    ],
    ids=["20", "500", "500, 5 % lost"],
)
def test_so_many_calls_are_linked_surely_and_these_links_are_right(
    load: Load, linked: float
) -> None:
    made = loaded(load)
    chains = made.chains()
    found = calibration.band(chains, made.truth, RELIABLE)
    surest = calibration.band(chains, made.truth, calibration.SURE)

    assert found.linked >= linked
    assert found.share >= calibration.RIGHT_SHARE
    assert surest.right == surest.said


def test_calls_alike_are_not_relied_on_where_some_are_lost() -> None:
    made = loaded(Load(calls=100, lost=0.05, same_sizes=True))

    assert calibration.band(made.chains(), made.truth, RELIABLE).said == 0


def test_beyond_the_limit_the_oldest_calls_are_joined_and_the_others_say_why(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sweep, "LIMIT", 64)
    scene = Scene()
    calls = [scene.call(number * 2, 2000 + number * 20) for number in range(100)]
    tunnels = [scene.tunnel(500 + number * 2, 1999 + number * 20) for number in range(100)]
    reached: dict[str, None] = {}
    chains = join(scene.exchanges, scene.tunnels, scene.connections, TOPOLOGY, WHOLE, reached)

    assert list(reached) == [CROWDED]
    found = {chain.agent_exchange: chain.tunnel for chain in chains}
    assert [found[call] for call in calls[:64]] == tunnels[:64]
    for chain in chains[64:]:
        assert chain.tunnel is None
        assert REASONS["crowded"] in chain.reasons
        assert chain.confidence < RELIABLE
