"""Of headers that the decoder peels nothing stays that it does not read, but numbers and addresses.

Every byte of every wrapping is changed: what can be anything, and the same segment comes out, was
not read.  There a key is put, and the copy holds no twelve bytes of it but where addresses stand.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Final

import pytest

from inspector.fact import names_of
from inspector.flows.decode import LAYERS, SlowDecoder, TcpPacket
from inspector.flows.encapsulations import tunnel
from inspector.flows.layers import IP_PROTOCOL, IPV4, IPV6, TCP
from inspector.redaction.header_fields import FIELDS, TUNNELS
from inspector.secrets.windows import PIECE
from tests.flows.frames import FRAMES, OUTER, OUTER6, PAYLOAD, ether
from tests.redaction.test_canary import report_of
from tests.redaction.test_frames import batch_of, redacted

KEY: Final = b"sk-LABONLY-made-up-0123456789-abcdefghijklmnopqrstuvwxyz-"
#: Addresses stay, read or not; of two ports either would do.
ADDRESSES: Final = (
    bytes(ether())[:12],
    *(socket.inet_pton(socket.AF_INET6, name) for name in (*OUTER6.values(), "fd00::99")),
    *(socket.inet_aton(name) for name in OUTER.values()),
    *(2 * port.to_bytes(2) for port in (1701, 2152)),
)


#: Wrappings with more numbers and addresses than that one behind another, each of its own field.
NUMBERED: Final = {
    **dict.fromkeys(
        (name for name in FRAMES if FRAMES[name].link_type in (105, 119, 127, 163, 192)), 20
    ),
    "cooked": 14,
    "cooked-vlan": 14,
    "cooked2": 18,
    "cooked2-ipv6": 18,
    "cooked2-radiotap": 20,
    "fddi": 13,
    "ip-over-fibre-channel": 16,
    "macsec-integrity-only": 13,
    "pptp": 12,
    "erspan-2": 12,
    "gtp-u": 12,
    "l2tp-all-fields": 12,
}


def seen(link_type: int, data: bytes) -> TcpPacket | None:
    decoder = SlowDecoder()
    found = decoder.decode(link_type, data, 0, len(data), len(data), 0)
    return found if isinstance(found, TcpPacket) else None


def facts(packet: TcpPacket | None) -> object:
    if packet is None:
        return None
    header = [getattr(packet, name) for name in names_of(TcpPacket)[:-4]]
    return header, packet.data[packet.start : packet.end], packet.missing


def unread(link_type: int, data: bytes) -> list[int]:
    """Places of bytes before the payload that can be anything for all that the decoder reads."""
    expected = facts(seen(link_type, data))
    assert expected
    addresses = {
        place
        for address in ADDRESSES
        for at in range(len(data))
        if data.startswith(address, at)
        for place in range(at, at + len(address))
    }
    return [
        at
        for at in range(data.index(PAYLOAD))
        if at not in addresses
        and all(
            facts(seen(link_type, data[:at] + bytes((data[at] ^ flip,)) + data[at + 1 :]))
            == expected
            for flip in (0x01, 0x0F, 0x40, 0x80, 0xFF)
        )
    ]


def runs(places: list[int]) -> Iterator[tuple[int, int]]:
    start = previous = None
    for place in [*places, None]:
        if previous is None or place != previous + 1:
            if start is not None and previous is not None:
                yield start, previous + 1
            start = place
        previous = place


def longest_piece(text: bytes) -> int:
    """The longest part of the key that stands in a text."""
    best = 0
    for at in range(len(text)):
        while any(
            text[at : at + best + 1] == KEY[k : k + best + 1] for k in range(len(KEY) - best)
        ) and at + best < len(text):
            best += 1
    return best


@pytest.mark.parametrize("name", FRAMES)
def test_of_what_the_decoder_does_not_read_no_piece_of_a_key_stays(name: str) -> None:
    link_type, data, _ = FRAMES[name]
    planted = bytearray(data)
    for start, stop in runs(unread(link_type, data)):
        planted[start:stop] = (KEY * (1 + (stop - start) // len(KEY)))[: stop - start]
    before = bytes(planted)
    assert facts(seen(link_type, before)) == facts(seen(link_type, data)), "it is read as before"
    after, _ = redacted(batch_of([before], link_type))
    assert longest_piece(after.data) <= NUMBERED.get(name, PIECE - 1)


@pytest.mark.parametrize("name", [name for name in FRAMES if name != "only-scapy-knows"])
def test_the_copy_is_read_as_the_capture(name: str) -> None:
    link_type, data, _ = FRAMES[name]
    before = batch_of([data], link_type)
    after, _ = redacted(before)
    assert report_of([after]) == report_of([before])


def test_a_header_that_only_scapy_reads_does_not_stay() -> None:
    link_type, data, _ = FRAMES["only-scapy-knows"]
    after, _ = redacted(batch_of([data], link_type))
    assert after.data[:14] == b"x" * 14
    assert after.data[14:54] == data[14:54]


def test_there_is_a_row_for_every_header_that_is_peeled() -> None:
    peeled = {key for key, layer in LAYERS.items() if callable(layer)}
    by_options = {IPV4, IPV6, TCP, IP_PROTOCOL | 4, IP_PROTOCOL | 41}
    assert FIELDS.keys() | by_options == peeled
    ports = range(1 << 16)
    known = {tunnel(0, port) for port in ports} | {tunnel(port, 0) for port in ports}
    assert TUNNELS.keys() == known - {None}


def test_of_erspan_the_addresses_inside_stay_where_no_platform_adds_anything() -> None:
    link_type, data, _ = FRAMES["erspan-3"]
    addresses = bytes(ether())[:12]
    assert data.count(addresses) == 2
    after, _ = redacted(batch_of([data], link_type))
    assert after.data.count(addresses) == 2
