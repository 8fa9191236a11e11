"""Mutants of the rules: does a rule's own test file notice that its condition is wrong?

`python -m tests.diagnosis.mutation [CODE ...]` replaces each rule's condition by its negation,
by "never" and by "always", one at a time, runs tests/diagnosis/rules/test_CODE.py on each such
mutant, and lists those under which every test still passes.  All in one process: a rule is
looked up when a case is diagnosed, so that a mutant needs no fresh import.  `--every N` takes one
mutant of N, in their order.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, replace
from io import StringIO
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

import pytest

from inspector import diagnosis
from inspector.diagnosis import rules
from inspector.diagnosis.rule import Cause, Match, OfForeign, Rule
from inspector.model.conclusions import Evidence

FOLDER: Final = Path(__file__).parent / "rules"
#: The tables of `inspector.diagnosis` that a rule is looked up in.
TABLES: Final = (
    "CAUSES",
    "NOTICES",
    "OF_ATTEMPTS",
    "OF_CALLS",
    "OF_EXCHANGES",
    "OF_FOREIGN",
    "OF_HELD",
    "OF_RECOVERED",
    "OF_TUNNELS",
    "OF_UNEXPLAINED",
)

Change: TypeAlias = Literal["negated", "never", "always"]
CHANGES: Final[tuple[Change, ...]] = ("negated", "never", "always")


@dataclass(frozen=True, slots=True)
class Mutant:
    """One rule with another condition."""

    rule: Rule
    change: Change
    #: Which of the rules of its code it is.
    number: int

    def __str__(self) -> str:
        return f"{self.rule.code} #{self.number} ({type(self.rule).__name__}) {self.change}"

    @property
    def tests(self) -> Path:
        """The test file of its rule."""
        return file_of(self.rule)

    def mutated(self) -> Rule:
        """The rule with the changed condition."""
        rule, change = self.rule, self.change
        if isinstance(rule, Cause | OfForeign):
            explains = rule.explains

            def holds(*asked: Any) -> bool:
                return _changed(change, explains(*asked))

            return replace(rule, explains=holds)
        if hasattr(rule, "match"):
            match = rule.match

            def matched(*asked: Any) -> Match | None:
                found: Match | None = match(*asked)
                return (found or _ANYWHERE) if _changed(change, found is not None) else None

            return replace(rule, match=matched)  # type: ignore[call-arg]
        find = rule.find  # type: ignore[attr-defined]

        def listed(*asked: Any) -> Sequence[Match]:
            found = list(find(*asked))
            return (found or [_ANYWHERE]) if _changed(change, bool(found)) else []

        return replace(rule, find=listed)  # type: ignore[call-arg]


_ANYWHERE: Final = Match(Evidence(packet=1))


def _changed(change: Change, holds: bool) -> bool:
    return not holds if change == "negated" else change == "always"


def file_of(rule: Rule) -> Path:
    """The test file of a rule, named like its module."""
    return FOLDER / f"test_{rule.code.replace('-', '_')}.py"


def mutants(codes: Sequence[str] = ()) -> Iterator[Mutant]:
    """Every mutant of the rules of these codes, or of all."""
    seen: dict[str, int] = {}
    for rule in rules.RULES:
        number = seen[rule.code] = seen.get(rule.code, 0) + 1
        if not codes or rule.code in codes:
            yield from (Mutant(rule, change, number) for change in _changes(rule))


def _changes(rule: Rule) -> Iterator[Change]:
    """All, but that "always" changes nothing of a rule whose type says that it always matches."""
    asked = getattr(rule, "match", None)
    is_unconditional = asked is not None and asked.__annotations__["return"] == "Match"
    yield from (change for change in CHANGES if not (is_unconditional and change == "always"))


@contextmanager
def in_place(mutant: Mutant) -> Iterator[None]:
    """Let a mutant stand in its rule's place."""
    before = {name: getattr(diagnosis, name) for name in TABLES}
    assert sum(mutant.rule in table for table in before.values()) == 1
    other = mutant.mutated()
    for name, table in before.items():
        setattr(diagnosis, name, tuple(other if rule is mutant.rule else rule for rule in table))
    try:
        yield
    finally:
        for name, table in before.items():
            setattr(diagnosis, name, table)


def survives(mutant: Mutant) -> bool:
    """Whether all tests of the rule's file pass although its condition is wrong."""
    with in_place(mutant):
        code = run(mutant.tests)
    assert code in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED), (mutant, code)
    return code == pytest.ExitCode.OK


def run(tests: Path) -> int:
    """Run a test file in this process, silently."""
    with redirect_stdout(StringIO()):
        return int(pytest.main(["-x", "-q", "-p", "no:cacheprovider", str(tests)]))


def parsed(arguments: Sequence[str]) -> Namespace:
    """Names of what is mutated, and of how many mutants one is taken."""
    parser = ArgumentParser()
    parser.add_argument("names", nargs="*")
    parser.add_argument("--every", type=int, default=1)
    return parser.parse_args(arguments)


def main(arguments: Sequence[str]) -> int:
    """Print the mutants that survive."""
    asked = parsed(arguments)
    every = list(mutants(asked.names))[:: asked.every]
    whole = [path for path in sorted({mutant.tests for mutant in every}) if run(path)]
    for path in whole:
        print(f"fails without any mutant: {path.name}")
    survivors = [mutant for mutant in every if survives(mutant)]
    for mutant in survivors:
        print(f"survives: {mutant}")
    print(f"{len(every)} mutants, {len(survivors)} survive")
    return 1 if survivors or whole else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
