"""IP fragments put together again (RFC 791 3.2, RFC 8200 4.5).

The first copy of a byte wins, as in Linux before 2018 and as tshark shows it;
overlaps are named, since a receiver may have decided otherwise.  Completed
datagrams are remembered for a while, so that a fragment captured twice does
not look like the start of a second datagram.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import Final

#: Seconds a datagram may stay incomplete: `net.ipv4.ipfrag_time` of Linux.
LIFETIME: Final = 30
#: Memory for fragments, pending and remembered: four times Linux's ipfrag_high_thresh.
MAX_BYTES: Final = 16 << 20
#: The largest payload of an IP datagram.
MAX_DATAGRAM: Final = 65535

#: What one piece costs beside its bytes (object headers, list slots), estimated.
_OVERHEAD: Final = 100


class _Datagram:
    __slots__ = ("cost", "first_at", "have", "pieces", "protocol", "starts", "total", "whole")

    def __init__(self, at: int) -> None:
        self.first_at = at
        self.starts: list[int] = []  # sorted; pieces[i] begins at starts[i]; none overlap
        self.pieces: list[bytes] = []
        self.have = 0
        self.total = -1  # known with the last fragment
        self.protocol = -1  # known with the first fragment
        self.whole: bytes | None = None
        self.cost = 4 * _OVERHEAD

    def repeats(self, offset: int, payload: bytes) -> bool:
        """Whether these bytes are already here, as they are."""
        if self.whole is not None:
            return self.whole[offset : offset + len(payload)] == payload
        index = bisect_left(self.starts, offset)
        return (
            index < len(self.starts)
            and self.starts[index] == offset
            and self.pieces[index] == payload
        )

    def fill(self, offset: int, payload: bytes) -> tuple[int, bool]:
        """Keep the bytes that are new: (number of bytes known before, whether they differ)."""
        shared, differs = 0, False
        position, stop = offset, offset + len(payload)
        index = bisect_left(self.starts, offset)
        if index and self.starts[index - 1] + len(self.pieces[index - 1]) > offset:
            index -= 1
        while position < stop:
            known = self.starts[index] if index < len(self.starts) else stop
            if position < known:  # a hole up to the next piece
                piece = payload[position - offset : min(known, stop) - offset]
                self.starts.insert(index, position)
                self.pieces.insert(index, piece)
                self.have += len(piece)
                self.cost += len(piece) + _OVERHEAD
                position += len(piece)
            else:
                piece = self.pieces[index]
                until = min(known + len(piece), stop)
                shared += until - position
                mine = payload[position - offset : until - offset]
                differs = differs or piece[position - known : until - known] != mine
                position = until
            index += 1
        return shared, differs


class Reassembler:
    """Collects fragments and answers with a datagram's payload once it is complete.

    Memory is bounded by `max_bytes` (oldest datagrams are given up first) and
    by `lifetime` seconds of capture time.  `faults` receives (name, detail).
    """

    def __init__(
        self,
        faults: list[tuple[str, str]],
        *,
        max_bytes: int = MAX_BYTES,
        lifetime: int = LIFETIME,
    ) -> None:
        self._faults = faults
        self._max_bytes = max_bytes
        self._lifetime = lifetime * 1_000_000_000
        self._datagrams: dict[bytes, _Datagram] = {}  # oldest first
        self._bytes = 0

    @property
    def held(self) -> int:
        """Bytes of memory accounted for."""
        return self._bytes

    def add(
        self, key: bytes, offset: int, more: bool, payload: bytes, protocol: int, at: int
    ) -> tuple[bytes, int] | None:
        """Take one fragment: (payload of the whole datagram, its protocol), or None.

        `key` names the datagram (addresses, identification, context); `offset`
        is in bytes; `more` is the more-fragments flag; `protocol` counts when
        `offset` is 0.  `at` is the capture time in ns.
        """
        self._expire(at)
        stop = offset + len(payload)
        if stop > MAX_DATAGRAM:
            self._faults.append(("fragment-beyond-end", f"ends at byte {stop}"))
            return None
        datagram = self._datagrams.get(key)
        if datagram is not None and datagram.whole is not None:
            if datagram.repeats(offset, payload):
                return None
            self._forget(key)  # the identification is in use again
            datagram = None
        if datagram is None:
            datagram = self._datagrams[key] = _Datagram(at)
            self._bytes += datagram.cost
        before = datagram.cost
        if not datagram.repeats(offset, payload):
            self._place(datagram, offset, more, payload)
        if offset == 0 and datagram.protocol < 0:
            datagram.protocol = protocol
        if not more and datagram.total < 0:
            datagram.total = stop
            if datagram.starts and datagram.starts[-1] + len(datagram.pieces[-1]) > stop:
                self._faults.append(("fragment-beyond-end", f"more than {stop} bytes"))
        result = self._complete(datagram)
        self._bytes += datagram.cost - before
        self._shrink()
        return result

    def close(self) -> None:
        """Name the datagrams that the end of the capture left incomplete."""
        for key in list(self._datagrams):
            self._give_up(key, "fragment-timeout")

    def _place(self, datagram: _Datagram, offset: int, more: bool, payload: bytes) -> None:
        total = datagram.total
        stop = offset + len(payload)
        if total >= 0 and (stop > total or (not more and stop != total)):
            self._faults.append(("fragment-beyond-end", f"{stop} of {total} bytes"))
            payload = payload[: max(total - offset, 0)]
        shared, differs = datagram.fill(offset, payload)
        if shared:
            name = "fragment-conflict" if differs else "fragment-overlap"
            self._faults.append((name, f"{shared} bytes at {offset}"))

    def _complete(self, datagram: _Datagram) -> tuple[bytes, int] | None:
        total = datagram.total
        if total < 0 or datagram.protocol < 0 or datagram.have < total:
            return None
        position = 0
        for start, piece in zip(datagram.starts, datagram.pieces, strict=True):
            if start != position:  # a hole; bytes behind the end may count in `have`
                break
            position += len(piece)
        if position < total:
            return None
        whole = b"".join(datagram.pieces)[:total]
        datagram.whole = whole
        datagram.cost = len(whole) + 4 * _OVERHEAD
        datagram.starts.clear()
        datagram.pieces.clear()
        return whole, datagram.protocol

    def _expire(self, at: int) -> None:
        limit = at - self._lifetime
        while self._datagrams:
            key = next(iter(self._datagrams))
            if self._datagrams[key].first_at >= limit:
                return
            self._give_up(key, "fragment-timeout")

    def _shrink(self) -> None:
        while self._bytes > self._max_bytes:
            self._give_up(next(iter(self._datagrams)), "fragment-limit")

    def _give_up(self, key: bytes, fault: str) -> None:
        datagram = self._datagrams[key]
        if datagram.whole is None:
            self._faults.append((fault, f"{datagram.have} bytes of a datagram"))
        self._forget(key)

    def _forget(self, key: bytes) -> None:
        self._bytes -= self._datagrams.pop(key).cost
