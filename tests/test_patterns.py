"""What no regular expression of the program may have, whatever it is for."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import inspector

ROOT = Path(inspector.__file__).parent
#: A group repeated possessively, or an atomic group.
POSSESSIVE_GROUP = re.compile(r"(?<!\\)\)(?:[*+?]|\{[0-9]*,?[0-9]*\})\+|\(\?>")
#: What takes an expression.
WRITTEN_IN = re.compile(r"re\.|regex\Z")


def patterns(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Line and text of each string in a call of the module `re`, or of `regex`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and WRITTEN_IN.match(ast.unparse(node.func)):
            parts = (part for part in ast.walk(node) if isinstance(part, ast.Constant))
            for part in parts:
                if isinstance(part.value, str):
                    yield part.lineno, part.value
                elif isinstance(part.value, bytes):
                    yield part.lineno, part.value.decode("latin-1")


@pytest.mark.parametrize("written", ["(?:ab|c)*+", "(a){2,3}+", "(a|b)?+", "(?>a|ab)c"])
def test_a_group_that_is_never_given_back_is_seen(written: str) -> None:
    assert POSSESSIVE_GROUP.search(written)
    assert not POSSESSIVE_GROUP.search(r"[ab]++\)++(?:a++b)*")


def test_no_group_is_repeated_possessively() -> None:
    """Before Python 3.11.5 a round that failed was not taken back (gh-106052)."""
    found = [
        (str(path.relative_to(ROOT)), line, text)
        for path in sorted(ROOT.rglob("*.py"))
        for line, text in patterns(ast.parse(path.read_text(encoding="utf-8")))
        if POSSESSIVE_GROUP.search(text)
    ]
    assert found == []
