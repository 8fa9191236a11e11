from __future__ import annotations

from dataclasses import fields

import pytest

from inspector.model.network import Tunnel
from inspector.model.report import Report
from inspector.protocols.http1_faults import FAULTS
from tools.docs import picture, reference

from .conftest import DOCS


@pytest.mark.parametrize(
    ("name", "text"), [("report", reference.report_page), ("oddities", reference.oddities_page)]
)
def test_the_pages_in_the_documentation_are_those_of_the_code(name: str, text: object) -> None:
    assert callable(text)
    page = (DOCS / f"{name}.md").read_text(encoding="utf-8")
    assert page == text(), "run: python -m tools.docs.reference"


def test_every_field_of_a_fact_has_a_row() -> None:
    section = reference.report_page().partition("### Tunnel\n")[2].partition("###")[0]
    assert [line.split("`")[1] for line in section.splitlines() if line.startswith("| `")] == [
        field.name for field in fields(Tunnel)
    ]


def test_every_name_of_a_parsers_table_has_a_row() -> None:
    page = reference.oddities_page()
    assert FAULTS
    assert all(f"| `{name}` | {meaning} |" in page for name, meaning in FAULTS.items())


def test_the_oddities_of_the_example_are_documented(report: Report) -> None:
    page = reference.oddities_page()
    assert all(f"| `{oddity.name}` |" in page for oddity in report.oddities)


def test_the_picture_replaces_what_hung_between_its_marks() -> None:
    readme = "top\n<!-- picture -->\nold\\1\n<!-- /picture -->\nbottom\n"
    once = picture.hung(readme, r"new \g<1> page")
    assert once.startswith(
        "top\n<!-- picture -->\n```console\n$ inspector analyze captures/issue-1527\n"
    )
    assert "\nnew \\g<1> page\n```\n<!-- /picture -->\nbottom\n" in once
    assert picture.hung(once, r"new \g<1> page") == once


def test_a_readme_without_a_place_for_the_picture_is_refused() -> None:
    with pytest.raises(ValueError, match="once"):
        picture.hung("no marks", "page")


def test_the_picture_in_the_readme_is_what_the_command_prints() -> None:
    readme = picture.README.read_text(encoding="utf-8")
    assert picture.hung(readme, picture.draw()) == readme, "run: python -m tools.docs.picture"
