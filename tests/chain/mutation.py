"""Mutants of the weights: does the test file of a weight's own module notice that it changed?

`python -m tests.chain.mutation [MODULE ...]` doubles and halves each weight of the modules that
price and judge links, one at a time, wherever it was imported to, and runs that module's own tests
on it.  It lists those under which every test still passes.  `--every N` takes one mutant of N.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import pytest

from tests.diagnosis.mutation import parsed, run

FOLDER: Final = Path(__file__).parent
#: The weights, by module.  Left out are bounds of memory and time, on which no result depends.
WEIGHTS: Final[dict[str, tuple[str, ...]]] = {
    "answerer": ("DECIDES", "LEAD"),
    "evidence": (
        "ENDS_TOGETHER", "PROMPT", "_LAG", "_LAG_LIMIT",
        "_SHORT", "_OVER_BEFORE", "AGAIN", "SILENCE", "HUSH", "_LESS",
        "_LEAST",
    ),
    "explanation": ("NOBODYS", "_TURN", "_MISSING"),
    "order": ("_CROSSED", "_DISORDER_SCALE", "_DISORDER_CAP"),
    "retries": ("AGAIN", "_AGAIN", "_PAUSE", "_CLOSED_LATE"),
    "sizes": (
        "OTHER_AUTHORITY", "UNKNOWN_AUTHORITY", "_SIZE_CAP", "_VOTES", "_RECORD_ADDS", "_UNSURE",
    ),
    "verdict": ("ENDS_TOGETHER", "LATE", "LATER", "PROMPT"),
}  # fmt: skip
FACTORS: Final = (2.0, 0.5)


@dataclass(frozen=True, slots=True)
class Mutant:
    """One weight with another value."""

    module: str
    name: str
    factor: float

    def __str__(self) -> str:
        return f"{self.module}.{self.name} x {self.factor}"

    @property
    def tests(self) -> Path:
        """The test file of its module."""
        return FOLDER / f"test_{self.module}.py"


def mutants(modules: Sequence[str] = ()) -> Iterator[Mutant]:
    """Every mutant of these modules, or of all."""
    for module, names in WEIGHTS.items():
        if not modules or module in modules:
            yield from (Mutant(module, name, factor) for name in names for factor in FACTORS)


@contextmanager
def in_place(mutant: Mutant) -> Iterator[None]:
    """Let the weight have the other value in every module of the room that knows its name."""
    home = import_module(f"inspector.chain.{mutant.module}")
    value = getattr(home, mutant.name)
    other = type(value)(value * mutant.factor)
    assert other != value
    holders = [module for module in _room() if getattr(module, mutant.name, None) == value]
    for module in holders:
        setattr(module, mutant.name, other)
    try:
        yield
    finally:
        for module in holders:
            setattr(module, mutant.name, value)


def _room() -> list[ModuleType]:
    prefix = "inspector.chain."
    found: list[Any] = [module for name, module in sys.modules.items() if name.startswith(prefix)]
    return found


def survives(mutant: Mutant) -> bool:
    """Whether all tests of the module's file pass although the weight is another."""
    with in_place(mutant):
        code = run(mutant.tests)
    assert code in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED), (mutant, code)
    return code == pytest.ExitCode.OK


def main(arguments: Sequence[str]) -> int:
    """Print the mutants that survive."""
    asked = parsed(arguments)
    every = list(mutants(asked.names))[:: asked.every]
    survivors = [mutant for mutant in every if survives(mutant)]
    for mutant in survivors:
        print(f"survives: {mutant}")
    print(f"{len(every)} mutants, {len(survivors)} survive")
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
