"""What a later schema takes away from an earlier one: nothing, within one MAJOR."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Schema = dict[str, Any]


def losses(old: Schema, new: Schema) -> list[str]:
    """Each thing that a reader of the old format could no longer rely on, with its place."""
    return list(_of_whole(old, new))


def _of_whole(old: Schema, new: Schema) -> Iterator[str]:
    yield from _of_object("$", old, new)
    for name, definition in old["$defs"].items():
        if name not in new["$defs"]:
            yield f"{name} is gone"
        elif "x-open" in definition:
            yield from _of_enumeration(name, definition, new["$defs"][name])
        elif "properties" in definition:
            yield from _of_object(name, definition, new["$defs"][name])


def _of_object(where: str, old: Schema, new: Schema) -> Iterator[str]:
    before, after = old.get("properties", {}), new.get("properties", {})
    for field, described in before.items():
        if field not in after:
            yield f"{where}.{field} is gone"
        elif shape(described) != shape(after[field]):
            yield f"{where}.{field} is {shape(after[field])}, and was {shape(described)}"
    for field in new.get("required", ()):
        if field not in before:
            yield f"{where}.{field} is new and required"
    for field in old.get("required", ()):
        if field not in new.get("required", ()):
            yield f"{where}.{field} is no longer required"


def _of_enumeration(name: str, old: Schema, new: Schema) -> Iterator[str]:
    before, after = members(old), members(new)
    if old["x-open"] != new["x-open"]:
        yield f"{name} was {'open' if old['x-open'] else 'closed'}"
    if gone := before - after:
        yield f"{name} lacks {', '.join(sorted(gone))}"
    if not old["x-open"] and (come := after - before):
        yield f"{name} is closed, and has {', '.join(sorted(come))} now"


def members(enumeration: Schema) -> set[str]:
    """The members that a schema lists."""
    listed: list[str] = enumeration.get("enum") or enumeration["anyOf"][0]["enum"]
    return set(listed)


def shape(described: Schema) -> object:
    """What a value is, without its description and without what narrows it within its type."""
    if "$ref" in described:
        return described["$ref"]
    if "anyOf" in described:
        return [shape(arm) for arm in described["anyOf"]]
    kind = described.get("type")
    if kind == "array":
        items = described.get("items") or described.get("prefixItems")
        return ["array", shape(items) if isinstance(items, dict) else items]
    if kind == "object":
        return ["object", shape(described["additionalProperties"])]
    return kind
