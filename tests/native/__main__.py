"""`make fuzz`: the compiled core under sanitizers, and both engines against each other.

    python -m tests.native [SECONDS] [--seed N]

Half of the time goes to each.  Inputs that reached something new are kept in `.fuzz/`; what failed
is named, with what repeats it.  Exit code 1: something failed.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.flows.build import native_core
from tests.native.difference import batches, difference, traffic
from tests.native.sanitized import build_fuzzer

CORPUS = Path(__file__).parents[2] / ".fuzz"


def _sanitized(seconds: int) -> bool:
    """Run the harness; whether it found nothing."""
    with tempfile.TemporaryDirectory() as scratch:
        built = build_fuzzer(Path(scratch), guided=True)
        CORPUS.mkdir(exist_ok=True)
        command = [
            str(built), f"-max_total_time={seconds}", "-max_len=3000", "-print_final_stats=1",
            f"-artifact_prefix={CORPUS}/failed-", str(CORPUS),
        ]  # fmt: skip
        done = subprocess.run(command, stderr=subprocess.PIPE, text=True, errors="replace")
    runs = [line for line in done.stderr.splitlines() if "number_of_executed_units" in line]
    print("core.c under sanitizers:", runs[0].split(":")[-1].strip() if runs else "no", "inputs")
    if done.returncode:
        print("\n".join(done.stderr.splitlines()[-40:]))
    return done.returncode == 0


def _compared(seconds: int, seed: int) -> bool:
    """Hold the engines against each other; whether they did the same."""
    core = native_core()
    end = time.monotonic() + seconds
    first = seed
    while time.monotonic() < end:
        found = difference(core, batches(traffic(seed), seed), seed)
        if found is not None:
            print(f"the engines differ: python -m tests.native --seed {seed}\n{found}")
            return False
        seed += 1
    print("both engines deliver the same:", seed - first, "captures")
    return True


def main() -> int:
    """The command: see the module's text."""
    parser = argparse.ArgumentParser(description="Fuzz the compiled core.")
    parser.add_argument("seconds", type=int, nargs="?", default=60)
    parser.add_argument("--seed", type=int, help="compare this capture alone")
    options = parser.parse_args()
    if options.seed is not None:
        found = difference(
            native_core(), batches(traffic(options.seed), options.seed), options.seed
        )
        print(found or "both engines deliver the same")
        return 1 if found else 0
    half = max(1, options.seconds // 2)
    fine = [_sanitized(half), _compared(half, random.randrange(1 << 31))]
    return 0 if all(fine) else 1


if __name__ == "__main__":
    sys.exit(main())
