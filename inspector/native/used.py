"""The compiled core that this process uses, for rooms that do no I/O and so cannot look for it.

`library.loaded` puts it here.  Until then, and where there is none, everything is read in Python.
"""

from __future__ import annotations

from typing import Final

from inspector.native.functions import Core


class Used:
    """What is used: the core, if one was loaded."""

    core: Core | None = None


USED: Final = Used()
