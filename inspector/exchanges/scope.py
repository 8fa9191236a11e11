"""What a report on one subnet leaves out: connections that it does not touch."""

from __future__ import annotations

from typing import Final

from inspector.exchanges.topology import Roles
from inspector.fact import replace
from inspector.model.capture import Completeness

#: First bytes of packed addresses that stay on their host: 127.0.0.0/8, ::1.
_LOOPBACK: Final = (b"\x7f", bytes(15) + b"\x01")


class LeftOut:
    """Counts connections of other networks that carried data.

    The host's own traffic is among them in a capture of all its interfaces, so they prove
    nothing.  Those at ports of the firewall's proxies may be of a second network that it has.
    """

    __slots__ = ("_connections", "_ports", "_proxies")

    def __init__(self, roles: Roles) -> None:
        self._ports = frozenset(roles.ports) | roles.proxy_ports
        self._connections = 0
        self._proxies = 0

    def note(self, source: bytes, destination: bytes, sport: int, dport: int) -> None:
        """A connection between these ends carried data, and is not of the subnet."""
        self._connections += 1
        here = source.startswith(_LOOPBACK) or destination.startswith(_LOOPBACK)
        self._proxies += not here and (sport in self._ports or dport in self._ports)

    def told(self, held: Completeness) -> Completeness:
        """A completeness that counts them."""
        return replace(held, out_of_scope=self._connections, out_of_scope_proxies=self._proxies)
