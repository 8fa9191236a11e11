"""Builds the harness of `fuzz.c` with AddressSanitizer and UndefinedBehaviorSanitizer."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).parent
ROOM: Final = HERE.parents[1] / "inspector/native"
_STRICT: Final = ("-g", "-O1", "-Wall", "-Wextra", "-fno-sanitize-recover=all", f"-I{ROOM}")


def sources(room: Path = ROOM) -> list[str]:
    """The core's own C files."""
    return [str(path) for path in sorted(room.glob("*.c"))]


class NoCompiler(Exception):
    """What is not here, and how to have it."""


def build_fuzzer(into: Path, *, guided: bool, room: Path = ROOM) -> Path:
    """The harness: guided by coverage (clang's libFuzzer), or alone with inputs by chance (cc).

    Raises `NoCompiler`.
    """
    compiler = shutil.which("clang-14" if guided else "cc")
    if compiler is None:
        raise NoCompiler("no compiler for it here: tools/system-packages fuzz")
    made = into / "fuzz"
    how = (
        ["-fsanitize=fuzzer,address,undefined"]
        if guided
        else ["-std=c99", "-fsanitize=address,undefined", "-DALONE"]
    )
    command = [compiler, *_STRICT, *how, "-o", str(made), str(HERE / "fuzz.c"), *sources(room)]
    done = subprocess.run(command, capture_output=True, text=True)
    if "cannot find" in done.stderr:
        raise NoCompiler("the sanitizers' libraries are not here: tools/system-packages fuzz")
    done.check_returncode()
    return made
