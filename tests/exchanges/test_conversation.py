"""A fault of the inspector's own costs one connection, and is owned up to."""

from __future__ import annotations

import gc
import tracemalloc

import pytest

from inspector.exchanges.conversation import Conversation
from inspector.exchanges.http import HttpLayer
from inspector.exchanges.layers import Opaque, Slot
from inspector.exchanges.tunnel import TunnelLayer
from inspector.inspection import Inspector
from inspector.options import Options
from inspector.protocols.http1 import Http1Parser
from inspector.protocols.messages import EVERYTHING
from tests.exchanges.network import (
    AGENT,
    API,
    ESTABLISHED,
    KEY,
    Network,
    connect,
    lines,
    oddities,
    play,
    request,
    response,
    say,
    tls,
)
from tests.flows.build import Tcp, Wire

BROKEN = request("GET /broken HTTP/1.1", f"x-api-key: {KEY}")


@pytest.mark.parametrize("step", ["receive", "wanted", "end", "gap", "skip", "finish"])
def test_a_bug_in_a_layer_costs_its_connection_and_no_other(
    monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    net = Network()
    broken = net.to_api_proxy().up(BROKEN)
    answer = response(body=bytes(3000))
    broken.down(answer[:1000]).down(answer[1000:2000]).down(answer[2500:], offset=2500)
    broken.ack(True).end(True).end(False)
    say(net.to_api_proxy(), request("GET /whole HTTP/1.1"), response()).close()
    inspector = Inspector(Options())
    whole = getattr(HttpLayer, step)

    def fails_once(*args: object, **more: object) -> object:
        monkeypatch.setattr(HttpLayer, step, whole)
        raise KeyError(KEY)

    monkeypatch.setattr(HttpLayer, step, fails_once)
    inspector.feed(net.wire.batch())
    report = inspector.finish()

    assert lines(report)[-1] == "GET /whole 200 complete"
    assert len(report.connections) == 2
    assert oddities(report)["internal-error"] == 1
    assert [o.detail for o in report.oddities if o.name == "internal-error"] == ["KeyError"]
    assert KEY not in repr(report)


def test_an_opaque_layer_reads_nothing_and_says_so() -> None:
    layer = Opaque()

    assert layer.wanted(True) == layer.wanted(False) == EVERYTHING
    assert isinstance(Slot().layer, Opaque)


def test_the_layers_of_a_connection_that_is_over_wait_for_no_look_for_cycles() -> None:
    net = Network()
    for _ in range(3):
        say(net.to_api_proxy(), request("GET /whole HTTP/1.1"), response()).close()
    play(net.to_squid().up(connect(API)).down(ESTABLISHED), tls()).close()
    inspector = Inspector(Options())
    before = _readers()
    gc.disable()
    try:
        inspector.feed(net.wire.batch())
        assert _readers() == before
    finally:
        gc.enable()
    assert len(inspector.finish().exchanges) == 3


def _readers() -> int:
    kinds = (Conversation, HttpLayer, Http1Parser, TunnelLayer)
    return sum(isinstance(one, kinds) for one in gc.get_objects())


def test_a_syn_that_says_nothing_costs_little() -> None:
    """A scan opens connections by the hundred thousand; 2,000 bytes each would be 200 MB."""
    batches = []
    for first in range(0, 4000, 1000):
        wire = Wire()
        for port in range(first, first + 1000):
            Tcp(wire, client=(AGENT, 20000 + port), isn=(7000 * port, 1)).syn()
        batches.append(wire.batch(first + 1))
    inspector = Inspector(Options(scope="all"))
    inspector.feed(batches[0])
    tracemalloc.start()
    for later in batches[1:]:
        inspector.feed(later)
    grown, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    # The time at which it was captured is among them, 32 bytes.
    assert grown / 3000 < 1440
    assert len(inspector.finish().connections) == 4000
