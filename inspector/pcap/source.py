"""A file or standard input as one stream of capture bytes, decompressed on the way.

Read in buffers, never mapped: mapped pages count as memory, and a mapped file
that shrinks kills the process.  Nothing seeks, so pipes work; of a file on a disk the
record that a buffer cut is read again, which is cheaper than to join it to the rest.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator, Mapping
from io import FileIO
from pathlib import Path
from types import TracebackType
from typing import Final, Protocol

from inspector.errors import CaptureMissing, CaptureUnreadable
from inspector.model.capture import READ_INTERRUPTED
from inspector.pcap.compression import DECODERS, GZIP_MAGIC, ZSTD_MAGIC
from inspector.pcap.digest import StreamDigest
from inspector.pcap.pipes import Pipe, Stop, is_pipe

READ_SIZE: Final = 1 << 20

_COMPRESSIONS: Final[Mapping[bytes, str]] = {GZIP_MAGIC: "gzip", ZSTD_MAGIC: "zstd"} | {
    bytes((low, 0x2A, 0x4D, 0x18)): "zstd"
    for low in range(0x50, 0x60)  # skippable frame first
}
_LONGEST_MAGIC: Final = 4


class RawStream(Protocol):
    """The part of a binary file that is used."""

    def read(self, size: int, /) -> bytes | None:
        """Up to `size` bytes, empty at the end."""

    def close(self) -> None:
        """Let go of the file."""


class ByteSource:
    """Capture bytes, in order, from a raw binary stream.

    `compression` is "gzip", "zstd" or None; `bytes_read` counts the bytes
    taken from the stream, before decompression; `faults` holds
    (name, detail) of what stopped the stream early (names in `walk.FAULTS`).
    With `hashed` the stream's digest is made on the way.
    """

    def __init__(self, raw: RawStream, *, owned: bool = True, hashed: bool = False) -> None:
        self._digest = StreamDigest() if hashed else None
        self._ended = False
        self.bytes_read = 0
        self.faults: list[tuple[str, str]] = []
        self._raw = raw
        self._owned = owned
        # read1 gives what a pipe has at once; read would wait for it to fill.
        self._read = getattr(raw, "read1", raw.read)
        # A file on a disk is read at places.
        self._file = raw if isinstance(raw, FileIO) and raw.seekable() else None
        self._start = self._file.tell() if self._file is not None else 0
        self._failed = False
        self._pushed_back = self._at_least(_LONGEST_MAGIC)
        self.compression = next(
            (name for magic, name in _COMPRESSIONS.items() if self._pushed_back.startswith(magic)),
            None,
        )
        self._pieces: Iterator[bytes] | None = None
        if self.compression is not None:
            self._pieces = DECODERS[self.compression](self._pull, self._fault)

    def read(self, size: int = READ_SIZE) -> bytes:
        """About `size` bytes (a piece of decompressed data may be longer); empty at the end."""
        if self._pieces is None:
            return self._pull(size)
        parts: list[bytes] = []
        length = 0
        for piece in self._pieces:
            parts.append(piece)
            length += len(piece)
            if length >= size:
                break
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def read_behind(self, rest: bytes, size: int = READ_SIZE) -> bytes:
        """`rest`, which was read last, and about `size` bytes behind it; `rest` alone at the end.

        One copy of all bytes less than to join them, where the stream can go back.
        """
        if not rest or self._file is None or self._pieces is not None or self._pushed_back:
            return rest + self.read(size)
        # Always as many bytes, so that the memory of those before serves again.
        data = self._from_raw(max(size, 2 * len(rest)), len(rest))
        return data if data.startswith(rest) else rest + data[len(rest) :]

    @property
    def interrupted(self) -> bool:
        """Whether somebody asked to stop reading before the end."""
        return isinstance(self._raw, Pipe) and self._raw.interrupted

    @property
    def sha256(self) -> str | None:
        """The digest of the whole stream, before decompression.

        None if nobody asked for it, or if the stream was not read to its end.
        """
        if self._digest is None or self._failed or not self._ended:
            return None
        return self._digest.hexdigest()

    def exhaust(self) -> None:
        """Read what nobody wants of a file on a disk, for its digest; a pipe may never end."""
        if self._digest is None or not self._is_file():
            return
        while self._from_raw(READ_SIZE):
            pass

    def _is_file(self) -> bool:
        fileno = getattr(self._raw, "fileno", None)
        try:
            return fileno is not None and not is_pipe(fileno())
        except (OSError, ValueError):  # it has none, or is closed
            return False

    def close(self) -> None:
        """Close the stream, if it was opened here."""
        if self._digest is not None:
            self._digest.close()
        if self._owned:
            self._raw.close()

    def __enter__(self) -> ByteSource:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _fault(self, name: str, detail: str) -> None:
        self.faults.append((name, detail))

    def _at_least(self, least: int) -> bytes:
        data = b""
        while len(data) < least:
            more = self._from_raw(least - len(data))
            if not more:
                break
            data += more
        return data

    def _pull(self, size: int) -> bytes:
        if self._pushed_back:
            data, self._pushed_back = self._pushed_back, b""
            return data + self._from_raw(size)
        return self._from_raw(size)

    def _from_raw(self, size: int, again: int = 0) -> bytes:
        """The last `again` bytes once more, up to `size` in all."""
        if self._failed:
            return b""
        try:
            data: bytes
            if self._file is not None:
                data = os.pread(self._file.fileno(), size, self._start + self.bytes_read - again)
            else:
                data = self._read(size) or b""
        except (OSError, ValueError) as error:
            self._failed = True
            reason = error.strerror if isinstance(error, OSError) else None
            self._fault("read-error", reason or type(error).__name__)
            return b""
        if not data and self.interrupted and not self._failed:
            self._failed = True
            self._fault(READ_INTERRUPTED, f"after {self.bytes_read} bytes")
        found = len(data) - again
        if found <= 0:
            self._ended = True
            return data
        self.bytes_read += found
        if self._digest is not None:
            self._digest.update(memoryview(data)[again:] if again else data)
        return data


def open_source(path: str | Path, stop: Stop | None = None, *, hashed: bool = False) -> ByteSource:
    """The bytes of a file, or of standard input for `-`.

    What is no file on a disk, and may go on for ever, is read until its end or
    until `stop` is asked.  Raises `CaptureUnreadable` when the operating system refuses.
    """
    if str(path) == "-":
        return _standard_input(stop, hashed)
    try:
        raw = Path(path).open("rb", buffering=0)  # noqa: SIM115  # closed by ByteSource.close
    except OSError as error:
        if error.errno in (errno.EMFILE, errno.ENFILE):
            raise CaptureUnreadable(
                f"{path} cannot be opened beside the other captures: {error.strerror}",
                "Raise the limit of open files (ulimit -n), or merge them first, with mergecap",
                "Nothing is wrong with the file",
            ) from error
        kind = CaptureMissing if isinstance(error, FileNotFoundError) else CaptureUnreadable
        raise kind(
            f"{path} cannot be opened: {error.strerror}",
            "Check the path and your permission to read it",
            "Its contents were not looked at",
        ) from error
    if stop is not None and is_pipe(raw.fileno()):
        return ByteSource(Pipe(raw, stop, owned=True), hashed=hashed)
    return ByteSource(raw, hashed=hashed)


def _standard_input(stop: Stop | None, hashed: bool) -> ByteSource:
    if sys.stdin is None:
        raise CaptureUnreadable(
            "Standard input is closed, so nothing can be read from it",
            "Give a file, or a pipe such as tcpdump -w - | inspector analyze -",
            "This says nothing about a capture; none was read",
        )
    raw = sys.stdin.buffer
    if stop is not None and is_pipe(raw.fileno()):
        return ByteSource(Pipe(raw, stop, owned=False), hashed=hashed)
    return ByteSource(raw, owned=False, hashed=hashed)
