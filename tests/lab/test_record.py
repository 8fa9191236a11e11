"""Recorded anew, a scenario gives the report that its folder promises."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from inspector import inspect
from inspector.report.formats.stable import stable_part
from lab.index import CAPTURES
from lab.pattern import deviations
from lab.processes import find, why_not
from lab.record import record

PROGRAMS = ("squid", "node", "dumpcap", "curl")
#: Versions of programs differ from machine to machine; nothing else may.
_VERSION = re.compile(r"/\d+(\.\d+)+")

pytestmark = pytest.mark.skipif(bool(why_not(*PROGRAMS)), reason=str(why_not(*PROGRAMS)))


@pytest.mark.parametrize(
    "name", ["issue-1527", "key-newline", "one-network", "h4-401-inside-tunnel"]
)
def test_a_second_recording_has_the_same_stable_report(name: str, tmp_path: Path) -> None:
    if name == "h4-401-inside-tunnel" and find("npm") is None:
        pytest.skip("needs npm for the SDK under Node")
    folder = record(name, tmp_path)

    promised = (CAPTURES / name / "expected.json").read_text()
    found = json.dumps(stable_part(inspect(folder)))
    assert deviations(unversioned(promised), unversioned(found)) == []


def unversioned(text: str) -> dict[str, Any]:
    plain: dict[str, Any] = json.loads(_VERSION.sub("/*", text))
    return plain
