"""Whether a process is on the bridge: by what the kernel says, never by what anybody tells.

A network namespace is on the bridge when one of the bridge's ports is the near end of a wire (veth)
whose far end is in it.  Which bridges count is told by name, or else by subnets: then the
namespace must have an address of one of them, too.  The namespace in which the bridge is itself is
not on it: there runs whatever the machine runs.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address
from pathlib import Path
from typing import Final, TypeAlias

from inspector.errors import CannotCapture
from inspector.linux.netlink import Netlink
from inspector.regex import regex

IPNetwork: TypeAlias = IPv4Network | IPv6Network

#: Bytes of a namespace's table of addresses that are read.
TABLE_LIMIT: Final = 1 << 20
#: An address of its own in /proc/PID/net/fib_trie: `|-- 172.30.0.20` and then `/32 host LOCAL`.
_LOCAL: Final = regex(rb"\|-- ([0-9.]{7,15})\n\s+/32 host LOCAL")
_IPV6: Final = regex(rb"^([0-9a-f]{32}) ", re.MULTILINE)


class Neighbours:
    """Answers for one machine's bridges; opened with privilege, it needs none afterwards.

    `names`: bridges that count, whatever their subnet; else those of `subnets`, none for all.
    """

    def __init__(
        self,
        *,
        names: tuple[str, ...] = (),
        subnets: Sequence[IPNetwork] = (),
        netns: Path | None = None,
    ) -> None:
        self._netlink = Netlink(netns)
        self._names = frozenset(names)
        self._subnets = () if names else tuple(subnets)

    @property
    def own(self) -> int:
        """The cookie of the bridges' own namespace."""
        return self._netlink.cookie

    def fileno(self) -> int:
        return self._netlink.fileno()

    def holds(self, process: int, namespace: int) -> bool:
        """Whether a process is on a bridge.

        `process` is its directory in /proc, `namespace` its ns/net, both open: so they are of one
        process, though its number may belong to another by now.
        """
        number = self._netlink.number_of(Path(f"/proc/self/fd/{namespace}"))
        if number is None:
            return False
        try:
            links = self._netlink.links()
        except CannotCapture:
            return False
        bridges = {
            link.index
            for link in links
            if link.kind == "bridge" and (not self._names or link.name in self._names)
        }
        if not any(link.master in bridges and link.elsewhere == number for link in links):
            return False
        return not self._subnets or any(
            address in subnet for address in _addresses(process) for subnet in self._subnets
        )

    def close(self) -> None:
        self._netlink.close()


def _addresses(process: int) -> Iterator[IPv4Network | IPv6Network | object]:
    for found in _LOCAL.findall(_table(process, "net/fib_trie")):
        yield ip_address(found.decode())
    for found in _IPV6.findall(_table(process, "net/if_inet6")):
        yield IPv6Address(bytes.fromhex(found.decode()))


def _table(process: int, name: str) -> bytes:
    try:
        descriptor = os.open(name, os.O_RDONLY | os.O_CLOEXEC, dir_fd=process)
    except OSError:
        return b""
    with os.fdopen(descriptor, "rb") as file:
        return file.read(TABLE_LIMIT)
