"""fleet.html: one file, one style, and nothing in it that acts."""

from __future__ import annotations

import base64
import hashlib
import io
import re
from collections import Counter
from html.parser import HTMLParser
from typing import Final

from inspector.fleet.html import ROWS, write_html
from inspector.fleet.page import render
from inspector.fleet.rates import Rate
from inspector.fleet.sections import sections
from inspector.fleet.summary import CredentialUse, NamedRun, RunGroup, Summary

HOSTILE: Final = "<script>alert(1)</script>\x1b[31m\u202e\"'&"


def hostile() -> Summary:
    """A summary in which every captured text is markup, an escape and a reversal."""
    told = Summary(since="2026-11-01", whole=RunGroup(HOSTILE, 3, 2, 1, Counter({HOSTILE: 1})))
    told.real_keys = 1
    told.with_keys = [NamedRun("2026-11-02", HOSTILE, HOSTILE, HOSTILE)]
    told.sent = {("a", "b", "c"): CredentialUse(HOSTILE, HOSTILE, HOSTILE, 1, 1)}
    told.weeks = {f"w{number}": RunGroup(HOSTILE) for number in range(ROWS + 7)}
    return told


def page(told: Summary) -> str:
    out = io.BytesIO()
    write_html(told, HOSTILE, out)
    return out.getvalue().decode()


class Tags(HTMLParser):
    """The elements of a page, and the text of its cells."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: Counter[str] = Counter()
        self.attributes: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.attributes |= {name for name, _ in attrs}


def test_captured_text_is_no_markup() -> None:
    tags = Tags(page(hostile()))
    assert set(tags.tags) <= {
        "html", "head", "meta", "title", "style", "body", "h1", "h2", "p", "section", "table",
        "thead", "tbody", "tr", "th", "td",
    }  # fmt: skip
    assert tags.attributes <= {"lang", "charset", "http-equiv", "content", "name", "class", "scope"}
    assert not {"\x1b", "\u202e"} & set(page(hostile()))


def test_the_policy_allows_the_one_style_and_nothing_else() -> None:
    text = page(hostile())
    [style] = re.findall(r"<style>(.*?)</style>", text, re.DOTALL)
    [policy] = re.findall(r'Content-Security-Policy" content="(.*?)"', text)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert policy.split("; ") == [
        "default-src 'none'",
        "base-uri 'none'",
        "form-action 'none'",
        f"style-src 'sha256-{digest}'",
    ]


def test_rows_that_are_left_out_are_counted() -> None:
    assert "7 more in the tables" in page(hostile())


def test_the_terminal_and_the_browser_have_the_same_sections() -> None:
    told = hostile()
    terminal = render(told, "x", width=120)
    for section in sections(told):
        assert section.title in terminal
        assert section.title in page(told)
    assert Rate(1, 2).interval is not None
