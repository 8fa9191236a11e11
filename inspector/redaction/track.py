"""One direction of a connection in a copy: blank, but for what was granted.

The bytes that came stand beside those that may be written in their place, as far as those are
decided: what was granted, and of what was not placeholders and the ends of lines, which tell
what is no message.

Offsets count the direction's bytes from the first one captured, missing ones included.
"""

from __future__ import annotations

from operator import itemgetter
from typing import Final, NamedTuple, TypeAlias

from inspector.fact import Fact
from inspector.redaction.blanks import blanked
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
        self._stretches = [CapturedBytes(0, bytearray(), bytearray())]
        self._passed: list[_Passed] = []
        self._grants: list[_Grant] = []  # in what is not decided

    # -- bytes -----------------------------------------------------------------

    def add(self, data: bytes) -> None:
        """The next bytes."""
        self._stretches[-1].raw.extend(data)
        self.end += len(data)

    def gap(self, count: int) -> None:
        """The next bytes were not captured."""
        self.end += count
        if not self._stretches[-1].raw:
            self._stretches.pop()
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
            if stretch.base <= start:
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
            if start > at and self._fill(at, start) and unread_from is None:
                unread_from = at
            rest = start + len(data) - stop
            if rest > 0:
                self._grants.append((stop, data[-rest:]))
                data = data[:-rest]
            self._write(start, data)
            at = max(at, start + len(data))
        if at < stop and self._fill(at, stop) and unread_from is None:
            unread_from = at
        self.decided = stop
        return unread_from

    def _fill(self, start: int, stop: int) -> bool:
        """Nobody granted these bytes; whether any of them came."""
        came = False
        for base, raw, out in self._stretches:
            low, high = max(start, base), min(stop, base + len(raw))
            if low < high:
                out[low - base : high - base] = unread(bytes(raw[low - base : high - base]))
                came = True
        return came

    def _write(self, start: int, data: bytes | bytearray) -> None:
        base, raw, out = self._stretches[-1]
        at = start - base
        if at >= 0 and at + len(data) <= len(raw):
            if at == len(out):
                out += data  # what is put in a place is copied twice
            else:
                out[at : at + len(data)] = data
            return
        for base, raw, out in reversed(self._stretches):
            low, high = max(start, base), min(start + len(data), base + len(raw))
            if low < high:
                out[low - base : high - base] = data[low - start : high - start]
            if base <= start:
                break

    # -- what may be written ------------------------------------------------------

    def covered(self, start: int, data: bytes | bytearray) -> tuple[bytes | bytearray, str]:
        """What is written of a packet whose first byte has the offset `start`; why not all.

        Blanked, for a reason of `RedactionSummary`, is what cannot be told:
        "unmatched" are bytes that are not what the receiver got first,
        "forgotten" those whose first copy is no longer here, or was in a gap.
        """
        size = len(data)
        last = self._stretches[-1]
        at = start - last.base
        if at >= 0 and start + size <= self.decided and last.raw.startswith(data, at):
            return last.out[at : at + size], ""
        data = bytes(data)
        masked = bytearray(b"x" * size)
        compared = matched = 0
        for base, raw, out in self._stretches:
            low = max(start, base)
            high = min(start + size, base + len(raw), self.decided)
            if low >= high:
                continue
            compared += high - low
            if raw[low - base : high - base] == data[low - start : high - start]:
                masked[low - start : high - start] = out[low - base : high - base]
                matched += high - low
        for passed in self._passed:
            low, high = max(start, passed.start), min(start + size, passed.stop)
            if low < high:
                masked[low - start : high - start] = unread(data[low - start : high - start])
                compared += high - low
                matched += high - low
        why = "unmatched" if matched < compared else "forgotten" if matched < size else ""
        return bytes(masked), why

    def stretch(self, offset: int | None = None) -> CapturedBytes:
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
        kept = sum([len(stretch.raw) for stretch in self._stretches])
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
        kept = sum([len(stretch.raw) for stretch in stretches]) - len(stretches[-1].raw)
        needed = min(needed, self.decided)
        while len(stretches) > 1 and (kept > past or len(stretches) > PASTS):
            first = stretches[0]
            if first.base + len(first.raw) > needed:
                break
            kept -= len(first.raw)
            del stretches[0]
        base, raw, out = stretches[-1]
        spare = min(self.decided - history, needed) - base
        if spare > (history if slack is None else slack):
            del raw[:spare]
            del out[:spare]
            stretches[-1] = CapturedBytes(base + spare, raw, out)
