"""Writes the TOML that `scenario.toml` needs: tables of strings, numbers, booleans and lists."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

_WIDTH = 90


def dumps(table: Mapping[str, Any]) -> str:
    """One table as TOML (1.0): plain values first, then one section for each table in it."""
    return "\n".join(_lines(table, ())) + "\n"


def _lines(table: Mapping[str, Any], path: tuple[str, ...]) -> list[str]:
    plain = {name: value for name, value in table.items() if not isinstance(value, Mapping)}
    lines = [f"{_key(name)} = {_value(value)}" for name, value in plain.items()]
    for name, value in table.items():
        if isinstance(value, Mapping) and value:
            inner = (*path, name)
            section = ".".join(map(_key, inner))
            lines += ["", f"[{section}]", *_lines(value, inner)]
    return lines


def _key(name: str) -> str:
    bare = name.replace("-", "").replace("_", "")
    return name if bare.isalnum() and name.isascii() else json.dumps(name)


def _value(value: Any) -> str:
    # A JSON string, number, boolean or list of them is the same in TOML.
    if isinstance(value, str) and len(value) > _WIDTH and '"""' not in value and "\\" not in value:
        return f'"""\n{_wrapped(value)}"""'
    return json.dumps(value, ensure_ascii=False)


def _wrapped(text: str) -> str:
    """Long prose over several lines: a backslash at the end of a line joins it with the next."""
    lines, line = [], ""
    for word in text.split(" "):
        if line and len(line) + len(word) >= _WIDTH:
            lines.append(line)
            line = ""
        line += f"{word} "
    lines.append(line[:-1])
    return "\\\n".join(lines)
