"""The pages of the documentation, and the commands in their console blocks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

ROOT: Final = Path(__file__).parents[2]
#: What people read; generated pages among them.
PAGES: Final = tuple(
    path.relative_to(ROOT).as_posix()
    for path in (
        ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md",
        *sorted((ROOT / "docs").glob("*.md")), ROOT / "benchmarks" / "README.md",
        ROOT / "captures" / "README.md",
    )
)  # fmt: skip

_BLOCK: Final = re.compile(r"^ *```console\n(.*?)^ *```", re.DOTALL | re.MULTILINE)
_COMMENT: Final = re.compile(r"\s{2,}#.*$")


class Shown(NamedTuple):
    """A command as a page shows it, without its remark."""

    page: str
    line: str


def text(page: str) -> str:
    """What stands on a page."""
    return (ROOT / page).read_text(encoding="utf-8")


def commands() -> Iterator[Shown]:
    """Every command of every console block, a continued line as one."""
    for page in PAGES:
        for block in _BLOCK.findall(text(page)):
            for line in re.sub(r"\\\n\s*", "", block).splitlines():
                if line.strip().startswith("$ "):
                    yield Shown(page, _COMMENT.sub("", line.strip()[2:]).strip())
