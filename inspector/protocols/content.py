"""Content codings (RFC 9110 8.4.1), undone piece by piece and never beyond a limit.

An observer decodes what others were meant to, so three things differ from a
client's decoder: pieces keep their time and packet, because events are timed
by them; a body that is not in the coding its header claims is passed through,
because seeing it is the point; and a compression bomb costs a fixed amount of
memory, and time in proportion to what was captured.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, Protocol

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
    "content-encoding-gap": "captured bytes lack inside a coded body; what follows is dropped",
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
#: Decoded bytes that all bodies of a capture may have together whatever their coded size ...
CAPTURE_FREE: Final = 16 << 20
#: ... and for each coded byte of theirs.
CAPTURE_RATIO: Final = 32

_CHUNK: Final = 1 << 16

# Plain text where a coding without a magic number should start: that so many
# bytes are text by chance has a probability of about 0.4^16, 4e-7.
_TEXT_PROOF: Final = 16
_CONTROLS: Final = bytes({*range(32), 127} - {9, 10, 13})

# A zstd block of 4 bytes can yield 128 KiB, and the library has no way to bound
# one call's output: of one slice come at most 4 MiB (measured on zeros: 4 MiB).
_ZSTD_SLICE: Final = 128
# RFC 9659: a content coding's window is at most 8 MiB.
_ZSTD_WINDOW: Final = 1 << 23

_GZIP_BITS: Final = zlib.MAX_WBITS + 16
_GZIP_MAGIC: Final = b"\x1f\x8b\x08"
_ZSTD_MAGIC: Final = b"\x28\xb5\x2f\xfd"
_ZSTD_SKIPPABLE: Final = b"\x2a\x4d\x18"


class _Corrupt(Exception):
    """The bytes are not in the coding."""


class _Codec(Protocol):
    """One coding's decompressor."""

    ended: bool
    """The coding's own end was met."""
    trailing: bool
    """Bytes that belong to nothing followed the end."""

    def decode(self, data: bytes) -> Iterator[bytes]:
        """Decoded bytes in parts of bounded size, made only as they are taken.

        Raises _Corrupt.
        """


class _Inflate:
    """gzip (also several members, RFC 1952 2.2), zlib and raw deflate."""

    def __init__(self, window_bits: int) -> None:
        self._bits = window_bits
        self._inflater = zlib.decompressobj(window_bits)
        self.ended = False
        self.trailing = False

    def decode(self, data: bytes) -> Iterator[bytes]:
        while True:
            if self.ended and not self._next_member(data):
                return
            inflater = self._inflater
            try:
                decoded = inflater.decompress(data, _CHUNK)
            except zlib.error as error:
                raise _Corrupt from error
            if decoded:
                yield decoded
            self.ended = inflater.eof
            data = inflater.unused_data if inflater.eof else inflater.unconsumed_tail
            if not data and (inflater.eof or len(decoded) < _CHUNK):
                return

    def _next_member(self, data: bytes) -> bool:
        # gzip(1) pads with zeros, and ignores them itself.
        if self.trailing or not data.strip(b"\0"):
            return False
        if self._bits != _GZIP_BITS or not data.startswith(_GZIP_MAGIC[: len(data)]):
            self.trailing = True
            return False
        self._inflater = zlib.decompressobj(self._bits)
        self.ended = False
        return True


class _Brotli:
    """br (RFC 7932)."""

    def __init__(self) -> None:
        import brotli

        self._error = brotli.error
        self._decompressor = brotli.Decompressor()
        self.ended = False
        self.trailing = False

    def decode(self, data: bytes) -> Iterator[bytes]:
        if self.ended:
            self.trailing = self.trailing or bool(data)
            return
        decompressor = self._decompressor
        try:
            decoded = decompressor.process(data, output_buffer_limit=_CHUNK)
            # Not `can_accept_more_data`: it says yes with megabytes still held.
            while decoded:
                yield decoded
                decoded = decompressor.process(b"", output_buffer_limit=_CHUNK)
            self.ended = decompressor.is_finished()
        except self._error as error:
            raise _Corrupt from error


class _Zstd:
    """zstd (RFC 8878), several and skippable frames included."""

    def __init__(self) -> None:
        import zstandard

        self._error = zstandard.ZstdError
        self._frames = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW)
        self._frame = self._frames.decompressobj()
        self.ended = False
        self.trailing = False

    def decode(self, data: bytes) -> Iterator[bytes]:
        position = 0
        while position < len(data):
            if self.ended:
                if self.trailing or _zstd_opens(data[position : position + 4]) is False:
                    self.trailing = True
                    return
                self._frame = self._frames.decompressobj()
            part = data[position : position + _ZSTD_SLICE]
            try:
                decoded = self._frame.decompress(part)
            except self._error as error:
                raise _Corrupt from error
            self.ended = self._frame.eof
            position += len(part)
            if self.ended:
                position -= len(self._frame.unused_data)
            if decoded:
                yield decoded


# Each of these looks at the first bytes of a body and answers whether they can
# begin its coding: yes, no, or None for "more bytes, please".


def _gzip_opens(start: bytes) -> bool | None:
    if not start.startswith(_GZIP_MAGIC[: len(start)]):
        return False
    return True if len(start) >= len(_GZIP_MAGIC) else None


def _zstd_opens(start: bytes) -> bool | None:
    if start.startswith(_ZSTD_MAGIC[: len(start)]):
        return True if len(start) >= len(_ZSTD_MAGIC) else None
    if 0x50 <= start[0] <= 0x5F and start[1:4] == _ZSTD_SKIPPABLE[: len(start) - 1]:
        return True if len(start) >= len(_ZSTD_MAGIC) else None
    return False


def _no_text(start: bytes) -> bool | None:
    if not _is_text(start[:_TEXT_PROOF]):
        return True
    return False if len(start) >= _TEXT_PROOF else None


def _is_text(data: bytes) -> bool:
    if len(data.translate(None, _CONTROLS)) < len(data):
        return False
    try:
        data.decode()
    except UnicodeDecodeError as error:
        return error.end == len(data) and error.reason == "unexpected end of data"
    return True


def _deflate_opens(start: bytes) -> bool | None:
    return _is_zlib(start) or _no_text(start)


def _is_zlib(start: bytes) -> bool:
    # RFC 1950 2.2: method 8, window at most 7, header a multiple of 31.
    if len(start) < 2 or start[0] & 0x0F != 8 or start[0] > 0x78:
        return False
    return (start[0] << 8 | start[1]) % 31 == 0


def _deflate(start: bytes) -> _Codec:
    # RFC 9110 8.4.1.2: "deflate" means zlib, and some senders omit its wrapper.
    return _Inflate(zlib.MAX_WBITS if _is_zlib(start) else -zlib.MAX_WBITS)


@dataclass(frozen=True, slots=True)
class Coding:
    """How a coding is recognised by its first bytes, and undone.

    `has_magic`: what `opens` accepts is in the coding beyond doubt, so an
    error found later is damage and not a wrong header.
    """

    opens: Callable[[bytes], bool | None]
    codec: Callable[[bytes], _Codec]
    has_magic: bool


_GZIP: Final = Coding(_gzip_opens, lambda _: _Inflate(_GZIP_BITS), has_magic=True)

#: Content codings by their names in the IANA HTTP Content Coding Registry.
CODINGS: Final = {
    "gzip": _GZIP,
    "x-gzip": _GZIP,
    "deflate": Coding(_deflate_opens, _deflate, has_magic=False),
    "br": Coding(_no_text, lambda _: _Brotli(), has_magic=False),
    "zstd": Coding(_zstd_opens, lambda _: _Zstd(), has_magic=True),
}


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
        self._codec: _Codec | None = None
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
        if self._proven or self._coding.has_magic or self._held_bytes > _CHUNK:
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

    def _decode(self, codec: _Codec, pieces: Sequence[Segment]) -> Iterator[Segment]:
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
            except _Corrupt:
                self.fault = "content-encoding-corrupt"
                self._closed = True
            if codec.trailing:
                self._close("content-encoding-trailing-bytes")

    def _spend(self, count: int) -> None:
        self._room -= count
        self.decoded += count
        for budget in self._budgets:
            budget.room -= count


class CodedStretch(NamedTuple):
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
        names = [name.strip().lower() for name in (content_encoding or "").split(",")]
        names = [name for name in names if name not in ("", "identity")]
        self._fault: str | None = None
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
            if size >= _CHUNK:
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
        """Bytes lack here: a coded body cannot be followed past them."""
        for layer in self._layers:
            layer.gap()

    def finish(self) -> list[Segment]:
        """The body ended: pieces that were held back, too few to tell what they are."""
        pieces: list[Segment] = []
        for layer in self._layers:
            pieces = [*layer.feed(pieces), *layer.finish()]
        return pieces
