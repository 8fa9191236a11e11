"""TCP packets by the stream offsets they carry, and a reader that writes down what it is told.

A `Tcp` is one connection; it appends frames to a shared list, in the order in
which a listener would capture them.  Offsets count from 0 at the first byte of
data, so a test says `up(b"def", offset=3)` and the sequence numbers follow.
"""

from __future__ import annotations

import platform
import socket
import struct
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Final, NamedTuple

import pytest

from inspector.flows.contract import ConnectionView
from inspector.flows.engine import PacketEngine
from inspector.flows.native import NativeEngine
from inspector.flows.tcp import ACK, FIN, RST, SYN
from inspector.native.functions import Core
from inspector.native.library import load
from inspector.pipeline import Pipeline
from inspector.wire import Batch, Segment

PSH = 0x08
MILLISECOND = 1_000_000
START = 1_700_000_000_000_000_000
#: LINKTYPE_ETHERNET of the tcpdump.org registry.
ETHERNET = 1

CLIENT, SERVER = "172.30.0.20", "172.30.0.30"
CLIENT6, SERVER6 = "fd00::20", "fd00::30"


class Packet(NamedTuple):
    """A captured frame: when, what, how long it was on the wire, and whose data it is.

    `offset` is None for a frame without data; `acked` the number of bytes of
    the other direction that it acknowledges (or None).
    """

    at: int
    frame: bytes
    wire: int
    up: bool = True
    offset: int | None = None
    data: bytes = b""
    acked: int | None = None


@dataclass
class Wire:
    """The captured frames so far, and the clock."""

    packets: list[Packet] = field(default_factory=list)
    now: int = START
    ident: int = 0

    def batch(self, first: int = 1) -> Batch:
        return batch(self.packets, first)


def batch(packets: Iterable[Packet], first: int = 1, link_type: int = ETHERNET) -> Batch:
    """Packets as a capture file's reader gives them."""
    data = bytearray(b"\xa5" * 7)  # a batch starts with a file's header, not with a frame
    records = []
    for packet in packets:
        records.append((packet.at, len(data), len(packet.frame), packet.wire))
        data += packet.frame
    return Batch(bytes(data), records, link_type, first)


class Tcp:
    """One TCP connection, written packet by packet.

    `isn` are the initial sequence numbers of client and server; `vlan` tags
    every frame; addresses with a colon make IPv6 frames.
    """

    def __init__(
        self,
        wire: Wire | None = None,
        *,
        client: tuple[str, int] = (CLIENT, 40000),
        server: tuple[str, int] = (SERVER, 10001),
        isn: tuple[int, int] = (1000, 5000),
        vlan: int | None = None,
        step: int = 10 * MILLISECOND,
    ) -> None:
        self.wire = Wire() if wire is None else wire
        self.ends = {True: client, False: server}
        self.isn = {True: isn[0], False: isn[1]}
        self.vlan = vlan
        self.step = step
        #: Bytes sent so far in each direction; `fin` when a FIN was.
        self.sent = {True: 0, False: 0}
        self.fin = {True: False, False: False}

    # -- the usual ---------------------------------------------------------

    def open(self) -> Tcp:
        """The three-way handshake."""
        return self.syn().syn_ack().ack(True)

    def syn(self, data: bytes = b"", **more: int) -> Tcp:
        return self.send(True, data, flags=SYN, sequence=self.isn[True], **more)

    def syn_ack(self, **more: int) -> Tcp:
        more = {"ident": 0, "sequence": self.isn[False]} | more
        return self.send(False, b"", flags=SYN | ACK, **more)

    def up(self, data: bytes, offset: int | None = None, **more: int | None) -> Tcp:
        """Data from the client."""
        return self.send(True, data, offset, **more)

    def down(self, data: bytes, offset: int | None = None, **more: int | None) -> Tcp:
        """Data from the server."""
        return self.send(False, data, offset, **more)

    def ack(self, up: bool, acked: int | None = None, **more: int | None) -> Tcp:
        """A pure acknowledgement from the client (`up`) or the server."""
        return self.send(up, b"", acked=acked, flags=ACK, **more)

    def end(self, up: bool, data: bytes = b"", offset: int | None = None, **more: int) -> Tcp:
        """A FIN, behind all data of its direction unless told otherwise."""
        self.send(up, data, offset, flags=FIN | ACK, **more)
        self.fin[up] = True
        return self

    def reset(self, up: bool, **more: int) -> Tcp:
        return self.send(up, b"", **({"flags": RST | ACK, "ident": 0} | more))

    def close(self) -> Tcp:
        """FIN from the client, FIN from the server, the last acknowledgement."""
        return self.end(True).end(False).ack(True)

    # -- any packet ---------------------------------------------------------

    def send(
        self,
        up: bool,
        data: bytes,
        offset: int | None = None,
        *,
        flags: int | None = ACK | PSH,
        sequence: int | None = None,
        acked: int | None = None,
        window: int | None = 501,
        ident: int | None = None,
        after: int | None = None,
        snap: int | None = None,
    ) -> Tcp:
        """One packet.

        `acked` counts bytes of the other direction (all that were sent, by
        default); `ident` is the IP identification (the next one); `after` the
        time since the packet before; `snap` keeps this much of `data` only.
        """
        wire = self.wire
        if ident is None:
            wire.ident = ident = wire.ident % 0xFFFF + 1
        if offset is None:
            offset = self.sent[up]
        if acked is None:
            acked = self.sent[not up] + self.fin[not up]
        self.sent[up] = max(self.sent[up], offset + len(data))
        if sequence is None:
            sequence = self.isn[up] + 1 + offset + (self.fin[up] and not data)
        flags = flags or 0
        acknowledged = self.isn[not up] + 1 + acked if flags & ACK else 0
        segment = _tcp(
            self.ends[up][1], self.ends[not up][1], sequence, acknowledged, flags, window or 0
        )
        frame = _frame(self.ends[up][0], self.ends[not up][0], segment + data, ident, self.vlan)
        wire.now += self.step if after is None else after
        length = len(frame)
        if snap is not None:
            frame = frame[: length - len(data) + snap]
        wire.packets.append(
            Packet(
                wire.now, frame, length, up, offset if data else None, data,
                acked if flags & ACK else None,
            )
        )  # fmt: skip
        return self

    def again(self, index: int = -1, *, after: int = 1000) -> Tcp:
        """The same frame captured once more, `after` ns later."""
        self.wire.now += after
        self.wire.packets.append(self.wire.packets[index]._replace(at=self.wire.now))
        return self

    def unreachable(self, code: int = 3) -> Tcp:
        """A router's answer to the client's last packet (RFC 792): port unreachable."""
        quoted = self.wire.packets[-1].frame[14:]
        icmp = struct.pack("!BBHI", 3, code, 0, 0) + quoted
        self.wire.now += self.step
        frame = _ethernet(None, 0x0800) + _ip4("172.30.0.1", self.ends[True][0], icmp, 9, 1)
        self.wire.packets.append(Packet(self.wire.now, frame, len(frame)))
        return self


def _tcp(sport: int, dport: int, sequence: int, acked: int, flags: int, window: int) -> bytes:
    mask = 0xFFFFFFFF
    return struct.pack(
        "!HHIIBBHHH", sport, dport, sequence & mask, acked & mask, 5 << 4, flags, window, 0, 0
    )


def _frame(source: str, target: str, payload: bytes, ident: int, vlan: int | None) -> bytes:
    if ":" in source:
        ends = socket.inet_pton(socket.AF_INET6, source) + socket.inet_pton(socket.AF_INET6, target)
        head = struct.pack("!IHBB", 6 << 28, len(payload), 6, 64)
        return _ethernet(vlan, 0x86DD) + head + ends + payload
    return _ethernet(vlan, 0x0800) + _ip4(source, target, payload, ident, 6)


def _ethernet(vlan: int | None, ethertype: int) -> bytes:
    tag = b"" if vlan is None else struct.pack("!HH", 0x8100, vlan)
    return bytes(12) + tag + struct.pack("!H", ethertype)


def _ip4(source: str, target: str, payload: bytes, ident: int, protocol: int) -> bytes:
    return (
        struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(payload), ident, 0x4000, 64, protocol, 0)
        + socket.inet_aton(source)
        + socket.inet_aton(target)
        + payload
    )


# -- the reader ----------------------------------------------------------------

#: Decides what a reader answers: (direction, bytes so far) to wanted.
Wants = Callable[[bool, int], int]


def everything(up: bool, position: int) -> int:
    """Show all bytes as they come."""
    return 0


class Recorder:
    """A `StreamReader` that writes down what it is told.

    `stream[up]` is the direction as pieces in order: bytes, or an int for so
    many bytes of a gap, or None for the end.  Skipped bytes are a negative int.
    `calls` has every call in order, as (name, direction, packet).
    """

    def __init__(self, connection: ConnectionView, wants: Wants = everything) -> None:
        self.connection = connection
        self.stream: dict[bool, list[bytes | int | None]] = {True: [], False: []}
        self.position = {True: 0, False: 0}
        self.calls: list[tuple[str, bool | None, int]] = []
        self.segments: list[Segment] = []
        self._wants = wants

    def data(self, up: bool, segments: Sequence[Segment]) -> int:
        assert segments
        self.segments += segments
        for _, packet, data in segments:
            assert data, "an empty segment tells nothing"
            self.stream[up].append(data)
            self.position[up] += len(data)
            self.calls.append(("data", up, packet))
        return self._wants(up, self.position[up])

    def skipped(self, up: bool, count: int, at: int, packet: int) -> int:
        assert count > 0
        return self._add("skipped", up, -count, count, packet)

    def gap(self, up: bool, count: int, at: int, packet: int) -> int:
        assert count > 0
        return self._add("gap", up, count, count, packet)

    def _add(self, name: str, up: bool, piece: int, count: int, packet: int) -> int:
        self.stream[up].append(piece)
        self.position[up] += count
        self.calls.append((name, up, packet))
        return self._wants(up, self.position[up])

    def cut(self, up: bool, kept: int, count: int, at: int, packet: int) -> int | None:
        return None

    def end(self, up: bool, at: int, packet: int) -> None:
        self.stream[up].append(None)
        self.calls.append(("end", up, packet))

    def finish(self, at: int, packet: int) -> None:
        self.calls.append(("finish", None, packet))

    def failed(self, error: Exception, packet: int) -> int:
        raise error

    def joined(self, up: bool) -> list[bytes | int | None]:
        """The stream with neighbouring bytes, and neighbouring gaps, joined."""
        joined: list[bytes | int | None] = []
        for piece in self.stream[up]:
            last = joined[-1] if joined else None
            match last, piece:
                case bytes(), bytes():
                    joined[-1] = last + piece
                case int(), int() if (piece > 0) == (last > 0):
                    joined[-1] = last + piece
                case _:
                    joined.append(piece)
        return joined


#: The engines that must do the same; tests of this room are run with each (`conftest`).
ENGINES: Final[dict[str, Callable[[], PacketEngine]]] = {
    "pure": PacketEngine,
    "native": lambda: NativeEngine(native_core()),
}


def native_core() -> Core:
    """The compiled core of this machine; the test is skipped where there is none."""
    found = load({}, platform.machine())
    if found.core is None:
        pytest.skip(found.why_not)
    return found.core


class Trial:
    """A packet engine whose connections are read by `Recorder`s."""

    #: The engine that is tried; a fixture sets it.
    engine: ClassVar[Callable[[], PacketEngine]] = PacketEngine

    def __init__(self, wants: Wants = everything, scope: Callable[..., bool] | None = None) -> None:
        self.readers: list[Recorder] = []
        self.closed: list[ConnectionView] = []
        self.left: list[tuple[bytes, bytes, int, int]] = []
        self.wants = wants
        self.loop = type(self).engine()
        self.pipeline = Pipeline(self.loop, self)
        self._scope = scope
        self._fed = 0

    def is_in_scope(self, source: bytes, destination: bytes, sport: int, dport: int) -> bool:
        return self._scope is None or self._scope(source, destination, sport, dport)

    def left_out(self, source: bytes, destination: bytes, sport: int, dport: int) -> None:
        self.left.append((source, destination, sport, dport))

    def open(self, view: ConnectionView) -> list[Recorder]:
        self.readers.append(Recorder(view, self.wants))
        return self.readers[-1:]

    def close(self, view: ConnectionView) -> None:
        self.closed.append(view)

    def feed(self, wire: Wire, *, one_by_one: bool = False) -> Trial:
        """Feed what was written to `wire` since the last call."""
        new = wire.packets[self._fed :]
        groups = [[packet] for packet in new] if one_by_one else [new]
        for group in groups:
            self.pipeline.feed(batch(group, self._fed + 1))
            self._fed += len(group)
        return self

    def finish(self) -> Trial:
        self.pipeline.finish()
        return self

    @property
    def only(self) -> Recorder:
        assert len(self.readers) == 1, [reader.stream for reader in self.readers]
        return self.readers[0]

    @property
    def oddities(self) -> dict[str, int]:
        return {oddity.name: oddity.count for oddity in self.loop.notes.oddities.facts()}

    @property
    def gaps(self) -> list[tuple[bool, int]]:
        return [(missing.up, missing.count) for missing in self.loop.notes.missing]


def trial(tcp: Tcp, wants: Wants = everything) -> Trial:
    """Everything that was written, to the end; batches of any size must do the same."""
    whole = Trial(wants).feed(tcp.wire).finish()
    single = Trial(wants).feed(tcp.wire, one_by_one=True).finish()
    for one, other in zip(whole.readers, single.readers, strict=True):
        assert one.calls == other.calls
        assert one.stream == other.stream
    assert whole.oddities == single.oddities
    assert whole.gaps == single.gaps
    return whole
