"""What attribution.bpf.c writes, as Python values.

The layouts follow its structs: little-endian, and padded as the compiler pads.
"""

from __future__ import annotations

from socket import AF_INET, AF_INET6, inet_ntop
from struct import Struct
from typing import Final

from inspector.fact import Fact
from inspector.model.network import Endpoint

#: kind, netns, time, cookie, family, both ports, both states, both addresses
_SOCKET: Final = Struct("<IIQQHHHBB16s16s")
#: pid, length of the path, cgroup, comm, two group names, path
_PROCESS: Final = Struct("<IIQ16s128s128s384s")
_HEADER: Final = Struct("<I4xQQ")

SOCKET_KIND: Final = 1
PROCESS_KIND: Final = 2
EXISTING_SIZE: Final = _SOCKET.size + _PROCESS.size

#: TCP states, include/net/tcp_states.h.
ESTABLISHED: Final = 1
SYN_SENT: Final = 2
SYN_RECV: Final = 3
CLOSE: Final = 7
LISTEN: Final = 10

_MAPPED: Final = bytes(10) + b"\xff\xff"


class SocketEvent(Fact):
    """A socket that went from one TCP state to another; `at` is CLOCK_MONOTONIC."""

    cookie: int
    at: int
    netns: int
    local: Endpoint
    remote: Endpoint
    before: int
    after: int


class Holder(Fact):
    """A process as the kernel saw it; `groups` are the names of its control groups."""

    pid: int
    comm: str
    exe: str | None
    cgroup: int
    groups: tuple[str, ...]


class ProcessEvent(Fact):
    """The process whose call a socket belongs to."""

    cookie: int
    at: int
    holder: Holder


def read_event(data: bytes) -> SocketEvent | ProcessEvent:
    """One event of the ring buffer."""
    kind, at, cookie = _HEADER.unpack_from(data)
    if kind == SOCKET_KIND:
        return _socket(data, 0)
    return ProcessEvent(cookie, at, _holder(data, _HEADER.size))


def read_existing(data: bytes) -> list[tuple[SocketEvent, Holder]]:
    """What the iterator wrote: sockets that were open, each with a process that holds it."""
    return [
        (_socket(data, at), _holder(data, at + _SOCKET.size))
        for at in range(0, len(data) - EXISTING_SIZE + 1, EXISTING_SIZE)
    ]


def _socket(data: bytes, offset: int) -> SocketEvent:
    _, netns, at, cookie, family, lport, rport, before, after, local, remote = _SOCKET.unpack_from(
        data, offset
    )
    return SocketEvent(
        cookie,
        at,
        netns,
        Endpoint(_address(family, local), lport),
        Endpoint(_address(family, remote), rport),
        before,
        after,
    )


def _address(family: int, value: bytes) -> str:
    """As packets have it: a socket of both families speaks IPv4 under a mapped address."""
    if family == AF_INET6 and not value.startswith(_MAPPED):
        return inet_ntop(AF_INET6, value)
    return inet_ntop(AF_INET, value[12:] if family == AF_INET6 else value[:4])


def _holder(data: bytes, offset: int) -> Holder:
    pid, length, cgroup, comm, unified, first, path = _PROCESS.unpack_from(data, offset)
    parts = path[: max(0, min(length, len(path)) - 1)].split(b"\0")
    exe = "/" + b"/".join(reversed(parts)).decode("utf-8", "replace") if length else None
    return Holder(pid, _text(comm), exe, cgroup, (_text(unified), _text(first)))


def _text(value: bytes) -> str:
    return value.split(b"\0", 1)[0].decode("utf-8", "replace")
