"""Calls at once through the real programs: each has its tunnel, none surely a wrong one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from inspector import inspect
from lab.load import judge, play
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
