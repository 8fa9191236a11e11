"""`make diagnose-matrix`: verdicts against the truth, over golden and real captures.

`../shared/real-captures` stands beside the checkout; where it does not, this is said and the
golden captures are judged alone.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from inspector import Report, inspect
from tests.chain import calibration
from tests.truth.real import RECORDINGS

ROOT: Final = Path(__file__).resolve().parents[2]
GOLDEN: Final = ROOT / "captures"
REAL: Final = RECORDINGS
HYPOTHESES: Final = ("H1", "H2", "H3", "H4a", "H4b")


@dataclass(frozen=True, slots=True)
class Judged:
    """One capture: what is true, and what the report says."""

    name: str
    expect: Mapping[str, Any]
    report: Report

    @property
    def root_cause(self) -> str | None:
        return None if self.report.root_cause is None else self.report.root_cause.code

    @property
    def verdicts(self) -> dict[str, str]:
        return {item.id: item.verdict for item in self.report.hypotheses}

    def mistakes(self) -> list[str]:
        """What the report says wrongly; silence ("not observable") is no mistake here."""
        found = []
        if self.root_cause != self.expect["root_cause"]:
            found.append(f"root cause {self.root_cause}, not {self.expect['root_cause']}")
        for name in HYPOTHESES:
            true, said = self.expect[name], self.verdicts[name]
            if (true is True and said != "confirmed") or (true is False and said == "confirmed"):
                found.append(f"{name} {said}, in truth {true}")
        return found


def folders() -> list[Path]:
    """Every capture with a truth that decides."""
    found = sorted(path.parent for path in GOLDEN.glob("*/truth.json"))
    found += sorted(path.parent for path in REAL.glob("*/truth.json"))
    return [path for path in found if expect_of(path) is not None]


@cache
def expect_of(folder: Path) -> dict[str, Any] | None:
    expect: dict[str, Any] | None = json.loads((folder / "truth.json").read_text()).get("expect")
    return expect


@cache
def judged(folder: Path) -> Judged:
    expect = expect_of(folder)
    assert expect is not None
    return Judged(folder.name, expect, inspect(folder))


def main() -> int:
    """Print the matrix; 1 when anything is wrong."""
    results = [judged(folder) for folder in folders()]
    causes = Counter((str(item.expect["root_cause"]), str(item.root_cause)) for item in results)
    print("root cause, in truth -> as reported")
    for (true, said), count in sorted(causes.items()):
        print(f"  {count:3}  {true} -> {said}{'' if true == said else '   WRONG'}")
    print("\nhypothesis   in truth    confirmed  refuted  not observable  no traffic")
    for name in HYPOTHESES:
        for truth, told in ((True, "holds"), (False, "does not"), (None, "undecided")):
            chosen = [item for item in results if item.expect[name] is truth]
            verdicts = Counter(item.verdicts[name] for item in chosen)
            columns = ("confirmed", "refuted", "not observable", "no traffic")
            counts = "".join(f"{verdicts[column]:11}" for column in columns)
            print(f"{name:12} {told:10}{counts}")
    wrong = [(item.name, text) for item in results for text in item.mistakes()]
    print(f"\n{len(results)} captures, {len(wrong)} mistakes")
    for name, text in wrong:
        print(f"  {name}: {text}")
    print("\ncalibration: links under load, by how sure they say they are")
    print("\n".join(calibration.table()))
    if not REAL.is_dir():
        print("the real captures are absent: ../shared/real-captures was not judged")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
