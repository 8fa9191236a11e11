"""`inspector`, as it is started: nothing that Ctrl-C interrupts is told by a traceback.

The commands (`group`) are imported and defined while SIGINT ends the program at once.
"""

from __future__ import annotations

from inspector.cli.interrupts import AtOnce

with AtOnce():
    from inspector.cli.group import COMMANDS, main

__all__ = ["COMMANDS", "main"]
