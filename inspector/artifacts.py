"""The files that a run leaves behind: written whole or not at all, for one user alone.

Each file is made under another name (exclusively, 0600, owned by the invoking
user), flushed to disk and then renamed into place, so that a reader meets
either the old file or the whole new one, and a link that somebody laid under
the name is replaced, never followed.  One file that cannot be written does not
keep the others from being.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, BinaryIO, Final, TypeVar

from inspector.errors import InspectorError
from inspector.fact import Fact
from inspector.model.report import Report
from inspector.report.files import CAPTURE, FILES, NAMES

if TYPE_CHECKING:
    from inspector.redaction import Copies


T = TypeVar("T")
#: Puts a file's content into an open file.
Writer = Callable[[BinaryIO], None]
NO_CAPTURES: Final[Mapping[str, Writer]] = MappingProxyType({})

_DIRECTORY: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_NAMELESS: Final = os.O_RDWR | os.O_TMPFILE | os.O_CLOEXEC
_NEW: Final = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
#: Links in one path, as the kernel's own limit (path_resolution(7)).
_LINKS: Final = 40


class ArtifactError(InspectorError):
    """A directory or file of a run's results that cannot be written."""


class Owner(Fact):
    """Who is to own what is written."""

    uid: int
    gid: int

    @classmethod
    def invoking(cls, environ: Mapping[str, str] = os.environ) -> Owner | None:
        """The user behind sudo (SUDO_UID, SUDO_GID); None when this is no run under sudo."""
        uid, gid = environ.get("SUDO_UID", ""), environ.get("SUDO_GID", "")
        if os.geteuid() != 0 or not (_is_number(uid) and _is_number(gid)):
            return None
        return cls(int(uid), int(gid))


class Artifacts(Fact):
    """What was written, and what was not with the reason."""

    directory: Path
    written: tuple[Path, ...]
    failed: tuple[tuple[str, str], ...]

    def complain(self) -> None:
        """Raise `ArtifactError` when a file was not written."""
        if self.failed:
            told = "; ".join(f"{name}: {why}" for name, why in self.failed)
            raise ArtifactError(
                f"Not all results could be written to {self.directory}: {told}",
                "Give another directory with -o",
                "What was written is whole",
            )


def write_artifacts(
    report: Report,
    directory: str | Path,
    *,
    names: Collection[str] = NAMES,
    captures: Mapping[str, Writer] = NO_CAPTURES,
    owner: Owner | None = None,
) -> Artifacts:
    """Write the files of `report.files` that `names` has, and the redacted packets by `captures`.

    The directory is made if need be.  `owner` defaults to the user behind
    sudo.  Raises `ArtifactError` when the directory cannot be used at all;
    what happens to single files is in the result.
    """
    writers: dict[str, Writer] = {
        file.name: partial(file.write, report) for file in FILES if file.name in names
    }
    return write_files(directory, {**writers, **captures}, owner=owner)


def redacted(copies: Copies) -> dict[str, Writer]:
    """What writes each of the copies, by the name of its file.

    One is `capture.redacted.pcapng`; several are numbered as the report numbers
    them, `capture-2.redacted.pcapng`.
    """
    several = copies.count > 1
    return {
        f"capture-{index + 1}{CAPTURE.removeprefix('capture')}" if several else CAPTURE: (
            partial(copies.leave, index)
        )
        for index in range(copies.count)
    }


def draft(directory: str | Path, *, owner: Owner | None = None) -> BinaryIO:
    """A file without a name on the directory's disk, for this user alone; it goes when closed.

    Raises OSError, and `ArtifactError` when the directory cannot be used at all.
    """
    with _opened(Path(directory), owner or Owner.invoking()) as place:
        try:
            descriptor = os.open(".", _NAMELESS, 0o600, dir_fd=place)
        except OSError as error:
            if error.errno not in (errno.EOPNOTSUPP, errno.EISDIR, errno.EINVAL):
                raise
            name = f".draft.{os.urandom(6).hex()}"  # not every filesystem has such files
            descriptor = os.open(name, _NEW, 0o600, dir_fd=place)
            os.unlink(name, dir_fd=place)
    return os.fdopen(descriptor, "w+b")


def write_files(
    directory: str | Path, writers: Mapping[str, Writer], *, owner: Owner | None = None
) -> Artifacts:
    """Write each file into `directory`, as the module says."""
    path = Path(directory)
    owner = owner or Owner.invoking()
    written: list[Path] = []
    failed: list[tuple[str, str]] = []
    with _opened(path, owner) as place:
        for name, write in writers.items():
            try:
                _write(place, name, write, owner)
            except InspectorError as error:
                failed.append((name, error.culprit))
            except Exception as error:
                failed.append((name, _reason(error)))
            else:
                written.append(path / name)
        with suppress(OSError):
            os.fsync(place)
    return Artifacts(path, tuple(written), tuple(failed))


def write_file(target: Path, write: Callable[[BinaryIO], T]) -> T:
    """Write one file, whole or not at all; what `write` gives.

    Raises the `InspectorError` that `write` raised, or an `ArtifactError` of its own.
    """
    given: list[T] = []
    trouble: list[InspectorError] = []

    def kept(out: BinaryIO) -> None:
        try:
            given.append(write(out))
        except InspectorError as error:
            trouble.append(error)
            raise

    result = write_files(target.parent, {target.name: kept})
    if trouble:
        raise trouble[0]
    result.complain()
    return given[0]


def check_directory(directory: str | Path, *, owner: Owner | None = None) -> None:
    """Make the directory if need be, and try that files can be made in it.

    Raises `ArtifactError`: hours of packets are not read for results that cannot be left.
    """
    try:
        draft(directory, owner=owner).close()
    except OSError as error:
        raise ArtifactError(
            f"{directory} cannot be used for results: {_reason(error)}",
            "Give a directory that the invoking user can write with -o",
        ) from error


def append(path: str | Path, text: str, *, owner: Owner | None = None) -> None:
    """Append to a file that somebody else laid ready, such as a runner's.  Raises OSError.

    It has to be a plain file, no link, and under sudo the invoking user's own:
    root's hand must not write where that user's could not.
    """
    owner = owner or Owner.invoking()
    flags = os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    with os.fdopen(os.open(path, flags), "ab") as out:
        found = os.fstat(out.fileno())
        if not stat.S_ISREG(found.st_mode) or (owner is not None and found.st_uid != owner.uid):
            raise PermissionError(errno.EPERM, os.strerror(errno.EPERM), str(path))
        out.write(text.encode("utf-8", "backslashreplace"))


def _write(place: int, name: str, write: Writer, owner: Owner | None) -> None:
    draft = f".{name}.{os.urandom(6).hex()}"
    descriptor = os.open(draft, _NEW, 0o600, dir_fd=place)
    try:
        with os.fdopen(descriptor, "w+b") as out:
            if owner is not None:
                os.fchown(out.fileno(), owner.uid, owner.gid)
            write(out)
            out.flush()
            os.fsync(out.fileno())
        os.rename(draft, name, src_dir_fd=place, dst_dir_fd=place)
    except BaseException:
        with suppress(OSError):
            os.unlink(draft, dir_fd=place)
        raise


@contextmanager
def _opened(path: Path, owner: Owner | None) -> Iterator[int]:
    """A descriptor of the directory; what is missing of its path is made."""
    try:
        place = descend(path, owner, make=True)
    except OSError as error:
        raise ArtifactError(
            f"{path} cannot be used for results: {_reason(error)}",
            "Give a directory that the invoking user can write with -o",
        ) from error
    try:
        yield place
    finally:
        os.close(place)


def descend(path: Path, owner: Owner | None = None, *, make: bool = False) -> int:
    """Open a directory component by component, so that each link is met and judged.

    `make`: what is missing of it is made, for `owner`; otherwise the descriptor
    serves as a `dir_fd` alone, for which no right to list the directory is
    needed.  Raises `ArtifactError` for a link in a directory that others can write.
    """
    flags = _DIRECTORY if make else _DIRECTORY | os.O_PATH
    absolute = path if path.is_absolute() else Path.cwd() / path
    rest = list(absolute.parts[1:])
    place = os.open("/", flags)
    links = 0
    try:
        while rest:
            name = rest.pop(0)
            target = _link(place, name)
            if target is None:
                if make:
                    _make(place, name, owner)
                inner = os.open(name, flags | os.O_NOFOLLOW, dir_fd=place)
                place = _exchange(place, inner)
                continue
            links += 1
            if links > _LINKS:
                raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
            _refuse_foreign(place, name, path)
            if target.startswith("/"):
                place = _exchange(place, os.open("/", flags))
            rest[:0] = [part for part in target.split("/") if part not in ("", ".")]
    except BaseException:
        os.close(place)
        raise
    return place


def _exchange(old: int, new: int) -> int:
    os.close(old)
    return new


def _link(place: int, name: str) -> str | None:
    try:
        return os.readlink(name, dir_fd=place)
    except OSError:
        return None  # no link: a directory, or nothing


def _make(place: int, name: str, owner: Owner | None) -> None:
    with suppress(FileExistsError):
        os.mkdir(name, 0o700, dir_fd=place)
        if owner is not None:
            os.chown(name, owner.uid, owner.gid, dir_fd=place, follow_symlinks=False)


def others_can_write(place: int) -> bool:
    """Whether others than its owner can lay something into the open directory."""
    return bool(os.fstat(place).st_mode & (stat.S_IWOTH | stat.S_IWGRP))


def _refuse_foreign(place: int, name: str, path: Path) -> None:
    """A link in a directory that others can write may be a trap for whoever has more rights."""
    if others_can_write(place):
        raise ArtifactError(
            f"{name} on the way to {path} is a symbolic link in a directory that others can write",
            "Name the directory itself",
            "Nothing was written",
        )


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return type(error).__name__


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit()
