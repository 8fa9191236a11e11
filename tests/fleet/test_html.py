"""fleet.html: one file, one style, one script, and nothing captured in it that acts."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest

from inspector.fleet.html.write import ROWS, write_html
from inspector.fleet.page import render
from inspector.fleet.rates import Rate
from inspector.fleet.sections import said, sections
from inspector.fleet.summary import Summary
from tests.canary.hostile import ALL, HOSTILE
from tests.fleet.hostile import spoiled
from tests.report.html.pages import Page


def page(told: Summary, title: str = "out") -> Page:
    out = io.BytesIO()
    write_html(told, title, out)
    return Page(out.getvalue().decode())


@pytest.mark.parametrize("text", [*HOSTILE.values(), ALL, "</script><script>alert(1)</script>"])
def test_a_hostile_text_is_text_and_shown(text: str) -> None:
    found = page(spoiled(text), text)
    assert found.odd() == []
    assert {tag for tag, _ in found.tags} == {tag for tag, _ in page(spoiled("lab")).tags}
    shown = "".join(found.shown)
    assert not set(shown) & set("\x1b\x07\x00\x9b\u202e\u2066\u200f\u2028\u2029")
    assert shown.count("HERON") >= 10 or "alert(1)" in shown


def test_the_policy_forbids_everything_else() -> None:
    policy = page(spoiled("lab")).policy
    assert policy.startswith("default-src 'none'; base-uri 'none'; form-action 'none'; ")
    assert policy.endswith("require-trusted-types-for 'script'; trusted-types 'none'")
    assert "unsafe" not in policy


def test_rows_that_are_left_out_are_counted() -> None:
    found = page(spoiled("lab", weeks=ROWS + 7))
    assert "7 more in the tables." in "".join(found.shown)


def test_the_terminal_and_the_browser_have_the_same_sections() -> None:
    told = spoiled("lab")
    terminal, browser = render(told, "x", width=120), "".join(page(told).shown)
    titles = [section.title for section in sections(told)]
    assert titles == [
        "KEYS THAT LOOK REAL", "WHY RUNS FAILED", "CAUSES BY WEEK", "BY WEEK", "BY CLIENT",
        "WHAT CLIENTS SENT", "DENIED BY THE FIREWALL'S RULES", "NEW SINCE 2026-11-01", "POLICIES",
        "RUNS THAT FAILED", "NOT JUDGED",
    ]  # fmt: skip
    for title in titles:
        assert title in terminal
        assert title.capitalize() in browser


def test_every_link_of_the_page_leads_to_a_place_on_it() -> None:
    tags = page(spoiled("lab")).tags
    places = {found["id"] for _, found in tags if "id" in found}
    links = [found["href"] for tag, found in tags if tag == "a"]
    assert len(links) > 11
    assert {link.removeprefix("#") for link in links} <= places


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        (Rate(12, 40), "12 of 40 (30 %, 18 to 45)"),
        (Rate(3, 2000), "3 of 2,000 (0.15 %, 0.05 to 0.44)"),
        (Rate(0, 7), "0 of 7 (0 %, 0 to 35)"),
        (Rate(0, 0), "nobody could tell"),
        (12345, "12,345"),
    ],
)
def test_a_cell_in_words(cell: Rate | int, text: str) -> None:
    assert said(cell) == text


def test_nothing_is_a_page_too() -> None:
    found = page(Summary())
    assert found.odd() == []
    assert "nobody could tell" in "".join(found.shown)


def test_a_rate_is_drawn_with_its_interval() -> None:
    told = spoiled("lab")
    told.whole = replace(told.whole, runs=40, could_tell=40, with_cause=12)
    rects = [found for tag, found in page(told).tags if tag == "rect"]
    between = next(found for found in rects if found.get("class") == "between")
    assert (float(between["x"]), float(between["width"])) == (54.6, 27.3)  # 28 of 40: 55 to 82 %
