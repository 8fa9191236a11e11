"""The prober looks at what is on the bridge, and at nothing else: who asks it is of no matter."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from ipaddress import ip_network
from pathlib import Path

import pytest

from inspector.linux.ebpf.keys import KeyPrograms
from inspector.linux.neighbours import Neighbours
from inspector.live.prober import _INSTALLED, Prober
from lab.network import NAMED, Network
from lab.processes import until
from tests.linux.ebpf.conftest import bpf_possible, network
from tests.linux.ebpf.handshakes import ask, certificate, libssl, running, shake

__all__ = ["bpf_possible", "network"]


@pytest.fixture(scope="module")
def pem(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return certificate(tmp_path_factory.mktemp("made-up"))


@contextmanager
def prober(
    network: Network, names: tuple[str, ...] = ("fw-bridge",), subnet: str | None = None
) -> Iterator[tuple[KeyPrograms, Prober]]:
    neighbours = Neighbours(
        names=names,
        subnets=() if subnet is None else (ip_network(subnet),),
        netns=NAMED / network.bridge.namespace,
    )
    with closing(neighbours):
        programs = KeyPrograms.start(neighbours.own)
        with closing(programs), closing(Prober.start(programs, neighbours)) as started:
            yield programs, started


@pytest.fixture(scope="module")
def on_the_bridge(network: Network, pem: Path) -> Iterator[subprocess.Popen[str]]:
    with running(network.agent, pem) as program:
        yield program


@pytest.fixture(scope="module")
def in_the_world(network: Network, pem: Path) -> Iterator[subprocess.Popen[str]]:
    with running(network.world, pem) as program:
        yield program


@pytest.fixture(scope="module")
def beside_the_bridge(network: Network, pem: Path) -> Iterator[subprocess.Popen[str]]:
    with running(network.bridge, pem) as program:
        yield program


def test_who_was_there_at_the_start_is_probed_before_it_returns(
    bpf_possible: None, network: Network, on_the_bridge: subprocess.Popen[str]
) -> None:
    with prober(network) as (programs, started):
        (found,) = [each for each in started.files if each.file == "libssl.so.3"]
        assert (found.function, found.pid) == ("nss_keylog_int", on_the_bridge.pid)
        assert found.program.startswith("python")
        random = shake(on_the_bridge)
        assert {each.random for each in programs.secrets()} == {random}


def test_what_is_installed_where_somebody_is_on_the_bridge_is_probed_before_it_runs(
    bpf_possible: None, network: Network, on_the_bridge: subprocess.Popen[str]
) -> None:
    installed = [path for path in map(Path, _INSTALLED) if path.exists()]
    if not installed:
        pytest.skip("neither Node.js nor libssl is installed in a usual place")
    with prober(network) as (_, started):
        assert {path.name for path in installed} <= {each.file for each in started.files}


def test_neither_the_world_nor_the_machine_that_has_the_bridge_is_on_it(
    bpf_possible: None,
    network: Network,
    on_the_bridge: subprocess.Popen[str],
    in_the_world: subprocess.Popen[str],
    beside_the_bridge: subprocess.Popen[str],
) -> None:
    with prober(network) as (programs, _):
        shake(in_the_world)
        shake(beside_the_bridge)
        assert list(programs.secrets()) == []
        assert programs.statistics().elsewhere  # they ran the probed library all the same
        shake(on_the_bridge)
        assert list(programs.secrets())


@pytest.mark.parametrize(
    ("names", "subnet", "is_on_it"),
    [
        ((), "172.30.0.0/24", True),
        ((), None, True),
        ((), "172.31.0.0/24", False),
        (("fw-brigde",), None, False),
    ],
)
def test_which_bridge_counts_is_told_by_name_or_by_subnet(
    bpf_possible: None,
    network: Network,
    on_the_bridge: subprocess.Popen[str],
    names: tuple[str, ...],
    subnet: str | None,
    is_on_it: bool,
) -> None:
    with prober(network, names, subnet) as (programs, _):
        shake(on_the_bridge)
        assert bool(list(programs.secrets())) is is_on_it


def test_who_comes_later_is_probed_when_it_connects(
    bpf_possible: None, network: Network, pem: Path, tmp_path: Path
) -> None:
    library = libssl()
    if library is None:
        pytest.skip("this Python has no libssl as a library")
    shutil.copy(library, tmp_path / "libssl.so.3")  # a file that nobody runs so far
    with prober(network) as (programs, started):
        before = len(started.files)
        with running(network.squid, pem, library=tmp_path) as program:
            ask(program, "connect")

            def is_probed() -> bool:
                started.read()
                return len(started.files) > before

            until(is_probed, "it to be probed")
            (found,) = started.files[before:]
            assert (found.file, found.pid) == ("libssl.so.3", program.pid)
            random = shake(program)
            assert {each.random for each in programs.secrets()} == {random}


def test_it_ends_with_whoever_started_it(bpf_possible: None, network: Network) -> None:
    with prober(network) as (_, started):
        process = Path(f"/proc/{started.pid}")
        assert process.exists()
    assert not process.exists()


def test_it_holds_three_capabilities_and_may_make_no_program_and_no_connection(
    bpf_possible: None, network: Network
) -> None:
    with prober(network) as (_, started):
        told = dict(
            line.split(":\t", 1)
            for line in Path(f"/proc/{started.pid}/status").read_text().splitlines()
            if ":\t" in line
        )
        assert int(told["CapEff"], 16) == int(told["CapPrm"], 16) == 1 << 2 | 1 << 19 | 1 << 21
        assert int(told["CapBnd"], 16) == 0
        assert told["Uid"].split() == 4 * ["65534"]
        assert (told["NoNewPrivs"], told["Seccomp"]) == ("1", "2")


def test_who_started_it_can_no_more_let_a_namespace_in(
    bpf_possible: None, network: Network, in_the_world: subprocess.Popen[str]
) -> None:
    with prober(network) as (programs, _):
        with pytest.raises(OSError, match=r"Bad file descriptor|Invalid argument"):
            programs.let_in(1)
        shake(in_the_world)
        assert list(programs.secrets()) == []


def test_what_it_is_sent_is_not_read(bpf_possible: None, network: Network) -> None:
    with prober(network) as (_, started):
        started._channel.send(b"1 attach 1")
        assert Path(f"/proc/{started.pid}").exists()
        started.read()
        assert not started.trouble
