"""What is brought to this machine is gone when its process is, however that went."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from inspector.fleet.scratch import Scratch

OWNER = """
import signal
from inspector.fleet.scratch import Scratch
scratch = Scratch()
(scratch.path / "capture.pcapng").write_bytes(b"lab")
print(scratch.path, flush=True)
signal.pause()
"""


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


def test_it_is_for_its_owner_alone_and_gone_at_the_end(temporary: Path) -> None:
    scratch = Scratch()
    (scratch.path / "0").mkdir()
    assert scratch.path.stat().st_mode & 0o077 == 0
    scratch.close()
    scratch.close()
    assert list(temporary.iterdir()) == []


def test_the_next_owner_deletes_what_a_killed_one_left_and_nothing_of_the_living(
    temporary: Path,
) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", OWNER], stdout=subprocess.PIPE, text=True
    ) as owner:
        assert owner.stdout is not None
        left = Path(owner.stdout.readline().strip()) / "capture.pcapng"
        living = Scratch()
        assert left.exists()
        owner.send_signal(signal.SIGKILL)
    foreign = temporary / "inspector-fleet-notes"
    foreign.mkdir()
    Scratch().close()
    assert not left.parent.exists()
    assert living.path.exists()
    assert foreign.exists()
    living.close()
