"""What was freed below what is still used goes back to the kernel when that is asked for."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]

#: Blocks that the C library takes from its heap, the last of which stays: 80 MB in all.
PROGRAM: Final = """
from pathlib import Path
from inspector.linux.memory import return_freed

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096

blocks = [bytes(4000) for _ in range(20_000)]
last = blocks[-1]
del blocks
before = resident()
can = return_freed()
print(int(can), before - resident())
"""


def test_what_is_freed_below_what_is_used_goes_back() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=ROOT, capture_output=True, text=True, check=True
    )
    can, given = map(int, done.stdout.split())
    assert given > 40_000_000 if can else given == 0
