"""The classic filter, judged by the real kernel and beside libpcap's compiler."""

from __future__ import annotations

import shutil
import socket
import subprocess
from ipaddress import ip_network

import pytest

from inspector.linux.classic_bpf import Instruction, subnet_program
from inspector.linux.filters import ClassicFilter
from tests.linux.wire import frame

FOUR, SIX = ip_network("172.30.0.0/24"), ip_network("fd00:172:30::/64")
INSIDE, OUTSIDE, WORLD = "172.30.0.20", "172.30.1.20", "203.0.113.10"


def kept(program: tuple[Instruction, ...], each: bytes) -> bool:
    """Whether the kernel lets a datagram of these bytes through the filter."""
    left, right = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with left, right:
        ClassicFilter(program, "").attach(right)
        right.setblocking(False)
        try:
            left.send(each)
        except OSError:  # a datagram that its receiver's filter refuses is an error here
            return False
        try:
            return len(right.recv(1 << 20)) == len(each)
        except BlockingIOError:
            return False


def arp(sender: str, target: str) -> bytes:
    return (
        bytes(12)
        + b"\x08\x06\0\1\x08\0\6\4\0\1"
        + bytes(6)
        + socket.inet_aton(sender)
        + bytes(6)
        + socket.inet_aton(target)
    )


FRAMES = {
    "from the subnet": (frame(INSIDE, WORLD), True),
    "to the subnet": (frame(WORLD, INSIDE), True),
    "neither": (frame(WORLD, OUTSIDE), False),
    "the neighbouring subnet": (frame(OUTSIDE, OUTSIDE), False),
    "one tag": (frame(INSIDE, WORLD, tags=[5]), True),
    "two tags": (frame(WORLD, INSIDE, tags=[5, 6]), True),
    "two tags, neither": (frame(WORLD, OUTSIDE, tags=[5, 6]), False),
    "three tags": (frame(INSIDE, WORLD, tags=[5, 6, 7]), False),
    "IPv6 from the subnet": (frame("fd00:172:30::20", "2001:db8::1"), True),
    "IPv6 to the subnet": (frame("2001:db8::1", "fd00:172:30::20"), True),
    "IPv6 neither": (frame("2001:db8::1", "fd00:172:31::20"), False),
    "ARP for the subnet": (arp(WORLD, INSIDE), True),
    "ARP from the subnet": (arp(INSIDE, WORLD), True),
    "ARP neither": (arp(WORLD, OUTSIDE), False),
    "a fragment of a frame": (frame(INSIDE, WORLD)[:20], False),
    "other": (bytes(12) + b"\x88\xb5" + bytes(60), False),
}


@pytest.mark.parametrize("name", FRAMES)
def test_the_kernel_keeps_what_touches_a_subnet(name: str) -> None:
    each, expected = FRAMES[name]

    assert kept(subnet_program([FOUR, SIX]), each) is expected


def test_a_superframe_is_kept_whole() -> None:
    assert kept(subnet_program([FOUR]), frame(INSIDE, WORLD, bytes(64_000)))


@pytest.mark.parametrize(
    "network", ["172.30.0.0/24", "10.0.0.0/8", "172.30.0.20/32", "172.16.0.0/12", "fd00::/8",
                "fd00:172:30::/64", "fd00:172:30::20/128", "2001:db8::/33"]
)  # fmt: skip
def test_it_decides_as_the_program_that_libpcap_compiles(network: str) -> None:
    if (tcpdump := shutil.which("tcpdump", path="/usr/bin:/usr/sbin:/sbin")) is None:
        pytest.skip("tcpdump, which compiles the other program, is not installed")
    compiled = subprocess.run(
        [tcpdump, "-ddd", "-y", "EN10MB", "net", network], capture_output=True, text=True
    )
    assert compiled.returncode == 0, compiled.stderr
    theirs = tuple(
        (int(a), int(b), int(c), int(d))
        for a, b, c, d in (line.split() for line in compiled.stdout.splitlines()[1:])
    )
    ours = subnet_program([ip_network(network)])
    addresses = [
        *("172.30.0.20", "172.30.1.20", "10.200.3.4", "172.31.0.1", "172.32.0.1", "9.255.1.1"),
        *("fd00:172:30::20", "fd00:172:30:1::20", "2001:db8::1", "2001:db8:8000::1", "fe80::1"),
    ]
    for source in addresses:
        for destination in addresses:
            if (":" in source) == (":" in destination):
                each = frame(source, destination)
                assert kept(ours, each) is kept(theirs, each), (source, destination)


def test_many_networks_fit_into_one_filter() -> None:
    networks = [ip_network(f"10.{number}.0.0/16") for number in range(20)]
    program = subnet_program(networks)

    assert kept(program, frame("10.19.0.1", WORLD))
    assert not kept(program, frame("10.20.0.1", WORLD))


def test_more_networks_than_a_jump_can_span_are_refused() -> None:
    with pytest.raises(ValueError, match="too many networks"):
        subnet_program([ip_network(f"10.{number}.0.0/16") for number in range(200)])


def test_no_network_is_refused() -> None:
    with pytest.raises(ValueError, match="needs a network"):
        subnet_program([])


def test_its_text_is_in_the_language_of_capture_filters() -> None:
    assert ClassicFilter.for_subnets([FOUR, SIX]).text == (
        "net 172.30.0.0/24 or net fd00:172:30::/64"
    )
