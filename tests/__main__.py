"""The whole suite in two processes side by side: what plays the network, and the rest.

    python -m tests [ARGUMENTS OF PYTEST]

The first part waits for programs, kernels and containers most of its time, the second computes.
The second is shown as it runs; what the first printed follows.  The status is that of the first
that failed.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from typing import Final

import pytest

#: What `make test` leaves to `make test-real`.
_LEFT_OUT: Final = "long"
_NETWORK: Final = f"(kernel or lab or live) and not {_LEFT_OUT}"
_REST: Final = f"not (kernel or lab or live or {_LEFT_OUT})"


def _pytest(marked: str, arguments: list[str]) -> list[str]:
    return [sys.executable, "-m", "pytest", "-m", marked, *arguments]


def main(arguments: list[str]) -> int:
    """Run both parts with these arguments of pytest; the status of one that failed, else 0."""
    with tempfile.TemporaryFile() as told:
        # Its cache of failed tests would be that of the other part.
        network = subprocess.Popen(
            [*_pytest(_NETWORK, arguments), "-p", "no:cacheprovider"],
            stdout=told,
            stderr=subprocess.STDOUT,
        )
        try:
            rest = subprocess.call(_pytest(_REST, arguments))
        finally:
            status = network.wait()
            told.seek(0)
            sys.stdout.buffer.write(told.read())
            sys.stdout.buffer.flush()
    # Arguments may choose tests of one part alone.
    ran = [one for one in (rest, status) if one != pytest.ExitCode.NO_TESTS_COLLECTED]
    return next(filter(None, ran), 0) if ran else pytest.ExitCode.NO_TESTS_COLLECTED


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
