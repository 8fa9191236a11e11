"""`docs/schemas/`: the JSON Schema of each format, a file for each version of it.

`python -m tools.docs.schema` writes those of the present versions.  Earlier ones stay as they were:
a test holds the present ones to them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from inspector.cli.schemas import SCHEMAS, text

FOLDER: Final = Path(__file__).resolve().parents[2] / "docs" / "schemas"


def path_of(name: str) -> Path:
    """The file of the present version of a format."""
    return FOLDER / f"{name}-{SCHEMAS[name].version}.json"


def main() -> None:
    """Write the present ones."""
    for name in SCHEMAS:
        path_of(name).write_text(text(name), encoding="utf-8")


if __name__ == "__main__":
    main()
