"""A packet socket and its interface, as the kernel is asked of them (packet(7), netdevice(7)).

Each refusal is told with what can be done about it; `ring` reads what such a socket receives.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import socket
from pathlib import Path
from struct import pack, unpack, unpack_from
from typing import Final

from inspector.errors import CannotCapture
from inspector.fact import Fact
from inspector.linux.filters import NOTHING, SocketFilter
from inspector.linux.namespaces import inside

# linux/if_packet.h, if_ether.h, if_arp.h, sockios.h, if.h
_SOL_PACKET: Final = 263
_PACKET_ADD_MEMBERSHIP: Final = 1
_PACKET_RX_RING: Final = 5
_PACKET_STATISTICS: Final = 6
_PACKET_VERSION: Final = 10
_PACKET_IGNORE_OUTGOING: Final = 23
_TPACKET_V3: Final = 2
_PACKET_MR_PROMISC: Final = 1
_ETH_P_ALL: Final = 0x0003
#: IEEE 802 local experimental ethertype 1: to be bound to it is to receive nothing.
_ETH_P_NOBODYS: Final = 0x88B5
_SIOCGIFNAME: Final = 0x8910
_SIOCGIFFLAGS: Final = 0x8913
_SIOCGIFHWADDR: Final = 0x8927
_SIOCGIFINDEX: Final = 0x8933
_IFF_UP: Final = 0x1
_IFF_LOOPBACK: Final = 0x8
_LONGEST_NAME: Final = 15

ETHERNET: Final = 1
#: ARPHRD_* of an interface -> LINKTYPE_* of its frames.
LINK_TYPES: Final[dict[int, int]] = {
    1: ETHERNET,
    772: ETHERNET,  # loopback has Ethernet headers, of zeros
    65534: 101,  # tun, WireGuard: bare IP
    519: 101,  # rawip
    768: 101,  # IPv4 in IPv4
    769: 101,  # IPv6 in IPv6
}


class NoSuchInterface(CannotCapture):
    """It is not there; it may come."""


class Hardware(Fact):
    """An interface as it is now: its index, its LINKTYPE_*, whether it is up, and a loopback."""

    index: int
    link_type: int
    is_up: bool
    is_loopback: bool


class PacketSocket:
    """Receives nothing until `listen`; needs no privilege from `open` on."""

    def __init__(self, channel: socket.socket) -> None:
        self._channel = channel

    @classmethod
    def open(cls, netns: Path | None) -> PacketSocket:
        """One in the network namespace of this file.  Raises `CannotCapture`."""
        return cls(inside(netns, _made))

    def fileno(self) -> int:
        """Of the socket: to map its ring, and to poll."""
        return self._channel.fileno()

    def give_ring(self, block_size: int, blocks: int, flush_ms: int) -> None:
        """A ring of TPACKET_V3, whose blocks are handed over after so many milliseconds."""
        self._set(_PACKET_VERSION, pack("=i", _TPACKET_V3), "TPACKET_V3")
        # struct tpacket_req3; a frame's slot has no size of its own in version 3.
        request = (block_size, blocks, block_size, blocks, flush_ms, 0, 0)
        self._set(_PACKET_RX_RING, pack("=7I", *request), "a ring of that size")

    def attach(self, filter: SocketFilter) -> None:
        """Only what a filter lets through."""
        try:
            filter.attach(self._channel)
        except OSError as error:
            raise CannotCapture(
                f"The kernel refuses the filter ({filter.text}): {error.strerror}",
                "Capture without a filter, or with another",
            ) from error

    def listen(self, interface: str, hardware: Hardware) -> None:
        """Receive from this interface, promiscuously; of a loopback what comes in alone.

        Raises `CannotCapture`.
        """
        self._set(_PACKET_IGNORE_OUTGOING, pack("=i", hardware.is_loopback), "its direction")
        membership = pack("=iHH8x", hardware.index, _PACKET_MR_PROMISC, 0)
        self._set(_PACKET_ADD_MEMBERSHIP, membership, f"{interface} promiscuous")
        # What there was before it is told of one that was removed.
        self.take_error()
        try:
            self._channel.bind((interface, _ETH_P_ALL))
        except OSError as error:
            raise CannotCapture(
                f"{interface} cannot be captured: {error.strerror}",
                "See with `ip link` whether it is still there",
            ) from error

    def hush(self, interface: str | None) -> None:
        """Receive nothing more, from this interface or from any."""
        NOTHING.attach(self._channel)
        # The kernel waits in `bind` until no CPU is in the old filter any more.
        if interface is not None:
            with contextlib.suppress(OSError):  # it is gone: nothing comes from it
                self._channel.bind((interface, _ETH_P_NOBODYS))

    def take_error(self) -> int:
        """The pending error, which is then no more: ENETDOWN of an interface that went down."""
        return self._channel.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)

    def counted(self) -> tuple[int, int, int]:
        """Received, dropped and freezes since the last call: struct tpacket_stats_v3."""
        answer = self._channel.getsockopt(_SOL_PACKET, _PACKET_STATISTICS, 12)
        received, dropped, freezes = unpack("=III", answer)
        return received, dropped, freezes

    def describe(self, interface: str) -> Hardware:
        """An interface of the socket's own namespace.

        Raises `NoSuchInterface`, and `CannotCapture` where its frames are not captured here or no
        interface can have that name.
        """
        index, hardware, flags = self._asked(interface)
        link_type = LINK_TYPES.get(hardware)
        if link_type is None:
            raise CannotCapture(
                f"{interface} has a link layer that is not captured here (ARPHRD {hardware})",
                "Capture it with tcpdump and pipe that into `inspector analyze -`",
            )
        return Hardware(index, link_type, bool(flags & _IFF_UP), bool(flags & _IFF_LOOPBACK))

    def is_up(self, interface: str, index: int) -> bool | None:
        """Whether an interface that was there is up; None: it was removed."""
        try:
            fcntl.ioctl(self._channel, _SIOCGIFNAME, pack("=16si20x", b"", index))
            # By name: another interface that has taken it has another index.
            now, _, flags = self._asked(interface)
        except (OSError, CannotCapture):
            return None
        return now == index and bool(flags & _IFF_UP)

    def close(self) -> None:
        """Idempotent."""
        self._channel.close()

    def _set(self, option: int, value: bytes, what: str) -> None:
        try:
            self._channel.setsockopt(_SOL_PACKET, option, value)
        except OSError as error:
            small = error.errno == errno.ENOMEM
            raise CannotCapture(
                f"The kernel refuses {what}: {error.strerror}",
                "Use a smaller ring" if small else "It needs Linux 4.20 or newer",
            ) from error

    def _asked(self, interface: str) -> tuple[int, int, int]:
        """Index, ARPHRD type and flags."""
        name = interface.encode()
        if interface == "any":
            raise CannotCapture(
                "`any` shows each frame on a bridge twice", "Name the bridge itself with -i"
            )
        missing = NoSuchInterface(
            f"There is no interface {interface!r} here",
            "`ip link` lists them; --netns looks into another namespace",
        )
        if not 0 < len(name) <= _LONGEST_NAME or b"\0" in name:
            # It cannot come, either.
            raise CannotCapture(missing.culprit, f"A name has 1 to {_LONGEST_NAME} bytes")
        try:
            request = pack("=16s24x", name)
            (index,) = unpack_from("=i", fcntl.ioctl(self._channel, _SIOCGIFINDEX, request), 16)
            (hardware,) = unpack_from("=H", fcntl.ioctl(self._channel, _SIOCGIFHWADDR, request), 16)
            (flags,) = unpack_from("=H", fcntl.ioctl(self._channel, _SIOCGIFFLAGS, request), 16)
        except OSError as error:
            raise missing from error
        return index, hardware, flags


def _made() -> socket.socket:
    try:
        return socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    except PermissionError as error:
        raise CannotCapture(
            "Capturing needs the capability CAP_NET_RAW",
            "Run it with sudo",
            "This says nothing about the interface",
        ) from error
    except OSError as error:
        raise CannotCapture(
            f"The kernel gives no packet socket: {error.strerror}",
            "It needs CONFIG_PACKET (the module af_packet)",
        ) from error
