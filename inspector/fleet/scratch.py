"""A private directory for what is brought here, which does not outlive its process for long.

Its owner holds a lock in it, which the kernel gives back when the owner is gone, however it went.
So the next owner on this machine can tell what nobody needs any more, and deletes it: a process
that is killed can delete nothing itself, and captures are not to lie about.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from pathlib import Path
from tempfile import gettempdir, mkdtemp
from typing import Final

_OWNED: Final = "inspector-fleet-"
#: Before it has its lock: whoever looks for what nobody needs passes it over.
_MADE: Final = "inspector-fleet.new-"
_LOCK: Final = "lock"


class Scratch:
    """A directory at `path`, for this process alone, until `close`."""

    def __init__(self) -> None:
        _forget_what_nobody_owns()
        made = Path(mkdtemp(prefix=_MADE))
        self._lock = os.open(made / _LOCK, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        self.path = made.rename(made.with_name(_OWNED + made.name.removeprefix(_MADE)))
        self._is_open = True

    def close(self) -> None:
        """Delete the directory and what is in it.  Idempotent."""
        if self._is_open:
            self._is_open = False
            shutil.rmtree(self.path, ignore_errors=True)
            os.close(self._lock)


def _forget_what_nobody_owns() -> None:
    """Delete the directories of this user whose owners are gone."""
    for path in Path(gettempdir()).glob(f"{_OWNED}*"):
        try:
            lock = os.open(path / _LOCK, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
        except OSError:
            continue  # another user's, or none of ours
        try:
            if path.lstat().st_uid == os.fstat(lock).st_uid == os.geteuid():
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(path, ignore_errors=True)
        except OSError:
            pass  # its owner lives
        finally:
            os.close(lock)
