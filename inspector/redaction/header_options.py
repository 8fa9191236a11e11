"""Options in the headers of packets: what of them does not stay in a copy.

Headers that the decoder read stay, but their options carry whatever somebody put
there: cookies, signatures, text.  Those of the tables stay, numbers all; of any other
option stay kind and length, so that a reader walks the header as before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from struct import Struct
from typing import Final, NamedTuple

from inspector.flows.layers import ETHERTYPE, IP_PROTOCOL, IPV4, IPV6, LINK, TCP

#: TCP's options that stay, and the lengths that they have: MSS, window scale (RFC 9293 3.2,
#: RFC 7323 2.2), SACK permitted and SACK (RFC 2018), timestamps (RFC 7323 3.2).
TCP_LISTED: Final = {2: (4,), 3: (3,), 4: (2,), 5: (10, 18, 26, 34), 8: (10,)}
#: End of the list, and no operation: no length follows.
_END, _NOTHING = 0, 1
#: How most headers' options look: two of no operation, and timestamps.
USUAL: Final = b"\x01\x01\x08\x0a"

_UDP: Final = IP_PROTOCOL | 17
_GENEVE_PORT: Final = (6081).to_bytes(2, "big")
#: IPv6's extension headers that are lists of options (RFC 8200 4.3, 4.6); Home Address stays
#: (RFC 6275 6.3), which the decoder takes a packet's source from.
_OPTION_HEADERS: Final = frozenset({0, 60})
_COUNTED: Final = frozenset({0, 43, 60, 135, 139, 140})
_FRAGMENT, _AUTHENTICATION = 44, 51
_HOME_ADDRESS: Final = (0xC9, 16)
#: Length and type of a value of netfilter's log, in the byte order of its host; its packet.
_TLV: Final = Struct("<HH").unpack_from
_NFLOG_PAYLOAD: Final = 9


class Header(NamedTuple):
    """A header that was met: its key (`flows/layers.py`) and where in `data` it begins."""

    key: int
    start: int
    data: bytes


class OptionBytes(NamedTuple):
    """`data[start:stop]`, which does not stay."""

    data: bytes
    start: int
    stop: int


def unlisted(headers: Sequence[Header]) -> Iterator[OptionBytes]:
    """What does not stay of the headers of one packet, outermost first."""
    for index, (key, start, data) in enumerate(headers):
        following = headers[index + 1] if index + 1 < len(headers) else None
        end = len(data) if following is None or following.data is not data else following.start
        for low, high in _of(key, data, start, end):
            high = min(high, len(data))
            if low < high and any(data[low:high]):
                yield OptionBytes(data, low, high)


def _of(key: int, data: bytes, start: int, end: int) -> Iterator[tuple[int, int]]:
    if key == TCP and start + 12 < len(data):
        stop = start + (data[start + 12] >> 4 << 2)
        if data[start + 20 : start + 24] != USUAL or stop != start + 32:
            yield from _tcp_like(data, start + 20, stop)
    elif key in (IPV4, IP_PROTOCOL | 4) and start < len(data):
        yield from _tcp_like(data, start + 20, start + ((data[start] & 15) << 2), listed={})
    elif key in (IPV6, IP_PROTOCOL | 41):
        yield from _extensions(data, start, end)
    elif key in _METADATA:
        yield from _METADATA[key](data, start, end)
    elif key == _UDP and _GENEVE_PORT in (data[start : start + 2], data[start + 2 : start + 4]):
        yield from _geneve(data, start + 8, end)


def _tcp_like(
    data: bytes, at: int, stop: int, listed: dict[int, tuple[int, ...]] = TCP_LISTED
) -> Iterator[tuple[int, int]]:
    """Options of kind, length and value, the length counting all of it (RFC 791, RFC 9293)."""
    stop = min(stop, len(data))
    while at < stop:
        kind = data[at]
        if kind == _END:
            yield at + 1, stop
            return
        if kind == _NOTHING:
            at += 1
            continue
        size = data[at + 1] if at + 1 < stop else 0
        if size < 2 or at + size > stop:
            yield at + 1, stop
            return
        if size not in listed.get(kind, ()):
            yield at + 2, at + size
        at += size


def _extensions(data: bytes, start: int, end: int) -> Iterator[tuple[int, int]]:
    """The options in the extension headers between an IPv6 header and what it carries."""
    if start + 40 > len(data):
        return
    following, at = data[start + 6], start + 40
    end = min(end, len(data))
    while at + 8 <= end and following in (*_COUNTED, _FRAGMENT, _AUTHENTICATION):
        kind, following, units = following, data[at], data[at + 1]
        if kind == _FRAGMENT:
            at += 8
            continue
        stop = at + ((units + 2) * 4 if kind == _AUTHENTICATION else (units + 1) * 8)
        if kind in _OPTION_HEADERS:
            yield from _ipv6_options(data, at + 2, min(stop, end))
        elif kind == _AUTHENTICATION:
            yield at + 12, min(stop, end)  # the check value (RFC 4302 2)
        at = stop


def _ipv6_options(data: bytes, at: int, stop: int) -> Iterator[tuple[int, int]]:
    while at + 1 < stop:
        kind, size = data[at], data[at + 1]
        if kind == 0:  # Pad1 has no length
            at += 1
            continue
        if (kind, size) != _HOME_ADDRESS:
            yield at + 2, min(at + 2 + size, stop)
        at += 2 + size


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


# -- what else headers of links and tunnels carry --------------------------------------


def _check_value(data: bytes, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Of AH its check value (RFC 4302 2)."""
    if start + 2 <= len(data):
        yield start + 12, start + (data[start + 1] + 2) * 4


def _service(data: bytes, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Of the network service header its contexts (RFC 8300 2.4, 2.5)."""
    if start + 2 <= len(data):
        yield start + 8, start + (data[start + 1] & 0x3F) * 4


def _netfilter(data: bytes, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Of netfilter's log all values but the packet, its own prefix among them."""
    at = start + 4
    while at + 4 <= end:
        size, kind = _TLV(data, at)
        if size < 4 or kind == _NFLOG_PAYLOAD:
            return
        yield at + 4, min(at + size, end)
        at += size + 3 & ~3


def _packet_filter(data: bytes, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Of OpenBSD's log all but length, family, action and reason: names of interface and rules."""
    yield start + 4, end


def _packet_tap(data: bytes, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Of Darwin's tap all but length, kind and link type: names of interface and programs."""
    yield start + 12, end


#: Keys of headers -> what in them does not stay.
_METADATA: Final[Mapping[int, Callable[[bytes, int, int], Iterator[tuple[int, int]]]]] = {
    IP_PROTOCOL | 51: _check_value,
    ETHERTYPE | 0x894F: _service,
    LINK | 117: _packet_filter,
    LINK | 239: _netfilter,
    LINK | 258: _packet_tap,
}
