"""Coverage-guided fuzzing of each parser and file format: `make fuzz` does it, too.

    python -m tests.fuzz.guided [SECONDS] [TARGET ...]

Each target of `targets.TARGETS` has its share of the time, in a process of its own with atheris
(which `make fuzz` lays into `.fuzz/packages`, beside the environment). What reached something new
is kept in `.fuzz/TARGET/`, what failed is `.fuzz/failed-TARGET-...`, and repeated by naming it:

    python -m tests.fuzz.guided --repeat TARGET FILE

Exit code 1: something failed, took longer than 20 s or more than 1 GB.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Final

from tests.fuzz.targets import CORPUS, ROOT, TARGETS, run

KEPT: Final = ROOT / ".fuzz"
PACKAGES: Final = KEPT / "packages"
#: A find is also what takes so long, or so much memory.
_SECONDS: Final = 20
_MEGABYTES: Final = 1024
_LONGEST: Final = 40_000
_RUNS: Final = re.compile(r"Done (\d+) runs")


def fuzz(name: str, seconds: int) -> tuple[int, str]:
    """Fuzz one target: how many inputs, and what was found (nothing, as a rule)."""
    grown = KEPT / name
    grown.mkdir(parents=True, exist_ok=True)
    seeds = [str(CORPUS / name)] if (CORPUS / name).is_dir() else []
    path = os.pathsep.join(filter(None, (str(PACKAGES), os.environ.get("PYTHONPATH"), str(ROOT))))
    done = subprocess.run(
        [
            sys.executable, "-m", "tests.fuzz.one", name,
            f"-max_total_time={seconds}", f"-timeout={_SECONDS}", f"-rss_limit_mb={_MEGABYTES}",
            f"-max_len={_LONGEST}", f"-artifact_prefix={KEPT}/failed-{name}-", str(grown), *seeds,
        ],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        errors="replace",
    )  # fmt: skip
    said = done.stdout + done.stderr
    runs = _RUNS.search(said)
    return int(runs[1]) if runs else 0, said if done.returncode else ""


def main() -> int:
    """The command: see the module's text."""
    if sys.argv[1:2] == ["--repeat"]:
        run(sys.argv[2], Path(sys.argv[3]).read_bytes())
        return 0
    parser = argparse.ArgumentParser(description="Fuzz each parser, guided by its coverage.")
    parser.add_argument("seconds", type=int, nargs="?", default=60)
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=", ".join(TARGETS))
    options = parser.parse_args()
    names = options.targets or list(TARGETS)
    if not (PACKAGES / "atheris").is_dir():
        print("Nothing was fuzzed: atheris is not in .fuzz/packages. tools/fuzzer lays it there.")
        return 1
    failed = False
    for name in names:
        runs, told = fuzz(name, max(1, options.seconds // len(names)))
        print(f"{name}: {runs:,} inputs", flush=True)
        if told:
            failed = True
            print("\n".join(told.splitlines()[-40:]), flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
