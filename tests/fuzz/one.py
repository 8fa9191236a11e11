"""One target under atheris: `python -m tests.fuzz.one TARGET [OPTION OF LIBFUZZER ...]`."""

from __future__ import annotations

import sys

import atheris  # not in the environment of the checks: see `guided`

with atheris.instrument_imports(include=["inspector"]):
    from tests.fuzz.targets import run

if __name__ == "__main__":
    name, *options = sys.argv[1:]
    atheris.Setup([sys.argv[0], *options], lambda data: run(name, data))
    atheris.Fuzz()
