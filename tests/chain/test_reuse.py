"""One CONNECT, many calls: a gateway that keeps its tunnels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from inspector.chain.join import join
from inspector.chain.verdict import REASONS
from inspector.exchanges.turns import TunnelTurn
from inspector.model.conclusions import RELIABLE, Chain
from tests.chain.test_join import OWN, TOPOLOGY, WHOLE, Scene, moment


def turn(sent: float, first: float, last: float, up: int = 500, down: int = 900) -> TunnelTurn:
    return TunnelTurn(moment(sent), moment(sent), up, moment(first), moment(last), down)


HELLO = turn(6, 7, 7, 300, 1200)


def joined(scene: Scene, turns: Mapping[int, Sequence[TunnelTurn]]) -> Sequence[Chain]:
    return join(scene.exchanges, scene.tunnels, scene.connections, TOPOLOGY, WHOLE, None, turns)


def test_calls_one_after_another_are_joined_with_the_turns_of_one_tunnel() -> None:
    scene = Scene()
    for at in (0, 1000, 2000):
        scene.call(at, at + 50)
    tunnel = scene.tunnel(5, 2049, 5000)
    turns = (HELLO, turn(8, 49, 49), turn(1003, 1049, 1049), turn(2003, 2049, 2049))
    chains = joined(scene, {1: turns})

    assert [chain.tunnel for chain in chains] == [tunnel] * 3
    assert all(chain.confidence >= RELIABLE for chain in chains)
    assert [REASONS["reused"] in chain.reasons for chain in chains] == [False, True, True]


def test_two_tunnels_kept_by_a_gateway_carry_calls_at_once() -> None:
    scene = Scene()
    for at in (0, 1, 1000, 1001):
        scene.call(at, at + 50 + at % 10 * 20)
    one, two = scene.tunnel(5, 1049, 5000), scene.tunnel(6, 1070, 5000)
    turns = {
        1: (HELLO, turn(8, 49, 49), turn(1003, 1049, 1049)),
        2: (HELLO, turn(9, 70, 70), turn(1004, 1070, 1070)),
    }

    assert [chain.tunnel for chain in joined(scene, turns)] == [one, two, one, two]


def test_an_answer_without_any_turn_meanwhile_is_the_gateways_own() -> None:
    scene = Scene()
    scene.call(0, 50)
    scene.call(1000, 1001, status=401, headers=OWN)
    tunnel = scene.tunnel(5, 49, 5000)
    first, second = joined(scene, {1: (HELLO, turn(8, 49, 49), turn(3000, 3049, 3049))})

    assert first.tunnel == tunnel
    assert (second.tunnel, second.answered_by) == (None, "api-proxy")
    assert REASONS["nothing-opened"] in second.reasons


def test_without_turns_a_reused_tunnel_is_not_known() -> None:
    scene = Scene()
    scene.call(0, 50)
    scene.call(1000, 1050)
    scene.tunnel(5, 1049, 5000)

    assert joined(scene, {})[1].tunnel is None


def streamed(*, opened: float = 3.0, asked: float = 0.0, tunnels: int = 1) -> Scene:
    """A call whose request takes from `asked` to 10 ms, and tunnels opened meanwhile."""
    scene = Scene()
    scene.call(10, 100, asked=asked)
    for number in range(tunnels):
        scene.tunnel(opened + number, 99)
    return scene


def test_a_gateway_that_streams_opens_its_tunnel_while_the_request_still_comes() -> None:
    """Envoy turns to the upstream with a request's head; golden capture envoy-timeout."""
    chain = streamed().only()

    assert chain.tunnel == "t1"
    assert REASONS["early"] in chain.reasons
    assert chain.confidence >= RELIABLE


def test_a_tunnel_opened_before_the_request_began_is_not_its() -> None:
    assert streamed(opened=-1.1).only().tunnel is None
    assert streamed(opened=3, asked=4.1).only().tunnel is None


def test_of_two_tunnels_opened_while_a_request_came_neither_is_surely_its() -> None:
    assert streamed(tunnels=2).only().confidence < RELIABLE


def test_a_tunnel_that_another_call_has_is_not_taken_from_it() -> None:
    scene = streamed(opened=3)
    other = scene.call(2, 110)

    chains = {chain.agent_exchange: chain for chain in scene.chains()}
    assert chains[other].tunnel == "t1"
    assert sum(chain.tunnel == "t1" for chain in chains.values()) == 1
