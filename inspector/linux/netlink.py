"""Interfaces, their addresses and their changes, asked of the kernel over rtnetlink.

A few questions in two hundred lines: pyroute2 answers thousands, and importing
it takes longer than all that is done here.  Needs no privilege; a socket stays
in the network namespace it was opened in.

Source: rtnetlink(7); Linux, include/uapi/linux/{netlink,rtnetlink,if_link,if_addr}.h.
"""

from __future__ import annotations

import errno
import os
import socket
import sys
from collections.abc import Iterator
from ipaddress import IPv4Interface, IPv6Interface, ip_interface
from pathlib import Path
from struct import Struct
from typing import Final, Self, TypeAlias

from inspector.errors import CannotCapture
from inspector.fact import Fact, field
from inspector.linux.namespaces import inside

IPInterface: TypeAlias = IPv4Interface | IPv6Interface

_MESSAGE: Final = Struct("=IHHII")
_ATTRIBUTE: Final = Struct("=HH")
_LINK: Final = Struct("=BxHiII")
_ADDRESS: Final = Struct("=BBBBI")
_NUMBER: Final = Struct("=i")

_ERROR: Final = 2
_DONE: Final = 3
_NEW_LINK: Final = 16
_GET_LINK: Final = 18
_NEW_ADDRESS: Final = 20
_GET_ADDRESS: Final = 22
_GET_NAMESPACE: Final = 90
_REQUEST: Final = 0x001
_DUMP: Final = 0x300
_INTERRUPTED: Final = 0x10
#: Groups of changes: links, IPv4 addresses, IPv6 addresses.
_CHANGES: Final = 0x1 | 0x10 | 0x100

_IFLA_IFNAME: Final = 3
_IFLA_LINK: Final = 5
_IFLA_MASTER: Final = 10
_IFLA_LINKINFO: Final = 18
_IFLA_INFO_KIND: Final = 1
_IFLA_LINK_NETNSID: Final = 37
_IFA_ADDRESS: Final = 1
_IFA_LOCAL: Final = 2
_NETNSA_NSID: Final = 1
_NETNSA_FD: Final = 3
#: struct rtgenmsg, padded.
_FAMILY_BYTES: Final = 4
_NESTED: Final = 0x8000

#: asm-generic/socket.h; Python's socket module does not name it.
_SO_NETNS_COOKIE: Final = 71

_LARGEST: Final = 1 << 18
_TRIES: Final = 5
_SECONDS: Final = 2.0


class Link(Fact):
    """An interface.

    `kind` is "bridge", "veth"… or empty for hardware; `master` is the index of
    the bridge it is a port of, `peer` the index of a veth's other end, 0 for
    none.  That is in the namespace `elsewhere` (this namespace's number for
    that one), or in this one if None.
    """

    index: int
    name: str
    kind: str
    master: int
    peer: int
    elsewhere: int | None
    addresses: tuple[IPInterface, ...] = field(default=())


class Netlink:
    """Answers about one network namespace, also after privilege is given up."""

    def __init__(self, netns: Path | None = None) -> None:
        self._socket = inside(netns, _open)
        self._socket.settimeout(_SECONDS)
        self._sequence = 0

    def links(self) -> list[Link]:
        """All interfaces with their addresses.  Raises `CannotCapture`."""
        addresses: dict[int, list[IPInterface]] = {}
        for body in self._dump(_GET_ADDRESS, _NEW_ADDRESS, _ADDRESS.pack(0, 0, 0, 0, 0)):
            _, prefix, _, _, index = _ADDRESS.unpack_from(body)
            found = dict(_attributes(body, _ADDRESS.size))
            # On a point-to-point link IFA_ADDRESS is the other end's.
            packed = found.get(_IFA_LOCAL, found.get(_IFA_ADDRESS))
            if packed is not None:
                addresses.setdefault(index, []).append(ip_interface((packed, prefix)))
        return [
            _link(body, addresses)
            for body in self._dump(_GET_LINK, _NEW_LINK, _LINK.pack(0, 0, 0, 0, 0))
        ]

    def number_of(self, namespace: Path) -> int | None:
        """This namespace's number for another one; None when it has none, or it is gone."""
        try:
            with namespace.open("rb") as file:
                told = _NUMBER.pack(file.fileno())
                attribute = _ATTRIBUTE.pack(_ATTRIBUTE.size + len(told), _NETNSA_FD) + told
                answers = self._ask(_GET_NAMESPACE, bytes(_FAMILY_BYTES) + attribute)
        except OSError:
            return None
        number: int = _NUMBER.unpack(dict(_attributes(answers, _FAMILY_BYTES))[_NETNSA_NSID])[0]
        return None if number < 0 else number

    @property
    def cookie(self) -> int:
        """The kernel's name for this namespace, never used again; 0 before Linux 5.14."""
        try:
            told = self._socket.getsockopt(socket.SOL_SOCKET, _SO_NETNS_COOKIE, 8)
        except OSError:
            return 0
        return int.from_bytes(told, sys.byteorder)

    def fileno(self) -> int:
        return self._socket.fileno()

    def close(self) -> None:
        self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _dump(self, ask: int, answer: int, body: bytes) -> list[bytes]:
        """All answers to one question, asked again when the kernel says that it changed."""
        try:
            for _ in range(_TRIES):
                found = self._dump_once(ask, answer, body)
                if found is not None:
                    return found
        except OSError as error:
            raise CannotCapture(
                f"The kernel does not tell its interfaces: {error.strerror or error}",
                "Name the interface with -i",
            ) from error
        raise CannotCapture(
            "The interfaces change faster than they can be listed", "Name the interface with -i"
        )

    def _ask(self, ask: int, body: bytes) -> bytes:
        """The one answer to a question.  Raises OSError."""
        self._send(ask, _REQUEST, body)
        while True:
            for kind, _, sequence, content in _messages(self._socket.recv(_LARGEST)):
                if sequence != self._sequence:
                    continue
                _raise_error(kind, content)
                return content

    def _send(self, ask: int, flags: int, body: bytes) -> None:
        self._sequence += 1
        length = _MESSAGE.size + len(body)
        self._socket.send(_MESSAGE.pack(length, ask, flags, self._sequence, 0) + body)

    def _dump_once(self, ask: int, answer: int, body: bytes) -> list[bytes] | None:
        self._send(ask, _REQUEST | _DUMP, body)
        found: list[bytes] = []
        whole = True
        while True:
            for kind, flags, sequence, content in _messages(self._socket.recv(_LARGEST)):
                if sequence != self._sequence:
                    continue  # the rest of an answer that was given up
                whole = whole and not flags & _INTERRUPTED
                if kind == _DONE:
                    return found if whole else None
                _raise_error(kind, content)
                if kind == answer:
                    found.append(content)


class Changes:
    """Becomes readable when an interface or an address came, went or changed."""

    def __init__(self, netns: Path | None = None) -> None:
        self._socket = inside(netns, lambda: _open(_CHANGES))
        self._socket.setblocking(False)

    def fileno(self) -> int:
        return self._socket.fileno()

    def clear(self) -> bool:
        """Discard pending notifications; return whether there were any.

        The caller has to query the state again.
        """
        told = False
        while True:
            try:
                self._socket.recv(_LARGEST)
            except BlockingIOError:
                return told
            except OSError as error:
                if error.errno != errno.ENOBUFS:  # more than fitted: something changed
                    raise
            told = True

    def close(self) -> None:
        self._socket.close()


def _open(groups: int = 0) -> socket.socket:
    channel = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
    channel.bind((0, groups))
    return channel


def _raise_error(kind: int, content: bytes) -> None:
    if kind == _ERROR:
        number = -_NUMBER.unpack_from(content)[0]
        raise OSError(number, os.strerror(number))


def _messages(data: bytes) -> Iterator[tuple[int, int, int, bytes]]:
    at = 0
    while at + _MESSAGE.size <= len(data):
        length, kind, flags, sequence, _ = _MESSAGE.unpack_from(data, at)
        if length < _MESSAGE.size:
            return
        yield kind, flags, sequence, data[at + _MESSAGE.size : at + length]
        at += (length + 3) & ~3


def _attributes(data: bytes, at: int) -> Iterator[tuple[int, bytes]]:
    while at + _ATTRIBUTE.size <= len(data):
        length, kind = _ATTRIBUTE.unpack_from(data, at)
        if length < _ATTRIBUTE.size:
            return
        yield kind & ~_NESTED, data[at + _ATTRIBUTE.size : at + length]
        at += (length + 3) & ~3


def _link(body: bytes, addresses: dict[int, list[IPInterface]]) -> Link:
    index = _LINK.unpack_from(body)[2]
    found = dict(_attributes(body, _LINK.size))
    about = dict(_attributes(found.get(_IFLA_LINKINFO, b""), 0))

    def number(attribute: int) -> int:
        value = found.get(attribute)
        return 0 if value is None else int(_NUMBER.unpack(value)[0])

    return Link(
        index=index,
        name=found.get(_IFLA_IFNAME, b"").rstrip(b"\0").decode(errors="replace"),
        kind=about.get(_IFLA_INFO_KIND, b"").rstrip(b"\0").decode(errors="replace"),
        master=number(_IFLA_MASTER),
        peer=number(_IFLA_LINK),
        elsewhere=number(_IFLA_LINK_NETNSID) if _IFLA_LINK_NETNSID in found else None,
        addresses=tuple(addresses.get(index, ())),
    )
