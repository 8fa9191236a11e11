"""`make leaks`: every case and every planted capture, counted and held to the record."""

from __future__ import annotations

import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Final

from hypothesis import given, settings

from tests.leaks import harness, planted
from tests.leaks.drawn import Drawn, drawn
from tests.leaks.record import RECORD, Record, difference, today
from tests.leaks.test_non_interference import interference
from tests.truth.beside import absent

#: Cases that are drawn by chance, other ones each time.
DRAWN: Final = 3000


def search(folder: Path) -> list[str]:
    """What interferes in cases drawn by chance; at most the first and simplest one."""
    told: list[str] = []

    @settings(max_examples=DRAWN, database=None, deadline=None)
    @given(drawn)
    def held(case: Drawn) -> None:
        wrong = interference(case, folder)
        if wrong:
            told[:] = [f"{case}: {', '.join(wrong)}"]
        assert not wrong

    with suppress(AssertionError):
        held()
    return told


def main(arguments: list[str]) -> int:
    """0 when what leaks is what the record says; `--lower` takes out what is mended."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        seen = harness.seen(folder / "work")
        total = dict.fromkeys(seen.lines, 0)
        odd = search(folder)
        if reason := absent(planted.ARCHIVE.name):
            print(reason)
        else:
            captures = planted.unpacked(folder / "planted")
            seen.lines |= planted.seen(captures, folder / "work").lines
            total = dict.fromkeys(seen.lines, 0)
    if "--lower" in arguments:
        known = today()
        kept = {key: out for key, out in known.lines.items() if key not in seen.lines}
        RECORD.write_text(Record(kept | known.lowered(seen).lines).written())
    of = Record({key: frozenset({"any"}) for key in total}).counts()
    for (suite, kind), count in seen.counts().items():
        print(f"{suite:8} {kind}  {count:4} of {of[suite, kind]}")
    print(f"drawn       {len(odd):4} of {DRAWN}")
    told = [*odd, *difference(seen, today())]
    for sentence in told:
        print(sentence)
    return 1 if told else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
