"""Files of a run brought to a private directory, where they do not lie on this machine's disk."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import IO, Final
from zipfile import BadZipFile

from inspector.errors import InspectorError
from inspector.fleet.discovery import FoundRun
from inspector.fleet.files import File, opened

#: Bytes of one run that are taken out of zips and stores; a zip of zeros is a thousand times larger
#: than itself.
FETCH_LIMIT: Final = 8 << 30
_PIECE: Final = 1 << 20
_LONGEST_NAME: Final = 100


class TooLong(Exception):
    """A run is longer than `FETCH_LIMIT`."""


def fetch(run: FoundRun, into: Path) -> FoundRun:
    """The run with all of its files on this machine; what cannot be had is its `trouble`.

    Files on this machine stay where they are, and the kernel is told that they are read next.
    """
    if run.trouble is not None:
        return run
    left = FETCH_LIMIT
    brought: dict[File, File] = {}
    try:
        for number, file in enumerate(run.files):
            if file.is_local:
                _read_soon(file)
                brought[file] = file
                continue
            place = into / str(number)
            place.mkdir(mode=0o700, parents=True)
            path = place / _name(file.name)
            with opened(file) as source, path.open("xb") as out:
                left -= _copied(source, out, left)
            brought[file] = replace(file, place=str(path), member=None)
    except TooLong:
        return replace(run, trouble=f"it is longer than {FETCH_LIMIT >> 30} GiB")
    except InspectorError as error:
        return replace(run, trouble=error.culprit)
    except (OSError, BadZipFile, RuntimeError, NotImplementedError, EOFError, ValueError) as error:
        told = error.strerror if isinstance(error, OSError) else None
        return replace(run, trouble=told or f"{type(error).__name__} in the zip")
    return replace(
        run,
        report=None if run.report is None else brought[run.report],
        captures=tuple(brought[file] for file in run.captures),
        logs=tuple(brought[file] for file in run.logs),
        key_logs=tuple(brought[file] for file in run.key_logs),
    )


def forget(into: Path) -> None:
    """Delete what was brought."""
    shutil.rmtree(into, ignore_errors=True)


def _name(name: str) -> str:
    """A name for the file: its own end, since endings tell formats."""
    last = name.rpartition("/")[2].replace("\0", "")
    return last[-_LONGEST_NAME:] if last not in ("", ".", "..") else "file"


def _copied(source: IO[bytes], out: IO[bytes], left: int) -> int:
    count = 0
    while piece := source.read(_PIECE):
        count += len(piece)
        if count > left:
            raise TooLong
        out.write(piece)
    return count


def _read_soon(file: File) -> None:
    descriptor = os.open(file.place, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_WILLNEED)
    except OSError:
        pass  # a pipe has nothing that could be read ahead
    finally:
        os.close(descriptor)
