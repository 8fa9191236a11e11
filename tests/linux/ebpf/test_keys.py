"""Secrets leave the kernel for programs of namespaces that were let in, and for no others."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from inspector.executables.elf import ElfImage
from inspector.executables.key_log import find_key_log
from inspector.linux.ebpf.keys import KeyPrograms
from inspector.linux.netlink import Netlink
from lab.network import NAMED, Host, Network
from tests.linux.ebpf.handshakes import certificate, libssl, running, shake

TLS_1_3 = {
    "CLIENT_HANDSHAKE_TRAFFIC_SECRET",
    "SERVER_HANDSHAKE_TRAFFIC_SECRET",
    "CLIENT_TRAFFIC_SECRET_0",
    "SERVER_TRAFFIC_SECRET_0",
}


@pytest.fixture(scope="module")
def pem(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return certificate(tmp_path_factory.mktemp("made-up"))


@pytest.fixture
def programs(bpf_possible: None) -> Iterator[KeyPrograms]:
    """Loaded, with a probe in the libssl that Python uses."""
    library = libssl()
    if library is None:
        pytest.skip(f"this Python has no libssl as a library for x86-64: {ssl.OPENSSL_VERSION}")
    data = library.read_bytes()
    site = find_key_log(ElfImage(lambda offset, size: data[offset : offset + size]))
    assert site
    loaded = KeyPrograms.start(0)
    try:
        loaded.attach(str(library), site, 7)
        yield loaded
    finally:
        loaded.close()


def cookie(host: Host) -> int:
    with Netlink(NAMED / host.namespace) as netlink:
        return netlink.cookie


@pytest.mark.parametrize(
    ("version", "labels"), [("TLSv1_3", TLS_1_3), ("TLSv1_2", {"CLIENT_RANDOM"})]
)
def test_a_running_program_gives_the_secrets_of_its_next_session(
    network: Network, programs: KeyPrograms, pem: Path, version: str, labels: set[str]
) -> None:
    programs.let_in(cookie(network.agent))
    with running(network.agent, pem, version) as program:
        random = shake(program)
        found = list(programs.secrets())
    assert {each.random for each in found} == {random}
    assert {each.label for each in found} >= labels
    assert {(each.pid, each.probe) for each in found} == {(program.pid, 7)}
    assert all(len(each.secret) in (32, 48) for each in found)
    counted = programs.statistics()
    assert counted.hits[7] == counted.sent == len(found)
    assert (counted.unreadable, counted.lost) == (0, 0)


def test_of_a_namespace_that_was_not_let_in_nothing_leaves_the_kernel(
    network: Network, programs: KeyPrograms, pem: Path
) -> None:
    programs.let_in(cookie(network.agent))
    with running(network.world, pem, "TLSv1_3") as program:
        shake(program)
        assert list(programs.secrets()) == []
    counted = programs.statistics()
    assert counted.sent == 0
    assert counted.elsewhere > counted.hits[7] == 0


def test_a_secret_is_printed_nowhere(network: Network, programs: KeyPrograms, pem: Path) -> None:
    programs.let_in(cookie(network.agent))
    with running(network.agent, pem, "TLSv1_3") as program:
        shake(program)
        found = list(programs.secrets())
    for each in found:
        assert each.secret.reveal().hex() not in repr(each)
        assert repr(each.secret.reveal()) not in repr(each)
