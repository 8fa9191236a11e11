"""Wireless links: IEEE 802.11 data frames, as monitor mode captures them.

Only what is neither encrypted nor aggregated shows a packet.  Sources: IEEE
802.11-2020 9.2.4 and 9.3.2, radiotap.org.
"""

from __future__ import annotations

from typing import Final

from inspector.flows.layers import LINK, LLC, Answer, Cursor, Layers

_RADIOTAP_TSFT: Final = 1
_RADIOTAP_FLAGS: Final = 2
_RADIOTAP_MORE: Final = 1 << 31
_RADIOTAP_PADDED: Final = 0x20


def radiotap(cursor: Cursor) -> Answer:
    """The header of monitor mode; one flag in it tells whether 802.11's is padded."""
    data, start = cursor.data, cursor.start
    if cursor.end - start < 8:
        return "truncated-header"
    length = int.from_bytes(data[start + 2 : start + 4], "little")
    stop = start + length
    if length < 8 or stop > cursor.end:
        return "truncated-header"
    present = word = int.from_bytes(data[start + 4 : start + 8], "little")
    position = start + 8
    while word & _RADIOTAP_MORE and position + 4 <= stop:
        word = int.from_bytes(data[position : position + 4], "little")
        position += 4
    if present & _RADIOTAP_TSFT:  # 8 bytes, aligned to 8 from the header's start
        position = start + (position - start + 7 & ~7) + 8
    padded = False
    if present & _RADIOTAP_FLAGS and position < stop:
        padded = bool(data[position] & _RADIOTAP_PADDED)
    cursor.start = stop
    return _wireless(cursor, padded)


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
    LINK | 127: radiotap,
}
