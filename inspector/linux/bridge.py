"""Finding the firewall's bridge: by its subnet, never by its name alone.

In this order, since each is surer than the next: the bridge that has an address
of the subnet; the device of Docker's network of that subnet, or of that name
where no subnet contradicts it (an isolated network has no address on the host);
the bridge one of whose ports leads to an address of the subnet in another
namespace; and, where there is no such bridge, an interface of one's own in the
subnet, which sees less.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Final, Literal, Protocol, Self, TypeAlias

from inspector.errors import CannotCapture
from inspector.fact import Fact
from inspector.linux.docker import DockerNetwork
from inspector.linux.netlink import Link, Netlink

IPNetwork: TypeAlias = IPv4Network | IPv6Network
How: TypeAlias = Literal["address", "docker", "port", "own-address"]

#: What the firewall calls its network.
DOCKER_NETWORK: Final = "awf-net"
_PROC: Final = Path("/proc")


class Networks(Protocol):
    """Who knows Docker's networks: `docker.DockerView`, or whoever may ask it."""

    def networks(self) -> Sequence[DockerNetwork]:
        """All bridge networks; none when the engine does not answer."""


class BridgeFound(Fact):
    """A bridge (or, `how` "own-address", another interface), and what it was known by.

    `network` is the id of Docker's network where that is known.
    """

    name: str
    index: int
    how: How
    because: str
    network: str | None = None


class BridgeFinder:
    """Looks for the bridge of a subnet in one network namespace.

    Opened while there is privilege it looks afterwards too, except behind
    ports.  Raises `CannotCapture` when it cannot be opened.
    """

    def __init__(
        self,
        subnet: IPNetwork,
        *,
        name: str = DOCKER_NETWORK,
        docker: Networks | None = None,
        netns: Path | None = None,
    ) -> None:
        self.subnet = subnet
        self._name = name
        self._docker = docker
        self._netns = netns
        self._netlink = Netlink(netns)

    def look(self) -> tuple[BridgeFound, ...]:
        """All bridges of the subnet, by the surest way that finds one; empty if there is none."""
        links = self._netlink.links()
        for way in (self._by_address, self._by_docker, self._by_port, self._by_own_address):
            if found := tuple(way(links)):
                return found
        return ()

    def find(self) -> BridgeFound:
        """The bridge.  Raises `CannotCapture` with what is there instead."""
        if found := self.look():
            return found[0]
        raise CannotCapture(
            f"No bridge of {self.subnet} is here ({self._what_is_here()})",
            "Name it with -i, its subnet with --subnet, or wait for it with --wait",
        )

    def close(self) -> None:
        self._netlink.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _what_is_here(self) -> str:
        bridges = [link for link in self._netlink.links() if link.kind == "bridge"]
        if not bridges:
            return "there is no bridge at all"
        namesake = [
            f"; Docker's {network.name} is {', '.join(map(str, network.subnets))}"
            for network in (() if self._docker is None else self._docker.networks())
            if network.name == self._name
        ]
        described = [
            f"{link.name} {', '.join(map(str, link.addresses)) or 'without an address'}"
            for link in bridges
        ]
        return f"there is {'; '.join(described)}{''.join(namesake)}"

    def _by_address(self, links: Sequence[Link]) -> Iterator[BridgeFound]:
        for link in links:
            if link.kind == "bridge" and (address := self._address_of(link)):
                yield BridgeFound(link.name, link.index, "address", f"it has {address}")

    def _by_docker(self, links: Sequence[Link]) -> Iterator[BridgeFound]:
        if self._docker is None:
            return
        bridges = {link.name: link for link in links if link.kind == "bridge"}
        for network in self._docker.networks():
            if not _may_be(network, self._name, self.subnet):
                continue
            if bridge := bridges.get(network.device):
                because = f"it is the device of Docker's network {network.name}"
                yield BridgeFound(bridge.name, bridge.index, "docker", because, network.id)

    def _by_port(self, links: Sequence[Link]) -> Iterator[BridgeFound]:
        bridges = {link.index: link for link in links if link.kind == "bridge"}
        ports = {link.index: link for link in links if link.master in bridges and link.peer}
        if not ports:
            return
        told: set[int] = set()
        for space, inner in _interfaces_elsewhere():
            port = ports.get(inner.peer)
            address = self._address_of(inner)
            # Each end names the other's index, which is unique in a namespace only.
            if port is None or port.peer != inner.index or address is None or port.master in told:
                continue
            if port.elsewhere is None or port.elsewhere != self._netlink.number_of(space):
                continue
            told.add(port.master)
            bridge = bridges[port.master]
            because = f"its port {port.name} leads to {address}"
            yield BridgeFound(bridge.name, bridge.index, "port", because)

    def _by_own_address(self, links: Sequence[Link]) -> Iterator[BridgeFound]:
        for link in links:
            if address := self._address_of(link):
                because = f"it has {address}, but is no bridge: others' frames are not seen here"
                yield BridgeFound(link.name, link.index, "own-address", because)

    def _address_of(self, link: Link) -> str | None:
        for address in link.addresses:
            if address.ip in self.subnet:
                return str(address)
        return None


def find_bridge(
    subnet: IPNetwork,
    name: str = DOCKER_NETWORK,
    docker: Networks | None = None,
    *,
    netns: Path | None = None,
) -> BridgeFound:
    """The bridge of `subnet`, once.  Raises `CannotCapture`."""
    with BridgeFinder(subnet, name=name, docker=docker, netns=netns) as finder:
        return finder.find()


def _may_be(network: DockerNetwork, name: str, subnet: IPNetwork) -> bool:
    """Whether a network of Docker's is that of `subnet`: its own subnets say so before its name.

    A name counts only where nothing contradicts it: the network has no subnet
    of that IP version.  Else another network would be listened on, in silence.
    """
    same = [each for each in network.subnets if each.version == subnet.version]
    if not same:
        return network.name == name
    return any(map(subnet.overlaps, same))


def _interfaces_elsewhere() -> Iterator[tuple[Path, Link]]:
    """Those of every network namespace that a process is in, as far as one may look."""
    seen: set[int] = set()
    for process in _PROC.glob("[0-9]*"):
        namespace = process / "ns/net"
        try:
            inode = namespace.stat().st_ino
            if inode in seen:
                continue
            seen.add(inode)
            with Netlink(namespace) as netlink:
                links = netlink.links()
        except (OSError, CannotCapture):
            continue  # it has ended, or is not ours to look into
        for link in links:
            yield namespace, link
