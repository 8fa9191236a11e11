"""What the documents for contributors name is there: paths, names in them, targets, modules."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import pytest

from inspector.model.providers import KNOWN
from tools.docs import rooms

ROOT: Final = Path(__file__).parent.parent
PAGES: Final = sorted(
    [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("benchmarks/*.md")],
    key=lambda path: path.as_posix(),
)
#: What a page may name a path from: the checkout, the package, its own folder.
FOLDERS: Final = {
    path.name
    for parent in (ROOT, ROOT / "inspector")
    for path in parent.iterdir()
    if path.is_dir() and not path.name.startswith((".", "__"))
}
#: Names that change from one change to the next (`NAME.py`, `captures/its-name/`).
EXAMPLE: Final = re.compile(r"(?:^|[/._-])(?:[A-Z]{2,}|its-name)(?:[/.-]|$)")
#: Made by a target of the Makefile, and not part of the repository.
MADE: Final = frozenset({"benchmarks/.data", "inspector/config.toml"})

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


def spans(page: Path) -> Iterator[str]:
    """The code spans of a page outside of its blocks of code."""
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
    for span in re.findall(r"`([^`\n]+)`", text):
        yield from span.split(", ")


def named_paths(page: Path) -> Iterator[tuple[str, str]]:
    """(path, name that is defined there or nothing) of each path that a page names."""
    for span in spans(page):
        path, _, name = span.partition(":")
        if not re.fullmatch(r"[\w.*/-]+", path) or not re.fullmatch(r"\w*", name):
            continue
        is_path = path.partition("/")[0] in FOLDERS and "/" in path
        if (is_path or path.endswith(".py")) and not EXAMPLE.search(path):
            yield path.rstrip("/"), name


def found(page: Path, path: str) -> Path | None:
    """Where a path leads: from the checkout, the package, or the page's own folder."""
    for start in (ROOT, ROOT / "inspector", page.parent):
        if next(start.glob(path), None) is not None:
            return start / path
    return None


def defined(path: Path) -> set[str]:
    """The names on the top level of a module."""
    names: set[str] = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.AnnAssign):
            names.add(ast.unparse(node.target))
        elif isinstance(node, ast.Assign):
            names.update(map(ast.unparse, node.targets))
    return names


@each_page
def test_every_path_that_a_page_names_is_there(page: Path) -> None:
    absent = {path for path, _ in named_paths(page) if found(page, path) is None}
    assert absent - MADE == set()


@each_page
def test_every_name_behind_a_path_is_defined_in_it(page: Path) -> None:
    for path, name in named_paths(page):
        place = found(page, path)
        if name and place is not None:
            assert name in defined(place), f"{path} defines no {name}"


@each_page
def test_every_link_within_the_repository_leads_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    targets = re.findall(r"\]\((?!https?:|mailto:)([^)#\s]*)(#[^)\s]*)?\)", text)
    for target, anchor in targets:
        place = page.parent / target if target else page
        assert place.exists(), f"{page.name} links to {target}"
        if anchor:
            assert anchor[1:] in anchors(place), f"{page.name} links to {target}{anchor}"


def anchors(page: Path) -> set[str]:
    """The anchors that GitHub gives to a page's headings."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.M)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@each_page
def test_every_target_and_module_that_a_page_runs_is_there(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M))
    wanted = set(re.findall(r"(?:^|[`$#] ?)make ([a-z][a-z-]*)", text, re.M))
    assert wanted <= targets, f"the Makefile has no {wanted - targets}"

    modules = set(re.findall(r"python3? -m ((?:inspector|lab|tools|tests|benchmarks)[\w.]*)", text))
    assert [name for name in modules if find_spec(name.rstrip(".")) is None] == []


def test_every_path_that_the_code_names_from_the_checkout_is_there() -> None:
    """In docstrings, comments and messages of what is shipped or run, but for examples."""
    start = r"(?<![\w/.])(?:inspector|docs|tests|lab|tools|captures|benchmarks|requirements)/"
    absent = [
        f"{source.relative_to(ROOT)}: {path}"
        for folder in ("inspector", "lab", "tools", "benchmarks")
        for source in sorted((ROOT / folder).rglob("*.py"))
        for path in re.findall(start + r"[\w/.-]*\w", source.read_text(encoding="utf-8"))
        if path not in MADE and not EXAMPLE.search(path) and not (ROOT / path).exists()
    ]
    assert absent == []


def test_contributing_answers_where_things_are_with_names_that_are_checked() -> None:
    page = ROOT / "CONTRIBUTING.md"
    rows = re.findall(r"^\| (Where|From) .*\?", page.read_text(encoding="utf-8"), re.M)
    assert len(rows) >= 20
    assert sum(bool(name) for _, name in named_paths(page)) >= 20


def test_the_picture_of_the_rooms_is_that_of_the_import_contract() -> None:
    page = rooms.PAGE.read_text(encoding="utf-8")
    contract = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert rooms.hung(page, rooms.picture(contract)) == page, "run: python -m tools.docs.rooms"


def test_every_room_of_the_import_contract_is_explained_in_the_design() -> None:
    page = rooms.PAGE.read_text(encoding="utf-8")
    ruled = {
        room for floor in rooms.floors((ROOT / "pyproject.toml").read_text()) for room in floor
    }
    explained = set(re.findall(r"^\| `(\w+)/?` \|", page, re.M))
    ground = {name for name in ruled if f"`{name}`" in page or f"`{name}/`" in page} - explained
    assert explained <= ruled
    assert explained | ground == ruled


@pytest.mark.parametrize("page", ["no marks", "<!-- rooms -->\n<!-- /rooms -->" * 2])
def test_a_design_without_one_place_for_the_picture_is_refused(page: str) -> None:
    with pytest.raises(ValueError, match="once"):
        rooms.hung(page, "picture")


def test_every_provider_is_named_where_topology_files_are_explained() -> None:
    page = (ROOT / "docs" / "topology.md").read_text(encoding="utf-8")
    assert [name for name in KNOWN if f"`{name}`" not in page] == []


def test_a_path_that_is_not_there_is_noticed(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("`flows/no_such.py`, `inspector/flows/engine.py:PacketEngine`, `GET /x`\n")
    assert list(named_paths(page)) == [
        ("flows/no_such.py", ""),
        ("inspector/flows/engine.py", "PacketEngine"),
    ]
    assert found(page, "flows/no_such.py") is None
    assert "PacketEngine" in defined(ROOT / "inspector/flows/engine.py")
