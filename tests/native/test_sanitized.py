"""No input makes the compiled core read or write where it may not."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.native.sanitized import ROOM, NoCompiler, build_fuzzer

INPUTS = "3000"


def run(into: Path, core: Path = ROOM / "core.c") -> subprocess.CompletedProcess[str]:
    try:
        built = build_fuzzer(into, guided=False, core=core)
    except NoCompiler as error:
        pytest.skip(str(error))
    return subprocess.run([built, INPUTS], capture_output=True, text=True)


@pytest.mark.slow
def test_inputs_by_chance_find_nothing(tmp_path: Path) -> None:
    done = run(tmp_path)
    assert done.returncode == 0, done.stderr[-2000:]


@pytest.mark.long
@pytest.mark.parametrize(
    ("check", "without"),
    [
        ("record->captured > size - record->offset", "0"),
        ("captured < before_ip + IPV4 + TCP", "0"),
        ("packet.total + before_ip > record->captured", "0"),
        ("value > state->half_count", "0"),
        ("state->segment_count >= state->segment_room", "0"),
        ("index < 0 || index >= state->half_count", "0"),
    ],
)
def test_it_is_noticed_when_a_check_is_taken_out(check: str, without: str, tmp_path: Path) -> None:
    text = (ROOM / "core.c").read_text()
    assert check in text
    changed = tmp_path / "core.c"
    changed.write_text(text.replace(check, without))
    assert run(tmp_path, changed).returncode != 0
