"""The picture in README.md: the page of the shipped capture, as it really reads.

`python -m tools.docs.picture` writes it between the picture's marks.
The capture is inspected by the command in a process of its own, so that the
picture is what a user sees.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
README: Final = ROOT / "README.md"
CAPTURE: Final = "captures/issue-1527"

_MARKS: Final = re.compile(r"(<!-- picture -->\n).*?(<!-- /picture -->)", re.DOTALL)


def draw(capture: str = CAPTURE) -> str:
    """The page for `capture`, 80 columns, without colour."""
    code = "from inspector.cli.main import main; main(prog_name='inspector')"
    done = subprocess.run(
        [sys.executable, "-c", code, "analyze", capture],
        cwd=ROOT,
        env={**os.environ, "COLUMNS": "80", "NO_COLOR": "1"},
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout


def hung(readme: str, picture: str) -> str:
    """`readme` with `picture` between its marks.  Raises ValueError without marks."""
    framed = f"```console\n$ inspector analyze {CAPTURE}\n{picture.rstrip()}\n```\n"
    result, places = _MARKS.subn(lambda marks: f"{marks[1]}{framed}{marks[2]}", readme)
    if places != 1:
        raise ValueError("README.md needs <!-- picture --> and <!-- /picture --> once")
    return result


if __name__ == "__main__":
    README.write_text(hung(README.read_text(encoding="utf-8"), draw()), encoding="utf-8")
