"""Files of runs wherever they lie: in folders, in zips of artifacts, behind URLs (fsspec).

A `File` says where bytes are and what changes when they do; nothing is read before somebody opens
it.  What a URL carries besides its path (a user, a token in its query) is kept out of every text.
"""

from __future__ import annotations

import glob
import os
import stat
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Final
from urllib.parse import urlsplit, urlunsplit

from inspector.errors import CaptureUnreadable, ExitCode, InspectorError, plain_parts
from inspector.pcap.locate import LOGS_OF_PROXY
from inspector.regex import regex

_URL: Final = regex(r"[a-z][a-z0-9+.-]*://")
_MAGIC: Final = regex(r"[*?[]")
ZIP: Final = ".zip"


class NoSuchPath(InspectorError):
    """An argument that names nothing."""

    exit_code = ExitCode.USAGE


class NoFsspec(InspectorError):
    """A URL, and the library that opens it is not installed."""

    exit_code = ExitCode.USAGE


@dataclass(frozen=True, slots=True)
class File:
    """One file: `name` within its run, where it is, and what tells whether it has changed.

    `place` is a path or a URL, which may carry a token; `member` a path in the zip there.
    `stamp` is empty where nothing tells; `changed_ns` is 0 where nobody knows the time.
    """

    name: str
    place: str = field(repr=False)
    size: int
    stamp: str
    member: str | None = None
    changed_ns: int = 0

    @property
    def is_local(self) -> bool:
        """Whether it can be opened by its path."""
        return self.member is None and not is_url(self.place)


@dataclass(frozen=True, slots=True)
class Folder:
    """The files that lie together; `path` is below the argument, `home` is where the argument is.

    `trouble` says why it could not be entered, or a zip not be looked into.
    """

    home: str = field(repr=False)
    path: str
    files: tuple[File, ...]
    trouble: str | None = None


def is_url(place: str) -> bool:
    """Whether an argument is opened by fsspec."""
    return _URL.match(place) is not None


def bare(place: str) -> str:
    """A path, or a URL without its user, query and fragment: what may name a run."""
    if not is_url(place):
        return place
    parts = urlsplit(place)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def shown(place: str) -> str:
    """The same as it may be shown."""
    scheme, joint, rest = bare(place).partition("://")
    return scheme + joint + plain_parts(rest) if joint else plain_parts(scheme)


def folders(argument: str, *, leave_out: Path | None = None) -> Iterator[Folder]:
    """All folders below an argument, in the order of their paths; a file is one by itself.

    `leave_out` is a directory that is not entered.  Raises `NoSuchPath`, `NoFsspec`, and
    `CaptureUnreadable` where a store does not answer.
    """
    for place in _expanded(argument):
        if is_url(place):
            yield from _of_url(place)
        elif Path(place).is_dir():
            yield from _of_directory(place, leave_out)
        else:
            path = Path(place)
            yield from _with_zips(place, [(path.name, _local(path, path.stat()))], alone=True)


def _expanded(argument: str) -> Iterable[str]:
    if is_url(argument):
        return (argument,)
    if Path(argument).exists():
        return (argument,)
    if _MAGIC.search(argument) and (found := _matching(argument)):
        return found
    raise NoSuchPath(
        f"{shown(argument)} is neither there nor a pattern of something that is",
        "Give folders, captures, reports, zips of them, or a URL such as s3://bucket/runs",
    )


def _matching(pattern: str) -> list[str]:
    """What a pattern stands for; `**` is any folders."""
    return sorted(glob.glob(pattern, recursive=True))  # noqa: PTH207 (Path.glob wants a root)


def _of_directory(home: str, leave_out: Path | None) -> Iterator[Folder]:
    left_out = None if leave_out is None else leave_out.resolve()
    closed: list[OSError] = []
    for place, directories, names in os.walk(home, onerror=closed.append):
        yield from _closed(home, closed)
        directories.sort()
        if left_out is not None and left_out.name in directories:
            directories[:] = [d for d in directories if Path(place, d).resolve() != left_out]
        path = _below(place, home)
        try:
            found = [(name, Path(place, name)) for name in sorted(names)]
            if LOGS_OF_PROXY in directories:
                inner = Path(place, LOGS_OF_PROXY)
                found += [(f"{LOGS_OF_PROXY}/{one.name}", one) for one in sorted(inner.iterdir())]
            files = [(name, file) for name, one in found if (file := _plain(one)) is not None]
        except OSError as error:
            yield Folder(home, path, (), error.strerror)
            continue
        yield from _with_zips(home, files, path=path)
    yield from _closed(home, closed)


def _closed(home: str, errors: list[OSError]) -> Iterator[Folder]:
    """Folders that could not be entered: what is in them is not passed over without a word."""
    for error in errors:
        yield Folder(home, _below(error.filename, home), (), error.strerror)
    errors.clear()


def _below(place: str, home: str) -> str:
    path = os.path.relpath(place, home)
    return "" if path == "." else path


def _plain(path: Path) -> File | None:
    """A file by its path; None for what is none: a folder, a pipe, a link to nothing."""
    try:
        about = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    return _local(path, about) if stat.S_ISREG(about.st_mode) else None


def _local(path: Path, about: os.stat_result) -> File:
    stamp = f"{about.st_mtime_ns}.{about.st_ino}"
    return File(path.name, str(path), about.st_size, stamp, changed_ns=about.st_mtime_ns)


def _with_zips(
    home: str, files: Iterable[tuple[str, File]], *, path: str = "", alone: bool = False
) -> Iterator[Folder]:
    """A folder, then what the zips in it hold."""
    plain: list[File] = []
    zips: list[File] = []
    for name, file in files:
        kind = zips if name.lower().endswith(ZIP) else plain
        kind.append(File(name, file.place, file.size, file.stamp, changed_ns=file.changed_ns))
    if plain:
        yield Folder(home, path, tuple(plain))
    for one in zips:
        yield from _of_zip(home, "" if alone else path, one)


def _of_zip(home: str, path: str, archive: File) -> Iterator[Folder]:
    below = "/".join(filter(None, (path, archive.name)))
    try:
        with opened(archive) as raw, zipfile.ZipFile(raw) as members:
            found: dict[str, list[File]] = {}
            for member in members.infolist():
                if member.is_dir():
                    continue
                folder, _, name = member.filename.rpartition("/")
                if folder.rpartition("/")[2] == LOGS_OF_PROXY:
                    folder = folder.rpartition("/")[0]
                    name = f"{LOGS_OF_PROXY}/{name}"
                file = File(
                    name,
                    archive.place,
                    member.file_size,
                    f"{member.CRC:08x}" if archive.stamp else "",
                    member.filename,
                    archive.changed_ns,
                )
                found.setdefault(folder, []).append(file)
    except (zipfile.BadZipFile, OSError, NotImplementedError, ValueError) as error:
        told = f"{type(error).__name__} in the zip: nothing in it was read"
        yield Folder(home, below, (archive,), told)
        return
    for folder in sorted(found):
        inner = f"{below}/{folder}".rstrip("/")
        yield Folder(home, inner, tuple(sorted(found[folder], key=lambda f: f.name)))


# -- behind URLs -------------------------------------------------------------------


def _fsspec() -> Any:
    try:
        import fsspec.core
    except ImportError:
        raise NoFsspec(
            "A URL is opened by fsspec, which is not installed",
            "Install inspector[s3] (or fsspec and what the scheme needs)",
            "Folders and files need nothing",
        ) from None
    return fsspec.core


def _of_url(url: str) -> Iterator[Folder]:
    core = _fsspec()
    if urlsplit(url).scheme in ("http", "https"):  # a server lists nothing: it is a file
        name = bare(url).rpartition("/")[2]
        yield from _with_zips(url, [(name, File(name, url, 0, ""))], alone=True)
        return
    try:
        system, root = core.url_to_fs(url)
        scheme = url.partition("://")[0]
        if _MAGIC.search(bare(url)):
            matched = system.glob(root, detail=True)
            listed = dict(matched)
            for path, about in matched.items():
                if about.get("type") == "directory":
                    listed |= system.find(path, detail=True)
            root = _before_magic(root)
        else:
            listed = system.find(root, detail=True)
            if not listed:
                listed = {root: system.info(root)}
    except ImportError:
        raise NoFsspec(
            f"What opens {url.partition('://')[0]}:// is not installed", "Install inspector[s3]"
        ) from None
    except Exception as error:  # each store has its own: their texts may quote the URL
        raise CaptureUnreadable(
            f"{shown(url)} cannot be listed ({type(error).__name__})",
            "Check the bucket, the credentials and the endpoint (AWS_ENDPOINT_URL)",
        ) from None
    found: dict[str, list[tuple[str, File]]] = {}
    for path, about in sorted(listed.items()):
        if about.get("type") != "file":
            continue
        below = path.removeprefix(root).lstrip("/")
        folder, _, name = below.rpartition("/")
        if not name:  # the argument is the file itself
            folder, name = "", path.rpartition("/")[2]
        if folder.rpartition("/")[2] == LOGS_OF_PROXY:
            folder, name = folder.rpartition("/")[0], f"{LOGS_OF_PROXY}/{name}"
        whole = url if path == root else f"{scheme}://{path}" if "://" not in path else path
        told = about.get("ETag") or about.get("LastModified") or about.get("mtime") or ""
        file = File(name, whole, int(about.get("size") or 0), str(told))
        found.setdefault(folder, []).append((name, file))
    for folder in sorted(found):
        yield from _with_zips(url, found[folder], path=folder)


def _before_magic(root: str) -> str:
    start = _MAGIC.search(root)
    return root if start is None else root[: start.start()].rpartition("/")[0]


@contextmanager
def opened(file: File) -> Iterator[IO[bytes]]:
    """Its bytes.  Raises OSError, and `CaptureUnreadable` for what a store says."""
    if file.member is not None:
        with (
            opened(File(file.name, file.place, 0, "")) as raw,
            zipfile.ZipFile(raw) as members,
            members.open(file.member) as inner,
        ):
            yield inner
        return
    if not is_url(file.place):
        with Path(file.place).open("rb") as plain:
            yield plain
        return
    core = _fsspec()
    try:
        remote = core.open(file.place, "rb").open()
    except Exception as error:
        raise CaptureUnreadable(
            f"{shown(file.place)} cannot be opened ({type(error).__name__})",
            "Check the object and the credentials",
        ) from None
    with remote:
        yield remote
