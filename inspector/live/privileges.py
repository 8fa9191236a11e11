"""Giving up what was needed to open: user, groups, and every capability, for good."""

from __future__ import annotations

import ctypes
import os
from struct import pack
from typing import Final

from inspector.live.command import User

# linux/prctl.h, linux/capability.h
_PR_CAPBSET_DROP: Final = 24
_PR_SET_NO_NEW_PRIVS: Final = 38
_PR_CAP_AMBIENT: Final = 47
_PR_CAP_AMBIENT_CLEAR_ALL: Final = 4
_VERSION_3: Final = 0x20080522
_LAST_CAPABILITY: Final = 63


def give_up(user: User | None) -> str:
    """Become `user` (None: stay) without a capability; what is true afterwards, as a sentence."""
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
    return f"packets are parsed as uid {os.geteuid()} without a capability"
