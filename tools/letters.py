"""Writes the table of `inspector/secrets/letters.py` from a list of words.

Run as `python -m tools.letters /usr/share/dict/american-english` (Debian: wamerican, from SCOWL).
"""

from __future__ import annotations

import base64
import re
import sys
import textwrap
from collections.abc import Iterable
from pathlib import Path

from inspector.secrets.letters import place

TARGET = Path(__file__).parents[1] / "inspector/secrets/letters.py"
_TABLE = re.compile(r'(?<=_TABLE: Final = \(\n)(?:    "[^"\n]*"\n)+')
_WORD = re.compile(r"[a-z]{2,}")


def table(words: Iterable[str]) -> bytes:
    """One bit for each three letters that stand together in a word, its ends among them."""
    bits = bytearray(27**3 // 8 + 1)
    for word in words:
        if _WORD.fullmatch(word):
            written = f"`{word}`"
            for at in range(len(word)):
                where = place(written[at : at + 3])
                bits[where // 8] |= 1 << where % 8
    return bytes(bits)


def main() -> None:
    """Write the table of the list that the command line names."""
    words = Path(sys.argv[1]).read_text(encoding="utf-8").split()
    lines = textwrap.wrap(base64.b64encode(table(words)).decode(), 88)
    written = "".join(f'    "{line}"\n' for line in lines)
    TARGET.write_text(_TABLE.sub(lambda _: written, TARGET.read_text(), count=1))


if __name__ == "__main__":
    main()
