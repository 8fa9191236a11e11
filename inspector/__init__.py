"""inspector: who sent which credentials through the agent's firewall, and what came back.

`inspect(path)` reads captures and returns a `Report`, `read_report(path)` one that was stored;
`judge` holds a report against a `Policy` (`read_policy`), `compare` sets two beside each other.
`Inspector` does what `inspect` does for packets from anywhere else.  What ends a run, such as a
file that is no capture, is an `InspectorError`.  docs/api.md has an example of each.

Public are the names in `__all__`, which `dir` shows, and the records in `inspector.model`, of
which a report consists.  Every other module may change with any version.
"""

from __future__ import annotations

# typing.TYPE_CHECKING without typing: a command is not yet prepared for Ctrl-C here.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from inspector.capture_files import inspect as inspect
    from inspector.errors import ExitCode as ExitCode
    from inspector.errors import InspectorError as InspectorError
    from inspector.inspection import Inspector as Inspector
    from inspector.model.report import Report as Report
    from inspector.options import Options as Options
    from inspector.policy.judge import Judgement as Judgement
    from inspector.policy.judge import judge as judge
    from inspector.policy.model import Policy as Policy
    from inspector.policy.reading import read_policy as read_policy
    from inspector.report.compare import Comparison as Comparison
    from inspector.report.compare import Side as Side
    from inspector.report.compare import compare as compare
    from inspector.report.formats.stored import read_report as read_report
    from inspector.report.formats.whole import as_json as as_json

__all__ = [
    "Comparison",
    "ExitCode",
    "Inspector",
    "InspectorError",
    "Judgement",
    "Options",
    "Policy",
    "Report",
    "Side",
    "as_json",
    "compare",
    "inspect",
    "judge",
    "read_policy",
    "read_report",
]

_HOMES = {
    "Comparison": "inspector.report.compare",
    "ExitCode": "inspector.errors",
    "Inspector": "inspector.inspection",
    "InspectorError": "inspector.errors",
    "Judgement": "inspector.policy.judge",
    "Options": "inspector.options",
    "Policy": "inspector.policy.model",
    "Report": "inspector.model.report",
    "Side": "inspector.report.compare",
    "as_json": "inspector.report.formats.whole",
    "compare": "inspector.report.compare",
    "inspect": "inspector.capture_files",
    "judge": "inspector.policy.judge",
    "read_policy": "inspector.policy.reading",
    "read_report": "inspector.report.formats.stored",
}


def __getattr__(name: str) -> Any:
    """Import the public names on first use: `inspector --help` needs none of them."""
    from importlib import import_module

    try:
        return getattr(import_module(_HOMES[name]), name)
    except KeyError:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None


def __dir__() -> list[str]:
    """The public names alone."""
    return __all__
