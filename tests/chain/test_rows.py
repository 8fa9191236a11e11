"""Rows stay small and in order however many there are."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest

from inspector.chain.join import join
from inspector.chain.rows import UNKNOWN, Moments, carriers
from inspector.model.http import Exchange
from inspector.model.ids import connection_id, exchange_id
from inspector.model.network import Connection
from tests.chain.test_join import TOPOLOGY, WHOLE, Scene, moment

#: What one more call may take at most (measured: 80 bytes; as a tuple 390).
BYTES_A_CALL = 200
#: And where no tunnel was opened, so that no row is kept (measured: 34 bytes).
BYTES_A_CHAIN = 45


class Made(Sequence[Exchange]):
    """As many exchanges as wanted, each made when it is looked at."""

    def __init__(self, pattern: Exchange, count: int) -> None:
        self._pattern = pattern
        self._count = count

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, place):  # type: ignore[no-untyped-def]
        raise NotImplementedError

    def __iter__(self) -> Iterator[Exchange]:
        asked = self._pattern.request
        assert asked is not None
        for place in range(self._count):
            at = asked.started_at + place * 1000
            request = replace(asked, started_at=at, ended_at=at)
            yield replace(self._pattern, id=exchange_id(place + 1), request=request)


def peak(calls: int, tunnels: int) -> int:
    """Bytes that joining so many calls takes at most at once, chains included."""
    scene = Scene()
    scene.call(0, 5)
    for _ in range(tunnels):
        scene.tunnel(1, 4)
    exchanges = Made(scene.exchanges[0], calls)
    tracemalloc.start()
    chains = join(exchanges, scene.tunnels, scene.connections, TOPOLOGY, WHOLE)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(chains) == calls
    return most


@pytest.mark.parametrize(("tunnels", "most"), [(1, BYTES_A_CALL), (0, BYTES_A_CHAIN)])
def test_one_more_call_takes_no_more_than_its_packed_row_and_chain(tunnels: int, most: int) -> None:
    few, many = 3500, 7500  # both more than an archive keeps unpacked

    assert peak(many, tunnels) - peak(few, tunnels) < (many - few) * most


def test_tunnels_come_in_the_order_of_their_connections() -> None:
    scene = Scene()
    for ms in (30, 10, 20):
        scene.tunnel(ms, ms + 50)
    rows = carriers(scene.tunnels, Moments(scene.connections, TOPOLOGY), TOPOLOGY)

    assert [row.id for row in rows] == ["t2", "t3", "t1"]


def test_a_connection_without_a_close_or_not_seen_has_no_known_moment() -> None:
    scene = Scene()
    scene.call(0, 5)
    (connection,) = scene.connections
    ninth = connection_id(9)
    closed = replace(connection, id=ninth, closed_at=moment(7), closed_by="reset-by-server")
    moments = Moments([replace(connection, closed_at=None), closed], TOPOLOGY)

    assert moments.closed(1) == (UNKNOWN, None)
    assert moments.closed(9) == (moment(7), "reset-by-server")
    assert moments.closed(500) == (UNKNOWN, None)
    assert moments.opened(500) == UNKNOWN


def test_a_time_beyond_64_bits_is_held_as_the_last_one() -> None:
    scene = Scene()
    scene.call(0, 5)
    (connection,) = scene.connections
    late: Connection = replace(connection, id=connection_id(2), closed_at=1 << 70)

    assert Moments([late], TOPOLOGY).closed(2)[0] == (1 << 63) - 1
