"""Small writers of both capture formats.

For tests, benchmarks and the redactor.  Every method writes at once; times
are integer nanoseconds UTC.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from struct import pack
from typing import Final, Protocol

from inspector.pcap import block_types
from inspector.pcap import options as opt
from inspector.pcap.blocks import packet_blocks
from inspector.wire import Batch

ETHERNET: Final = 1
SNAP_LENGTH: Final = 262_144
APPLICATION: Final = block_types.APPLICATION

_SECOND: Final = 1_000_000_000
_MAGICS: Final = {"micro": 0xA1B2C3D4, "nano": 0xA1B23C4D, "modified": 0xA1B2CD34}


class Out(Protocol):
    """What the writers need of a file."""

    def write(self, data: bytes | bytearray, /) -> int: ...


class PcapWriter:
    """Writes classic pcap to `out`.

    `variant` is "micro", "nano" or "modified" (Kuznetzov's, microseconds);
    `order` is "<" or ">" as in `struct`.
    """

    def __init__(
        self,
        out: Out,
        *,
        link_type: int = ETHERNET,
        snap_length: int = SNAP_LENGTH,
        variant: str = "micro",
        order: str = "<",
    ) -> None:
        self._out = out
        self._order = order
        self._tick = 1 if variant == "nano" else 1000
        self._extra = bytes(8) if variant == "modified" else b""
        out.write(pack(order + "IHHIIII", _MAGICS[variant], 2, 4, 0, 0, snap_length, link_type))

    def packet(self, time: int, data: bytes, wire: int | None = None) -> None:
        """One record; `wire` is its length on the wire if it was longer than `data`."""
        seconds, rest = divmod(time, _SECOND)
        length = len(data) if wire is None else wire
        fields = (seconds, rest // self._tick, len(data), length)
        self._out.write(pack(self._order + "4I", *fields) + self._extra + data)


class PcapngWriter:
    """Writes pcapng to `out`; the constructor writes the first section header.

    `order` is the byte order of the present section.  A section that names
    `APPLICATION` as its program promises statistics of each of its interfaces at its end.
    """

    def __init__(
        self,
        out: Out,
        *,
        order: str = "<",
        comments: Iterable[str] = (),
        application: str | None = None,
    ) -> None:
        self._out = out
        self.section(order, comments, application)

    def block(self, kind: int, body: bytes) -> None:
        """Any block; `body` is padded to four bytes."""
        padding = bytes(-len(body) % 4)
        length = 12 + len(body) + len(padding)
        order = self.order
        self._out.write(
            pack(order + "II", kind, length) + body + padding + pack(order + "I", length)
        )

    def section(
        self, order: str = "<", comments: Iterable[str] = (), application: str | None = None
    ) -> None:
        """A section header; interfaces are counted from 0 again."""
        self.order = order
        self._resolutions: list[opt.Resolution] = []
        self._offsets: list[int] = []
        header = pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1)
        options = _comments(comments)
        if application is not None:
            options.append((opt.SHB_USERAPPL, application.encode()))
        self.block(block_types.SECTION_HEADER, header + self._options(options))

    def interface(
        self,
        link_type: int = ETHERNET,
        *,
        snap_length: int = SNAP_LENGTH,
        name: str | None = None,
        resolution: int = 9,
        offset: int = 0,
        filter: str | None = None,
    ) -> int:
        """An interface description; its index within the section.

        `resolution` is if_tsresol's byte, `offset` if_tsoffset's seconds.
        """
        options: list[tuple[int, bytes]] = [(opt.IF_TSRESOL, bytes((resolution,)))]
        if name is not None:
            options.append((opt.IF_NAME, name.encode()))
        if offset:
            options.append((opt.IF_TSOFFSET, pack(self.order + "q", offset)))
        if filter is not None:
            options.append((opt.IF_FILTER, b"\0" + filter.encode()))
        self._resolutions.append(opt.resolution(resolution))
        self._offsets.append(offset)
        header = pack(self.order + "HHI", link_type, 0, snap_length)
        self.block(block_types.INTERFACE_DESCRIPTION, header + self._options(options))
        return len(self._resolutions) - 1

    def packet(
        self,
        time: int,
        data: bytes,
        wire: int | None = None,
        *,
        interface: int = 0,
        comments: Iterable[str] = (),
    ) -> None:
        """An enhanced packet block."""
        header = pack(self.order + "I", interface) + self._stamp(time, data, wire, interface)
        options = self._options(_comments(comments))
        self.block(block_types.ENHANCED_PACKET, header + _padded(data) + options)

    def packets(self, batch: Batch, begin: int, end: int, interface: int = 0) -> None:
        """The same of packets of a batch, with their comments, from index `begin` to before `end`.

        In one go; the interface counts nanoseconds from 1970.
        """
        options = {
            index: self._options(_comments(texts))
            for index, texts in batch.comments.items()
            if begin <= index < end
        }
        self._out.write(packet_blocks(batch, begin, end, interface, self.order, options))

    def obsolete_packet(
        self,
        time: int,
        data: bytes,
        wire: int | None = None,
        *,
        interface: int = 0,
        drops: int = 0xFFFF,
    ) -> None:
        """An obsolete packet block; `drops` packets were lost before it (0xFFFF: not known)."""
        header = pack(self.order + "HH", interface, drops)
        self.block(
            block_types.OBSOLETE_PACKET, header + self._stamp(time, data, wire, interface) + data
        )

    def simple_packet(self, data: bytes, wire: int | None = None) -> None:
        """A simple packet block: of interface 0, without a time."""
        length = len(data) if wire is None else wire
        self.block(block_types.SIMPLE_PACKET, pack(self.order + "I", length) + data)

    def statistics(
        self, *, interface: int = 0, received: int | None = None, dropped: int | None = None
    ) -> None:
        """An interface statistics block."""
        counters = ((opt.ISB_IFRECV, received), (opt.ISB_IFDROP, dropped))
        options = [(code, pack(self.order + "Q", n)) for code, n in counters if n is not None]
        header = pack(self.order + "III", interface, 0, 0)
        self.block(block_types.INTERFACE_STATISTICS, header + self._options(options))

    def secrets(self, kind: int, data: bytes) -> None:
        """A decryption secrets block (0x544C534B: a TLS key log)."""
        self.block(block_types.DECRYPTION_SECRETS, pack(self.order + "II", kind, len(data)) + data)

    def mark(self, text: bytes) -> None:
        """A mark of this program's: a custom block (pcapng 4.8), filled up with spaces."""
        head = pack(self.order + "I", block_types.ENTERPRISE) + block_types.MARKS_MAGIC
        self.block(block_types.CUSTOM, head + text + b" " * (-len(text) % 4))

    def _stamp(self, time: int, data: bytes, wire: int | None, interface: int) -> bytes:
        numerator, denominator = self._resolutions[interface]
        ticks = (time - self._offsets[interface] * _SECOND) * denominator // numerator
        length = len(data) if wire is None else wire
        return pack(self.order + "4I", ticks >> 32, ticks & 0xFFFFFFFF, len(data), length)

    def _options(self, options: Sequence[tuple[int, bytes]]) -> bytes:
        if not options:
            return b""
        written = [
            pack(self.order + "HH", code, len(value)) + _padded(value) for code, value in options
        ]
        return b"".join(written) + bytes(4)


def _comments(texts: Iterable[str]) -> list[tuple[int, bytes]]:
    return [(opt.COMMENT, text.encode()) for text in texts]


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)
