"""BlockOptions of pcapng blocks: lists of code, length, value, padded to four bytes.

Source: draft-ietf-opsawg-pcapng, 3.5 (options), 4.1 (section options), 4.2
(interface options), 4.3 (packet options), 4.6 (statistics options).
"""

from __future__ import annotations

from struct import Struct
from typing import Final, NamedTuple

from inspector.fact import Fact

END_OF_OPTIONS: Final = 0
COMMENT: Final = 1

SHB_USERAPPL: Final = 4

EPB_DROPCOUNT: Final = 4

IF_NAME: Final = 2
IF_TSRESOL: Final = 9
IF_FILTER: Final = 11
IF_TSOFFSET: Final = 14

ISB_IFRECV: Final = 4
ISB_IFDROP: Final = 5
ISB_OSDROP: Final = 7

#: The unit when an interface states none: microseconds.
DEFAULT_RESOLUTION: Final = 6

_SECOND: Final = 1_000_000_000
_HEADERS: Final = {order: Struct(order + "HH") for order in "<>"}


class BlockOptions(Fact):
    """The options of one block in file order; `fault` says what ended the list early."""

    values: list[tuple[int, bytes]]
    fault: str | None

    def last(self, code: int) -> bytes | None:
        """The value of the last option `code`, or None."""
        for found, value in reversed(self.values):
            if found == code:
                return value
        return None

    def comments(self) -> tuple[str, ...]:
        """All comments; bytes that are no UTF-8 become U+FFFD."""
        return tuple(text(value) for code, value in self.values if code == COMMENT)


class Resolution(NamedTuple):
    """Ticks to nanoseconds: `ticks * numerator // denominator`."""

    numerator: int
    denominator: int


def text(value: bytes) -> str:
    """An option's UTF-8 string; some writers end it with NUL, which is dropped."""
    return value.rstrip(b"\0").decode("utf-8", "replace")


def parse_options(data: bytes, at: int, end: int, order: str) -> BlockOptions:
    """The options in `data[at:end]`; whatever is before a lying length is kept.

    `order` is the section's byte order as `struct` writes it.
    """
    values: list[tuple[int, bytes]] = []
    unpack = _HEADERS[order].unpack_from
    while at + 4 <= end:
        code, length = unpack(data, at)
        if code == END_OF_OPTIONS:
            return BlockOptions(values, None)
        at += 4
        if at + length > end:
            return BlockOptions(
                values, f"option {code} claims {length} bytes, {end - at} are there"
            )
        values.append((code, data[at : at + length]))
        at += (length + 3) & ~3
    if at < end:
        return BlockOptions(values, f"{end - at} bytes after the last option")
    return BlockOptions(values, None)


def resolution(value: int) -> Resolution:
    """What if_tsresol `value` means: 10**-value s, or 2**-n s with the top bit set."""
    if value & 0x80:
        return Resolution(_SECOND, 1 << (value & 0x7F))
    if value <= 9:
        return Resolution(10 ** (9 - value), 1)
    return Resolution(1, 10 ** (value - 9))


def filter_text(value: bytes) -> str:
    """What if_filter says: a capture filter's text, or that there was a program.

    The first byte tells which: 0 a libpcap string, 1 BPF byte code.
    """
    if value[:1] == b"\0":
        return text(value[1:])
    if value[:1] == b"\1":
        return f"(BPF program of {(len(value) - 1) // 8} instructions)"
    return "(unknown kind of filter)"
