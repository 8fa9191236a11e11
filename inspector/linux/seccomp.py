"""What a program may no longer ask of the kernel (seccomp): by a table, for good.

A parser of hostile bytes holds descriptors, and may read, write, map and wait.
It never reaches for another program, another privilege or another namespace:
these calls answer EPERM from `install` on, in every thread.  What is not in the
table is let through, so that no interpreter or C library is broken by a call
that nobody thought of; hence the table names whatever leads around it, too
(io_uring, clone3, the x32 and 32-bit numbers of the same calls).

Not held back: files that the user may write, and processes of the same user
that may be opened as files in /proc.

Source: seccomp(2); Linux, include/uapi/linux/{seccomp,audit}.h, and the numbers of
arch/x86/entry/syscalls/syscall_64.tbl and include/uapi/asm-generic/unistd.h.
"""

from __future__ import annotations

import ctypes
import errno
import os
import sys
from collections.abc import Iterator, Set
from struct import pack
from typing import Final

from inspector.fact import Fact
from inspector.linux.classic_bpf import Instruction

# linux/prctl.h, linux/seccomp.h
_PR_SET_NO_NEW_PRIVS: Final = 38
_SET_MODE_FILTER: Final = 1
_GET_ACTION_AVAIL: Final = 2
_FLAG_TSYNC: Final = 1
_RET_ALLOW: Final = 0x7FFF0000
_RET_ERRNO: Final = 0x00050000
#: struct seccomp_data: number, architecture, instruction pointer, six arguments.
_NUMBER_AT: Final = 0
_ARCH_AT: Final = 4
_FIRST_ARGUMENT_AT: Final = 16
_SECOND_ARGUMENT_AT: Final = 24

# Codes, from linux/bpf_common.h.
_LD_W_ABS: Final = 0x20
_JEQ: Final = 0x15
_JGE: Final = 0x35
_JSET: Final = 0x45
_RET: Final = 0x06

_CLONE_THREAD: Final = 0x00010000
#: CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET.
_CLONE_NEW: Final = 0x7E020000
#: TIOCSTI and TIOCLINUX type for the user, on the terminal that the program was started from.
_TYPING: Final = (0x5412, 0x541C)
#: Numbers from here on are the same calls once more (x32); no other machine has as many.
_X32: Final = 0x40000000

#: Call -> its number on x86_64, on aarch64; None: it has no such call.
DENIED: Final[dict[str, tuple[int | None, int | None]]] = {
    # another program's ear
    "socket": (41, 198),
    "connect": (42, 203),
    "accept": (43, 202),
    "accept4": (288, 242),
    "listen": (50, 201),
    # another program in its own place or beside it (a thread may be made: see `program`)
    "fork": (57, None),
    "vfork": (58, None),
    "execve": (59, 221),
    "execveat": (322, 281),
    # another process's memory and descriptors
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "process_madvise": (440, 440),
    "pidfd_getfd": (438, 438),
    "kcmp": (312, 272),
    # the kernel's own programs, events and queues
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    # keys
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    # other files, mounts and namespaces than one's own
    "name_to_handle_at": (303, 264),
    "open_by_handle_at": (304, 265),
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fspick": (433, 433),
    "mount_setattr": (442, 442),
    "unshare": (272, 97),
    "setns": (308, 268),
    # the kernel's code
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "delete_module": (176, 106),
    "kexec_load": (246, 104),
}


class Architecture(Fact):
    """How an architecture numbers its calls: AUDIT_ARCH_*, its column in the table, a few calls."""

    arch: int
    column: int
    ioctl: int
    clone: int
    clone3: int
    seccomp: int


MACHINES: Final[dict[str, Architecture]] = {
    "x86_64": Architecture(0xC000003E, 0, ioctl=16, clone=56, clone3=435, seccomp=317),
    "aarch64": Architecture(0xC00000B7, 1, ioctl=29, clone=220, clone3=435, seccomp=277),
}


def program(machine: Architecture, allowed: Set[str] = frozenset()) -> tuple[Instruction, ...]:
    """The filter for a machine; `allowed` are names of the table that are let through.

    A clone makes a thread or nothing.  The flags of clone3 cannot be seen from
    here: it answers ENOSYS, and C libraries use clone instead.  An ioctl types
    nothing on a terminal.
    """
    return tuple(_instructions(machine, allowed))


def _instructions(machine: Architecture, allowed: Set[str]) -> Iterator[Instruction]:
    refuse = (_RET, 0, 0, _RET_ERRNO | errno.EPERM)
    yield _LD_W_ABS, 0, 0, _ARCH_AT
    yield _JEQ, 1, 0, machine.arch
    yield refuse
    yield _LD_W_ABS, 0, 0, _NUMBER_AT
    yield _JGE, 0, 1, _X32
    yield refuse
    for name, numbers in DENIED.items():
        number = numbers[machine.column]
        if number is not None and name not in allowed:
            yield _JEQ, 0, 1, number
            yield refuse
    yield _JEQ, 0, 5, machine.ioctl
    yield _LD_W_ABS, 0, 0, _SECOND_ARGUMENT_AT
    yield _JEQ, 1, 0, _TYPING[0]
    yield _JEQ, 0, 1, _TYPING[1]
    yield refuse
    yield _RET, 0, 0, _RET_ALLOW
    yield _JEQ, 0, 1, machine.clone3
    yield _RET, 0, 0, _RET_ERRNO | errno.ENOSYS
    yield _JEQ, 0, 4, machine.clone
    yield _LD_W_ABS, 0, 0, _FIRST_ARGUMENT_AT
    yield _JSET, 1, 0, _CLONE_NEW
    yield _JSET, 1, 0, _CLONE_THREAD
    yield refuse
    yield _RET, 0, 0, _RET_ALLOW


def why_not() -> str:
    """Why no filter can be had here; empty if one can.  Changes nothing."""
    machine = _this_machine()
    if machine is None:
        return f"no filter is written for {os.uname().machine}"
    action = ctypes.c_uint32(_RET_ERRNO)
    if _seccomp(machine, _GET_ACTION_AVAIL, 0, ctypes.addressof(action)):
        return f"the kernel has none: {os.strerror(ctypes.get_errno())}"
    return ""


def install(allowed: Set[str] = frozenset()) -> str:
    """Put the filter before every thread, for good; why it could not be, empty if it is.

    Sets PR_SET_NO_NEW_PRIVS, without which the kernel takes none.
    """
    machine = _this_machine()
    if machine is None:
        return why_not()
    ctypes.CDLL(None).prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    code = b"".join(pack("=HBBI", *each) for each in program(machine, allowed))
    # struct sock_fprog: a count and a pointer, which must live until the call returns.
    buffer = ctypes.create_string_buffer(code, len(code))
    told = ctypes.create_string_buffer(pack("@HP", len(code) // 8, ctypes.addressof(buffer)))
    answer = _seccomp(machine, _SET_MODE_FILTER, _FLAG_TSYNC, ctypes.addressof(told))
    if answer > 0:
        return f"thread {answer} has another filter"
    return f"the kernel takes none: {os.strerror(ctypes.get_errno())}" if answer else ""


def _this_machine() -> Architecture | None:
    """None for an architecture without a table, and for a 32-bit program on a 64-bit kernel."""
    return MACHINES.get(os.uname().machine) if sys.maxsize > 1 << 32 else None


def _seccomp(machine: Architecture, operation: int, flags: int, argument: int) -> int:
    call = ctypes.CDLL(None, use_errno=True).syscall
    call.restype = ctypes.c_long
    numbers = (machine.seccomp, operation, flags, argument)
    return int(call(*map(ctypes.c_long, numbers)))
