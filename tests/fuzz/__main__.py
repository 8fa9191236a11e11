"""Damage conversations for so long: `make fuzz` does it, too.

    python -m tests.fuzz [SECONDS] [--seed N]

Each reader gets its share of the time.  What failed is named with the seed that repeats it: exit
code 1.
"""

from __future__ import annotations

import argparse
import sys
import time
import traceback

from tests.fuzz.held import failures
from tests.fuzz.talks import TALKS


def main() -> int:
    """The command; see the module's text."""
    parser = argparse.ArgumentParser(description="Damage conversations for each reader.")
    parser.add_argument("seconds", type=float, nargs="?", default=60)
    parser.add_argument("--seed", type=int, default=None, help="begin with this one")
    options = parser.parse_args()
    first = time.time_ns() >> 20 if options.seed is None else options.seed
    failed = 0
    for name in TALKS:
        end, seed = time.monotonic() + options.seconds / len(TALKS), first
        while time.monotonic() < end:
            try:
                told = list(failures(name, seed))
            except Exception:
                told = [traceback.format_exc()]
            for each in told:
                print(f"{name}, --seed {seed}: {each}")
            failed += bool(told)
            seed += 1
        print(f"{name}: {seed - first} damaged conversations from {first} on", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
