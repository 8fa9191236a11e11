"""Frames put on the lab's wires, and frames taken out of batches."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterable
from ipaddress import ip_address
from pathlib import Path
from struct import unpack

from inspector.linux.namespaces import inside
from inspector.wire import Batch
from lab.network import NAMED, Host

AGENT, API_PROXY = "172.30.0.20", "172.30.0.30"
_AGENT_MAC = bytes.fromhex("0242ac1e0014")
#: The bridge floods it to all ports, and no host takes it for its own and answers.
_NOBODYS_MAC = bytes.fromhex("020000000099")


def namespace(host: Host) -> Path:
    return NAMED / host.namespace


def link(host: Host, interface: str = "eth0") -> socket.socket:
    """A socket that puts frames on a host's interface."""

    def opened() -> socket.socket:
        channel = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        channel.bind((interface, 0))
        return channel

    return inside(namespace(host), opened)


def frame(
    source: str, destination: str, payload: bytes = b"", *, tags: Iterable[int] = ()
) -> bytes:
    """A UDP datagram, as a frame with these VLAN tags that the agent may send.

    Its addresses may be anybody's: the bridge does not look at them.
    """
    one, other = ip_address(source), ip_address(destination)
    udp = b"\x13\x88\x13\x88" + (8 + len(payload)).to_bytes(2) + bytes(2) + payload
    if one.version == 4:
        kind = b"\x08\x00"
        header = b"\x45\0" + (20 + len(udp)).to_bytes(2) + b"\0\1\x40\0\x40\x11"
        # A bridge with br_netfilter drops what has a wrong one.
        header += _checksum(header + one.packed + other.packed)
    else:
        kind = b"\x86\xdd"
        header = b"\x60\0\0\0" + len(udp).to_bytes(2) + b"\x11\x40"
    stack = b"".join(b"\x81\0" + tag.to_bytes(2) for tag in tags)
    return _NOBODYS_MAC + _AGENT_MAC + stack + kind + header + one.packed + other.packed + udp


def _checksum(header: bytes) -> bytes:
    total: int = sum(unpack(f">{len(header) // 2}H", header))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return (~total & 0xFFFF).to_bytes(2)


def frames_of(batches: Iterable[Batch]) -> list[bytes]:
    """The captured bytes of every packet."""
    return [
        batch.data[start : start + captured]
        for batch in batches
        for _, start, captured, _ in batch.records
    ]


def bulk(source: Host, sink: Host, count: int) -> None:
    """`count` bytes over one TCP connection, from the first SYN to the last FIN."""
    server = inside(namespace(sink), lambda: socket.create_server((sink.address, 0)))

    def take() -> None:
        stream, _ = server.accept()
        with stream:
            while stream.recv(1 << 20):
                pass

    taker = threading.Thread(target=take)
    taker.start()
    with server, inside(namespace(source), _client) as client:
        client.connect(server.getsockname())
        client.sendall(bytes(count))
        client.shutdown(socket.SHUT_WR)
        while client.recv(1):
            pass
        taker.join()


def _client() -> socket.socket:
    client = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    client.settimeout(10)
    return client
