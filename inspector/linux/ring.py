"""A ring of live frames: AF_PACKET with TPACKET_V3, read block by block.

::

    with Ring.open("fw-bridge", filter=ClassicFilter.for_subnets(networks)) as ring:
        poll.register(ring, POLLIN)
        for batch in ring.read(): inspector.feed(batch)
        for batch in ring.drain(): inspector.feed(batch)

What makes it true:

* The socket is made with protocol 0, which receives nothing; then come ring and
  filter; `bind` starts it.  So no frame is in the ring that the filter did not
  judge, and when `open` returns the capture runs.
* A bridge passes frames between two of its ports to a listener only when it is
  promiscuous; then each once.  A loopback device shows each frame twice, going
  out and coming in: there outgoing ones are ignored.
* A frame is a GSO superframe as often as not: a block holds the largest whole (64 KiB;
  longer ones, which an administrator may allow, are cut at the block and say so).
* A block is handed over when its time is up, however little is in it: a ring of few
  large blocks is one of time.  Of many small ones it is one of bytes, and lasts for
  `BLOCKS * FLUSH_MS` at the least, whoever keeps the reader from its work.
* The kernel counts: `received` frames passed the filter, `dropped` of them found
  no room.  What `read` has given plus what was dropped is what was received,
  exactly, once the ring is drained.
* `bind` needs no privilege: a ring that was opened while there was some goes on
  to an interface that comes (again) later.

Source: packet(7); Linux, net/packet/af_packet.c.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import mmap
import select
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from struct import pack, unpack, unpack_from
from types import TracebackType
from typing import Final, Literal, Self, TypeAlias

from inspector.errors import CannotCapture
from inspector.fact import Fact
from inspector.linux import tpacket
from inspector.linux.filters import NOTHING, SocketFilter
from inspector.linux.namespaces import inside
from inspector.wire import COUNTED_CUTS, Batch

#: "waiting": for an interface; "down": it is, and may come up again; "gone": it was removed.
State: TypeAlias = Literal["waiting", "running", "down", "gone", "stopped"]

#: 64 MiB; at least 12.8 s.  Three superframes a block: a smaller one wastes more of itself.
BLOCK_SIZE: Final = 1 << 18
BLOCKS: Final = 256
#: A block that is not full is handed over after so many milliseconds.
FLUSH_MS: Final = 50
#: `read` copies at most so much at a time: the ring is level-triggered, the rest follows.
_AT_ONCE: Final = 8 << 20
#: Blocks that are ready become one batch of so many bytes: a batch costs something of its own.
_TOGETHER: Final = 1 << 20
#: How long `drain` waits for the kernel to hand over one more block; a slow reader is not waiting.
_DRAIN_SECONDS: Final = 2.0

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

_ETHERNET: Final = 1
#: ARPHRD_* of an interface -> LINKTYPE_* of its frames.
LINK_TYPES: Final[dict[int, int]] = {
    1: _ETHERNET,
    772: _ETHERNET,  # loopback has Ethernet headers, of zeros
    65534: 101,  # tun, WireGuard: bare IP
    519: 101,  # rawip
    768: 101,  # IPv4 in IPv4
    769: 101,  # IPv6 in IPv6
}


class NoSuchInterface(CannotCapture):
    """It is not there; it may come."""


class RingStatistics(Fact):
    """Since `open`, as the kernel counts.

    `received` frames passed the filter, those `dropped` for want of room
    included (libpcap's ps_recv and ps_drop); `freezes` counts how often the
    ring ran full.
    """

    received: int = 0
    dropped: int = 0
    freezes: int = 0


class Ring:
    """Frames of one interface, as `Batch`es for the offline engine.

    Packet references count from 1 in file 0.  Made by `open`.
    """

    def __init__(
        self,
        channel: socket.socket,
        filter: SocketFilter | None,
        block_size: int,
        blocks: int,
    ) -> None:
        self.interface: str | None = None
        self.index = 0
        self.link_type = _ETHERNET
        self.filter = filter
        self._counted_cuts = filter is not None and filter.text.endswith(COUNTED_CUTS)
        self.state: State = "waiting"
        #: How often its interface went down.
        self.downs = 0
        #: Whether it was up when it was bound to, and the packets delivered until then.
        self._was_up, self._before = False, 0
        #: Frames that `read` has given.
        self.delivered = 0
        self._socket = channel
        self._block_size = block_size
        self._ring = mmap.mmap(channel.fileno(), block_size * blocks)
        self._view = memoryview(self._ring)
        self._starts = [number * block_size for number in range(blocks)]
        self._next = 0
        self._statistics = RingStatistics()

    @classmethod
    def open(
        cls,
        interface: str | None,
        *,
        netns: Path | None = None,
        filter: SocketFilter | None = None,
        block_size: int = BLOCK_SIZE,
        blocks: int = BLOCKS,
        flush_ms: int = FLUSH_MS,
    ) -> Ring:
        """A ring that captures when this returns; without an interface, from `bind` on.

        `netns` is the file of the network namespace to be in.  Raises
        `CannotCapture`.
        """
        channel = inside(netns, _packet_socket)
        try:
            _option(channel, _PACKET_VERSION, pack("=i", _TPACKET_V3), "TPACKET_V3")
            # struct tpacket_req3; a frame's slot has no size of its own in version 3.
            request = (block_size, blocks, block_size, blocks, flush_ms, 0, 0)
            _option(channel, _PACKET_RX_RING, pack("=7I", *request), "a ring of that size")
            if filter is not None:
                _attach(channel, filter)
            ring = cls(channel, filter, block_size, blocks)
        except BaseException:
            channel.close()
            raise
        try:
            if interface is not None:
                ring.bind(interface)
        except BaseException:
            ring.close()
            raise
        return ring

    def bind(self, interface: str) -> None:
        """Capture this interface from now on, promiscuously; what is in the ring stays.

        Needs no privilege.  Raises `NoSuchInterface` when it is not there,
        `CannotCapture` when its frames are not of the ring's link type, or no
        interface can have that name.
        """
        index, hardware, flags = _describe(self._socket, interface)
        link_type = LINK_TYPES.get(hardware)
        if link_type is None:
            raise CannotCapture(
                f"{interface} has a link layer that is not captured here (ARPHRD {hardware})",
                "Capture it with tcpdump and pipe that into `inspector analyze -`",
            )
        if self.interface is not None and link_type != self.link_type:
            raise CannotCapture(
                f"{interface} has another link layer than the {self.interface} before it",
                "Start a new capture for it",
            )
        loopback = int(bool(flags & _IFF_LOOPBACK))
        _option(self._socket, _PACKET_IGNORE_OUTGOING, pack("=i", loopback), "its direction")
        self.interface, self.index, self.link_type = interface, index, link_type
        membership = pack("=iHH8x", index, _PACKET_MR_PROMISC, 0)
        _option(self._socket, _PACKET_ADD_MEMBERSHIP, membership, f"{interface} promiscuous")
        # What there was before it is told of one that was removed.
        self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        self.downs = 0
        self._was_up, self._before = bool(flags & _IFF_UP), self.delivered
        try:
            self._socket.bind((interface, _ETH_P_ALL))
        except OSError as error:
            raise CannotCapture(
                f"{interface} cannot be captured: {error.strerror}",
                "See with `ip link` whether it is still there",
            ) from error
        self.state = "running"
        self._meet_error()

    @property
    def is_filling(self) -> bool:
        """Whether half of its blocks are ready: the kernel hands them over in turn."""
        ahead = self._starts[(self._next + len(self._starts) // 2) % len(self._starts)]
        return tpacket.is_ready(self._view, ahead)

    def fileno(self) -> int:
        """For select and poll: readable when a block is ready, in error when `state` changes."""
        return self._socket.fileno()

    def read(self) -> list[Batch]:
        """The blocks that are ready (of many, the first 8 MiB); never waits."""
        batches: list[Batch] = []
        copied = 0
        while copied < _AT_ONCE:
            data, starts = self._take()
            if not starts:
                break
            copied += len(data)
            data, records = tpacket.frames(data, starts, ethernet=self.link_type == _ETHERNET)
            if records:
                batches.append(
                    Batch(
                        data,
                        records,
                        self.link_type,
                        self.delivered + 1,
                        counted_cuts=self._counted_cuts,
                    )
                )
                self.delivered += len(records)
        if not batches:
            self._meet_error()
        return batches

    def _take(self) -> tuple[bytes, list[int]]:
        """Some blocks that are ready, in one piece, and where in it they begin."""
        blocks: list[memoryview] = []
        starts: list[int] = []
        size, at = 0, self._next
        while size < _TOGETHER and len(blocks) < len(self._starts):
            start = self._starts[at]
            if not tpacket.is_ready(self._view, start):
                break
            blocks.append(tpacket.used(self._view, start))
            starts.append(size)
            size += len(blocks[-1])
            at = (at + 1) % len(self._starts)
        data = b"".join(blocks)
        for block in blocks:
            block.release()
        for _ in starts:
            tpacket.give_back(self._view, self._starts[self._next])
            self._next = (self._next + 1) % len(self._starts)
        return data, starts

    def check(self) -> State:
        """Whether the interface is still there and up, asked of the kernel now."""
        if self.state in ("running", "down"):
            self.state = self._condition()
            self._forget_removal()
        return self.state

    def statistics(self) -> RingStatistics:
        """What the kernel counted since `open`."""
        # struct tpacket_stats_v3: reading it sets it to zero.
        answer = self._socket.getsockopt(_SOL_PACKET, _PACKET_STATISTICS, 12)
        received, dropped, freezes = unpack("=III", answer)
        before = self._statistics
        self._statistics = RingStatistics(
            before.received + received, before.dropped + dropped, before.freezes + freezes
        )
        return self._statistics

    def stop(self) -> None:
        """Receive nothing more; what is in the ring stays to be read."""
        if self.state == "stopped":
            return
        self.check()
        NOTHING.attach(self._socket)
        # The kernel waits in `bind` until no CPU is in the old filter any more.
        if self.interface is not None:
            with contextlib.suppress(OSError):  # it is gone: nothing comes from it
                self._socket.bind((self.interface, _ETH_P_NOBODYS))
        self.state = "stopped"

    def drain(self) -> Iterator[Batch]:
        """Stop, and give everything that is left, down to the block that is not full."""
        self.stop()
        poll = select.poll()
        poll.register(self, select.POLLIN)
        deadline: float | None = None
        while True:
            batches = self.read()
            yield from batches
            counted = self.statistics()
            rest = counted.received - counted.dropped - self.delivered
            if rest <= 0:
                return
            if batches:
                deadline = None
                continue
            if deadline is None:
                deadline = time.monotonic() + _DRAIN_SECONDS
            left = deadline - time.monotonic()
            if left <= 0:
                # Nobody has read them: they are lost as those that found no room.
                self._statistics = RingStatistics(
                    counted.received, counted.dropped + rest, counted.freezes
                )
                return
            poll.poll(min(left, 0.1) * 1000)

    def close(self) -> None:
        """Release all resources.  Idempotent."""
        self._view.release()
        self._ring.close()
        self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _meet_error(self) -> None:
        """Take the socket's pending error: the interface went down, or away."""
        number = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if self.state not in ("running", "down"):
            return
        if number == errno.ENETDOWN or self.state == "down":
            self.state = self._condition()
            # The kernel says it once: of one that went down, be it up again by now, and of one
            # that was not up when it was bound to.
            was_up = self._was_up or self.delivered > self._before
            self.downs += was_up and number == errno.ENETDOWN
            self._forget_removal()

    def _forget_removal(self) -> None:
        """One that was removed went down for the last time: that is told as its removal."""
        if self.state == "gone":
            self.downs = max(0, self.downs - 1)

    def _condition(self) -> State:
        request = pack("=16si20x", b"", self.index)
        try:
            fcntl.ioctl(self._socket, _SIOCGIFNAME, request)
            # By name: another interface that has taken it has another index.
            index, _, flags = _describe(self._socket, self.interface or "")
        except (OSError, CannotCapture):
            return "gone"
        return "running" if index == self.index and flags & _IFF_UP else "down"


def _packet_socket() -> socket.socket:
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


def _option(channel: socket.socket, option: int, value: bytes, what: str) -> None:
    try:
        channel.setsockopt(_SOL_PACKET, option, value)
    except OSError as error:
        raise CannotCapture(
            f"The kernel refuses {what}: {error.strerror}",
            "Use a smaller ring" if error.errno == errno.ENOMEM else "It needs Linux 4.20 or newer",
        ) from error


def _attach(channel: socket.socket, filter: SocketFilter) -> None:
    try:
        filter.attach(channel)
    except OSError as error:
        raise CannotCapture(
            f"The kernel refuses the filter ({filter.text}): {error.strerror}",
            "Capture without a filter, or with another",
        ) from error


def _describe(channel: socket.socket, interface: str) -> tuple[int, int, int]:
    """Index, ARPHRD type and flags of an interface in the socket's own namespace."""
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
        (index,) = unpack_from("=i", fcntl.ioctl(channel, _SIOCGIFINDEX, request), 16)
        (hardware,) = unpack_from("=H", fcntl.ioctl(channel, _SIOCGIFHWADDR, request), 16)
        (flags,) = unpack_from("=H", fcntl.ioctl(channel, _SIOCGIFFLAGS, request), 16)
    except OSError as error:
        raise missing from error
    return index, hardware, flags
