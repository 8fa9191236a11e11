"""The directions of the picture hold: statically (import-linter) and as the program runs."""

from __future__ import annotations

import re
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).parent.parent

#: Slow to import or foreign to the question: never on the way to an answer.
SECOND_OPINIONS = ("scapy", "pyshark", "lxml", "asyncio")

#: What stands directly in the package: its rooms and the modules beside them.
ROOMS = sorted(
    path.stem
    for path in (ROOT / "inspector").iterdir()
    if path.suffix == ".py" or (path / "__init__.py").exists()
)


def modules_after(statement: str) -> set[str]:
    """The top-level modules that a fresh interpreter has loaded after `statement`."""
    script = f"{statement}\nimport sys\nprint(*{{name.partition('.')[0] for name in sys.modules}})"
    run = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return set(run.stdout.split())


def test_every_import_contract_is_kept() -> None:
    # In a process of its own: its set-up of logging turns off every logger that is there.
    script = (
        "from importlinter.cli import lint_imports; raise SystemExit(lint_imports(no_cache=True))"
    )
    run = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stdout


@pytest.mark.parametrize("product", ["inspector", "lab", "tools", "benchmarks"])
def test_nothing_outside_of_the_tests_imports_a_test(product: str) -> None:
    borrowed = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in (ROOT / product).rglob("*.py")
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if re.match(r"\s*(from|import) tests\b", line)
    ]
    assert borrowed == []


def test_the_program_imports_neither_the_lab_nor_the_tools() -> None:
    borrowed = [
        f"{path.relative_to(ROOT)}: {line.strip()}"
        for path in (ROOT / "inspector").rglob("*.py")
        for line in path.read_text(encoding="utf-8").splitlines()
        if re.match(r"\s*(from|import) (lab|tools|benchmarks)\b", line)
    ]
    assert borrowed == []


def test_a_contract_names_an_import_from_right_to_left(tmp_path: Path) -> None:
    package = tmp_path / "inspector"
    for path in (ROOT / "inspector").rglob("*.py"):
        empty = package / path.relative_to(ROOT / "inspector")
        empty.parent.mkdir(parents=True, exist_ok=True)
        empty.touch()
    (package / "protocols" / "__init__.py").write_text(
        "def late():\n    import inspector.report\n    import socket\n"
    )
    (package / "exchanges" / "__init__.py").write_text(
        "import inspector.flows.engine\nimport inspector.flows.stream\n"
    )
    (tmp_path / "pyproject.toml").write_text((ROOT / "pyproject.toml").read_text())

    run = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command as main; main()"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert run.returncode == 1
    assert "inspector.protocols is not allowed to import inspector.report" in run.stdout
    assert "inspector.protocols is not allowed to import socket" in run.stdout
    for part in ("engine", "stream"):
        assert f"inspector.exchanges -> inspector.flows.{part}" in run.stdout


@pytest.mark.parametrize(
    "statement",
    ["import inspector", "import inspector.cli.main", "import inspector.inspection"],
)
def test_importing_brings_no_second_opinion(statement: str) -> None:
    assert modules_after(statement).isdisjoint(SECOND_OPINIONS)


def test_the_command_line_asks_for_rich_and_orjson_only_when_it_renders() -> None:
    assert modules_after("import inspector.cli.main").isdisjoint({"rich", "orjson"})


def test_no_module_imports_itself_by_way_of_others() -> None:
    """Nor in a function; what only a type checker reads is left out."""
    graph = grimp.build_graph("inspector", exclude_type_checking_imports=True, cache_dir=None)
    order = TopologicalSorter(
        {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    )

    assert len(list(order.static_order())) == len(graph.modules)  # raises CycleError
