"""Wireless links: IEEE 802.11 data frames, as monitor mode captures them.

Only what is neither encrypted nor aggregated shows a packet.  Sources: IEEE
802.11-2020 9.2.4 and 9.3.2, radiotap.org; for Prism and AVS Wireshark's dissector.
"""

from __future__ import annotations

from struct import Struct
from typing import Final

from inspector.flows.layers import LINK, LLC, Answer, Cursor, Layers, announcing

_RADIOTAP_TSFT: Final = 1
_RADIOTAP_FLAGS: Final = 2
_RADIOTAP_MORE: Final = 1 << 31
_RADIOTAP_PADDED: Final = 0x20
#: Version and length of AVS's header; versions are 0x80211001 and 0x80211002.
_AVS: Final = Struct("!II").unpack_from
_AVS_VERSIONS: Final = 0x80211000
_PRISM_SIZE: Final = 144


def radiotap(cursor: Cursor) -> Answer:
    """The header of monitor mode; one flag in it tells whether 802.11's is padded."""
    data, start = cursor.data, cursor.start
    if cursor.end - start < 8:
        return "truncated-header"
    length = int.from_bytes(data[start + 2 : start + 4], "little")
    stop = start + length
    if length < 8 or stop > cursor.end:
        return "truncated-header"
    _, flags = radiotap_fields(data, start, stop)
    padded = flags is not None and bool(data[flags] & _RADIOTAP_PADDED)
    cursor.start = stop
    return _wireless(cursor, padded)


def radiotap_fields(data: bytes, start: int, stop: int) -> tuple[int, int | None]:
    """Where in a header of monitor mode the fields begin, and where among them the flags are."""
    present = word = int.from_bytes(data[start + 4 : start + 8], "little")
    position = start + 8
    while word & _RADIOTAP_MORE and position + 4 <= stop:
        word = int.from_bytes(data[position : position + 4], "little")
        position += 4
    fields = position
    if present & _RADIOTAP_TSFT:  # 8 bytes, aligned to 8 from the header's start
        position = start + (position - start + 7 & ~7) + 8
    return fields, position if present & _RADIOTAP_FLAGS and position < stop else None


def prism(cursor: Cursor) -> Answer:
    """Prism's header of 144 bytes, or AVS's, which begins with a number and its own length."""
    data, start = cursor.data, cursor.start
    if cursor.end - start < 8:
        return "truncated-header"
    number, length = _AVS(data, start)
    cursor.start = start + (length if number & ~0xF == _AVS_VERSIONS else _PRISM_SIZE)
    if cursor.start < start + 8 or cursor.start > cursor.end:
        return "truncated-header"
    return LINK | 105


def wireless(cursor: Cursor) -> Answer:
    """IEEE 802.11 without a header of the capturing system."""
    return _wireless(cursor, False)


def _wireless(cursor: Cursor, padded: bool) -> Answer:
    data, start = cursor.data, cursor.start
    if cursor.end - start < 24:
        return "truncated-header"
    control, flags = data[start], data[start + 1]
    if control & 0x0F != 0x08 or control & 0x40:  # not data, or data without data (9.2.4.1.3)
        return "control"
    if flags & 0x40:
        return "encrypted"
    if flags & 0x04 or data[start + 22] & 0x0F:
        return "link-fragment"
    length = 30 if flags & 0x03 == 0x03 else 24
    if control & 0x80:
        if start + length < cursor.end and data[start + length] & 0x80:
            return "link-fragment"  # several frames aggregated into one
        length += 6 if flags & 0x80 else 2
    if padded:
        length = length + 3 & ~3
    cursor.start = start + length
    return LLC


LAYERS: Final[Layers] = {
    LINK | 105: wireless,
    LINK | 119: prism,
    LINK | 127: radiotap,
    LINK | 163: prism,
    LINK | 192: announcing(slice(2, 4), slice(4, 8)),  # PPI (CACE's PPI 1.0.7, 3.1)
}
