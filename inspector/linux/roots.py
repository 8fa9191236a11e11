"""Opening a file within another process's root, as that process would find it.

A path with a link in it, opened from outside, leads to files of one's own: openat2(2) keeps it
inside (Linux 5.6).
"""

from __future__ import annotations

import ctypes
import os
from struct import pack
from typing import Final

#: The call's number, the same on every machine; linux/openat2.h.
_OPENAT2: Final = 437
_RESOLVE_IN_ROOT: Final = 0x10
_RESOLVE_NO_MAGICLINKS: Final = 0x02


def open_in_root(root: int, path: str) -> int:
    """A descriptor to read from; `root` is an open directory.  Raises OSError."""
    flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK
    # struct open_how: flags, mode, how to resolve.
    how = pack("=QQQ", flags, 0, _RESOLVE_IN_ROOT | _RESOLVE_NO_MAGICLINKS)
    call = ctypes.CDLL(None, use_errno=True).syscall
    call.restype = ctypes.c_long
    opened = int(call(ctypes.c_long(_OPENAT2), root, os.fsencode(path), how, ctypes.c_size_t(24)))
    if opened < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), path)
    return opened
