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

import errno
import mmap
import select
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Final, Literal, Self, TypeAlias

from inspector.errors import CannotCapture
from inspector.fact import Fact
from inspector.linux import tpacket
from inspector.linux.filters import SocketFilter
from inspector.linux.packet_socket import ETHERNET, PacketSocket
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
        channel: PacketSocket,
        filter: SocketFilter | None,
        block_size: int,
        blocks: int,
    ) -> None:
        self.interface: str | None = None
        self.index = 0
        self.link_type = ETHERNET
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
        channel = PacketSocket.open(netns)
        try:
            channel.give_ring(block_size, blocks, flush_ms)
            if filter is not None:
                channel.attach(filter)
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
        hardware = self._socket.describe(interface)
        if self.interface is not None and hardware.link_type != self.link_type:
            raise CannotCapture(
                f"{interface} has another link layer than the {self.interface} before it",
                "Start a new capture for it",
            )
        self.interface, self.link_type = interface, hardware.link_type
        self.index, self.downs = hardware.index, 0
        self._was_up, self._before = hardware.is_up, self.delivered
        self._socket.listen(interface, hardware)
        self.state = "running"
        self._meet_error()

    @property
    def is_filling(self) -> bool:
        """Whether a quarter of its blocks is ready: the kernel hands them over in turn."""
        ahead = self._starts[(self._next + len(self._starts) // 4) % len(self._starts)]
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
            data, records = tpacket.frames(data, starts, ethernet=self.link_type == ETHERNET)
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
        received, dropped, freezes = self._socket.counted()
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
        self._socket.hush(self.interface)
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
        number = self._socket.take_error()
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
        is_up = self._socket.is_up(self.interface or "", self.index)
        if is_up is None:
            return "gone"
        return "running" if is_up else "down"
