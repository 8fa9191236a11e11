from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

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


#: What a constant is called that bounds memory or patience.
BOUND: Final = re.compile(r"LIMIT|MAX|LONGEST|KEPT|DEPTH|PATIENCE|LAST_BYTES")


def numbers() -> Iterator[tuple[str, str]]:
    """(module, constant) of each number on the top level of a module that is called like one."""
    package = Path(inspector.__file__).parent
    for path in sorted(package.rglob("*.py")):
        module = ".".join(path.relative_to(package).with_suffix("").parts)
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if not (isinstance(node, ast.AnnAssign) and node.value is not None):
                continue
            name = ast.unparse(node.target)
            parts = {type(part) for part in ast.walk(node.value)}
            number = {ast.Constant, ast.BinOp, ast.Mult, ast.LShift, ast.Add, ast.Sub, ast.Pow}
            is_text = isinstance(getattr(node.value, "value", 0), str | bytes)
            if BOUND.search(name) and parts <= number and not is_text:
                yield module, name


def test_every_constant_that_is_called_a_limit_is_on_the_page_or_is_none() -> None:
    named = set(numbers())
    assert len(named) > 60
    assert named - set(limits.LIMITS) - set(limits.NO_LIMITS) == set()
    assert set(limits.NO_LIMITS) <= named
    assert not set(limits.NO_LIMITS) & set(limits.LIMITS)


def test_limits_that_somebody_may_set_are_on_the_page_with_their_defaults() -> None:
    page = limits.limits_page()
    assert "| protocols.http1_faults | `HeadLimits.fields` | 2,000 |" in page
    assert "| redaction.summary | `HoldLimits.held_time` | none |" in page
