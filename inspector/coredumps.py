"""No core dump of a process that holds credentials; but COMMAND has its own again.

A core dump is the whole memory in a file, which an upload of artifacts takes along.
The limit keeps the kernel from writing one (core(5)); where `core_pattern` names a
program instead, the limit is not asked, and only a process that is not "dumpable"
(PR_SET_DUMPABLE, prctl(2)) is spared.  The latter ends with execve(2) by itself.
"""

from __future__ import annotations

import resource
from typing import Final

_PR_SET_DUMPABLE: Final = 4

#: The soft limit as the program was started with it; None as long as nothing was changed.
_as_started: int | None = None


def forbid() -> None:
    """Let this process leave no core dump, whatever ends it."""
    import ctypes

    global _as_started
    soft, hard = resource.getrlimit(resource.RLIMIT_CORE)
    if _as_started is None:
        _as_started = soft
    # The hard limit stays: it could not be raised again for COMMAND.
    resource.setrlimit(resource.RLIMIT_CORE, (0, hard))
    ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


def allow_as_started() -> None:
    """Give back the limit that the program was started with; for a child about to exec."""
    if _as_started is not None:
        _, hard = resource.getrlimit(resource.RLIMIT_CORE)
        resource.setrlimit(resource.RLIMIT_CORE, (_as_started, hard))
