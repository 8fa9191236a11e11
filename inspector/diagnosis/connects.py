"""What was asked of proxies by CONNECT: by whom, what for, and what became of it.

One pass over the tunnels.  Whose a tunnel is (`busy`: calls that went well use it) is decided
before, by the chains.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Callable, Collection
from typing import Final

from inspector.diagnosis.index import Index
from inspector.model.ids import number_of, tunnel_id
from inspector.model.network import Decryption, Tunnel
from inspector.model.topology import Topology

#: So many CONNECTs are compared for a call of which it is not known which is its own.
ALIKE_LIMIT: Final = 64


class Connects:
    """The tunnels of one capture, and those that were refused."""

    def __init__(self, tunnels: Index[Tunnel], topology: Topology) -> None:
        self._tunnels = tunnels
        self._api_proxies = frozenset(topology.api_proxy)
        self._proxies = self._api_proxies | frozenset(topology.forward_proxy)
        self.established = 0
        self.proxy_established = 0
        #: CONNECTs that asked an API proxy for a tunnel, by their connection.
        self.misled: dict[str, Tunnel] = {}
        #: Established tunnels that carry no call which succeeded or may have.
        self.idle: array[int] = array("q")
        #: Those of them that others than the API proxy opened for TLS: no packet that lacks
        #: can make them a call's.
        self.idle_of_others = 0
        #: Tunnels with TLS that others than the API proxy opened: without keys, read in part, and
        #: read whole.
        self.sealed_of_others = self.read_in_part_of_others = self.read_of_others = 0
        #: Tunnels that a forward proxy refused, in their order.
        self.refused: array[int] = array("q")
        #: Those of them that were for the API proxy: calls that never were made.
        self.barred: array[int] = array("q")
        #: Destinations that forward proxies let through, and for whom.
        self.let_through: dict[tuple[str, int | None], set[str]] = {}
        #: What each API proxy asked forward proxies for, as (time, number of the tunnel).
        self._asked: dict[str, list[tuple[int, int]]] = {}

    def survey(self, busy: Collection[int]) -> None:
        """Take all tunnels; `busy` are the numbers of those that carried a call which went well."""
        for tunnel in self._tunnels:
            number, client = number_of(tunnel.id), tunnel.client.ip
            is_proxys = client in self._api_proxies
            if tunnel.refusal is not None:
                self.refused.append(number)
            if self.is_barred(tunnel):
                self.barred.append(number)
            if tunnel.proxy.ip in self._api_proxies and not is_proxys:
                self.misled[tunnel.connection] = tunnel
            if is_proxys:
                self._asked.setdefault(client, []).append((tunnel.opened_at, number))
            if is_let_through(tunnel):
                self.let_through.setdefault((tunnel.host, tunnel.port), set()).add(client)
            if tunnel.established:
                self.established += 1
                self.proxy_established += is_proxys
                if not is_proxys and tunnel.tls is not None:
                    self._note_read(tunnel.decryption)
                if number not in busy:
                    self.idle.append(number)
                    self.idle_of_others += not is_proxys and tunnel.tls is not None

    def _note_read(self, decryption: Decryption | None) -> None:
        if decryption is None or decryption.state == "no-keys":
            self.sealed_of_others += 1
        elif decryption.state == "decrypted":
            self.read_of_others += 1
        else:
            self.read_in_part_of_others += 1

    def is_barred(self, tunnel: Tunnel) -> bool:
        """Whether a forward proxy refused a client's CONNECT for the API proxy.

        Clients that ignore NO_PROXY for bare addresses make their calls so (undici behind a
        ProxyAgent); Squid lets few ports through, and finds nobody where the API proxy is gone.
        """
        if tunnel.refusal is None or tunnel.client.ip in self._proxies:
            return False
        return self.is_for_api_proxy(tunnel)

    def is_for_api_proxy(self, tunnel: Tunnel) -> bool:
        """Whether a CONNECT names an API proxy."""
        return tunnel.host in self._api_proxies

    def last_refused(
        self, is_host: Callable[[str], bool], before: int | None = None
    ) -> Tunnel | None:
        """The last tunnel to such a host that a forward proxy refused.

        `before`: only tunnels whose CONNECT came before that packet.
        """
        for number in reversed(self.refused):
            tunnel = self._tunnels.get(tunnel_id(number))
            if tunnel is None or (before is not None and tunnel.packet > before):
                continue
            if is_host(tunnel.host):
                return tunnel
        return None

    def asked_between(self, proxy: str, begin: int, end: int | None) -> tuple[Tunnel, ...]:
        """What an API proxy asked for by CONNECT from `begin` to `end` (ns); none if too many."""
        asked = self._asked.get(proxy, [])
        first = bisect_left(asked, (begin, 0))
        last = len(asked) if end is None else bisect_left(asked, (end + 1, 0))
        if last > first + ALIKE_LIMIT:
            return ()
        found = (self._tunnels.get(tunnel_id(number)) for _, number in asked[first:last])
        return tuple(tunnel for tunnel in found if tunnel is not None)


def is_let_through(tunnel: Tunnel) -> bool:
    """Whether a forward proxy made a tunnel; behind a 200 that is all there is, not known.

    A Squid that peeks says 200 before it decides, and then closes without a byte.
    """
    if not tunnel.established or tunnel.refusal is not None or tunnel.authority is None:
        return False
    return bool(tunnel.bytes_down) or not (
        tunnel.bytes_up and tunnel.closed_by in ("server", "reset-by-server")
    )
