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
    """A datagram that is not complete yet."""

    __slots__ = ("cost", "first_at", "have", "pieces", "protocol", "starts", "total")

    def __init__(self, at: int) -> None:
        self.first_at = at
        self.starts: list[int] = []  # sorted; pieces[i] begins at starts[i]; none overlap
        self.pieces: list[bytes] = []
        self.have = 0
        self.total = -1  # known with the last fragment
        self.protocol = -1  # known with the first fragment
        self.cost = 4 * _OVERHEAD

    @property
    def end(self) -> int:
        """Where the last byte ends that came so far."""
        return self.starts[-1] + len(self.pieces[-1]) if self.starts else 0

    def repeats(self, offset: int, payload: bytes) -> bool:
        """Whether this fragment came before, as it is."""
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

    def whole(self) -> bytes | None:
        """The payload, if no byte of it is missing."""
        total = self.total
        if total < 0 or self.protocol < 0 or self.have < total:
            return None
        position = 0
        for start, piece in zip(self.starts, self.pieces, strict=True):
            if start != position:  # a hole; bytes behind the end may count in `have`
                break
            position += len(piece)
        return None if position < total else b"".join(self.pieces)[:total]


class Reassembler:
    """Collects fragments and answers with a datagram's payload once it is complete.

    Memory is bounded by `max_bytes` (the oldest datagrams are given up first)
    and by `lifetime` seconds of capture time.  `faults` receives (name, detail).
    """

    def __init__(
        self,
        faults: list[tuple[str, str]],
        *,
        max_bytes: int = MAX_BYTES,
        lifetime: int = LIFETIME,
    ) -> None:
        self._faults = faults
        self._max_done = max_bytes // 8
        self._max_pending = max_bytes - self._max_done
        self._lifetime = lifetime * 1_000_000_000
        self._pending: dict[bytes, _Datagram] = {}  # oldest first, as the next one
        self._done: dict[bytes, tuple[int, bytes]] = {}  # when completed, payload
        self._pending_bytes = self._done_bytes = 0

    @property
    def held(self) -> int:
        """Bytes of memory accounted for."""
        return self._pending_bytes + self._done_bytes

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
        done = self._done.get(key)
        if done is not None:
            if done[1][offset:stop] == payload:
                return None
            self._forget(key)  # the identification is in use again
        datagram = self._pending.get(key)
        if datagram is None:
            datagram = self._pending[key] = _Datagram(at)
            self._pending_bytes += datagram.cost
        before = datagram.cost
        self._place(datagram, offset, more, payload)
        self._pending_bytes += datagram.cost - before
        if offset == 0 and datagram.protocol < 0:
            datagram.protocol = protocol
        whole = datagram.whole()
        if whole is None:
            while self._pending_bytes > self._max_pending:
                self._give_up(next(iter(self._pending)), "fragment-limit")
            return None
        del self._pending[key]
        self._pending_bytes -= datagram.cost
        self._remember(key, whole, at)
        return whole, datagram.protocol

    def completed_bytes(self, key: bytes) -> bytes:
        """The payload of a datagram that was completed lately; nothing of any other."""
        return self._done.get(key, (0, b""))[1]

    def close(self) -> None:
        """Name the datagrams that the end of the capture left incomplete."""
        for key in list(self._pending):
            self._give_up(key, "fragment-timeout")
        self._done.clear()
        self._done_bytes = 0

    def _place(self, datagram: _Datagram, offset: int, more: bool, payload: bytes) -> None:
        stop = offset + len(payload)
        total = datagram.total
        if total < 0 and not more:
            datagram.total = stop
            if datagram.end > stop:
                self._faults.append(("fragment-beyond-end", f"{datagram.end} of {stop} bytes"))
        elif total >= 0 and (stop > total or (not more and stop != total)):
            self._faults.append(("fragment-beyond-end", f"{stop} of {total} bytes"))
            payload = payload[: max(total - offset, 0)]
        if datagram.repeats(offset, payload):
            return
        shared, differs = datagram.fill(offset, payload)
        if shared:
            name = "fragment-conflict" if differs else "fragment-overlap"
            self._faults.append((name, f"{shared} bytes at {offset}"))

    def _remember(self, key: bytes, whole: bytes, at: int) -> None:
        self._done[key] = at, whole
        self._done_bytes += len(whole) + _OVERHEAD
        while self._done_bytes > self._max_done:
            self._forget(next(iter(self._done)))

    def _expire(self, at: int) -> None:
        limit = at - self._lifetime
        while self._pending:
            key, datagram = next(iter(self._pending.items()))
            if datagram.first_at >= limit:
                break
            self._give_up(key, "fragment-timeout")
        while self._done:
            key, (completed_at, _) = next(iter(self._done.items()))
            if completed_at >= limit:
                break
            self._forget(key)

    def _give_up(self, key: bytes, fault: str) -> None:
        datagram = self._pending.pop(key)
        self._pending_bytes -= datagram.cost
        self._faults.append((fault, f"{datagram.have} bytes of a datagram"))

    def _forget(self, key: bytes) -> None:
        self._done_bytes -= len(self._done.pop(key)[1]) + _OVERHEAD
