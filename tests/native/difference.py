"""The same packets through both engines, with a reader that asks for anything: what differs?

The reader's wishes are drawn from a seed.  As long as both engines deliver the same, in the same
order, both are asked the same; the first difference is the answer.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict

from inspector.flows.contract import (
    BATCH,
    IN_PLACE,
    ConnectionView,
    Cut,
    Delivery,
    End,
    Gap,
    Opened,
    Opening,
    Run,
    Skipped,
)
from inspector.flows.engine import PacketEngine
from inspector.flows.native import NativeEngine
from inspector.native.functions import Core
from inspector.wire import Batch
from tests.flows.build import ETHERNET, Packet, batch
from tests.property.conversations import Journey, interleave, talks, travel

TALKS = talks()
#: What a view tells of a connection while a delivery is handled.
_SEEN = (
    "number", "client", "server", "opened_at", "last_at", "midstream", "outcome", "closed_at",
    "closed_by", "closed_packet", "close_unseen", "bytes_up", "bytes_down", "carried", "lacks_up",
    "half_heard", "answer_unheard", "unacknowledged", "zero_windows", "retransmissions",
)  # fmt: skip

#: A delivery as it can be compared, or what the engine noted when all was over.
Told = tuple[object, ...]


def told(engine: PacketEngine, batches: Iterable[Batch], seed: int) -> Iterator[Told]:
    """What an engine delivers, with what the views say meanwhile; at last its notes."""
    chance = random.Random(seed)
    views: dict[int, ConnectionView] = {}
    for each in batches:
        for delivery in engine.feed(each):
            yield _handled(engine, delivery, views, chance)
        if chance.random() < 0.1:
            for delivery in engine.flush():
                yield _handled(engine, delivery, views, chance)
        if chance.random() < 0.01:
            views.clear()
            yield ("forget", *engine.forget())
    for delivery in engine.finish():
        yield _handled(engine, delivery, views, chance)
    notes = engine.notes
    yield (
        notes.packets, notes.tcp_packets, notes.duplicate_packets, notes.truncated_packets,
        notes.midstream_connections, notes.unopened, sorted(notes.limits_hit),
        [asdict(each) for each in notes.oddities.facts()], list(notes.missing),
    )  # fmt: skip


def _handled(
    engine: PacketEngine,
    delivery: Delivery,
    views: dict[int, ConnectionView],
    chance: random.Random,
) -> Told:
    wish = chance.random()
    match delivery:
        case Opening():
            if wish < 0.1:
                engine.refuse()
        case Opened(stream, view):
            views[stream] = view
            return ("Opened", stream, _seen(view))
        case Run(stream, up) | Skipped(stream, up) | Gap(stream, up):
            _ask(engine, stream, up, chance)
        case Cut(stream, up):
            if wish < 0.5:
                engine.lost()
            else:
                _ask(engine, stream, up, chance)
        case End(stream) if wish < 0.05 and views[stream].midstream:
            engine.turn(stream)
        case _:
            pass
    # Of connections that are over, too: what C had a place for was kept.
    return (
        type(delivery).__name__,
        delivery,
        [_seen(view) for view in (*views.values(),)[-4:]],
    )


def _ask(engine: PacketEngine, stream: int, up: bool, chance: random.Random) -> None:
    kind = chance.randrange(8)
    if kind == 0:
        engine.want(stream, up, 0)
    elif kind <= 2:
        engine.want(stream, up, BATCH)
    elif kind == 3:
        engine.want(stream, up, chance.randrange(1, 200))
    elif kind == 4:
        engine.want(stream, up, chance.randrange(200, 20_000))
    elif kind <= 6:
        engine.want(stream, up, IN_PLACE)


def _seen(view: ConnectionView) -> tuple[object, ...]:
    return tuple(getattr(view, name) for name in _SEEN)


def difference(core: Core, batches: Sequence[Batch], seed: int) -> str | None:
    """The first thing in which the engines differ; None: there is none."""
    pure = told(PacketEngine(), batches, seed)
    native = told(NativeEngine(core), batches, seed)
    for number, expected in enumerate(pure):
        found = next(native, None)
        if found != expected:
            return f"{number}: pure {expected}, native {found}"
    more = next(native, None)
    return None if more is None else f"native tells more: {more}"


def traffic(seed: int) -> list[Packet]:
    """Packets of some conversations as a network may treat them, and as nobody would send them."""
    chance = random.Random(seed)
    journey = Journey(
        cut=chance.choice((1 << 30, 1448, 300, 60, 20)),
        window=chance.choice((0, 0, 1, 4)),
        repeat=chance.choice((0.0, 0.05, 0.5)),
        overlap=chance.choice((0.0, 0.05)),
        twice=chance.choice((0.0, 0.1, 0.5)),
        drop=chance.choice((0.0, 0.0, 0.02, 0.2)),
        isn=(chance.choice((1000, (1 << 32) - chance.randrange(1, 9000))), 5000),
        vlan=chance.choice((None, None, None, 7)),
        ipv6=chance.random() < 0.1,
    )
    names = chance.sample(sorted(TALKS), chance.randrange(1, 5))
    # Few ports, so that some are used again.
    ways = [travel(TALKS[name], 40_001 + chance.randrange(3), journey, chance) for name in names]
    packets = interleave(chance, ways)
    damage = chance.choice((0.0, 0.0, 0.02, 0.3))
    return [_damaged(packet, chance) if chance.random() < damage else packet for packet in packets]


def _damaged(packet: Packet, chance: random.Random) -> Packet:
    """With other bytes in its headers, or cut short."""
    frame = bytearray(packet.frame)
    if chance.random() < 0.5:
        for _ in range(chance.randrange(1, 4)):
            frame[chance.randrange(min(len(frame), 60))] = chance.randrange(256)
    else:
        del frame[chance.randrange(len(frame)) :]
    return packet._replace(frame=bytes(frame))


def batches(packets: Sequence[Packet], seed: int) -> list[Batch]:
    """The packets in batches of any size; now and then of another link type."""
    chance = random.Random(seed)
    longest = chance.choice((1, 3, 20, 1000))
    found = []
    at = 0
    while at < len(packets):
        size = chance.randrange(1, longest + 1)
        link = ETHERNET if chance.random() < 0.98 else chance.choice((101, 113, 147))
        found.append(batch(packets[at : at + size], at + 1, link))
        at += size
    return found
