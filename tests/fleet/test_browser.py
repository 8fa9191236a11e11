"""fleet.html in a real Chromium: it draws, filters and folds, and nothing captured acts in it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias

import pytest

from inspector.fleet.html.write import PAGE, write_html
from inspector.fleet.summary import Summary, summarise
from tests.canary.hostile import HOSTILE
from tests.fleet.hostile import spoiled
from tests.fleet.many import make
from tests.fleet.runs import judge
from tests.report.html.browser import CHROMIUM, Browser, browser

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium: tools/system-packages browser"),
]

Open: TypeAlias = Callable[..., Browser]
#: Rows of a section that can be seen.
ROWS = "[...document.querySelectorAll('#{} tbody tr')].filter(row => row.checkVisibility()).length"
RUNS = 120


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with browser(tmp_path_factory.mktemp("chromium")) as found:
        yield found


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Summary:
    place = tmp_path_factory.mktemp("many")
    make(place / "runs", RUNS)
    return summarise(judge(place / "runs", place / "out")[1])


@pytest.fixture
def opened(chromium: Browser, tmp_path: Path) -> Iterator[Open]:
    """Opens a page from disk; at the end it has said nothing and asked for itself alone."""
    path = tmp_path / PAGE

    def open_page(told: Summary, *, width: int = 1280, dark: bool = False) -> Browser:
        with path.open("wb") as out:
            write_html(told, "lab", out)
        chromium.open(path, width=width, dark=dark)
        return chromium

    yield open_page
    assert chromium.said == []
    assert chromium.asked in ([], [path.as_uri()])


def typed(page: Browser, words: str) -> None:
    page.run(f"document.getElementById('filter-text').value = {json.dumps(words)}")
    page.run("document.getElementById('filter-text').dispatchEvent(new Event('input'))")


def test_it_draws_every_section_and_folds_long_ones(opened: Open, told: Summary) -> None:
    page = opened(told)
    assert page.run("document.querySelectorAll('main section').length") >= 7
    causes = len(told.whole.causes) + 1
    assert page.run(ROWS.format("why-runs-failed")) == 12 < causes
    page.run("document.querySelector('#why-runs-failed .more').click()")
    assert page.run(ROWS.format("why-runs-failed")) == causes
    assert page.run("document.querySelector('#why-runs-failed .more').checkVisibility()") is False


def test_the_figures_are_those_of_the_summary(opened: Open, told: Summary) -> None:
    page = opened(told)
    shown = page.run("[...document.querySelectorAll('.figures b')].map(e => e.textContent)")
    assert shown[:2] == [f"{told.whole.runs:,}", f"{told.whole.could_tell:,}"]


def test_a_filter_narrows_all_tables_and_counts(opened: Open, told: Summary) -> None:
    page = opened(told)
    [(cause, runs)] = told.whole.causes.most_common(1)
    page.run(f"document.querySelector('#why-runs-failed [data-words={cause}]').click()")
    assert page.run("document.getElementById('filter-text').value") == cause
    assert page.run(ROWS.format("runs-that-failed")) == runs
    count = page.run("document.querySelector('#runs-that-failed .count').textContent")
    assert count == f"{runs} of {told.whole.with_cause}"
    typed(page, "no row has this")
    assert page.run("document.querySelectorAll('main .wide:not([hidden])').length") == 0
    page.run("document.querySelector('#filter button').click()")
    page.until("document.querySelector('#runs-that-failed .count').textContent === ''")
    assert page.run(ROWS.format("runs-that-failed")) == 12


def test_a_key_goes_to_the_filter(opened: Open, told: Summary) -> None:
    page = opened(told)
    page.press("/")
    assert page.run("document.activeElement.id") == "filter-text"
    assert page.run("document.activeElement.value") == ""


@pytest.mark.parametrize("dark", [False, True])
def test_it_is_light_or_dark_as_asked(dark: bool, opened: Open, told: Summary) -> None:
    page = opened(told, dark=dark)
    ground = "getComputedStyle(document.body).backgroundColor"
    assert page.run(ground) == ("rgb(17, 21, 27)" if dark else "rgb(246, 247, 249)")
    page.run("document.getElementById('theme').click()")
    assert page.run(ground) == "rgb(246, 247, 249)"


@pytest.mark.parametrize("width", [360, 1280])
def test_a_page_is_never_wider_than_its_window(width: int, opened: Open, told: Summary) -> None:
    page = opened(told, width=width)
    assert page.run("document.documentElement.scrollWidth") <= width


def test_it_prints_all_rows(opened: Open, told: Summary) -> None:
    page = opened(told)
    assert page.printed().startswith(b"%PDF-")
    page.call("Emulation.setEmulatedMedia", media="print")
    try:
        assert page.run(ROWS.format("why-runs-failed")) == len(told.whole.causes) + 1
    finally:
        page.call("Emulation.setEmulatedMedia", media="")


@pytest.mark.parametrize("text", [*HOSTILE.values(), "</script><script>HERON()</script>"])
def test_hostile_text_stays_text(text: str, opened: Open) -> None:
    own = "[...new Set([...document.querySelectorAll('*')].map(e => e.tagName))].sort()"
    tags = opened(spoiled("lab")).run(own)
    page = opened(spoiled(text))
    page.run("document.querySelectorAll('.pick').forEach(button => button.click())")
    assert page.run(own) == tags
    assert page.run("typeof HERON") == "undefined"
    assert page.run("document.scripts.length") == 1


def test_markup_that_is_put_in_by_hand_is_refused(chromium: Browser, tmp_path: Path) -> None:
    path = tmp_path / PAGE
    with path.open("wb") as out:
        write_html(spoiled("lab"), "lab", out)
    chromium.open(path)
    with pytest.raises(RuntimeError, match="TrustedHTML"):
        chromium.run("document.body.innerHTML = '<img src=x onerror=alert(1)>'")
    load = "new Promise(end => { const i = new Image(); i.onerror = () => end(1); i.src = URL; })"
    assert chromium.run(load.replace("URL", "'https://heron.example/x'")) == 1
    assert any("img-src" in said or "default-src" in said for said in chromium.said)
