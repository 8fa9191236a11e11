"""An image that holds almost nothing: the machine's own programs are mounted into it.

No registry is asked.  The image is a few files of /etc and the links by which /bin and /lib lead
into /usr; a container sees /usr, this repository and the Python that runs it where the machine
has them, read-only.
"""

from __future__ import annotations

import io
import pwd
import shutil
import sys
import tarfile
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from lab.processes import find

ROOT: Final = Path(__file__).parents[1]

#: Folders of the top that are links into /usr on one system and folders on another.
_TOP: Final = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")
#: What programs read in /etc that says nothing of this machine's users.
_SETTINGS: Final = ("alternatives", "ld.so.cache", "squid", "ssl")
#: Users as whom the lab's programs run.
_USERS: Final = ("root", "proxy", "nobody")
_PROGRAMS: Final = ("node", "squid", "curl")


def archive() -> bytes:
    """The root file system of the image, a tar archive for ``docker import``."""
    users = [pwd.getpwnam(name) for name in _USERS if _exists(name)]
    files = {
        "etc/passwd": "".join(
            f"{user.pw_name}:x:{user.pw_uid}:{user.pw_gid}::/nonexistent:/bin/sh\n"
            for user in users
        ),
        "etc/group": "".join(f"{user.pw_name}:x:{user.pw_gid}:\n" for user in users),
        "etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
    }
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w") as tar:
        _folder(tar, "tmp", 0o1777)
        _folder(tar, "var", 0o755)
        for name, target in _links().items():
            link = tarfile.TarInfo(name)
            link.type, link.linkname = tarfile.SYMTYPE, target
            tar.addfile(link)
        for name, text in files.items():
            file = tarfile.TarInfo(name)
            file.size, file.mode = len(text), 0o644
            tar.addfile(file, io.BytesIO(text.encode()))
    return written.getvalue()


def mounts(*more: Path) -> list[Path]:
    """Folders and files of the machine that a container sees at the same place, read-only."""
    wanted = [
        Path("/usr"),
        *(Path("/", name) for name in _TOP if not Path("/", name).is_symlink()),
        *(Path("/etc", name) for name in _SETTINGS),
        *_python(),
        *(Path(place).resolve().parents[1] for name in _PROGRAMS if (place := find(name))),
        ROOT,
        *more,
    ]
    return _outermost(path for path in wanted if path.exists())


def _python() -> Iterable[Path]:
    """This interpreter's environment and where it comes from."""
    # An environment may be a link in the checkout: what it leads to is needed too.
    yield from (Path(sys.prefix), Path(sys.prefix).resolve(), Path(sys.base_prefix))
    yield Path(shutil.which(sys.executable) or sys.executable).resolve().parents[1]


def _outermost(paths: Iterable[Path]) -> list[Path]:
    """Without those that lie in another."""
    kept: list[Path] = []
    for path in sorted(set(paths), key=lambda path: len(path.parts)):
        if not any(path.is_relative_to(other) for other in kept):
            kept.append(path)
    return kept


def _links() -> dict[str, str]:
    return {name: str(path.readlink()) for name in _TOP if (path := Path("/", name)).is_symlink()}


def _folder(tar: tarfile.TarFile, name: str, mode: int) -> None:
    folder = tarfile.TarInfo(name)
    folder.type, folder.mode = tarfile.DIRTYPE, mode
    tar.addfile(folder)


def _exists(user: str) -> bool:
    try:
        pwd.getpwnam(user)
    except KeyError:
        return False
    return True
