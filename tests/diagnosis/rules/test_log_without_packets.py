"""log-without-packets: where it is found, and where something only resembles it."""

from __future__ import annotations

import shutil
from pathlib import Path

from inspector import inspect
from tests.diagnosis.calls import found
from tests.diagnosis.matrix import GOLDEN


def test_a_log_that_tells_of_a_tunnel_without_packets_is_told(tmp_path: Path) -> None:
    folder = tmp_path / "healthy-json"
    shutil.copytree(GOLDEN / "healthy-json", folder)
    assert "log-without-packets" not in found(inspect(folder))

    log = folder / "access.log"
    text = log.read_text()
    log.write_text(text + text.splitlines()[-1].replace(":5", ":1") + "\n")

    assert "log-without-packets" in found(inspect(folder))
