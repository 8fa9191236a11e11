"""The Action's inputs and outputs, from action.yml into docs/github-actions.md.

`python -m tools.docs.action` writes both tables between the page's marks.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

import yaml

ROOT: Final = Path(__file__).resolve().parents[2]
ACTION: Final = ROOT / "action.yml"
PAGE: Final = ROOT / "docs" / "github-actions.md"

_MARKS: Final = re.compile(
    r"(<!-- inputs and outputs -->\n).*?(<!-- /inputs and outputs -->)", re.DOTALL
)


def filled(page: str) -> str:
    """`page` with the tables of the present `action.yml`.  Raises ValueError without marks."""
    action: dict[str, Any] = yaml.safe_load(ACTION.read_text(encoding="utf-8"))
    lines = ["| input | meaning | default |", "|---|---|---|"]
    for name, told in action["inputs"].items():
        default = f"`{told['default']}`" if told["default"] != "" else ""
        lines.append(f"| `{name}` | {_cell(told)} | {default} |")
    lines += ["", "| output | meaning |", "|---|---|"]
    lines += (f"| `{name}` | {_cell(told)} |" for name, told in action["outputs"].items())
    tables = "\n".join(lines)
    result, places = _MARKS.subn(lambda marks: f"{marks[1]}\n{tables}\n\n{marks[2]}", page)
    if places != 1:
        raise ValueError(f"{PAGE.name} needs its marks once")
    return result


def _cell(told: dict[str, str]) -> str:
    return " ".join(told["description"].split()).replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(filled(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
