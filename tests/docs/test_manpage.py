"""inspector(1): generated from the commands, and troff's own reader finds no fault in it."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from inspector.cli.main import COMMANDS
from tools.docs.manpage import PATH, page


def test_the_page_is_that_of_the_commands() -> None:
    assert PATH.read_text() == page(), "run: python -m tools.docs.manpage"


@pytest.mark.skipif(shutil.which("groff") is None, reason="groff is not installed")
def test_groff_reads_it_without_a_warning_and_shows_every_command() -> None:
    done = subprocess.run(
        ["groff", "-man", "-ww", "-Tascii", "-P-cbou", PATH], capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
    for name in COMMANDS:
        assert f"inspector {name}" in done.stdout
    assert "--preserve" not in done.stdout
