"""The container that a process runs in, from the names of its control groups.

Engines put a container's 64 hex digits into the group's name: Docker
`docker-<id>.scope` (systemd) or `/docker/<id>`, Podman `libpod-<id>.scope`,
containerd `cri-containerd-<id>.scope`.  The names are read in the kernel with
the event, so a process that has ended since is known all the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from inspector.regex import regex

_ID: Final = regex(r"(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])")


def container_id(names: Sequence[str], pid: int | None = None) -> str | None:
    """The id in one of the group's `names`, else in the whole paths of the living `pid`.

    A container that has groups of its own inside (systemd, Podman's
    `container`) names itself further up: /proc/PID/cgroup, which everybody
    may read, has the path.  The innermost id is taken.
    """
    for name in names:
        found = _ID.findall(name)
        if found:
            return str(found[-1])
    # A process of the machine itself sits in the root group, whose name is empty.
    if pid is None or not any(names):
        return None
    try:
        found = _ID.findall(Path(f"/proc/{pid}/cgroup").read_text())
    except OSError:
        return None
    return str(found[-1]) if found else None
