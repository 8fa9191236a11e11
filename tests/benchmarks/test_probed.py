"""The benchmark of probes counts what it says."""

from __future__ import annotations

import pytest

from benchmarks.probed import compare
from lab import proxy, squid, upstream
from lab.network import Network
from tests.lab.conftest import lab_possible
from tests.linux.ebpf.conftest import bpf_possible

__all__ = ["bpf_possible", "lab_possible"]

pytestmark = pytest.mark.long


def test_no_call_fails_and_each_gives_the_secrets_of_its_session(bpf_possible: None) -> None:
    with Network() as network:
        behaviour = {"*": {"first_byte": 0.0}}
        place = network.directory
        api = upstream.start(network, directory=place / "upstream", behaviour=behaviour)
        squid.start(network)
        proxy.start(network, directory=place / "proxy", ca=api.authority.root)
        found = compare(network, 2, 3, whole=False)
    assert found.failed == {True: 0, False: 0}
    assert (found.secrets, found.lost) == (2 * 3 * 5, 0)
    assert len(found.differences) == 2
