"""Every scenario under a live capture: `python -m tests.live [OPTION...] [NAME...]`, as root.

Options such as `--raw` and `--full` are those of `inspector capture`.
"""

from __future__ import annotations

import sys
import time

import pytest

from lab.processes import LabError, why_not
from tests.live.scenarios import LIVE, watched


def main(arguments: list[str]) -> int:
    """Play them, say how each went; the number that went wrong."""
    names = [each for each in arguments if not each.startswith("-")]
    options = [each for each in arguments if each.startswith("-")]
    if reason := why_not("squid", "node", "curl"):
        raise SystemExit(f"live scenarios: {reason}")
    failed = left_out = 0
    for name in names or LIVE:
        begun = time.monotonic()
        try:
            with watched(name, *options) as seen:
                wrong = seen.wrong + seen.misattributed
        except pytest.skip.Exception as reason:
            print(f"{name}  left out: {reason}", flush=True)
            left_out += 1
            continue
        except LabError as error:
            wrong = [str(error)]
        failed += bool(wrong)
        print(
            f"{name}  {time.monotonic() - begun:.1f} s  {'; '.join(wrong) or 'as expected'}",
            flush=True,
        )
    played = len(names or LIVE) - left_out
    print(f"{played - failed} of {played} as expected, {left_out} left out")
    return failed


if __name__ == "__main__":
    sys.exit(min(main(sys.argv[1:]), 1))
