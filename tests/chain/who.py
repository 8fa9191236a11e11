"""`python -m tests.chain.who`: how often each sign of who answered was seen, and of whom.

Each answer of the golden captures (the weights were found on them) and of the recordings of the
real stack (they were not) is held against its `truth.json`; and what all signs together decide.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from inspector import inspect
from inspector.chain.signs import BY_NAME, SIGNS
from tests.chain.truth import judge, truth_of
from tests.truth.real import RECORDINGS

GOLDEN: Final = Path(__file__).resolve().parents[2] / "captures"
AUTHORS: Final = ("upstream", "api-proxy", "forward-proxy")


def answers(root: Path) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Who answered in truth, who is said to have, and the phrases of the signs that speak so."""
    for folder in sorted(path.parent for path in root.glob("*/truth.json")):
        for row in judge(inspect(folder), truth_of(folder)):
            if row.true_answer in AUTHORS and row.chain.status is not None:
                yield row.true_answer, row.chain.answered_by, row.chain.reasons


def table(root: Path) -> list[str]:
    """The lines of the table: of each sign how often it spoke for its author, and was right."""
    seen: Counter[tuple[str, bool]] = Counter()
    decided: Counter[tuple[str, str]] = Counter()
    for true, said, reasons in answers(root):
        decided[true, said] += 1
        for sign in SIGNS:
            if sign.reason in reasons:
                seen[sign.name, sign.author == true] += 1
    lines = ["sign             speaks for     weight  right  wrong"]
    for name, sign in BY_NAME.items():
        right, wrong = seen[name, True], seen[name, False]
        lines.append(f"{name:16} {sign.author:14} {sign.weight:6} {right:6} {wrong:6}")
    lines.append("")
    lines += [
        f"answered by {true:14} said {said:14} {count:5}{'' if true == said else '   NOT SO'}"
        for (true, said), count in sorted(decided.items())
    ]
    return lines


def main() -> int:
    """Print the tables."""
    for title, root in (("golden captures", GOLDEN), ("recordings of the real stack", RECORDINGS)):
        print(f"-- {title}")
        print("\n".join(table(root)) if root.is_dir() else f"absent: {root.name}")
        print()
    return 0


if __name__ == "__main__":
    sys.exit(main())
