"""Rings follow their bridge: one that comes, one that is made anew, one found by its subnet."""

from __future__ import annotations

import select
from collections.abc import Callable, Iterator
from contextlib import closing
from ipaddress import ip_network
from pathlib import Path

import pytest

from inspector.linux.bridge import BridgeFinder
from inspector.linux.follow import Follower
from inspector.linux.netlink import Netlink
from inspector.linux.ring import Ring
from lab.network import Network, run_ip
from tests.linux.wire import AGENT, API_PROXY, frame, frames_of, link, namespace

Make = Callable[[], None]


@pytest.fixture
def bridge(network: Network) -> Iterator[tuple[Make, Make]]:
    """Makes a second bridge, and takes it away."""
    space = network.bridge.namespace

    def make() -> None:
        run_ip("-n", space, "link", "add", "late0", "type", "bridge")
        run_ip("-n", space, "addr", "add", "10.9.0.1/24", "dev", "late0")
        run_ip("-n", space, "link", "set", "late0", "up")

    def remove() -> None:
        run_ip("-n", space, "link", "delete", "late0")

    yield make, remove
    with Netlink(namespace(network.bridge)) as netlink:
        if any(each.name == "late0" for each in netlink.links()):
            remove()


def follow_until(follower: Follower, done: Callable[[], bool]) -> None:
    """Look at each change the kernel tells, until something is so."""
    poll = select.poll()
    poll.register(follower, select.POLLIN)
    while not done():
        assert poll.poll(5000), "the kernel told no change"
        follower.look()


def test_a_ring_is_bound_when_its_bridge_comes_and_again_when_it_is_made_anew(
    network: Network, bridge: tuple[Make, Make]
) -> None:
    make, remove = bridge
    where = namespace(network.bridge)
    with Ring.open(None, netns=where) as ring, closing(
        Follower([ring], ["late0"], netns=where)
    ) as follower:  # fmt: skip
        follower.look()
        assert ring.interface is None
        for _ in range(2):
            make()
            follow_until(follower, lambda: ring.state == "running")
            with link(network.bridge, "late0") as wire:
                wire.send(sent := frame(AGENT, API_PROXY, b"there"))
            remove()
            follow_until(follower, lambda: ring.state == "gone")

        assert frames_of(ring.drain()).count(sent) == 2
        assert follower.made_anew == {"late0": 1}


def test_a_bridge_is_awaited_by_its_subnet(network: Network, bridge: tuple[Make, Make]) -> None:
    make, _ = bridge
    where = namespace(network.bridge)
    told: list[str] = []
    with (
        Ring.open(None, netns=where) as ring,
        BridgeFinder(ip_network("10.9.0.0/24"), netns=where) as finder,
        closing(
            Follower(
                [ring],
                [finder],
                netns=where,
                on_bound=lambda _, because: told.append(because),
            )
        ) as follower,
    ):
        make()
        follow_until(follower, lambda: ring.state == "running")

        assert ring.interface == "late0"
        assert told == ["it has 10.9.0.1/24"]


def test_what_never_came_is_named_beside_what_is_there(network: Network) -> None:
    where = namespace(network.bridge)
    with (
        Ring.open(None, netns=where) as mistyped,
        Ring.open(None, netns=where) as by_subnet,
        Ring.open(network.device, netns=where) as there,
        BridgeFinder(ip_network("10.9.0.0/24"), netns=where) as finder,
        closing(
            Follower(
                [mistyped, by_subnet, there],
                ["fw-brigde", finder, network.device],
                netns=where,
            )
        ) as follower,
    ):
        follower.look()

        assert follower.awaited() == ["interface fw-brigde", "a bridge of 10.9.0.0/24"]
        present = follower.present()
    assert present.startswith("there are: lo, ")
    assert network.device in present
    assert "veth-" not in present


def test_of_two_subnets_on_one_bridge_none_is_awaited_once_it_is_heard(network: Network) -> None:
    where = namespace(network.bridge)
    with (
        Ring.open(None, netns=where) as one,
        Ring.open(None, netns=where) as other,
        BridgeFinder(ip_network("172.30.0.0/24"), netns=where) as finder,
        BridgeFinder(ip_network("172.30.0.0/25"), netns=where) as same,
        closing(Follower([one, other], [finder, same], netns=where)) as follower,
    ):
        follower.look()

        assert (one.interface, other.interface) == (network.device, None)
        assert follower.awaited() == []


def test_a_ring_that_runs_stays_where_it_is(network: Network, bridge: tuple[Make, Make]) -> None:
    make, _ = bridge
    where: Path = namespace(network.bridge)
    with Ring.open(network.device, netns=where) as ring, closing(
        Follower([ring], [network.device], netns=where)
    ) as follower:  # fmt: skip
        index = ring.index
        make()
        follow_until(follower, lambda: True)
        follower.look()

        assert (ring.interface, ring.index, ring.state) == (network.device, index, "running")
