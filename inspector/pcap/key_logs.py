"""Where secrets of TLS sessions come from: key logs, and blocks embedded in captures."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from inspector.errors import CaptureError, ExitCode, InspectorError
from inspector.pcap.carried import DecryptionSecrets
from inspector.pcap.reader import CaptureReader
from inspector.pcap.source import open_source

#: A key log is read so far; a day of CI writes megabytes.
MAX_BYTES: Final = 256 << 20
#: A line is handed on so far: none of a key log is longer.
_LINE: Final = 1 << 10
#: The kind of a block that holds a key log (pcapng draft, 4.7), as either byte order has it.
KEY_LOG_KIND: Final = 0x544C534B
_MAGICS: Final = (KEY_LOG_KIND.to_bytes(4, "little"), KEY_LOG_KIND.to_bytes(4, "big"))
_PCAPNG: Final = b"\x0a\x0d\x0d\x0a"


class KeyLogError(InspectorError):
    """A key log that was named and cannot be read."""

    exit_code = ExitCode.USAGE


class KeyLog:
    """A key log, which may grow while it is read.

    `is_cut`: it is longer than is read.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._at = 0
        self.is_cut = False

    @property
    def has_grown(self) -> bool:
        """Whether there is more by now than was read; never of what is no file on a disk."""
        try:
            about = self._path.stat()
        except OSError:
            return False
        return stat.S_ISREG(about.st_mode) and self._at < min(about.st_size, MAX_BYTES)

    def lines(self, *, is_over: bool = True) -> Iterator[bytes]:
        """The lines that came since the last call; `is_over`: also one that has no end."""
        path = self._path
        try:
            with path.open("rb") as file:
                if self._at:
                    file.seek(self._at)
                while (left := MAX_BYTES - self._at) > 0:
                    line = file.readline(min(_LINE, left))
                    if not line or not (is_over or line.endswith(b"\n") or len(line) == _LINE):
                        break
                    self._at += len(line)
                    yield line
                self.is_cut = self._at >= MAX_BYTES and bool(file.read(1))
        except OSError as error:
            raise KeyLogError(
                f"The key log {path} cannot be read: {error.strerror or error}",
                "Name a readable file with --keylog, or leave it out",
                "The captures themselves may be fine",
            ) from error


def embedded(name: str) -> list[DecryptionSecrets]:
    """The blocks with secrets of a pcapng file, wherever in it they stand.

    They may follow the packets that they open, so they are looked for first.  Of what cannot be
    read twice (a pipe), or not at all, there are none: whoever reads the packets says why.
    """
    path = Path(name)
    if name == "-" or not path.is_file():
        return []
    try:
        if not _may_have(path):
            return []
        reader = CaptureReader(open_source(path), name, 0)
        try:
            for _ in reader:
                pass
            return reader.secrets
        finally:
            reader.close()
    except CaptureError:
        return []


def _may_have(path: Path) -> bool:
    """Whether the kind of such a block stands anywhere in a pcapng file."""
    with open_source(path) as source:
        data = source.read()
        if not data.startswith(_PCAPNG):
            return False
        while data:
            if any(magic in data for magic in _MAGICS):
                return True
            more = source.read()
            data = data[-3:] + more if more else b""
    return False
