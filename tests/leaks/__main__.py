"""`make leaks`: every case and every planted capture, counted and held to the record."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.leaks import harness, planted
from tests.leaks.record import RECORD, Record, difference, today
from tests.truth.beside import absent


def main(arguments: list[str]) -> int:
    """0 when what leaks is what the record says; `--lower` takes out what is mended."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        seen = harness.seen(folder / "work")
        total = dict.fromkeys(seen.lines, 0)
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
    told = difference(seen, today())
    for sentence in told:
        print(sentence)
    return 1 if told else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
