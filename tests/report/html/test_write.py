"""The page as it is written: whole, of one file, and nothing in it that is not its own."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from inspector import inspect
from inspector.model.conclusions import Evidence
from inspector.model.ids import exchange_id
from inspector.model.report import Report, nothing_to_analyse
from inspector.options import Options
from inspector.report.formats.whole import as_dict, from_dict
from inspector.report.html.write import PLACES, ROWS
from tests.canary.hostile import ALL, HOSTILE
from tests.report.hostile import spoiled
from tests.report.html.pages import document_of, page_of

CAPTURES = Path(__file__).parent.parent.parent.parent / "captures"
KEYS = Options(finds_keys=True)


def test_the_cause_stands_first_and_what_to_do_next() -> None:
    page = page_of(inspect(CAPTURES / "issue-1527"))
    shown = " ".join(" ".join(page.shown).split())
    order = [
        "proxy-died", "took e1 whole, then closed", "Next", "What was looked for", "Ladder",
        "Timeline", "Exchanges", "Tunnels", "Findings", "What was sent", "Capture",
    ]  # fmt: skip
    main = shown.partition("Skip to the cause")[2]
    places = [main.rindex(word) if word == "Capture" else main.find(word) for word in order]
    assert -1 not in places
    assert places[0] < places[1] < places[2] < places[3]


@pytest.mark.parametrize(
    "name", ["issue-1527", "h4-401-inside-tunnel", "healthy-sse", "squid-down"]
)
def test_a_page_runs_its_own_script_alone_and_asks_no_network(name: str) -> None:
    page = page_of(inspect(CAPTURES / name, options=KEYS))
    assert page.odd() == []
    assert page.policy.startswith("default-src 'none'; base-uri 'none'; form-action 'none'; ")
    assert "unsafe" not in page.policy
    assert not re.search(r"(?:https?:)?//(?!www\.w3\.org/2000/svg)", _without_data(page.scripts))


def _without_data(scripts: list[tuple[str, str]]) -> str:
    return "".join(re.sub(r"^\s*//.*$|\s//\s.*$", "", text, flags=re.MULTILINE)
                   for kind, text in scripts if kind != "application/json")  # fmt: skip


def test_nothing_is_a_page_too() -> None:
    page = page_of(nothing_to_analyse("there was no capture"))
    assert page.odd() == []
    assert "there was no capture" in " ".join(page.shown)
    assert page.data["ladders"] == []


def test_a_report_that_was_stored_gives_the_same_page(report: Report) -> None:
    assert document_of(from_dict(as_dict(report))) == document_of(report)


@pytest.mark.parametrize("text", [*HOSTILE.values(), ALL, "</script><script>alert(1)</script>"])
def test_a_hostile_text_is_text_and_shown(text: str, report: Report) -> None:
    page = page_of(spoiled(report, text))
    assert page.odd() == []
    data = "".join(script for kind, script in page.scripts if kind == "application/json")
    assert "<" not in data
    own = {tag for tag, _ in page_of(report).tags}
    assert {tag for tag, _ in page.tags} <= own
    told = "".join(page.shown) + "".join(page.data["texts"])
    assert not set(told) & set("\x1b\x07\x00\x9b\u202e\u2066\u200f\u2028\u2029")


def test_words_of_a_capture_are_shown_as_they_are(report: Report) -> None:
    text = "<b>lab & co</b>"
    page = page_of(spoiled(report, text))
    assert any(text in shown for shown in page.shown)
    assert any(text in shown for shown in page.data["texts"])


def test_all_places_of_a_finding_can_be_jumped_to_up_to_a_bound(report: Report) -> None:
    [finding, *_] = report.findings
    many = tuple(Evidence(exchange=exchange_id(number)) for number in range(1, 60))
    worse = replace(report, findings=(replace(finding, evidence=many * 2),), root_cause=None)
    jumps = [found["data-jump"] for tag, found in page_of(worse).tags if "data-jump" in found]
    assert jumps == [f"e{number}" for number in range(1, PLACES + 1)]


def test_a_table_of_thousands_is_cut_and_says_so(report: Report) -> None:
    [client, *_] = report.clients
    many = tuple(
        replace(client, user_agent=f"lab/{number}", ip="172.30.0.20") for number in range(ROWS + 7)
    )
    page = page_of(replace(report, clients=many))
    assert "7 more in report.json." in "".join(page.shown)
    assert sum("lab/" in shown for shown in page.shown) == ROWS


def test_every_control_has_a_name_for_who_cannot_see_it() -> None:
    document = document_of(inspect(CAPTURES / "healthy-sse"))
    for control in re.findall(r"<(?:input|select)[^>]*>", document):
        before = document[: document.index(control)]
        assert before.rindex("<label") > before.rfind("</label>"), control
    for button in re.findall(r"<button[^>]*>[^<]*</button>", document):
        # Those that are hidden at first get their words when there is something to show.
        assert re.search(r"aria-label| hidden>|>\s*\w", button), button
    for section in re.findall(r"<section[^>]*>", document):
        [title] = re.findall(r'aria-labelledby="([a-z-]+)"', section)
        assert f'id="{title}"' in document


def test_jinja_is_imported_by_the_page_alone() -> None:
    script = (
        "import sys, inspector.cli.main, inspector.artifacts, inspector.report.html.write;"
        "sys.exit('jinja2' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
