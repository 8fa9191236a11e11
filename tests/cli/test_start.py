"""What a command imports and compiles before it reads anything: a small capture takes no longer.

Held by counts, never by seconds.  Of a capture of 125 packets the start is nearly all that is done.
"""

from __future__ import annotations

import json
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any, Final

import pytest

ROOT: Final = Path(__file__).parent.parent.parent
CAPTURE: Final = "captures/issue-1527/capture.pcapng"

#: Runs a command, and reports what it took.
_COUNTED: Final = """
import atexit, json, re, sys
calls = []
compiled = re.compile
re.compile = lambda *given: calls.append(given[0]) or compiled(*given)
import dataclasses
decorated = []
made = dataclasses.dataclass
dataclasses.dataclass = lambda *given, **how: decorated.append(given) or made(*given, **how)
tuples = lambda: sum(kind.__module__.startswith("inspector") for kind in tuple.__subclasses__())
count = lambda: {"modules": list(sys.modules), "patterns": len(calls), "classes": len(decorated),
                 "tuples": tuples()}
atexit.register(lambda: print(json.dumps(count()), file=sys.stderr))
from inspector.cli.main import main
main(sys.argv[1:])
"""


@cache
def took(*arguments: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-c", _COUNTED, *arguments], cwd=ROOT, capture_output=True, text=True
    )
    counted: dict[str, Any] = json.loads(done.stderr.splitlines()[-1])
    return counted


ANALYZE: Final = ("analyze", "--no-progress", "--format", "json", CAPTURE)
PAGE: Final = ("analyze", "--no-progress", CAPTURE)


@pytest.mark.parametrize(
    ("command", "modules", "patterns"),
    [(("--version",), 170, 25), (("--help",), 216, 25), (ANALYZE, 521, 92), (PAGE, 586, 102)],
)
def test_a_start_imports_and_compiles_little(
    command: tuple[str, ...], modules: int, patterns: int
) -> None:
    """Bounds are a few above what was measured; the program has 280 expressions of its own."""
    found = took(*command)
    assert len(found["modules"]) <= modules
    assert found["patterns"] <= patterns


@pytest.mark.parametrize(
    "seldom",
    [
        # other protocols, and their libraries
        "inspector.exchanges.http2", "hpack", "inspector.exchanges.websocket",
        "inspector.decryption.session", "cryptography",
        # what a copy needs, and a fleet
        "inspector.redaction", "inspector.fleet",
        # what logs are read with
        "inspector.witnesses.lines", "inspector.witnesses.weigh",
        # of the standard library, what one rare step needs
        "email", "importlib.metadata", "logging", "socket", "tempfile", "tomllib", "shutil",
        "random", "html", "http", "gzip", "traceback", "string", "signal", "pkgutil",
    ],
)  # fmt: skip
def test_an_analysis_imports_what_a_capture_needs(seldom: str) -> None:
    assert seldom not in took(*ANALYZE)["modules"]


def test_records_are_made_by_msgspec() -> None:
    """The decorator of `dataclasses` costs three million instructions a class."""
    assert took(*ANALYZE)["classes"] == 0


def test_few_records_are_named_tuples() -> None:
    """One costs a million instructions, a fact a seventh: what is never taken apart is one."""
    assert took(*ANALYZE)["tuples"] <= 9
