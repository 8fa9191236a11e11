"""The page in a real Chromium: it draws, filters, jumps, and acts on nothing that was captured."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

import pytest

from inspector import inspect
from inspector.model.report import Report
from inspector.options import Options
from inspector.report.html.write import write_html
from tests.canary.hostile import HOSTILE
from tests.report.hostile import spoiled
from tests.report.html.browser import CHROMIUM, Browser, browser
from tests.report.html.many import repeated

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium: tools/system-packages browser"),
]

CAPTURES = Path(__file__).parent.parent.parent.parent / "captures"
KEYS = Options(finds_keys=True)
Open: TypeAlias = Callable[..., Browser]

ROWS = "document.querySelectorAll('#exchanges-table tbody tr:not(.more-of)').length"
COUNT = "document.getElementById('exchanges-count').textContent"
DRAWN = "document.querySelector('#ladder-drawn .ladder').getAttribute('aria-label')"


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with browser(tmp_path_factory.mktemp("chromium")) as found:
        yield found


@pytest.fixture
def opened(chromium: Browser, tmp_path: Path) -> Iterator[Open]:
    """Opens a page from disk; at the end it has said nothing and asked for itself alone."""
    path = tmp_path / "report.html"

    def open_page(report: Report, *, width: int = 1280, dark: bool = False) -> Browser:
        with path.open("wb") as out:
            write_html(report, out)
        chromium.open(path, width=width, dark=dark)
        return chromium

    yield open_page
    assert chromium.said == []
    assert chromium.asked == [path.resolve().as_uri()]


def of(name: str) -> Report:
    return inspect(CAPTURES / name, options=KEYS)


def typed(page: Browser, field: str, text: str) -> None:
    page.run(
        f"(() => {{ const field = document.getElementById('{field}'); field.value = {text!r};"
        " field.dispatchEvent(new Event('input', {bubbles: true})); })()"
    )


def test_the_ladder_of_the_cause_is_drawn_with_where_it_broke(opened: Open) -> None:
    page = opened(of("h4-401-inside-tunnel"))
    assert page.run(DRAWN) == "e1: POST /v1/messages: 401"
    lanes = page.run("[...document.querySelectorAll('.ladder .lane')].map(e => e.textContent)")
    assert lanes == ["agent", "API proxy", "Squid", "API"]
    broke = page.run("document.querySelector('.ladder .broke').textContent")
    assert "here it broke" in broke
    assert "API to API proxy: 401 Unauthorized" in broke


def test_findings_jump_to_their_ladder_and_mark_the_packet(opened: Open) -> None:
    page = opened(of("issue-1527"))
    page.run("document.querySelector('#findings [data-jump=t2]').click()")
    assert page.run(DRAWN).startswith("t2: CONNECT api.anthropic.com:443")
    marked = page.run("[...document.querySelectorAll('.marked')].map(e => e.dataset.packet)")
    assert marked == ["24"]
    assert page.run("document.activeElement.id") == "ladder-drawn"


def test_every_jump_leads_somewhere(opened: Open) -> None:
    page = opened(of("issue-1527"))
    assert page.run("document.querySelectorAll('button.jump[data-jump]:disabled').length") == 0


def test_filters_narrow_the_table_and_the_timeline(opened: Open) -> None:
    page = opened(of("h4-401-inside-tunnel"))
    assert page.run(ROWS) == 8
    typed(page, "filter-text", "inside-tunnel")
    assert (page.run(ROWS), page.run(COUNT)) == (4, "4 of 8 exchanges")
    assert "No call to draw" in page.run("document.getElementById('timeline-drawn').textContent")
    typed(page, "filter-text", "anthropic/js authorization")
    assert page.run(ROWS) == 0
    typed(page, "filter-text", "bearer")
    assert page.run(ROWS) == 2
    page.run("document.querySelector('#filter button[type=reset]').click()")
    page.until(f"{ROWS} === 8")
    typed(page, "tunnels-text", "t3")
    assert page.run("document.querySelectorAll('#tunnels-table tbody tr').length") == 1


def test_an_exchange_opens_with_its_headers_auth_marked(opened: Open) -> None:
    page = opened(of("h4-401-inside-tunnel"))
    page.run("document.querySelectorAll('#exchanges-table .key')[1].click()")
    told = page.run("document.querySelector('.more-of').innerText")
    assert "Request headers" in told
    assert "<anthropic-api-key sk-ant-api03- 108 bytes" in told
    assert page.run("document.querySelector('.more-of dt.auth').textContent") == "x-api-key"
    assert page.run("document.querySelectorAll('.key')[1].getAttribute('aria-expanded')") == "true"


def test_keys_move_through_the_calls_and_to_the_filter(opened: Open) -> None:
    page = opened(of("h4-401-inside-tunnel"))
    page.press("n")
    assert page.run(DRAWN).startswith("e3: ")
    page.press("p")
    assert page.run(DRAWN).startswith("e1: ")
    page.press("/")
    assert page.run("document.activeElement.id") == "filter-text"
    page.press("n")
    assert page.run("document.getElementById('filter-text').value") == "n"


def test_a_silence_at_the_end_of_a_stream_is_drawn_and_said(opened: Open) -> None:
    page = opened(of("upstream-stream-stalls"))
    told = page.run("document.getElementById('timeline-drawn').textContent")
    assert "silent for 2.0" in told
    assert page.run("document.querySelectorAll('#timeline-drawn .outline').length") == 1


def test_dark_is_dark_and_a_switch_overrides_the_system(opened: Open) -> None:
    ground = "getComputedStyle(document.body).backgroundColor"
    page = opened(of("healthy-sse"), dark=True)
    dark = page.run(ground)
    page.run("document.getElementById('theme').click()")
    light = page.run(ground)
    assert (dark, light) == ("rgb(17, 21, 27)", "rgb(246, 247, 249)")


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("name", ["issue-1527", "h4-401-inside-tunnel", "healthy-sse"])
def test_a_page_is_never_wider_than_its_window(name: str, width: int, opened: Open) -> None:
    page = opened(of(name), width=width)
    assert page.run("document.documentElement.scrollWidth") <= width


def test_it_prints(opened: Open) -> None:
    page = opened(of("issue-1527"))
    assert page.printed().startswith(b"%PDF-")


@pytest.mark.parametrize("text", [*HOSTILE.values(), "</script><script>HERON()</script>"])
def test_hostile_text_stays_text(text: str, opened: Open, report: Report) -> None:
    own = "[...new Set([...document.querySelectorAll('*')].map(e => e.tagName))].sort()"
    tags = set(opened(report).run(own))
    page = opened(spoiled(report, text))
    page.run("document.querySelectorAll('#exchanges-table .key').forEach(key => key.click())")
    assert set(page.run(own)) <= tags | {"DL", "DT", "DD", "H3"}
    assert page.run("typeof HERON") == "undefined"
    assert page.run("document.scripts.length") == 2


def test_markup_that_is_put_in_by_hand_is_refused(chromium: Browser, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    with path.open("wb") as out:
        write_html(of("healthy-sse"), out)
    chromium.open(path)
    with pytest.raises(RuntimeError, match="TrustedHTML"):
        chromium.run("document.body.innerHTML = '<img src=x onerror=alert(1)>'")
    load = "new Promise(end => { const i = new Image(); i.onerror = () => end(1); i.src = URL; })"
    assert chromium.run(load.replace("URL", "'https://heron.example/x'")) == 1
    assert any("img-src" in said or "default-src" in said for said in chromium.said)


def test_ten_thousand_exchanges_are_a_page_of_a_hundred_rows(opened: Open) -> None:
    page = opened(repeated(of("h4-401-inside-tunnel"), 1250))
    assert page.run(COUNT) == "10,000 of 10,000 exchanges"
    assert page.run("document.getElementsByTagName('*').length") < 6000
    typed(page, "filter-text", "e9999")
    assert page.run(ROWS) == 1
    page.run("document.querySelector('#exchanges-table .key').click()")
    page.run("document.querySelector('.more-of [data-jump]').click()")
    assert page.run(DRAWN).startswith("e9999: ")
    typed(page, "filter-text", "")
    page.run("document.getElementById('exchanges-more').click()")
    assert page.run(ROWS) == 200


def test_a_page_of_nothing_says_so(opened: Open) -> None:
    report = of("healthy-json")
    page = opened(replace(report, exchanges=(), tunnels=(), connections=(), chains=(), clients=()))
    assert "Nothing to draw" in page.run("document.getElementById('ladder-drawn').textContent")
