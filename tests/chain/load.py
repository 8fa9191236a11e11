"""Many calls in flight at once through one API proxy, made up, with the truth beside them.

The proxy is one thread (measured on the real one with Node: the tunnel's SYN 5 ms behind the
request in the median, 22 ms at the 95th percentile, 0.98 to 1.96 s with 500 at once; their
order that of the requests, but for some that became whole within 0.2 ms of each other).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Literal

from inspector.model.capture import Completeness
from inspector.model.conclusions import Chain
from inspector.model.ids import ExchangeId, TunnelId
from tests.chain.test_join import LOSSY, OWN, WHOLE, Scene

#: Times are milliseconds.
TURN = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What crosses the bridge: how many calls at once, and what else."""

    calls: int
    seed: int = 1
    #: The requests become whole within this.
    burst: float = 400.0
    #: What the proxy's thread spends on a request, and on a tunnel.
    work: float = 2.0
    #: How long the upstream streams, at least and at most.
    streams: tuple[float, float] = (3000.0, 8000.0)
    #: Bodies and answers are of one size, or each of its own.
    same_sizes: bool = False
    #: How far behind its tunnel's last byte an answer ends, at least and at most.
    lag: tuple[float, float] = (1.0, 12.0)
    #: When a tunnel is closed, behind its last byte.
    closes: tuple[float, float] = (0.2, 2.0)
    #: Whether the tunnels' last bytes are each other's: ends then say nothing, or what is wrong.
    ends: Literal["own", "reversed", "shuffled", "neighbours"] = "own"
    #: Tunnels of the proxy's own among the others, to the same host.
    own_tunnels: int = 0
    #: Shares of the calls: tried again by the proxy, answered by itself, of which the call or
    #: the tunnel is not in the capture, and taken before its neighbour in the same turn.
    retried: float = 0.0
    refused: float = 0.0
    lost: float = 0.0
    swapped: float = 0.2


@dataclass(slots=True)
class Loaded:
    """A scene, and for each call in it the tunnel that carried it (None: none, or it is lost)."""

    scene: Scene
    completeness: Completeness
    truth: dict[ExchangeId, TunnelId | None] = field(default_factory=dict)

    def chains(self) -> Sequence[Chain]:
        return self.scene.chains(self.completeness)


def loaded(load: Load) -> Loaded:
    """The scene of a load."""
    chance = Random(load.seed)
    made = Loaded(Scene(), LOSSY if load.lost else WHOLE)
    scene = made.scene
    whole = sorted(chance.uniform(0, load.burst) for _ in range(load.calls))
    turns = _turns(whole, load, chance)
    for _ in range(load.own_tunnels):
        opened = chance.uniform(0, max(max(turns), load.burst))
        end = opened + chance.uniform(100, 900)
        scene.tunnel(opened, end, end + 1, up=chance.randrange(600, 900), down=5000)
    lengths = [chance.uniform(*load.streams) for _ in whole]
    others = _ends(load, lengths, chance)
    for sent, opened, length, other in zip(whole, turns, lengths, others, strict=True):
        if chance.random() < load.refused:
            answered = sent + 0.5
            made.truth[scene.call(sent, answered, headers=OWN, status=429)] = None
            continue
        up, down = (2000, 30000) if load.same_sizes else _sizes(chance)
        if chance.random() < load.retried:
            end = opened + chance.uniform(30, 200)
            scene.tunnel(opened, end, end + 1, up=up + 1000, down=4200)
            opened = end + chance.uniform(0.3, 1.5)
        first = opened + chance.uniform(40, 400)
        done = first + length + chance.uniform(*load.lag)
        last = first + other
        loses_call, loses_tunnel = _losses(load, chance)
        call = tunnel = None
        if not loses_call:
            call = scene.call(sent, first + 2, done, up=up, down=down)
        if not loses_tunnel:
            closed = last + chance.uniform(*load.closes)
            tunnel = scene.tunnel(opened, last, closed, up=up + 1000, down=down + 3700)
        if call is not None:
            made.truth[call] = tunnel
    return made


def _ends(load: Load, lengths: Sequence[float], chance: Random) -> list[float]:
    """How long each tunnel's bytes are seen, where that is not as long as its call's answer."""
    ends = list(lengths)
    if load.ends == "reversed":
        ends.reverse()
    elif load.ends == "shuffled":
        chance.shuffle(ends)
    elif load.ends == "neighbours":
        for place in range(0, len(ends) - 1, 2):
            ends[place], ends[place + 1] = ends[place + 1], ends[place]
    return ends


def _losses(load: Load, chance: Random) -> tuple[bool, bool]:
    """Whether a call, or its tunnel, is not in the capture."""
    is_lost, is_the_call = chance.random() < load.lost, chance.random() < 0.5
    return is_lost and is_the_call, is_lost and not is_the_call


def _sizes(chance: Random) -> tuple[int, int]:
    return chance.randrange(500, 90_000), chance.randrange(300, 60_000)


def _turns(whole: Sequence[float], load: Load, chance: Random) -> list[float]:
    """When each request's tunnel is opened: in order, as the one thread comes to it."""
    opened = []
    free = 0.0
    for at in whole:
        free = max(free, at + min(chance.expovariate(1 / 5.0), 30.0)) + load.work * chance.random()
        opened.append(free)
    for place in range(len(whole) - 1):
        if whole[place + 1] - whole[place] < TURN and chance.random() < load.swapped:
            opened[place], opened[place + 1] = opened[place + 1], opened[place]
    return opened
