"""Finds and loads the shipped library of this machine, or says why the pure engine runs.

The libraries are built and kept like the eBPF objects (`tools/native`, `objects.txt`).  They need
no other library, so that one serves every libc.
"""

from __future__ import annotations

import ctypes
import functools
import os
import platform
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from inspector.fact import Fact
from inspector.native.functions import Core, Mismatch
from inspector.native.used import USED

#: Set to anything but 0 in the environment: the pure engine runs.
SWITCH: Final = "INSPECTOR_PURE"

_HERE: Final = Path(__file__).parent
_SEED_BYTES: Final = 16


class Loaded(Fact):
    """The compiled core, or why there is none: a sentence without its full stop."""

    core: Core | None
    why_not: str = ""


@functools.cache
def loaded() -> Loaded:
    """What is to be used in this process; asked for once."""
    found = load(os.environ, platform.machine())
    USED.core = found.core
    return found


def load(environment: Mapping[str, str], machine: str) -> Loaded:
    """The library of a machine as `platform.machine` calls it."""
    if environment.get(SWITCH, "0") not in ("", "0"):
        return Loaded(None, f"{SWITCH} is set")
    path = _HERE / f"core-{machine}.so"
    if sys.maxsize < 1 << 32 or not path.exists():
        return Loaded(None, f"no compiled core is shipped for {machine}")
    try:
        return Loaded(Core(ctypes.PyDLL(str(path)), os.urandom(_SEED_BYTES)))
    except (OSError, Mismatch) as error:
        return Loaded(None, f"{path.name} could not be used: {error}")
