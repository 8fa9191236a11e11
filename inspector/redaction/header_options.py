"""Headers of packets: what of them does not stay in a copy, options of IP and TCP above all.

Headers that the decoder read stay, but their options carry whatever somebody put
there: cookies, signatures, text.  Those of the tables stay, numbers all; of any other
option stay kind and length, so that a reader walks the header as before.  What other headers
carry is told by `header_fields`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from inspector.flows.internet import final_hop
from inspector.flows.layers import IP_PROTOCOL, IPV4, IPV6, TCP
from inspector.redaction.header_fields import FIELDS, HeaderRow, everything, nothing

#: TCP's options that stay, and the lengths that they have: MSS, window scale (RFC 9293 3.2,
#: RFC 7323 2.2), SACK permitted and SACK (RFC 2018), timestamps (RFC 7323 3.2).
TCP_LISTED: Final = {2: (4,), 3: (3,), 4: (2,), 5: (10, 18, 26, 34), 8: (10,)}
#: End of the list, and no operation: no length follows.
_END, _NOTHING = 0, 1
#: How most headers' options look: two of no operation, and timestamps.
USUAL: Final = b"\x01\x01\x08\x0a"

#: IPv6's extension headers that are lists of options (RFC 8200 4.3, 4.6); Home Address stays
#: (RFC 6275 6.3), which the decoder takes a packet's source from.
_OPTION_HEADERS: Final = frozenset({0, 60})
_COUNTED: Final = frozenset({0, 43, 60, 135, 139, 140})
_FRAGMENT, _ROUTING, _AUTHENTICATION = 44, 43, 51
_HOME_ADDRESS: Final = (0xC9, 16)


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
        end = _end(data, following)
        # What the last one leads to was not read, and is hidden as such (`frames.Reading`).
        unknown = nothing if following is None else everything
        for low, high in _of(key, data, start, end, unknown):
            high = min(high, len(data))
            if low < high and any(data[low:high]):
                yield OptionBytes(data, low, high)


def _end(data: bytes, following: Header | None) -> int:
    """Where the next header begins; of another datagram's none does, of one cut out it may."""
    if following is None:
        return len(data)
    if following.data is data:
        return following.start
    return len(data) - len(following.data) if data.endswith(following.data) else len(data)


def _of(
    key: int, data: bytes, start: int, end: int, unknown: HeaderRow
) -> Iterator[tuple[int, int]]:
    if key == TCP and start + 12 < len(data):
        stop = start + (data[start + 12] >> 4 << 2)
        if data[start + 20 : start + 24] != USUAL or stop != start + 32:
            yield from _tcp_like(data, start + 20, stop)
    elif key in (IPV4, IP_PROTOCOL | 4) and start < len(data):
        yield from _tcp_like(data, start + 20, start + ((data[start] & 15) << 2), listed={})
    elif key in (IPV6, IP_PROTOCOL | 41):
        yield from _extensions(data, start, end)
    else:
        yield from FIELDS.get(key, unknown)(data, start, end)


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
    """What the extension headers between an IPv6 header and what it carries hold."""
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
        elif kind == _ROUTING:
            yield from _hops(data, at, min(stop, end))
        else:  # mobility, HIP, shim6: of interest to nobody here
            yield at + 2, min(stop, end)
        at = stop


def _hops(data: bytes, at: int, stop: int) -> Iterator[tuple[int, int]]:
    """Of the listed hops stays the one that the decoder takes a packet's destination from."""
    final = final_hop(data, at, stop - at)
    yield at + 4, stop if final is None else final
    if final is not None:
        yield final + 16, stop


def _ipv6_options(data: bytes, at: int, stop: int) -> Iterator[tuple[int, int]]:
    while at + 1 < stop:
        kind, size = data[at], data[at + 1]
        if kind == 0:  # Pad1 has no length
            at += 1
            continue
        if (kind, size) != _HOME_ADDRESS:
            yield at + 2, min(at + 2 + size, stop)
        at += 2 + size
