"""The lines of a log that lies beside a capture, plain or gzip."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final

from inspector.errors import ExitCode, InspectorError

if TYPE_CHECKING:
    import gzip

#: A log is read so far, decompressed; the rest of a longer one is not weighed.
MAX_BYTES: Final = 256 << 20
#: A line is handed on so far: none of a log is longer.
_LINE: Final = 128 << 10


class LogError(InspectorError):
    """A log that was named and cannot be read."""

    exit_code = ExitCode.USAGE


def log_lines(path: Path) -> Iterator[bytes]:
    """Its lines without their ends; raises `LogError` if it cannot be read.

    A gzip file that ends early gives the lines before that.
    """
    try:
        with _open(path) as file:
            left = MAX_BYTES
            while left > 0 and (line := file.readline(_LINE)):
                left -= len(line)
                yield line
    except (EOFError, zlib.error):
        return
    except OSError as error:
        raise LogError(
            f"The log {path} cannot be read: {error.strerror or error}",
            "Name a readable file with --squid-log or --proxy-log, or leave it out",
            "The captures themselves may be fine",
        ) from error


def _open(path: Path) -> IO[bytes] | gzip.GzipFile:
    if path.suffix == ".gz":
        import gzip

        return gzip.open(path, "rb")
    return path.open("rb")
