"""What a packet costs the compiled core, in instructions: on a fixed input, the same everywhere.

Of the shipped object, so that neither this machine's compiler nor its load counts.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.flows.build import native_core
from tests.native.sanitized import HERE, ROOM

#: Instructions of `inspector_core_join` over the 3,000 packets of `count.c`, counted by callgrind
#: in the object for x86_64.  Less is better: lower it then.  A rise over 5 % wants a reason.
RECORDED = 786_945
TOLERANCE = 0.05


@pytest.mark.slow
def test_the_hot_loop_takes_no_more_instructions_than_it_did(tmp_path: Path) -> None:
    native_core()
    shipped = ROOM / "core-x86_64.so"
    for program in ("cc", "valgrind"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not here, to count instructions: apt-get install {program}")
    made = tmp_path / "count"
    build = ["cc", "-std=c99", "-O1", f"-I{ROOM}", "-o", str(made), f"{HERE}/count.c", str(shipped)]
    done = subprocess.run(build, capture_output=True, text=True)
    if done.returncode:
        pytest.skip("the object for x86_64 cannot be linked here")
    count = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={tmp_path / 'out'}"]
    done = subprocess.run(
        [*count, "--toggle-collect=inspector_core_join", str(made)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    found = re.search(r"Collected : (\d+)", done.stderr)
    assert found is not None, done.stderr
    instructions = int(found[1])
    assert instructions <= RECORDED * (1 + TOLERANCE), (
        f"{instructions} instructions, {instructions / RECORDED - 1:+.1%}"
    )
    assert instructions >= RECORDED * (1 - TOLERANCE), f"less now: record {instructions}"
