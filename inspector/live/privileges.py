"""Giving up what was needed to open, for good: user, groups, every capability, and calls."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Set
from pathlib import Path
from struct import pack
from typing import Final

from inspector.errors import CannotCapture
from inspector.linux import seccomp
from inspector.live.command import User
from inspector.model.live import Rung

# linux/prctl.h, linux/capability.h
_PR_SET_KEEPCAPS: Final = 8
_PR_CAPBSET_DROP: Final = 24
_PR_SET_NO_NEW_PRIVS: Final = 38
_PR_CAP_AMBIENT: Final = 47
_PR_CAP_AMBIENT_CLEAR_ALL: Final = 4
_VERSION_3: Final = 0x20080522
_LAST_CAPABILITY: Final = 63
_TASKS: Final = Path("/proc/self/task")


def give_up(user: User | None) -> str:
    """Become `user` (None: stay) without a capability; what is true afterwards, as a sentence.

    It is read back from the kernel.  Raises `CannotCapture` when anything is left.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    for capability in range(_LAST_CAPABILITY + 1):
        # Refused for those that the kernel does not have, or without CAP_SETPCAP.
        libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0)
    if user is not None:
        user.become()
    libc.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)
    header = ctypes.create_string_buffer(pack("=II", _VERSION_3, 0))
    if libc.capset(header, ctypes.create_string_buffer(bytes(24))):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    if left := _left(user):
        raise CannotCapture(
            f"Privilege could not be given up: {left}",
            "Nothing was captured; report this with the kernel's version",
        )
    return f"packets are parsed as uid {os.geteuid()} without a capability"


def keep_only(user: User, capabilities: Set[int]) -> None:
    """Become `user` with these capabilities and no other, for good.

    It is read back from the kernel.  Raises `OSError` where it cannot be had.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_KEEPCAPS, 1, 0, 0, 0)
    for capability in range(_LAST_CAPABILITY + 1):
        libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0)
    user.become()
    held = sum(1 << capability for capability in capabilities)
    low, high = held & 0xFFFFFFFF, held >> 32
    header = ctypes.create_string_buffer(pack("=II", _VERSION_3, 0))
    sets = ctypes.create_string_buffer(pack("=6I", low, low, 0, high, high, 0))
    if libc.capset(header, sets):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    for task in _TASKS.iterdir():
        status = _status(task)
        if any(int(status[name][0], 16) != held for name in ("CapPrm", "CapEff")):
            raise PermissionError(f"thread {task.name} holds other capabilities")


def confine() -> Rung:
    """Put the seccomp filter before every thread, after `give_up`; whether it holds.

    Where there is none the capture goes on, and says so.  Raises
    `CannotCapture` when a thread is not behind a filter that was taken.
    """
    if trouble := seccomp.install():
        return Rung(
            "seccomp",
            "lost",
            f"{trouble}; whoever took the parser over could connect and execute as its user",
            "a kernel with CONFIG_SECCOMP_FILTER, on x86_64 or aarch64",
        )
    for task in _TASKS.iterdir():
        if _status(task)["Seccomp"] != ["2"]:
            raise CannotCapture(
                f"Thread {task.name} is not behind the seccomp filter",
                "Nothing was captured; report this with the kernel's version",
            )
    return Rung(
        "seccomp", "working", "the parser may neither connect, execute, trace nor change namespaces"
    )


def _status(task: Path) -> dict[str, list[str]]:
    # Not as text: its codec may be a file that this user cannot read.
    lines = (task / "status").read_bytes().decode("latin-1").splitlines()
    return {name: value.split() for name, _, value in (line.partition(":") for line in lines)}


def _left(user: User | None) -> str:
    """What the kernel says is still there, of any thread; empty if nothing is."""
    for task in _TASKS.iterdir():
        status = _status(task)
        for name in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
            if int(status[name][0], 16):
                return f"{name} is {status[name][0]} in thread {task.name}"
        if status["NoNewPrivs"] != ["1"]:
            return f"new privileges may be had in thread {task.name}"
        if user is not None:
            for name, wanted in (("Uid", user.uid), ("Gid", user.gid)):
                if status[name] != 4 * [str(wanted)]:
                    return f"{name} is {' '.join(status[name])} in thread {task.name}"
    return ""
