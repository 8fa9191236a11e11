"""Writes anew what a folder of `captures/` says of its recording, without recording again.

`scenario.toml` and what `truth.json` repeats of it come from the catalogue, `expected.json` from
the two; the capture and the logs' part of `truth.json` stay as they are.
"""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

from lab.expected import expected
from lab.record import CAPTURES, describe, frame
from lab.scenarios import catalogue
from lab.toml import dumps


def restate(name: str, captures: Path = CAPTURES) -> None:
    """Bring one folder up to date with its scenario; the programs' versions stay those recorded.

    :raises FileNotFoundError: it was not recorded yet.
    """
    folder, scenario = captures / name, catalogue()[name]
    old = tomllib.loads((folder / "scenario.toml").read_text())
    statement = describe(scenario, old["recorded_with"])
    story = json.loads((folder / "truth.json").read_text()) | frame(scenario)
    (folder / "scenario.toml").write_text(dumps(statement))
    (folder / "truth.json").write_text(json.dumps(story, indent=1) + "\n")
    (folder / "expected.json").write_text(json.dumps(expected(statement, story), indent=1) + "\n")
