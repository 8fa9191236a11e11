"""What the packets of a copy say between their masks, and what of it was not said before.

A copy is masks, and says little beside them, the same again and again: the heads of records, the
frames of events.  So what was looked at and holds no credential need not be looked at again
(measured: of 62 MB in 201,260 packets 6 MB are no mask, and 0.4 MB are left).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from inspector.native.functions import Core
from inspector.native.layout import address
from inspector.native.used import USED
from inspector.redaction.usual import Usual, UsualSegments
from inspector.regex import regex
from inspector.secrets.windows import WIDTH
from inspector.wire import Batch, packed_records

#: A mask that says nothing, and parts what stands before it from what stands behind.
_FILL: Final = regex(rb"x{16,}")
#: Stands behind each text that the core gives; no text has it.
_END: Final = b"x" * 16 + b"\n"
#: Shorter texts hold no window of a credential, in no writing.
LEAST: Final = WIDTH
#: Texts that are remembered, and the longest of them.
TEXTS: Final = 1 << 14
LONGEST: Final = 1 << 10
#: Bytes of texts between masks of a copy that are remembered to hold no credential.
BYTES: Final = 1 << 21


class Sayings:
    """Remembers what was said and holds no credential."""

    __slots__ = ("_bytes", "_clear", "_generation")

    def __init__(self) -> None:
        self._clear: set[bytes] = set()
        self._bytes = 0
        self._generation = 0

    def new(self, batch: Batch, usual: UsualSegments, generation: int) -> list[bytes]:
        """The texts of a batch that are not remembered, each once.

        `generation` is the vault's: what was clear may hold a credential that it learnt since.
        """
        if generation != self._generation:
            self._generation = generation
            self._forget()
        return [text for text in texts(batch, usual) if text not in self._clear]

    def remember(self, clear: Iterable[bytes]) -> None:
        """These, which are new, hold no credential."""
        for text in clear:
            if len(text) > LONGEST:
                continue
            if len(self._clear) >= TEXTS or self._bytes + len(text) > BYTES:
                self._forget()
            self._clear.add(text)
            self._bytes += len(text)

    def _forget(self) -> None:
        self._clear.clear()
        self._bytes = 0


def texts(batch: Batch, usual: UsualSegments) -> Sequence[bytes]:
    """What stands between the long masks of each packet, behind the headers of a usual one.

    Each once, of `LEAST` bytes or more, in the order of the packets.
    """
    core = USED.core
    found = None if core is None else _by_core(core, batch, usual)
    if found is None:
        data = batch.data
        found = [
            text
            for segment, (_, at, size, _) in zip(usual, batch.records, strict=True)
            for text in _FILL.split(data[_begin(segment, at) : at + size])
            if len(text) >= LEAST
        ]
    return list(dict.fromkeys(found))


def _begin(segment: Usual | None, at: int) -> int:
    return at if segment is None else segment[3]


def _by_core(core: Core, batch: Batch, usual: UsualSegments) -> list[bytes] | None:
    """The same, one behind another; None: there is no room for them."""
    data, records = batch.data, packed_records(batch.records)
    # Little is said mostly; nothing takes more than the second room.
    for room in (len(data) // 8, 3 * len(data) + len(_END)):
        out = bytearray(room)
        used = core.said(
            data, len(data), usual.packed.buffer_info()[0], records.packed.buffer_info()[0],
            len(records), address(out), room,
        )  # fmt: skip
        if used >= 0:
            return bytes(out[:used]).split(_END)[:-1]
    return None
