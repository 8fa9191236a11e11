"""Content codings (RFC 9110 8.4.1), undone piece by piece and never beyond a limit.

An observer decodes what others were meant to, so three things differ from a
client's decoder: pieces keep their time and packet, because events are timed
by them; a body that is not in the coding its header claims is passed through,
because seeing it is the point; and a compression bomb costs a fixed amount of
memory, and time in proportion to what was captured.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from inspector.fact import Fact
from inspector.protocols.content_codecs import CHUNK, CODINGS, Codec, Coding, Corrupt
from inspector.protocols.extent import Extent
from inspector.wire import Segment

#: Fault name → what it means and what becomes of the body.
FAULTS: Final = {
    "unknown-content-encoding": (
        "Content-Encoding names a coding that is not known; the body is passed on as it is"
    ),
    "too-many-content-encodings": (
        "Content-Encoding lists more codings than are undone; the body is passed on as it is"
    ),
    "content-encoding-mismatch": (
        "the body is not in the coding that Content-Encoding claims; it is passed on as it is"
    ),
    "content-encoding-corrupt": (
        "the coded body broke off in an error; what was decoded before it is kept"
    ),
    "content-encoding-trailing-bytes": "bytes follow the end of the coded body; they are dropped",
    "content-encoding-gap": (
        "captured bytes are missing inside a coded body; what follows is dropped"
    ),
    "decompression-limit": (
        "the decoded body is longer than the limit, or out of proportion to the coded one,"
        " or to all coded ones together; the rest is dropped"
    ),
}

#: Codings undone for one body at most; curl's limit as well.
STACK_LIMIT: Final = 5

#: Decoded bytes that one body may have whatever its coded size ...
BODY_FREE: Final = 4 << 20
#: ... and for each coded byte. gzip's own bound is 1,032; event streams, which are flushed at
#: each event, reach 10.
BODY_RATIO: Final = 64
#: Decoded bytes that all answers of a capture, and all its requests, may have together whatever
#: their coded size ...
CAPTURE_FREE: Final = 16 << 20
#: ... and for each coded byte of theirs.
CAPTURE_RATIO: Final = 32


class Budget:
    """How much all bodies of a capture may decode to: a share for each coded byte, and some free.

    Without it a thousand small bombs, each below the limit of one body, cost an hour.
    """

    __slots__ = ("_free", "_ratio", "room")

    def __init__(self, free: int = CAPTURE_FREE, ratio: int = CAPTURE_RATIO) -> None:
        self._free = self.room = free
        self._ratio = ratio

    def add(self, coded: int) -> None:
        """So many coded bytes came."""
        self.room += self._ratio * coded

    def clear(self) -> None:
        """Forget everything."""
        self.room = self._free


class _Layer:
    """One coding of a body: looks at the first bytes, decodes, gives up by name."""

    def __init__(self, coding: Coding, limit: int, budgets: tuple[Budget, ...]) -> None:
        self._coding = coding
        self._room = limit
        self._budgets = budgets
        self._codec: Codec | None = None
        # Pieces since the first byte, kept while it can still turn out that
        # the header lies and they are wanted as they are.
        self._held: list[Segment] = []
        self._held_bytes = 0
        self._proven = False
        self._plain = False
        self._closed = False
        self.coded = 0  # bytes given to the codec
        self.decoded = 0  # bytes that it gave
        self.fault: str | None = None

    @property
    def passes_through(self) -> bool:
        """Whether the bytes are not in the coding."""
        return self._plain

    @property
    def finished(self) -> bool:
        return self._plain or (self._codec is not None and self._codec.ended)

    def feed(self, pieces: Iterable[Segment]) -> Iterator[Segment]:
        """Decoded pieces of at most some 64 KiB, made only as they are taken."""
        for piece in pieces:
            if self._plain:
                yield piece
            elif self._codec is not None and self._proven:
                yield from self._decode(self._codec, (piece,))
            else:
                yield from self._prove(piece)

    def _prove(self, piece: Segment) -> Iterator[Segment]:
        """A piece of what may still turn out to be no coding."""
        if self._closed:
            return
        held = self._held
        held.append(piece)
        self._held_bytes += len(piece[2])
        codec = self._codec
        fresh: Sequence[Segment] = (piece,)
        if codec is None:
            start = b"".join([data for _, _, data in held])
            opens = self._coding.opens(start) if start else None
            if opens is None:
                return
            if opens is False:
                yield from self._pass_through()
                return
            codec = self._codec = self._coding.codec(start)
            fresh = tuple(held)
        for decoded in self._decode(codec, fresh):
            self._proven = True
            yield decoded
        if self._proven or self._coding.has_magic or self._held_bytes > CHUNK:
            self._proven = True
            held.clear()
        elif self.fault == "content-encoding-corrupt":
            yield from self._pass_through()

    def gap(self) -> None:
        if not self._plain and not self._closed and not self.finished:
            self._close("content-encoding-gap")

    def finish(self) -> Iterator[Segment]:
        held = self._held
        if self._codec is not None or not held or self._closed:
            return
        # A coding can spell a short body in bytes that look like text.
        codec = self._coding.codec(b"".join([data for _, _, data in held]))
        decoded = list(self._decode(codec, held))
        if codec.ended and self.fault is None:
            self._codec = codec
            yield from decoded
        else:
            yield from self._pass_through()

    def _pass_through(self) -> Sequence[Segment]:
        self.fault = "content-encoding-mismatch"
        self._plain = True
        self.coded = self.decoded = 0
        held, self._held = self._held, []
        return held

    def _close(self, fault: str) -> None:
        self.fault = self.fault or fault
        self._closed = True
        self._held.clear()

    def _decode(self, codec: Codec, pieces: Sequence[Segment]) -> Iterator[Segment]:
        for at, packet, data in pieces:
            if self._closed:
                return
            self.coded += len(data)
            try:
                for part in codec.decode(data):
                    room = min(self._room, *[budget.room for budget in self._budgets])
                    if len(part) > room:
                        self._close("decompression-limit")
                        if room > 0:
                            self._spend(room)
                            yield at, packet, part[:room]
                        return
                    self._spend(len(part))
                    yield at, packet, part
            except Corrupt:
                self.fault = "content-encoding-corrupt"
                self._closed = True
            if codec.trailing:
                self._close("content-encoding-trailing-bytes")

    def _spend(self, count: int) -> None:
        self._room -= count
        self.decoded += count
        for budget in self._budgets:
            budget.room -= count


class CodedStretch(Fact):
    """The stretch of a body that was read as coded, and how many bytes that gave.

    `extent` counts in the body.  It ends with the piece in which the coding
    ended, broke off, or was given up by a limit; what follows was not read.
    """

    extent: Extent
    decoded: int


class Decoder:
    """Undoes the codings of one body, as its pieces arrive.

    `content_encoding` is the header's value, or None without the header;
    `limit` bounds the decoded bytes of the whole body (and of each layer, when
    codings are stacked), however small the pieces that carry them; so do
    `BODY_RATIO` and the `budget` of the capture.  Bytes that pass through
    undecoded cost nothing and are not limited.
    """

    def __init__(
        self, content_encoding: str | None, limit: int, budget: Budget | None = None
    ) -> None:
        self._fault: str | None = None
        self._layers: list[_Layer] = []
        self._budgets: tuple[Budget, ...] = ()
        if content_encoding is None:
            return
        names = [name.strip().lower() for name in content_encoding.split(",")]
        names = [name for name in names if name not in ("", "identity")]
        if len(names) > STACK_LIMIT:
            self._fault = "too-many-content-encodings"
            names = []
        elif not all(name in CODINGS for name in names):
            self._fault = "unknown-content-encoding"
            names = []
        # The header lists codings in the order they were applied.
        own = Budget(BODY_FREE, BODY_RATIO)
        self._budgets = (own,) if budget is None else (own, budget)
        self._layers = [_Layer(CODINGS[name], limit, self._budgets) for name in reversed(names)]

    @property
    def fault(self) -> str | None:
        """The first thing that went wrong, one of `FAULTS`, outermost coding first."""
        if self._fault is not None:
            return self._fault
        return next((layer.fault for layer in self._layers if layer.fault), None)

    @property
    def finished(self) -> bool:
        """Whether every coding met its own end (true when there is nothing to undo)."""
        return all(layer.finished for layer in self._layers)

    @property
    def is_plain(self) -> bool:
        """Whether nothing is to be undone, and nothing went wrong."""
        return not self._layers and self._fault is None

    @property
    def coded(self) -> CodedStretch | None:
        """What was read as coded so far; None if nothing is: places in the body are the text's."""
        layers = [layer for layer in self._layers if not layer.passes_through]
        if not layers:
            return None
        return CodedStretch(Extent(0, layers[0].coded), layers[-1].decoded)

    def feed(self, pieces: Sequence[Segment]) -> list[Segment]:
        """The pieces decoded; each has the time and packet of the one that completed it."""
        return list(self._decoded(pieces))

    def batches(self, pieces: Sequence[Segment]) -> Iterator[Sequence[Segment]]:
        """`feed` in lists of at most some 64 KiB, made only as they are taken."""
        if not self._layers:
            yield pieces
            return
        batch: list[Segment] = []
        size = 0
        for piece in self._decoded(pieces):
            batch.append(piece)
            size += len(piece[2])
            if size >= CHUNK:
                yield batch
                batch, size = [], 0
        if batch:
            yield batch

    def _decoded(self, pieces: Sequence[Segment]) -> Iterable[Segment]:
        if self._layers:
            coded = sum([len(data) for _, _, data in pieces])
            for budget in self._budgets:
                budget.add(coded)
        decoded: Iterable[Segment] = pieces
        for layer in self._layers:
            decoded = layer.feed(decoded)
        return decoded

    def gap(self) -> None:
        """Bytes are missing here; a coded body cannot be decoded beyond a gap."""
        for layer in self._layers:
            layer.gap()

    def finish(self) -> list[Segment]:
        """The body ended: pieces that were held back, too few to tell what they are."""
        pieces: list[Segment] = []
        for layer in self._layers:
            pieces = [*layer.feed(pieces), *layer.finish()]
        return pieces
