"""A pcapng of whole conversations on the bridge, written byte for byte."""

from __future__ import annotations

import io
import socket
from dataclasses import dataclass, field
from struct import pack
from typing import Final

from inspector.pcap import block_types
from inspector.pcap.writer import PcapngWriter

AGENT, SQUID, API_PROXY = "172.30.0.20", "172.30.0.10", "172.30.0.30"
START: Final = 1_770_026_400 * 10**9
STEP: Final = 1_000_000
FIRST_PORT: Final = 20_000

SYN, FIN, PUSH, ACK = 0x02, 0x01, 0x08, 0x10
OPENED: Final = b"HTTP/1.1 200 Connection established\r\n\r\n"


@dataclass(frozen=True)
class Lost:
    """Bytes that one side sent and the other acknowledged, but that were not captured."""

    data: bytes


@dataclass
class Talk:
    """What both sides of one TCP connection said, turn by turn.

    `said`: (from the client?, bytes) in order.  `closes`: with FINs at its end.
    """

    said: list[tuple[bool, bytes | Lost]] = field(default_factory=list)
    server: tuple[str, int] = (API_PROXY, 10001)
    client: str = AGENT
    closes: bool = True
    comments: tuple[str, ...] = ()

    def up(self, *data: bytes | Lost) -> Talk:
        """The client says something."""
        self.said += [(True, item) for item in data]
        return self

    def down(self, *data: bytes | Lost) -> Talk:
        """The server says something."""
        self.said += [(False, item) for item in data]
        return self


@dataclass(frozen=True)
class Description:
    """What the file itself says beside its packets."""

    section_comment: str = ""
    interface_name: str = ""
    interface_description: str = ""
    interface_filter: str = ""
    key_log: bytes = b""
    resolved_name: str = ""


def capture(talks: list[Talk], about: Description) -> bytes:
    """The talks one after another; talk number n uses the client port `FIRST_PORT + n`."""
    out = io.BytesIO()
    writer = PcapngWriter(out)
    if about.section_comment:
        writer.section(comments=[about.section_comment])
    texts = (
        (2, about.interface_name.encode()),
        (3, about.interface_description.encode()),
        (11, b"\0" + about.interface_filter.encode() if about.interface_filter else b""),
        (1, about.section_comment.encode()),
    )
    options = b"".join(
        pack("<HH", code, len(text)) + text + bytes(-len(text) % 4) for code, text in texts if text
    )
    writer.interface()  # of index 0, with the times of the packets
    header = pack("<HHI", 1, 0, 262_144)
    writer.block(block_types.INTERFACE_DESCRIPTION, header + options + bytes(4))
    if about.key_log:
        writer.secrets(0x544C534B, about.key_log)
    if about.resolved_name:
        name = bytes([172, 30, 0, 20]) + about.resolved_name.encode() + b"\0"
        writer.block(4, pack("<HH", 1, len(name)) + name + bytes(-len(name) % 4) + bytes(4))
    now = START
    for number, talk in enumerate(talks):
        for data in _frames(talk, FIRST_PORT + number):
            writer.packet(now, data, comments=talk.comments)
            now += STEP
    return out.getvalue()


def _frames(talk: Talk, port: int) -> list[bytes]:
    ends = {True: (talk.client, port), False: talk.server}
    sent = {True: 1000, False: 5000}
    frames: list[bytes] = []

    def frame(up: bool, flags: int, data: bytes = b"") -> None:
        frames.append(_frame(ends[up], ends[not up], sent[up], sent[not up], flags, data))
        sent[up] += len(data) + bool(flags & (SYN | FIN))

    frame(True, SYN)
    frame(False, SYN | ACK)
    frame(True, ACK)
    for up, item in talk.said:
        if isinstance(item, Lost):
            sent[up] += len(item.data)
        else:
            frame(up, PUSH | ACK, item)
        frame(not up, ACK)
    if talk.closes:
        frame(True, FIN | ACK)
        frame(False, FIN | ACK)
        frame(True, ACK)
    return frames


def _frame(
    source: tuple[str, int], target: tuple[str, int], seq: int, ack: int, flags: int, data: bytes
) -> bytes:
    tcp = pack(">HHIIBBHHH", source[1], target[1], seq, ack, 5 << 4, flags, 502, 0, 0) + data
    addresses = socket.inet_aton(source[0]) + socket.inet_aton(target[0])
    ip = pack(">BBHHHBBH", 0x45, 0, 20 + len(tcp), seq & 0xFFFF, 0, 64, 6, 0) + addresses
    return b"\x02\x42\xac\x1e\0\x1e\x02\x42\xac\x1e\0\x14\x08\0" + ip + tcp
