"""The record of what leaks today: a line a case, compared as a set."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

RECORD: Final = Path(__file__).with_name("record.txt")
_JOINT: Final = " | "


@dataclass
class Record:
    """What is known to leak: (suite, kind, case) -> outputs, by name."""

    lines: dict[tuple[str, str, str], frozenset[str]] = field(default_factory=dict)

    @classmethod
    def read(cls, text: str) -> Record:
        """The record as it stands in its file."""
        lines = {}
        for line in text.splitlines():
            if line and not line.startswith("#"):
                suite, kind, case, outputs = line.split(_JOINT)
                lines[(suite, kind, case)] = frozenset(outputs.split(", "))
        return cls(lines)

    def written(self) -> str:
        """Its file, sorted."""
        head = "# suite | kind | case | outputs.  See tests/leaks/__init__.py.\n"
        rows = sorted((*key, ", ".join(sorted(out))) for key, out in self.lines.items() if out)
        return head + "".join(_JOINT.join(row) + "\n" for row in rows)

    def of(self, suite: str, kind: str, case: str) -> frozenset[str]:
        """The outputs in which a case is known to leak."""
        return self.lines.get((suite, kind, case), frozenset())

    def lowered(self, seen: Record) -> Record:
        """Without what `seen` no longer shows.  Nothing new comes in."""
        return Record({key: out & seen.lines.get(key, frozenset()) for key, out in
                       self.lines.items()})  # fmt: skip

    def counts(self) -> dict[tuple[str, str], int]:
        """Leaking cases by suite and kind."""
        found: dict[tuple[str, str], int] = {}
        for (suite, kind, _), outputs in self.lines.items():
            found[suite, kind] = found.get((suite, kind), 0) + bool(outputs)
        return dict(sorted(found.items()))


def today() -> Record:
    """The record of this checkout."""
    return Record.read(RECORD.read_text())


def difference(seen: Record, known: Record) -> list[str]:
    """What leaks and is not recorded, and what is recorded and leaks no more, as sentences."""
    said = []
    for key in sorted(seen.lines.keys()):
        now, before = seen.lines[key], known.of(*key)
        if now - before:
            said.append(f"{_JOINT.join(key)}: leaks anew in {', '.join(sorted(now - before))}")
        if before - now:
            said.append(
                f"{_JOINT.join(key)}: leaks no more in {', '.join(sorted(before - now))}: "
                "take it out of the record (make leaks LOWER=1)"
            )
    return said
