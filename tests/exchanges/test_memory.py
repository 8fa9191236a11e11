"""What is open costs what docs/limits.md says: bytes of Python's allocator, counted."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable

import pytest

from inspector.inspection import Inspector
from inspector.options import Options
from tests.exchanges.network import API, ESTABLISHED, Network, connect, play, request, tls
from tests.flows.build import batch

COUNT = 400


def syn(net: Network, number: int) -> None:
    """A SYN that nobody answers."""
    before = len(net.wire.packets)
    net.to(f"10.0.{number // 250}.{number % 250 + 1}", 443)
    del net.wire.packets[before + 1 :]


def tunnel(net: Network, _: int) -> None:
    """One that was opened, with its handshake, and stays."""
    play(net.to_squid().up(connect(API)).down(ESTABLISHED), tls())


def call(net: Network, _: int) -> None:
    """One that waits for its answer."""
    net.to_api_proxy().up(request("POST /v1/messages HTTP/1.1", "x-api-key: made-up"))


@pytest.mark.parametrize(("make", "most"), [(syn, 2_000), (tunnel, 16_000), (call, 12_000)])
def test_memory_of_what_is_open(make: Callable[[Network, int], None], most: int) -> None:
    net = Network()
    for number in range(2 * COUNT):
        make(net, number)
    packets = net.wire.packets
    inspector = Inspector(Options(scope="all"))
    half = len(packets) // 2
    inspector.feed(batch(packets[:half]))
    gc.collect()
    tracemalloc.start()
    try:
        inspector.feed(batch(packets[half:], half + 1))
        gc.collect()
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held / COUNT < most
