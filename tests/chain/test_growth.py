"""Joining costs in proportion to the calls and tunnels, however many wait at once."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from inspector.chain import clustering as sweep
from inspector.chain import explanation, turn
from inspector.chain.join import join
from tests.chain.load import Load, loaded
from tests.chain.test_join import TOPOLOGY, WHOLE, Scene
from tests.growth import grows_linearly


def overlapping(n: int) -> Scene:
    """Calls that overlap, and no tunnel meanwhile but one at the end."""
    scene = Scene()
    for number in range(n):
        scene.call(number * 10, number * 10 + 15)
    scene.tunnel(n * 10 + 5, n * 10 + 6)
    return scene


def in_flight(n: int) -> Scene:
    """All calls wait at once, and then come their tunnels."""
    return loaded(Load(calls=n, same_sizes=True, burst=4.0 * n, swapped=0)).scene


def tried_again(n: int) -> Scene:
    """All calls wait at once, and the API proxy makes two tunnels for each."""
    return loaded(Load(calls=n, retried=1.0, burst=4.0 * n, swapped=0)).scene


def beside_one_without_an_end(n: int) -> Scene:
    """Calls one after the other, beside one that waits for ever."""
    scene = Scene()
    scene.call(0, None, ended_by="capture-end", is_whole=False)
    for number in range(n):
        scene.call(number * 50 + 1, number * 50 + 41)
        scene.tunnel(number * 50 + 4, number * 50 + 40)
    return scene


def nobodys(n: int) -> Scene:
    """Tunnels of the proxy's own, while one call waits."""
    scene = Scene()
    scene.call(0, 10 * n)
    for number in range(n):
        scene.tunnel(number * 9 + 1, number * 9 + 5)
    return scene


def one_after_the_other(n: int) -> Scene:
    """Tunnels of another authority, before calls that have each their own."""
    scene = Scene()
    for number in range(n):
        scene.call(number * 10, n * 20)
        scene.tunnel(number * 10 + 2, number * 10 + 3, authority=f"{number}.example:443")
    return scene


SCENES = [
    overlapping,
    in_flight,
    tried_again,
    beside_one_without_an_end,
    nobodys,
    one_after_the_other,
]


@pytest.mark.slow
@pytest.mark.parametrize("limit", [8192, pytest.param(32, marks=pytest.mark.long)])
@pytest.mark.parametrize("make", SCENES)
def test_joining_costs_in_proportion(
    make: Callable[[int], Scene], limit: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweep, "LIMIT", limit)
    # A window that a hundred calls fill, as the real one is filled by a few hundred.
    monkeypatch.setattr(turn, "REACH", 4)
    monkeypatch.setattr(explanation, "REACH", 4)

    def work(n: int) -> Callable[[], object]:
        scene = make(n)
        return lambda: join(scene.exchanges, scene.tunnels, scene.connections, TOPOLOGY, WHOLE)

    assert grows_linearly(work, 100)
