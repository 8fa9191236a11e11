"""Hostile text in the files that are documents of their own: a page for a browser, and JUnit.

What holds for every output (no command, no control character) is tests/test_hostile_text.py's.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from tests.canary.hostile import ALL, foreign_elements
from tests.canary.outputs import kept, refused, rendered, report_of
from tests.canary.plants import POSITIONS, TEXTS, Plant
from tests.canary.wire import Talk
from tests.report.html.pages import Page

#: Every fifteenth place: which one it is matters little, what becomes of the text is the same.
PLACES: Final[dict[str, Plant]] = dict([*(POSITIONS | TEXTS).items()][::15])


@pytest.mark.parametrize("change", [kept, refused])
def test_a_text_of_a_capture_is_no_markup_in_them(
    change: Callable[[Talk], Talk], tmp_path: Path
) -> None:
    found = {}
    for name, plant in PLACES.items():
        report = report_of(change(plant(ALL.encode())), tmp_path)
        told = {one.form: one.data.decode() for one in rendered(report)}
        found[name] = [*Page(told["html"]).odd(), *foreign_elements(told["xml"])]
    assert {name: odd for name, odd in found.items() if odd} == {}


@pytest.mark.parametrize("document", ["<testsuites><HERON/></testsuites>", "<testsuites>\x1b"])
def test_an_element_that_junit_has_not_is_found(document: str) -> None:
    assert foreign_elements(document)


@pytest.mark.parametrize(
    "added",
    [
        "<img src=x>",
        "<b onclick=HERON>",
        "<a href='https://heron.example'>x</a>",
        "<script>HERON</script>",
        "<style>b{}</style>",
    ],
)
def test_what_a_page_has_not_of_itself_is_found(added: str, tmp_path: Path) -> None:
    plant = next(iter(PLACES.values()))
    [page] = [one for one in rendered(report_of(plant(b"x"), tmp_path)) if one.form == "html"]
    assert Page(page.data.decode()).odd() == []
    assert Page(page.data.decode().replace("</main>", f"{added}</main>")).odd()
