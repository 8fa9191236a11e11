"""The whole suite in processes side by side: what plays the network, and two shares of the rest.

    python -m tests [ARGUMENTS OF PYTEST]

The first part waits for programs, kernels and containers most of its time, the others compute.
The last is shown as it runs; what the others printed follows.  The status is that of one that
failed.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from contextlib import ExitStack
from typing import Final

import pytest

#: What `make test` leaves to `make test-real`.
_LEFT_OUT: Final = "long"
_NETWORK: Final = ("-m", f"(kernel or lab or live) and not {_LEFT_OUT}")
_REST: Final = ("-m", f"not (kernel or lab or live or {_LEFT_OUT})")
_PARTS: Final = (_NETWORK, (*_REST, "--share", "1/2"), (*_REST, "--share", "0/2"))


def main(arguments: list[str]) -> int:
    """Run all parts with these arguments of pytest; the status of one that failed, else 0."""
    runs = [[sys.executable, "-m", "pytest", *part, *arguments] for part in _PARTS]
    statuses: list[int] = []
    with ExitStack() as held:
        hidden = []
        for run in runs[:-1]:
            told = held.enter_context(tempfile.TemporaryFile())
            # Its cache of failed tests would be that of another part.
            run += ["-p", "no:cacheprovider"]
            hidden.append((subprocess.Popen(run, stdout=told, stderr=subprocess.STDOUT), told))
        try:
            statuses.append(subprocess.call(runs[-1]))
        finally:
            for process, told in hidden:
                statuses.append(process.wait())
                told.seek(0)
                sys.stdout.buffer.write(told.read())
                sys.stdout.buffer.flush()
    # Arguments may choose tests of one part alone.
    ran = [one for one in statuses if one != pytest.ExitCode.NO_TESTS_COLLECTED]
    return next(filter(None, ran), 0) if ran else pytest.ExitCode.NO_TESTS_COLLECTED


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
