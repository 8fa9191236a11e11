"""Expressions that are compiled when they are first used."""

from __future__ import annotations

import re
from importlib import import_module
from pkgutil import walk_packages
from unittest.mock import patch

import pytest

import inspector
from inspector.regex import Uncompiled, regex

#: How many expressions the modules of the package have, at the least.
_SOME = 200


def test_it_is_compiled_at_its_first_use_and_once() -> None:
    with patch("re.compile", wraps=re.compile) as compiled:
        word = regex(r"([a-z]+)(\d?)", re.IGNORECASE)
        assert word.pattern == r"([a-z]+)(\d?)"
        assert not compiled.called
        found = word.fullmatch("Word7")
        assert word.sub("-", "ab cd") == "- -"
    assert found is not None
    assert found.groups() == ("Word", "7")
    assert compiled.call_count == 1


def test_it_has_all_that_a_compiled_one_has() -> None:
    late, whole = regex(rb"(?P<name>a+)b"), re.compile(rb"(?P<name>a+)b")
    for name in (each for each in dir(whole) if not each.startswith("_")):
        assert callable(getattr(late, name)) == callable(getattr(whole, name)), name
    assert (late.flags, late.groups, dict(late.groupindex)) == (0, 1, {"name": 1})


def test_a_name_that_no_pattern_has_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no_such_name"):
        regex("a").no_such_name  # type: ignore[attr-defined]  # noqa: B018


def test_every_expression_of_the_package_is_one() -> None:
    found = 0
    for module in walk_packages(inspector.__path__, "inspector."):
        if module.name.endswith("__main__") or "-" in module.name:
            continue  # the compiled core is no module
        for value in vars(import_module(module.name)).values():
            for each in value if isinstance(value, tuple) else (value,):
                parts = each if isinstance(each, tuple) else (each,)
                for part in parts:
                    if isinstance(part, Uncompiled):
                        re.compile(part.pattern, part._flags)
                        found += 1
    assert found > _SOME
