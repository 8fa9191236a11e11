"""Doing something inside another network namespace.

A socket belongs for good to the namespace that it was made in, so it is enough
to make it there: in a thread of its own, since setns(2) moves a thread and the
others stay.  Needs CAP_SYS_ADMIN at that moment, and nothing afterwards.
"""

from __future__ import annotations

import ctypes
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar

from inspector.errors import CannotCapture

_CLONE_NEWNET: Final = 0x40000000
#: Where iproute2 and Docker keep named namespaces.
_NAMED: Final = (Path("/run/netns"), Path("/var/run/netns"), Path("/run/docker/netns"))

T = TypeVar("T")


def locate_namespace(told: str) -> Path:
    """The file that stands for a network namespace: told by name, path or process id.

    Raises `CannotCapture` when there is none.
    """
    if "/" in told:
        candidates = [Path(told)]
    else:
        candidates = [directory / told for directory in _NAMED]
        if told.isascii() and told.isdigit():
            candidates.append(Path(f"/proc/{told}/ns/net"))
    for path in candidates:
        # A named one that is gone can leave an empty file: only setns tells.
        if path.exists():
            return path
    raise CannotCapture(
        f"There is no network namespace {told!r}",
        "Name one that `ip netns` lists, a path such as /proc/PID/ns/net, or a process id",
    )


def inside(namespace: Path | None, work: Callable[[], T]) -> T:
    """What `work` returns (or raises) when it is run in `namespace`; None is one's own.

    Raises `CannotCapture` when the namespace cannot be entered.
    """
    if namespace is None:
        return work()
    results: list[T] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            _enter(namespace)
            results.append(work())
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=run, name=f"netns {namespace}")
    thread.start()
    thread.join()
    if errors:
        raise errors[0]
    return results[0]


def _enter(namespace: Path) -> None:
    try:
        descriptor = os.open(namespace, os.O_RDONLY | os.O_CLOEXEC)
        try:
            libc = ctypes.CDLL(None, use_errno=True)
            if libc.setns(descriptor, _CLONE_NEWNET):
                number = ctypes.get_errno()
                raise OSError(number, os.strerror(number))
        finally:
            os.close(descriptor)
    except OSError as error:
        raise CannotCapture(
            f"The network namespace {namespace} cannot be entered: {error.strerror}",
            "Run as root (it needs CAP_SYS_ADMIN)"
            if isinstance(error, PermissionError)
            else "Name another with --netns",
        ) from error
