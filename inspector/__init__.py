"""inspector: who sent which credentials through the agent's firewall, and what came back.

`inspect(path)` reads a capture and returns a `Report`; `Inspector` does the same for packets
from anywhere else.  What ends a run, such as a file that is no capture, is an `InspectorError`.

Public are the names in `__all__` and the records in `inspector.model`, of which a report
consists.  Every other module may change with any version; docs/design.md says what each is for.
"""

from __future__ import annotations

# typing.TYPE_CHECKING without typing: a command is not yet prepared for Ctrl-C here.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from inspector.capture_files import inspect as inspect
    from inspector.errors import InspectorError as InspectorError
    from inspector.inspection import Inspector as Inspector
    from inspector.inspection import Options as Options
    from inspector.model.report import Report as Report

__all__ = ["Inspector", "InspectorError", "Options", "Report", "inspect"]

_HOMES = {
    "Inspector": "inspector.inspection",
    "InspectorError": "inspector.errors",
    "Options": "inspector.inspection",
    "Report": "inspector.model.report",
    "inspect": "inspector.capture_files",
}


def __getattr__(name: str) -> Any:
    """Import the public names on first use: `inspector --help` needs none of them."""
    from importlib import import_module

    try:
        return getattr(import_module(_HOMES[name]), name)
    except KeyError:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None
