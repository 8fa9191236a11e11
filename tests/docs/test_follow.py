"""README.md, line by line, in a fresh root: each line does what is printed."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.docs.follow import ENDLESS, FreshRoot, Line, follow, lines
from tests.docs.pages import text

#: Files that the lines leave, seen from the clone.
LEFT = (
    "e1.pcapng", "shared.pcapng", "results/report.html", "results/exchanges.har",
    "before/report.json", "after/report.json", "fleet/fleet.html",
)  # fmt: skip


def test_lines_are_read_as_they_are_printed() -> None:
    page = (
        "```console\n$ one   # a remark\n$ two \\\n    more\n$ three   # ends with 3\n"
        "output\n```\n```toml\n$ no\n```\n```python\nprint(1)\n```\n"
    )
    assert list(lines(page)) == [
        Line("one", (0,)), Line("two more", (0,)), Line("three", (3,)),
        Line("python3 -c 'print(1)\n'", (0,)),
    ]  # fmt: skip


def test_the_page_has_what_is_followed() -> None:
    told = list(lines(text("README.md")))
    assert sum(line.installs for line in told) >= 3
    assert sum(line.is_endless for line in told) == len(ENDLESS)
    assert sum(line.ends_with == (3,) for line in told) >= 2
    assert sum("sudo" in line.command for line in told) >= 4


@pytest.mark.long
@pytest.mark.skipif(shutil.which("sudo") is None, reason="sudo is not installed")
def test_everything_works_as_printed(lab_possible: None, tmp_path: Path) -> None:
    followed = list(follow(tmp_path))
    wrong = [each for each in followed if not each.is_as_printed]
    assert not wrong, "\n\n".join(f"{w.line.command}: {w.status}\n{w.said}" for w in wrong)
    assert not (tmp_path / "shared").exists()
    [made] = [each.said for each in followed if each.line.command == "make demo"]
    assert " MB, " in made
    clone = FreshRoot.clone_in(tmp_path)
    assert {name for name in LEFT if not (clone / name).is_file()} == set()
