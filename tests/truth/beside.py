"""What lies beside the checkout: recordings and captures that are not this project's to ship.

A clone alone has none of it.  A test that needs a folder of it takes one of the fixtures of
`tests/conftest.py`, or says `needs(FOLDER)`; either way it carries the marker `truth` and is
skipped, with the reason, where the folder is absent.  No other place decides that.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

SHARED: Final = Path(__file__).resolve().parents[3] / "shared"


def absent(name: str) -> str | None:
    """Why nothing of `../shared/name` can be had; None when it can."""
    if (SHARED / name).exists():
        return None
    return f"needs ../shared/{name} beside the checkout, which is not there"


def needs(name: str) -> pytest.MarkDecorator:
    """Mark a test as one of a folder or file of `../shared`; it is skipped where that is absent."""
    return pytest.mark.truth(name)
