"""What a folder says of its recording, written anew without recording."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from lab.index import CAPTURES
from lab.restate import restate

NAME = "key-newline"


def read(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_spoilt_statement_is_restored_and_the_recording_stays(tmp_path: Path) -> None:
    folder = tmp_path / NAME
    shutil.copytree(CAPTURES / NAME, folder)
    before = read(folder)
    toml, truth = folder / "scenario.toml", json.loads(before["truth.json"])
    toml.write_text(toml.read_text().replace("proxy-died", "squid-down"))
    truth["expect"]["root_cause"] = "squid-down"
    (folder / "truth.json").write_text(json.dumps(truth))
    (folder / "expected.json").unlink()

    restate(NAME, tmp_path)

    assert read(folder) == before
