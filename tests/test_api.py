"""docs/api.md: its examples run, and what it lists is what there is."""

from __future__ import annotations

import contextlib
import inspect as inspection
import io
import re
import shutil
from pathlib import Path
from typing import Any, Final

import pytest

import inspector

ROOT: Final = Path(__file__).parent.parent
PAGE: Final = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
BLOCKS: Final = re.findall(r"```python\n(.*?)```(?:\n\n```text\n(.*?)```)?", PAGE, re.DOTALL)


def test_every_example_runs_and_prints_what_stands_below_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, golden in (("bridge", "agent-holds-real-key"), ("other", "healthy-json")):
        shutil.copy(ROOT / "captures" / golden / "capture.pcapng", tmp_path / f"{name}.pcapng")
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    assert len(BLOCKS) >= 7
    for code, printed in BLOCKS:
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            exec(compile(code, "docs/api.md", "exec"), names)
        assert out.getvalue() == printed, code


def test_dir_shows_the_public_names_and_nothing_beside() -> None:
    assert dir(inspector) == sorted(inspector.__all__)
    assert set(inspector.__all__) == set(inspector._HOMES)


@pytest.mark.parametrize("name", inspector.__all__)
def test_every_public_name_is_on_the_page_with_its_parameters(name: str) -> None:
    table = PAGE.partition("| name |")[2].partition("\n\n")[0]
    cells = [line.split(" | ")[0] for line in table.splitlines()]
    (row,) = (cell for cell in cells if re.search(rf"`{name}\b", cell))
    thing = getattr(inspector, name)
    if inspection.isfunction(thing):
        for parameter in inspection.signature(thing).parameters.values():
            if parameter.kind is parameter.KEYWORD_ONLY:
                assert f"{parameter.name}=" in row, parameter.name


@pytest.mark.parametrize("name", inspector.__all__)
def test_every_public_name_is_typed(name: str) -> None:
    thing = getattr(inspector, name)
    if inspection.isfunction(thing):
        told = thing.__annotations__
        assert set(told) == {*inspection.signature(thing).parameters, "return"}


def test_a_keyword_is_needed_for_what_may_be_added_to() -> None:
    for name in ("inspect", "read_report"):
        parameters = inspection.signature(getattr(inspector, name)).parameters.values()
        optional = [each for each in parameters if each.default is not each.empty]
        assert all(each.kind is each.KEYWORD_ONLY for each in optional), name
