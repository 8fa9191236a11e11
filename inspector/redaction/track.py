"""One direction of a connection in a copy: blank, but for what was granted.

The bytes that came stand beside those that may be written in their place, as far as those are
decided: what was granted, and of what was not placeholders and the ends of lines, which tell
what is no message.  Of application data of TLS, which is blank, neither is kept (`sealed`).

Offsets count the direction's bytes from the first one captured, missing ones included.
"""

from __future__ import annotations

from array import array
from operator import itemgetter
from typing import Final, NamedTuple, TypeAlias

from inspector.fact import Fact
from inspector.redaction.blanks import blanked
from inspector.redaction.sealed import SealedBytes
from inspector.regex import regex

#: Decided bytes remembered for retransmissions.
HISTORY: Final = 128 << 10
#: Of what came before gaps, this much, and so many stretches.
PAST: Final = 1 << 20
PASTS: Final = 256

_LINE_END: Final = regex(rb"[\r\n]")


def unread(data: bytes) -> bytes:
    """What stays of bytes that nobody read."""
    hidden = bytearray(blanked(data))
    for end in _LINE_END.finditer(data):
        hidden[end.start()] = data[end.start()]
    return bytes(hidden)


class CapturedBytes(NamedTuple):
    """Bytes without a gap, from offset `base` on: as they came, and as they may be written.

    `out` has those that are decided.
    """

    base: int
    raw: bytearray
    out: bytearray

    @property
    def stop(self) -> int:
        """The offset behind the last of them."""
        return self.base + len(self.raw)

    @property
    def decided(self) -> int:
        """How many of them are."""
        return len(self.out)

    def has(self, start: int, data: bytes | bytearray) -> bool:
        """Whether bytes from an offset on are what came there."""
        return self.raw.startswith(data, start - self.base)

    def shown(self, start: int, stop: int) -> bytearray:
        """What may be written from one offset to before another."""
        return self.out[start - self.base : stop - self.base]

    def behind(self, border: int) -> CapturedBytes:
        """The same without the bytes before an offset."""
        spare = max(0, border - self.base)
        del self.raw[:spare]
        del self.out[:spare]
        return CapturedBytes(self.base + spare, self.raw, self.out)


#: Bytes without a gap.
Unbroken: TypeAlias = CapturedBytes | SealedBytes


class _Passed(Fact):
    """Bytes that were captured and shown to nobody."""

    start: int
    stop: int


#: Where it begins, and the bytes.
_Grant: TypeAlias = tuple[int, bytes | bytearray]
_START: Final = itemgetter(0)


class Track:
    """Bytes in order, grants in any; `decided` is the offset up to which `covered` can answer."""

    __slots__ = ("_grants", "_passed", "_stretches", "decided", "end", "is_recoded")

    def __init__(self) -> None:
        #: The offset after the last byte that came.
        self.end = 0
        self.decided = 0
        #: A body was coded anew: what is written is neither what was captured nor a mask.
        self.is_recoded = False
        # Short lists, of which the first go: an empty deque takes ten times the memory of one,
        # and there are two directions of each connection.
        self._stretches: list[Unbroken] = [CapturedBytes(0, bytearray(), bytearray())]
        self._passed: list[_Passed] = []
        self._grants: list[_Grant] = []  # in what is not decided

    # -- bytes -----------------------------------------------------------------

    def add(self, data: bytes) -> None:
        """The next bytes."""
        last = self._stretches[-1]
        if isinstance(last, SealedBytes):
            last = CapturedBytes(self.end, bytearray(), bytearray())
            self._stretches.append(last)
        last.raw.extend(data)
        self.end += len(data)

    def seal(self, count: int, records: array[int] | None = None) -> None:
        """The next bytes are application data of TLS: these `records`, of which headers stay.

        None: they are of the last record, and were not seen.
        """
        last = self._stretches[-1]
        if not isinstance(last, SealedBytes):
            self._drop_empty()
            last = SealedBytes(self.end)
            self._stretches.append(last)
        last.add(count, records)
        self.end += count

    @property
    def is_sealed(self) -> bool:
        """Whether the last bytes were application data of TLS."""
        return isinstance(self._stretches[-1], SealedBytes)

    def _drop_empty(self) -> None:
        last = self._stretches[-1]
        if last.base == last.stop:
            self._stretches.pop()

    def gap(self, count: int) -> None:
        """The next bytes were not captured."""
        self.end += count
        self._drop_empty()
        self._stretches.append(CapturedBytes(self.end, bytearray(), bytearray()))

    def passed(self, count: int) -> None:
        """The next bytes were captured, and not shown."""
        if self._passed and self._passed[-1].stop == self.end:
            self._passed[-1] = _Passed(self._passed[-1].start, self.end + count)
        else:
            self._passed.append(_Passed(self.end, self.end + count))
            if len(self._passed) > PASTS:
                del self._passed[0]
        self.gap(count)

    def read(self, start: int, stop: int) -> bytes:
        """The bytes that came there; none if some of them did not, or are forgotten."""
        for stretch in reversed(self._stretches):
            if stretch.base <= start and isinstance(stretch, CapturedBytes):
                data = stretch.raw[start - stretch.base : stop - stretch.base]
                return bytes(data) if len(data) == stop - start else b""
        return b""

    # -- grants ----------------------------------------------------------------

    def grant(self, start: int, data: bytes | bytearray) -> None:
        """`data`, which nobody changes any more, may be written from `start` on.

        As far as that is not decided yet.
        """
        skip = self.decided - start
        if skip > 0:
            start, data = self.decided, data[skip:]
        if data:
            self._grants.append((start, data))

    def settle(self, before: int) -> int | None:
        """Nothing more is granted before this offset; where the first unread byte is, if any."""
        stop = min(before, self.end)
        if stop <= self.decided:
            return None
        # Of two grants from one byte on the later one stands.
        grants = sorted(self._grants, key=_START)
        self._grants = []
        unread_from: int | None = None
        at = self.decided
        for grant in grants:
            start, data = grant
            if start >= stop:
                self._grants.append(grant)
                continue
            if start > at:
                unread_from = self._fill(at, start, unread_from)
            rest = start + len(data) - stop
            if rest > 0:
                self._grants.append((stop, data[-rest:]))
                data = data[:-rest]
            self._write(start, data)
            at = max(at, start + len(data))
        if at < stop:
            unread_from = self._fill(at, stop, unread_from)
        self.decided = stop
        return unread_from

    def _fill(self, start: int, stop: int, unread_from: int | None) -> int | None:
        """Nobody granted these bytes; the first that nobody read, here or before."""
        first = start
        for stretch in self._stretches:
            low, high = max(start, stretch.base), min(stop, stretch.stop)
            if low >= high:
                continue
            if isinstance(stretch, SealedBytes):
                first = high
                continue
            base, raw, out = stretch
            out[low - base : high - base] = unread(bytes(raw[low - base : high - base]))
            unread_from = first if unread_from is None else unread_from
        return unread_from

    def _write(self, start: int, data: bytes | bytearray) -> None:
        for stretch in reversed(self._stretches):
            if isinstance(stretch, CapturedBytes):
                base, raw, out = stretch
                at = start - base
                if at >= 0 and at + len(data) <= len(raw):
                    if at == len(out):
                        out += data  # what is put in a place is copied twice
                    else:
                        out[at : at + len(data)] = data
                    return
                low, high = max(start, base), min(start + len(data), base + len(raw))
                if low < high:
                    out[low - base : high - base] = data[low - start : high - start]
            if stretch.base <= start:
                return

    # -- what may be written ------------------------------------------------------

    def covered(self, start: int, data: bytes | bytearray) -> tuple[bytes | bytearray, str]:
        """What is written of a packet whose first byte has the offset `start`; why not all.

        Blanked, for a reason of `RedactionSummary`, is what cannot be told:
        "unmatched" are bytes that are not what the receiver got first,
        "forgotten" those whose first copy is no longer here, or was in a gap.
        """
        size = len(data)
        last = self._stretches[-1]
        if last.base <= start and start + size <= self.decided and last.has(start, data):
            return last.shown(start, start + size), ""
        data = bytes(data)
        masked = bytearray(b"x" * size)
        compared = matched = 0
        for stretch in self._stretches:
            low = max(start, stretch.base)
            high = min(start + size, stretch.stop, self.decided)
            if low >= high:
                continue
            compared += high - low
            if stretch.has(low, data[low - start : high - start]):
                masked[low - start : high - start] = stretch.shown(low, high)
                matched += high - low
        for passed in self._passed:
            low, high = max(start, passed.start), min(start + size, passed.stop)
            if low < high:
                masked[low - start : high - start] = unread(data[low - start : high - start])
                compared += high - low
                matched += high - low
        why = "unmatched" if matched < compared else "forgotten" if matched < size else ""
        return bytes(masked), why

    def stretch(self, offset: int | None = None) -> Unbroken:
        """The last stretch, or the last that begins no later than at an offset, if one does."""
        stretches = self._stretches
        if offset is not None:
            for stretch in reversed(stretches):
                if stretch.base <= offset:
                    return stretch
        return stretches[-1]

    # -- memory ------------------------------------------------------------------

    @property
    def remembered(self) -> int:
        """Decided bytes that are kept for retransmissions."""
        kept = sum([stretch.stop - stretch.base for stretch in self._stretches])
        return max(0, kept - max(0, self.end - self.decided))

    def trim(
        self, needed: int, history: int = HISTORY, past: int = PAST, slack: int | None = None
    ) -> None:
        """Forget decided bytes, but for the last `history`, and those from `needed` on.

        `past`: of those before the last gap so many bytes stay.  `slack`: for less nothing is
        done; None: as many as `history`.
        Called by who holds the packets: one that waits still has to be masked.
        """
        stretches = self._stretches
        last = len(stretches) - 1
        while last and stretches[last - 1].stop == stretches[last].base:
            last -= 1  # no gap is between them
        kept = sum([stretch.stop - stretch.base for stretch in stretches[:last]])
        needed = min(needed, self.decided)
        while last and (kept > past or last >= PASTS):
            first = stretches[0]
            if first.stop > needed:
                break
            kept -= first.stop - first.base
            del stretches[0]
            last -= 1
        border = min(self.decided - history, needed)
        if border - stretches[last].base > (history if slack is None else slack):
            while stretches[last].stop <= border and last < len(stretches) - 1:
                del stretches[last]
            stretches[last] = stretches[last].behind(border)
