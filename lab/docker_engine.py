"""A Docker engine for the lab: the one that answers here, or one of the lab's own.

The lab's own is Debian's ``dockerd`` in the network namespace of the lab's bridge, with process
and mount namespaces to itself: its bridges, packet filter rules, mounts and containers are inside,
its data in the lab's directory, and all of its processes end with its first one, which the kernel
ends with the lab's owner, whatever killed that.  Two things it shares with the machine: the tree
of control groups, where ``inspector-lab-<id>`` is its own, and the kernel's modules, which it may
load (for the bridge, overlay and packet filter).
"""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lab.processes import LabError, Process, find, until, why_not

#: Debian's packages: docker.io, which brings containerd, runc and iptables, and util-linux.
PROGRAMS: Final = ("dockerd", "containerd", "runc", "iptables", "unshare", "nsenter", "setpriv")

_GROUPS: Final = Path("/sys/fs/cgroup")
_GROUP: Final = "inspector-lab-"

# $1: the folder of all labs, seen inside; $2: the engine's own.  /run is a new one, since
# containerd keeps its sockets at one place there; the kernel's settings are for reading only.
_START: Final = """
set -e
mkdir -p "$2/run"
mount -n -t tmpfs -o mode=755 lab "$2/run"
mkdir -p "$2/run/${1#/run/}"
mount -n --bind "$1" "$2/run/${1#/run/}"
mount -n --move "$2/run" /run
mount -n --bind /proc/sys/kernel /proc/sys/kernel
mount -n -o remount,bind,ro /proc/sys/kernel
shift 2
exec "$@"
"""


class EngineError(LabError):
    """There is no Docker engine, and none can be started: why."""


@dataclass(frozen=True, slots=True)
class Engine:
    """An engine that answers."""

    #: ``unix://…`` of the lab's own; None for the machine's, as its user has set it.
    address: str | None
    #: The program, None for the machine's.
    process: Process | None = None

    @property
    def own(self) -> bool:
        """Whether the lab started it, for itself alone."""
        return self.process is not None

    def argv(self, *arguments: str | Path) -> list[str]:
        """The command line of the Docker client."""
        at = [] if self.address is None else ["--host", self.address]
        return [find("docker") or "docker", *at, *map(str, arguments)]

    def __call__(self, *arguments: str | Path, input: bytes | None = None) -> str:
        """Run the Docker client; what it says.

        :raises LabError: it failed, or did not end within a minute.
        """
        try:
            done = subprocess.run(
                self.argv(*arguments), input=input, capture_output=True, timeout=60
            )
        except subprocess.TimeoutExpired:
            raise LabError(f"docker {arguments[0]} did not end in 60 s") from None
        if done.returncode:
            raise LabError(f"docker {arguments[0]}: {done.stderr.decode(errors='replace')}")
        return done.stdout.decode().strip()


def why_not_docker() -> str | None:
    """The reason why no lab can run on Docker here; None where one may (its start may fail)."""
    if reason := why_not():
        return reason
    if find("docker") is None:
        return "there is no Docker here (Debian's package: docker.io)"
    missing = [name for name in PROGRAMS if find(name) is None]
    if missing and not answers():
        return f"no Docker engine answers, and to start one needs {', '.join(missing)}"
    return None


def answers() -> bool:
    """Whether the machine has an engine that answers its user."""
    command = [find("docker") or "docker", "version", "--format", "{{.Server.Version}}"]
    with contextlib.suppress(subprocess.TimeoutExpired, OSError):
        return subprocess.run(command, capture_output=True, timeout=10).returncode == 0
    return False


def start(identity: str, namespace: Path, labs: Path, directory: Path) -> Engine:
    """Start the lab's own engine in a network namespace; it answers.

    ``labs``: the folder under /run with those of all labs, which containers may mount;
    ``directory``: the engine's own, in it.

    :raises EngineError: it did not start, and what it said.
    """
    directory.mkdir(mode=0o711, parents=True)
    settings = directory / "daemon.json"
    settings.write_text("{}\n")
    socket = directory / "docker.sock"
    command: Sequence[str | Path] = [
        *(find("setpriv") or "setpriv", "--pdeathsig", "KILL"),
        *(find("nsenter") or "nsenter", f"--net={namespace}"),
        *(find("unshare") or "unshare", "--mount", "--pid", "--fork", "--kill-child"),
        *("--mount-proc", "sh", "-c", _START, "sh", labs, directory),
        *(find("dockerd") or "dockerd", "--config-file", settings),
        *("--data-root", directory / "data", "--exec-root", directory / "exec"),
        *("--pidfile", directory / "docker.pid", "--host", f"unix://{socket}"),
        *("--bridge", "none", "--exec-opt", "native.cgroupdriver=cgroupfs"),
        *("--cgroup-parent", f"/{_GROUP}{identity}"),
    ]
    log = directory / "dockerd.log"
    # It looks for containerd, runc and iptables where a user's PATH may not lead.
    path = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"
    process = Process(list(map(str, command)), log=log, env={"PATH": path}, name="dockerd")
    try:
        process.wait_ready("API listen on", timeout=30)
    except BaseException as error:
        process.kill()
        if isinstance(error, LabError):
            raise EngineError(str(error)) from None
        raise
    return Engine(f"unix://{socket}", process)


# --- control groups ----------------------------------------------------------------------------


def groups(container: str) -> list[Path]:
    """The control groups of a running container, one a hierarchy, by its full id.

    :raises EngineError: none; its engine is not on this machine.
    """
    found = [path for path in _GROUPS.rglob(f"*{container}*") if path.is_dir()]
    if not found:
        raise EngineError("the Docker engine that answers runs its containers somewhere else")
    return found


def members(group: Path) -> list[int]:
    """The processes of a control group, by this machine's ids."""
    with contextlib.suppress(OSError):  # ENODEV: it has just gone
        return [int(line) for line in (group / "cgroup.procs").read_text().split()]
    return []


def remove_groups(living: Collection[str]) -> None:
    """Remove what engines of labs that are not among the living left in the tree."""
    for top in [*_GROUPS.glob(f"{_GROUP}*"), *_GROUPS.glob(f"*/{_GROUP}*")]:
        if top.name.removeprefix(_GROUP) not in living:
            until(_removed(top), f"{top} to be free of processes")


def _removed(top: Path) -> Callable[[], bool]:
    def removed() -> bool:
        for group in _deepest_first(top):
            with contextlib.suppress(OSError):  # EBUSY: something in it still ends
                group.rmdir()
        return not top.exists()

    return removed


def _deepest_first(top: Path) -> Iterator[Path]:
    folders: Iterable[Path] = (path for path in top.rglob("*") if path.is_dir())
    yield from sorted(folders, key=lambda path: len(path.parts), reverse=True)
    yield top
