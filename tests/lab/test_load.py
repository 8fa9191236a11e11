"""Calls at once through the real programs: each has its tunnel, none surely a wrong one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from inspector import inspect
from lab.gateways import why_not_gateway
from lab.load import _tunnels, _used, judge, play
from lab.network import Network
from lab.processes import why_not

PROGRAMS = ("squid", "node", "dumpcap")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(why_not(*PROGRAMS)), reason=str(why_not(*PROGRAMS))),
]


@pytest.fixture
def network() -> Iterator[Network]:
    """A lab of its own: programs of another load would be in the capture."""
    with Network() as network:
        yield network


@pytest.mark.parametrize(
    ("calls", "stream", "alike"),
    [
        (1, True, False),
        (20, False, True),
        pytest.param(100, True, True, marks=pytest.mark.long),
        (500, True, False),
        pytest.param(500, True, True, marks=pytest.mark.long),
    ],
)
def test_so_many_calls_at_once_have_their_tunnels(
    network: Network, tmp_path: Path, calls: int, stream: bool, alike: bool
) -> None:
    capture = tmp_path / "load.pcapng"
    played = play(network, capture, calls, stream=stream, alike=alike)
    assert played.statuses == {"200": calls}

    found = judge(inspect(capture), played)
    assert found.right >= 0.96 * calls, str(found)
    assert found.wrong_and_sure == (), str(found)


def test_tunnels_from_a_port_that_is_given_again_are_told_apart(
    network: Network, tmp_path: Path
) -> None:
    """On a machine whose cores were taken 9 of 500 tunnels had the port of one before them."""
    for name, value in (("ip_local_port_range", "40000 40039"), ("tcp_tw_reuse", "1")):
        network.api_proxy.run(["sh", "-c", f"echo {value} >/proc/sys/net/ipv4/{name}"])
    capture = tmp_path / "load.pcapng"
    played = play(network, capture, 60, within=6.0)
    assert played.statuses == {"200": 60}

    report = inspect(capture)
    assert len({tunnel.client for tunnel in report.tunnels}) <= 40 < len(report.tunnels)
    found = judge(report, played)
    assert (found.right, found.wrong) == (60, 0), str(found)


@pytest.mark.long
@pytest.mark.skipif(bool(why_not_gateway("envoy")), reason=str(why_not_gateway("envoy")))
def test_calls_that_share_tunnels_have_the_one_that_carried_them(
    network: Network, tmp_path: Path
) -> None:
    capture = tmp_path / "load.pcapng"
    played = play(network, capture, 100, within=5.0, pooled=True)
    assert played.statuses == {"200": 100}
    assert len(set(played.tunnels.values())) < 60

    found = judge(inspect(capture), played)
    assert found.right >= 95, str(found)
    assert found.wrong_and_sure == (), str(found)


def test_envoys_log_tells_which_tunnel_carried_which_call() -> None:
    log = "172.30.0.20:4001 172.30.0.30:5001 200\n172.30.0.20:4002 - 503\n"

    assert _used(log) == {
        ("172.30.0.20:4001", 0): ("172.30.0.30:5001",),
        ("172.30.0.20:4002", 0): (),
    }


def test_calls_from_one_port_are_told_apart_by_their_order() -> None:
    """Of 500 calls within seconds some get a port that was just given up (measured: 21)."""
    agent, own = "172.30.0.20:4001", "172.30.0.30:5001"
    records = [
        {"event": "request", "request": "a", "agent": agent},
        {"event": "attempt", "request": "a", "tunnel": own},
        {"event": "request", "request": "b", "agent": agent},
        {"event": "attempt", "request": "b", "tunnel": "172.30.0.30:5002"},
    ]
    assert _tunnels(records) == {(agent, 0): (own,), (agent, 1): ("172.30.0.30:5002",)}
