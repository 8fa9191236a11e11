"""The packets of a copy against those that were captured: where they differ and may not.

Length, time and link type of each have to be the input's, and each byte the input's or one that
masks are made of.  The compiled core says of nearly every packet that it is so; of those that it
doubts, without it of those that differ at all, the bytes are compared here, of many at once.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Container, Iterator
from itertools import accumulate
from typing import Final

from inspector.fact import Changing, field
from inspector.native.functions import Core
from inspector.native.used import USED
from inspector.wire import Batch, packed_records

#: What masks are made of: fillers (`x`, `X` for AWS, `0` among hex digits, 0xBF for what is no
#: ASCII), the digits that tell equal values, and their hex digits where a value is percent-encoded.
MASK_BYTES: Final = b"xX0123456789\xbfBF"

#: Byte -> 0 for one that masks are made of, else 0xFF.
_IS_MASK: Final = bytes(0 if byte in MASK_BYTES else 0xFF for byte in range(256))
_DIFFERS: Final = bytes((0, *(255 * b"\xff")))


class CopyDifference(Changing):
    """Between packets of a copy and those of its source.

    `hidden`: which bytes of the copy's batch must not stay.  `unlike`: packets of other length,
    time or link type.  `foreign`: stretches that were neither captured nor a mask.
    """

    hidden: list[range] = field(default_factory=list)
    unlike: int = 0
    foreign: int = 0


def difference(
    copy: Batch, source: Batch, number: int, recoded: Container[int] = ()
) -> CopyDifference:
    """How as many packets of a copy differ from what was captured; the first has this number.

    The bytes of those whose numbers are `recoded` may be any.
    """
    found = CopyDifference()
    # What differs, one packet behind another: where each begins in the batch, and both.
    begins: list[int] = []
    copies: list[bytes] = []
    sources: list[bytes] = []
    for index in _doubted(copy, source):
        at, begin, length, wire = copy.records[index]
        was_at, start, size, was_wire = source.records[index]
        if (at, wire, length) != (was_at, was_wire, size) or copy.link_type != source.link_type:
            found.unlike += 1
        if length != size:
            found.hidden.append(range(begin, begin + length))
        elif number + index not in recoded:
            begins.append(begin)
            copies.append(copy.data[begin : begin + length])
            sources.append(source.data[start : start + length])
    ends = list(accumulate(map(len, copies)))
    for start, stop in foreign(b"".join(copies), b"".join(sources)):
        at = bisect_right(ends, start)
        while start < stop:
            last = min(stop, ends[at])
            shift = begins[at] - (ends[at] - len(copies[at]))
            found.hidden.append(range(start + shift, last + shift))
            found.foreign += 1
            start, at = last, at + 1
    return found


def _doubted(copy: Batch, source: Batch) -> Iterator[int]:
    """The indexes of packets that may not be what they have to be, in order."""
    core = USED.core
    if core is not None and copy.link_type == source.link_type:
        return _by_core(core, copy, source)
    frames, captured = _packets(copy), _packets(source)
    return (
        index
        for index, (one, other) in enumerate(zip(frames, captured, strict=True))
        if one != other or copy.link_type != source.link_type
    )


def _by_core(core: Core, copy: Batch, source: Batch) -> Iterator[int]:
    copies, sources = packed_records(copy.records), packed_records(source.records)
    count = min(len(copies), len(sources))
    index = -1
    while True:
        index = core.alike(
            copy.data, len(copy.data), copies.packed.buffer_info()[0],
            source.data, len(source.data), sources.packed.buffer_info()[0],
            count, index + 1, _IS_MASK,
        )  # fmt: skip
        if index >= count:
            return
        yield index


def _packets(batch: Batch) -> list[tuple[int, int, bytes]]:
    """The packets of a batch: time in ns, length on the wire, bytes."""
    data = batch.data
    return [
        (at, wire, data[start : start + captured]) for at, start, captured, wire in batch.records
    ]


def foreign(copy: bytes, source: bytes) -> list[tuple[int, int]]:
    """Where two texts of one length differ by a byte that no mask has."""
    unlike = int.from_bytes(copy, "big") ^ int.from_bytes(source, "big")
    if not unlike & int.from_bytes(copy.translate(_IS_MASK), "big"):
        return []
    size = len(copy)
    changed = int.from_bytes(unlike.to_bytes(size, "big").translate(_DIFFERS), "big")
    bad = changed & int.from_bytes(copy.translate(_IS_MASK), "big")
    flags = bad.to_bytes(size, "big")
    found: list[tuple[int, int]] = []
    at = flags.find(b"\xff")
    while at >= 0:
        stop = flags.find(b"\0", at)
        stop = size if stop < 0 else stop
        found.append((at, stop))
        at = flags.find(b"\xff", stop)
    return found
