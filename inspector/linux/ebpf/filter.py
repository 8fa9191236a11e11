"""The socket filter: which frames a ring receives, and how many bytes of each.

Frames of the networks asked for are kept whole, with one exception: what TLS
has encrypted.  A connection is cut once its handshake is proven to be over (how
is told in filter.bpf.c); the hop that is plain HTTP never is, nor is plain HTTP
inside a CONNECT, nor what began before the capture.

What a cut takes away is not lost to the report: the kernel walks the TLS
records before it cuts, and the *number of payload bytes kept* says what the walk
found, `records of type 23 that ended here + 1`.  None at all says that the walk
was lost and nobody knows.  So file and report need nothing beside the packets;
the filter's `text`, which stands in the file's interface description, says that
the convention holds (`packets.COUNTED_CUTS`).

Measured: the walk agrees with `protocols.tls` record by record.
"""

from __future__ import annotations

import socket
from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network
from struct import Struct, pack
from typing import Final, Self, TypeAlias

from inspector.fact import Fact
from inspector.linux.ebpf.loader import BpfObject
from inspector.model.network import Endpoint
from inspector.wire import COUNTED_CUTS, EVERYTHING

Network: TypeAlias = IPv4Network | IPv6Network

#: Payload bytes of each direction that are kept behind the handshake.
AFTER_HANDSHAKE: Final = 4096

#: asm-generic/socket.h; Python's socket module does not name it.
_SO_ATTACH_BPF: Final = 50
_MAPPED: Final = bytes(10) + b"\xff\xff"
_YES: Final = b"\1"
_COUNTERS: Final = Struct("<7Q")
_KEY: Final = Struct("<16s16sHHIII")
_HALF: Final = Struct("<6QQ5I4B")
_FLOW: Final = Struct(f"<{_HALF.size}s{_HALF.size}s4I")
_FIN, _RST = 0x01, 0x04


class FilterStatistics(Fact):
    """Frames and bytes since the filter was loaded; `kept + dropped == seen`.

    `cut` counts frames among the kept that were shortened, `untracked` TCP
    frames kept whole because the table of flows was full.
    """

    seen: int
    seen_bytes: int
    kept: int
    kept_bytes: int
    cut: int
    dropped: int
    untracked: int


class FilteredHalf(Fact):
    """What one end of a flow sent: frames, their bytes, and TCP payload, kept or not.

    `records` counts TLS records of type 23 since the handshake's start, and is a
    lower bound where `exact` is false.
    """

    sender: Endpoint
    packets: int
    bytes: int
    kept_bytes: int
    payload: int
    cut: int
    records: int
    exact: bool


class Flow(Fact):
    """Two endpoints on one interface, over all connections between them.

    `vlan` holds the tags, 12 bits each, outermost first.
    """

    client: FilteredHalf
    server: FilteredHalf
    interface: int
    vlan: int
    connections: int
    ended: bool


class EbpfFilter:
    """A loaded filter; `fd` is its program, `text` what it keeps.

    It may be attached to several sockets of Ethernet interfaces.
    """

    def __init__(self, bpf: BpfObject, text: str) -> None:
        self._bpf = bpf
        self.text = text
        self.fd = bpf.program_fd("keep")
        self._counters = bpf.variables()
        self._flows = bpf.map("flows", _KEY.size, _FLOW.size)

    @classmethod
    def load(
        cls,
        networks: Sequence[Network] = (),
        tunnel_ports: Sequence[int] = (),
        snap: int = AFTER_HANDSHAKE,
        full: bool = False,
        *,
        ports: Sequence[int] = (),
        flows: int | None = None,
    ) -> Self:
        """Load the program.

        `networks` and `ports`: keep only what touches one of them (empty: all);
        frames that are no IP are always kept.  `tunnel_ports`: where a CONNECT
        is believed.  `snap`: bytes of each direction kept behind a TLS handshake;
        `full`: keep everything.  `flows`: places for flows; when there is none,
        a flow is kept whole.  Raises `BpfError`.
        """
        bpf = BpfObject("filter")
        try:
            bpf.configure(pack("<4I", full, snap, bool(networks), bool(ports)))
            if flows is not None:
                bpf.resize("flows", flows)
            bpf.load()
            table = bpf.map("networks", 20, 1)
            for network in networks:
                mapped = network.version == 4
                address = (_MAPPED if mapped else b"") + network.network_address.packed
                table[pack("<I", network.prefixlen + (96 if mapped else 0)) + address] = _YES
            for name, numbers in (("ports", ports), ("tunnel_ports", tunnel_ports)):
                table = bpf.map(name, 2, 1)
                for number in numbers:
                    table[pack("<H", number)] = _YES
            return cls(bpf, _text(networks, ports, full))
        except BaseException:
            bpf.close()
            raise

    def attach(self, to: socket.socket) -> None:
        """Put it in the place of the socket's present filter, in one step."""
        to.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_BPF, pack("=i", self.fd))

    def statistics(self) -> FilterStatistics:
        """Totals so far; needs no privilege."""
        return FilterStatistics(*_COUNTERS.unpack_from(self._counters))

    def flows(self) -> list[Flow]:
        """Every TCP flow so far.  Without privilege needs Linux 5.19; else an `OSError`."""
        return [_flow(key, value) for key, value in self._flows.items()]

    def close(self) -> None:
        """Unload it; sockets that it is attached to keep it.  Idempotent."""
        self._counters.close()
        self._bpf.close()


def _text(networks: Sequence[Network], ports: Sequence[int], full: bool) -> str:
    parts = [" or ".join(f"net {network}" for network in networks)]
    parts.append(" or ".join(f"port {port}" for port in ports))
    kept = " and ".join(f"({part})" for part in parts) if all(parts) else "".join(parts)
    return (kept or EVERYTHING) + ("" if full else COUNTED_CUTS)


def _flow(key: bytes, value: bytes) -> Flow:
    a, b, a_port, b_port, interface, vlan, _ = _KEY.unpack(key)
    from_a, from_b, _, client, flags, opened = _FLOW.unpack(value)
    one, other = _direction(a, a_port, from_a), _direction(b, b_port, from_b)
    if client:
        one, other = other, one
    return Flow(one, other, interface, vlan, opened, bool(flags & (_FIN | _RST)))


def _direction(address: bytes, port: int, half: bytes) -> FilteredHalf:
    packets, size, kept, payload, cut, records, *rest = _HALF.unpack(half)
    mapped = address.startswith(_MAPPED)
    family = socket.AF_INET if mapped else socket.AF_INET6
    ip = socket.inet_ntop(family, address[12:] if mapped else address)
    return FilteredHalf(
        Endpoint(ip, port), packets, size, kept, payload, cut, records, exact=not rest[-1]
    )
