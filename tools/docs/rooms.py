"""The picture of the rooms in `docs/design.md`: who may import whom, as import-linter holds it.

`python -m tools.docs.rooms` draws it between the picture's marks, from the layers in
`pyproject.toml`.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
PAGE: Final = ROOT / "docs" / "design.md"

_MARKS: Final = re.compile(r"(<!-- rooms -->\n).*?(<!-- /rooms -->)", re.DOTALL)


def floors(pyproject: str) -> list[list[str]]:
    """The rooms of each layer, the upper ones first.

    Raises ValueError unless exactly one contract orders the rooms of the package.
    """
    return [[room.strip(" ()") for room in re.split(r"[|:]", row)] for row in _layers(pyproject)]


def picture(pyproject: str) -> str:
    """The rooms, floor by floor; those that do not know each other stand apart by `|`."""
    rows = [re.sub(r"[()]", "", row).replace(" : ", "   ") for row in _layers(pyproject)]
    return "```\n" + "\n".join(f"  {row}" for row in rows) + "\n```\n"


def _layers(pyproject: str) -> list[str]:
    contracts = tomllib.loads(pyproject)["tool"]["importlinter"]["contracts"]
    found = [rule["layers"] for rule in contracts if rule.get("containers") == ["inspector"]]
    if len(found) != 1:
        raise ValueError(
            f"pyproject.toml orders the rooms of inspector {len(found)} times, not once"
        )
    layers: list[str] = found[0]
    return layers


def hung(page: str, drawn: str) -> str:
    """`page` with `drawn` between its marks.  Raises ValueError without marks."""
    result, places = _MARKS.subn(lambda marks: f"{marks[1]}{drawn}{marks[2]}", page)
    if places != 1:
        raise ValueError("docs/design.md needs <!-- rooms --> and <!-- /rooms --> once")
    return result


def main() -> None:
    """Draw the picture into the page."""
    pyproject = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    PAGE.write_text(hung(PAGE.read_text(encoding="utf-8"), picture(pyproject)), encoding="utf-8")


if __name__ == "__main__":
    main()
