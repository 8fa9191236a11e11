"""A fault of the inspector's own costs one connection, and is owned up to."""

from __future__ import annotations

import pytest

from inspector.exchanges.http import HttpLayer
from inspector.exchanges.layers import Opaque, Slot
from inspector.inspection import Inspector
from inspector.options import Options
from inspector.protocols.messages import EVERYTHING
from tests.exchanges.network import KEY, Network, lines, oddities, request, response, say

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
