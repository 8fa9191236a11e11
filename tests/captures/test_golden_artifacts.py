"""All that is left of every golden capture, with keys in the place of its placeholders.

The agent's placeholders become keys of the same length, two different ones: no output may hold a
piece of either, and both runs' outputs are the same but for fingerprints.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest
from click.testing import CliRunner

from inspector.cli.main import main
from inspector.report.files import CAPTURE, NAMES
from lab.index import CAPTURES
from tests.leaks.artifacts import artifacts, without_fingerprints
from tests.leaks.views import is_leaked

FOLDERS: Final = sorted(path.parent for path in CAPTURES.glob("*/capture.pcapng"))
#: Each of them is played by `make test-real`; these, of each kind, always.
ALWAYS: Final = ("issue-1527", "squid-denied", "through-squid-absolute")
EACH: Final = [
    pytest.param(folder, id=folder.name, marks=[pytest.mark.long] * (folder.name not in ALWAYS))
    for folder in FOLDERS
]
#: What the firewall gives to agents, and what it gave before.
PLACEHOLDERS: Final = (
    b"sk-ant-placeholder-key-for-credential-isolation",
    b"placeholder-token-for-credential-isolation",
    b"sk-placeholder-for-api-proxy",
    b"gemini-api-key-placeholder-for-credential-isolation",
)
#: Made up, as any key here; each of the two sides has letters of its own.
LETTERS: Final = (b"QwErTyUiOpAsDfGh", b"ZxCvBnMlKjHgFdSa")


def planted(capture: bytes, letters: bytes) -> tuple[bytes, list[bytes]]:
    """The capture with keys in it, and the keys."""
    keys = []
    for placeholder in PLACEHOLDERS:
        if placeholder in capture:
            key = (b"sk-ant-api03-LABONLY" + letters * 4)[: len(placeholder)]
            capture = capture.replace(placeholder, key)
            keys.append(key[len(b"sk-ant-api03-LABONLY") :])
    return capture, keys


def shown(folder: Path) -> dict[str, bytes]:
    """The first exchanges in full, of the report that was left."""
    left = folder / "left"
    return {
        f"show {name}": CliRunner()
        .invoke(main, ["show", "--format", form, str(left), name])
        .stdout_bytes
        for name in ("e1", "e2", "t1")
        for form in ("terminal", "json")
    }


@pytest.mark.parametrize("folder", EACH)
def test_no_output_holds_a_key_or_depends_on_one(folder: Path, tmp_path: Path) -> None:
    capture = (folder / "capture.pcapng").read_bytes()
    made = []
    for letters in LETTERS:
        changed, keys = planted(capture, letters)
        outputs = artifacts(changed, tmp_path / "run")
        outputs |= shown(tmp_path / "run")
        assert outputs.keys() >= {*NAMES, CAPTURE, "check.json", "junit.xml", "redact", "show e1"}
        secrets = [key for key in keys if len(key) >= 8]
        leaked = [name for name, data in outputs.items() if secrets and is_leaked(secrets, data)]
        assert leaked == []
        made.append({name: _stable(data) for name, data in outputs.items()})
    assert [name for name in made[0] if made[0][name] != made[1][name]] == []


def _stable(output: bytes) -> bytes:
    return re.sub(rb"\s+", b" ", without_fingerprints(output))
