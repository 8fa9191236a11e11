from __future__ import annotations

import ast
from pathlib import Path

import pytest

import inspector
from tools.docs import limits


def test_the_page_in_the_documentation_is_that_of_the_code() -> None:
    page = limits.PAGE.read_text(encoding="utf-8")
    assert page == limits.limits_page(), "run: python -m tools.docs.limits"


def test_a_constant_without_a_comment_is_refused() -> None:
    assert limits.meaning("#: What it\n#: bounds.\nMAX: Final = 3\n", "MAX") == "What it bounds."
    with pytest.raises(ValueError, match="MAX"):
        limits.meaning("MAX: Final = 3\n", "MAX")


def test_every_constant_that_is_called_a_limit_is_on_the_page() -> None:
    package = Path(inspector.__file__).parent
    named = set()
    for path in package.rglob("*.py"):
        module = ".".join(path.relative_to(package).with_suffix("").parts)
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            name = ast.unparse(node.target) if isinstance(node, ast.AnnAssign) else ""
            if name.endswith("_LIMIT") and not name.startswith("_"):
                named.add((module, name))
    assert len(named) > 20
    assert named - set(limits.LIMITS) == set()
