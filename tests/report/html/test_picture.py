"""docs/report.png, which README.md shows, is of the present page."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from tests.docs.pages import text
from tests.report.html.browser import CHROMIUM
from tests.report.html.picture import HEIGHT, PICTURE, WIDTH, chunks, digest, make, source_of


def size_of(png: bytes) -> tuple[int, int]:
    width, height = struct.unpack(">II", dict(chunks(png))[b"IHDR"][:8])
    return width, height


def test_the_picture_in_the_readme_is_of_the_present_sources() -> None:
    assert f"({PICTURE.relative_to(PICTURE.parents[1])})" in text("README.md")
    png = PICTURE.read_bytes()
    assert source_of(png) == digest(), "run: python -m tests.report.html.picture"
    assert size_of(png) == (WIDTH, HEIGHT)
    assert len(png) < 300_000


@pytest.mark.long
@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium: tools/system-packages browser")
def test_it_can_be_made_anew(tmp_path: Path) -> None:
    make(tmp_path / "report.png")
    made = (tmp_path / "report.png").read_bytes()
    assert (source_of(made), size_of(made)) == (digest(), (WIDTH, HEIGHT))
