"""The text of `inspector explain`: one code of the catalogue, for a terminal."""

from __future__ import annotations

from textwrap import fill
from typing import Final

from inspector.diagnosis.rule import Code

_WIDTH: Final = 78


def explanation(entry: Code) -> str:
    """One code as plain text for a terminal of 80 columns."""
    lines = [f"{entry.code}  {entry.severity}", "", fill(f"{entry.title}.", _WIDTH), ""]
    lines += [fill(entry.meaning, _WIDTH), ""]
    lines.append(fill(f"Needs: {entry.needs}.", _WIDTH, subsequent_indent="  "))
    lines.append(fill(f"Next: {entry.advice}", _WIDTH, subsequent_indent="  "))
    if entry.shown_by is not None:
        lines.append(f"Shown by: captures/{entry.shown_by}")
    return "\n".join(lines)
