"""The ladder as the lab's machine has it, and as nobody in particular has it."""

from __future__ import annotations

import subprocess
import sys
from ipaddress import ip_network
from pathlib import Path

import pytest

from inspector.linux.probes import Check, Machine, examine
from lab.network import Network
from tests.linux.wire import namespace

SUBNET = ip_network("172.30.0.0/24")


def examined(network: Network, place: Path) -> dict[str, Check]:
    machine = Machine((SUBNET,), namespace(network.bridge), place)
    return {check.name: check for check in examine(machine)}


def test_root_in_the_lab_has_ring_and_bridge(network: Network, tmp_path: Path) -> None:
    checks = examined(network, tmp_path)

    assert checks["packet ring"].answer == "yes"
    assert checks["classic filter"].answer == "yes"
    assert checks["keys of running programs"].answer == "yes"
    assert checks["other network namespaces"].answer == "yes"
    assert checks["bridge"].detail == "fw-bridge: it has 172.30.0.1/24"


def test_every_lack_has_a_remedy_and_no_yes_has_one(
    network: Network, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    checks = examined(network, tmp_path)

    assert checks["tshark"].answer == "no"
    assert checks["compiled core"].without == "the pure engine reads packets: the same, slower"
    assert checks["container names"].answer == "no"
    for check in checks.values():
        assert bool(check.remedy) is (check.answer != "yes"), check
        assert check.without
        assert check.kernel


def test_inside_a_container_the_bridge_is_not_had(network: Network, tmp_path: Path) -> None:
    machine = Machine((SUBNET,), namespace(network.agent), tmp_path)
    (bridge,) = [check for check in examine(machine) if check.name == "bridge"]

    assert bridge.answer == "no"
    assert "others' frames are not seen here" in bridge.detail


def test_a_place_that_is_none_cannot_be_told(network: Network, tmp_path: Path) -> None:
    assert examined(network, tmp_path / "nowhere")["disk"].answer == "could not tell"


def test_without_privilege_the_ring_is_a_no_that_says_what_to_do(lab_possible: None) -> None:
    script = """
from ipaddress import ip_network
from inspector.linux.probes import Machine, examine
from tests.linux.test_ring import give_up
here = Machine((ip_network("172.30.0.0/24"),))
examine(here)  # what it imports may be root's alone
give_up()
for check in examine(here):
    print(check.name, check.answer, check.remedy, sep="|")
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)

    assert "packet ring|no|Run it with sudo" in done.stdout, done.stderr
    assert "eBPF filter|no|" in done.stdout
    assert "keys of running programs|no|run as root" in done.stdout
    assert "other network namespaces|no|run as root (it needs CAP_SYS_ADMIN)" in done.stdout
    assert "classic filter|yes|" in done.stdout
