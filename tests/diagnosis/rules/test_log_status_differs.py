"""log-status-differs: where it is found, and where something only resembles it."""

from __future__ import annotations

import shutil
from pathlib import Path

from inspector import inspect
from tests.diagnosis.calls import found
from tests.diagnosis.matrix import GOLDEN


def test_a_log_that_names_another_status_than_the_packets_is_told(tmp_path: Path) -> None:
    folder = tmp_path / "healthy-json"
    shutil.copytree(GOLDEN / "healthy-json", folder)
    assert "log-status-differs" not in found(inspect(folder))

    log = folder / "access.log"
    text = log.read_text()
    log.write_text(text.replace("CONNECT 200", "CONNECT 503", 1))

    assert "log-status-differs" in found(inspect(folder))
