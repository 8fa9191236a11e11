"""Headers of links and tunnels: what of them does not stay in a copy.

A row for every header that the decoder peels on its way to TCP.  Most are numbers and addresses,
each at a place of its own, and stay.  Of those that carry what somebody chose (signatures,
contexts, names of programs, options of a vendor) stay the lengths and kinds by which a reader
finds the next header.  A header without a row does not stay at all: nobody understood it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from struct import Struct
from typing import Final, TypeAlias

from inspector.flows import encapsulations, wireless_links
from inspector.flows.layers import (
    ETHERTYPE,
    IP_BY_VERSION,
    IP_PROTOCOL,
    LINK,
    LLC,
    MPLS,
    PPP,
    PPP_PROTOCOL,
    SNAP,
    TRANSPARENT_ETHERNET,
    Dissector,
)

#: Of `data[start:end]`, which begins with a header and may hold others: what does not stay.
HeaderRow: TypeAlias = Callable[[bytes, int, int], Iterator[tuple[int, int]]]

_PORTS: Final = Struct("!HH").unpack_from
#: Length and type of a value of netfilter's log, in the byte order of its host; its packet.
_TLV: Final = Struct("<HH").unpack_from
_NFLOG_PAYLOAD: Final = 9


def nothing(_data: bytes, _start: int, _end: int) -> Iterator[tuple[int, int]]:
    """Numbers and addresses, each at a place of its own: they stay."""
    return iter(())


def everything(_data: bytes, start: int, end: int) -> Iterator[tuple[int, int]]:
    """A header that nobody here understood."""
    yield start, end


def _behind(size: int) -> HeaderRow:
    """All but the first bytes, in which is said what follows."""

    def behind(_data: bytes, start: int, end: int) -> Iterator[tuple[int, int]]:
        yield start + size, end

    return behind


# -- links ------------------------------------------------------------------------------


def _cooked(length: int) -> HeaderRow:
    """Of a cooked header what follows the address, which is shorter than its field as a rule.

    `length`: where in the header the address's length ends.
    """

    def cooked(data: bytes, start: int, end: int) -> Iterator[tuple[int, int]]:
        at = start + length
        if at <= end:
            yield at + min(data[at - 1], 8), at + 8

    return cooked


def _radiotap(data: bytes, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Of monitor mode's header all but lengths, what is present, and the flags."""
    stop = min(start + int.from_bytes(data[start + 2 : start + 4], "little"), end)
    fields, flags = wireless_links.radiotap_fields(data, start, stop)
    yield fields, stop if flags is None else flags
    if flags is not None:
        yield flags + 1, stop


def _juniper(data: bytes, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Of Junos' header its extensions."""
    if start + 4 <= end and data[start + 3] & 0x80:
        yield start + 6, end


def _netfilter(data: bytes, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Of netfilter's log all values but the packet, its own prefix among them."""
    at = start + 4
    while at + 4 <= end:
        size, kind = _TLV(data, at)
        if size < 4 or kind == _NFLOG_PAYLOAD:
            return
        yield at + 4, min(at + size, end)
        at += size + 3 & ~3


def _service(data: bytes, start: int, _end: int) -> Iterator[tuple[int, int]]:
    """Of the network service header its contexts (RFC 8300 2.4, 2.5)."""
    if start + 2 <= len(data):
        yield start + 8, start + (data[start + 1] & 0x3F) * 4


# -- tunnels ----------------------------------------------------------------------------


def _check_value(data: bytes, start: int, _end: int) -> Iterator[tuple[int, int]]:
    """Of AH its check value (RFC 4302 2)."""
    if start + 2 <= len(data):
        yield start + 12, start + (data[start + 1] + 2) * 4


def _erspan3(_data: bytes, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Of ERSPAN type III its time stamp, groups, and what a platform adds."""
    yield start + 4, start + 11
    yield start + 12, end


def _geneve(data: bytes, at: int, end: int) -> Iterator[tuple[int, int]]:
    """GENEVE's options: class, type and length of each stay (RFC 8926 3.5)."""
    if at + 8 > len(data):
        return
    stop = min(at + 8 + (data[at] & 0x3F) * 4, end)
    at += 8
    while at + 4 <= stop:
        size = (data[at + 3] & 0x1F) * 4
        yield at + 4, min(at + 4 + size, stop)
        at += 4 + size


def _gtp(data: bytes, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Of GTP's extension headers all but length and what follows (3GPP TS 29.281 5.2.1)."""
    at = start + 12
    if at > end or not data[start] & 0x04:
        return
    following = data[at - 1]
    while following and at < end and data[at]:
        stop = at + data[at] * 4
        yield at + 1, min(stop, end + 1) - 1
        following = data[stop - 1] if stop <= end else 0
        at = stop


def _teredo(data: bytes, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Of Teredo's authentication all but its lengths (RFC 4380 5.1.1)."""
    if start + 13 <= end and data[start : start + 2] == b"\0\x01":
        yield start + 4, start + 13 + data[start + 2] + data[start + 3]


def _l2tp(data: bytes, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Of L2TP's header what pads it (RFC 2661 3.1)."""
    flags = data[start] if start < end else 0
    if flags & 0x02:
        yield start + 8 + 2 * bool(flags & 0x40) + 4 * bool(flags & 0x08), end


#: What tunnels over UDP have behind its header.
TUNNELS: Final[Mapping[Dissector, HeaderRow]] = {
    encapsulations.ayiya: _behind(8),  # an identity and a signature
    encapsulations.geneve: _geneve,
    encapsulations.gtp_user: _gtp,
    encapsulations.l2tp: _l2tp,
    encapsulations.mpls_in_udp: nothing,
    encapsulations.teredo: _teredo,
    encapsulations.vxlan: nothing,
    encapsulations.vxlan_gpe: nothing,
}


def _udp(data: bytes, start: int, end: int) -> Iterator[tuple[int, int]]:
    if start + 8 <= end:
        tunnel = encapsulations.tunnel(*_PORTS(data, start))
        if tunnel is not None:
            yield from TUNNELS.get(tunnel, everything)(data, start + 8, end)


_NUMBERS: Final = (
    *(LINK | link for link in (
        0, 1, 7, 9, 10, 12, 14, 50, 51, 100, 101, 104, 105, 106, 107, 108, 109, 122, 129, 166, 204,
        228, 229, 240, 274, 281, 282, 284, 285,
    )),
    *(ETHERTYPE | kind for kind in (
        0x8100, 0x8847, 0x8848, 0x8864, 0x880B, 0x883E, 0x88A8, 0x88E5, 0x88E7, 0x8903, 0x8909,
        0x9100, 0x9200, 0x9300,
    )),
    *(PPP_PROTOCOL | kind for kind in (0x0021, 0x0031, 0x0057, 0x0281, 0x0283)),
    *(IP_PROTOCOL | protocol for protocol in (1, 47, 58, 97, 137)),
    IP_BY_VERSION, LLC, MPLS, PPP, SNAP, TRANSPARENT_ETHERNET,
)  # fmt: skip

#: Keys of headers (`flows/layers.py`) -> what in them does not stay; IP's and TCP's own are read
#: by `header_options`.
FIELDS: Final[Mapping[int, HeaderRow]] = {
    **dict.fromkeys(_NUMBERS, nothing),
    LINK | 113: _cooked(6),
    LINK | 117: _behind(4),  # names of interface and rules
    LINK | 119: _behind(8),
    LINK | 127: _radiotap,
    LINK | 163: _behind(8),
    LINK | 178: _juniper,
    LINK | 192: _behind(8),
    LINK | 239: _netfilter,
    LINK | 241: _behind(4),  # the preamble
    LINK | 258: _behind(12),  # names of interface and programs
    LINK | 276: _cooked(12),
    ETHERTYPE | 0x22EB: _erspan3,
    ETHERTYPE | 0x894F: _service,
    IP_PROTOCOL | 17: _udp,
    IP_PROTOCOL | 51: _check_value,
}
