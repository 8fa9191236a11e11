"""The names that a program may rely on: where they come from, and what ends a run."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import inspector


@pytest.mark.parametrize("name", inspector.__all__)
def test_every_public_name_is_there_and_says_what_it_is(name: str) -> None:
    assert getattr(inspector, name).__doc__


def test_what_is_no_capture_ends_in_the_public_error(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text("<html>")
    with pytest.raises(inspector.InspectorError, match=r"page\.html"):
        inspector.inspect(page)


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no_such_name"):
        inspector.no_such_name  # noqa: B018


def test_importing_the_package_imports_none_of_its_rooms() -> None:
    script = "import inspector, sys; print(*[name for name in sys.modules if 'inspector.' in name])"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout.split() == []
