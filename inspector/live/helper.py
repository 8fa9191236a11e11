"""What the helpers have in common that a capture forks: they hold as little as they can."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
from collections.abc import Set
from pathlib import Path
from typing import Final

#: The user who owns nothing.
NOBODY: Final = 65534

# linux/prctl.h
_PR_SET_DUMPABLE: Final = 4
_PR_SET_NAME: Final = 15
_DESCRIPTORS: Final = Path("/proc/self/fd")


def let_go(kept: Set[int]) -> None:
    """Keep no descriptor but these: not a terminal's, and none that others wait for."""
    null = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(null, standard)
    for descriptor in [int(each.name) for each in _DESCRIPTORS.iterdir()]:
        if descriptor > 2 and descriptor not in kept:
            with contextlib.suppress(OSError):  # that of the list itself
                os.close(descriptor)
    # A Ctrl-C is the parser's, which says when it is over.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
        signal.signal(number, signal.SIG_IGN)


def shut(name: bytes) -> None:
    """Be called `name` (15 bytes) by ps; nobody of the same user traces it or opens its memory."""
    libc = ctypes.CDLL(None)
    libc.prctl(_PR_SET_NAME, name, 0, 0, 0)
    libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
