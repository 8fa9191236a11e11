"""The JSON Schema of a report, made from the types and texts in `model/`.

Fields may be added to a report at any time, so no object is closed to others.
"""

from __future__ import annotations

import inspect
import json
import typing
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, fields, is_dataclass
from typing import Any, Final, Literal, get_args, get_origin

from inspector.model.report import SCHEMA, Report
from inspector.model.texts import field_texts
from inspector.report.formats.json import without_none

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"

_TIME: Final[Mapping[str, Any]] = {
    "type": "string",
    "format": "date-time",
    "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.(\d{6}|\d{9})Z$",
}
_PACKET: Final[Mapping[str, Any]] = {
    "description": "A packet number from 1; among several files `file:number`.",
    "anyOf": [
        {"type": "integer", "minimum": 1},
        {"type": "string", "pattern": r"^[1-9]\d*:[1-9]\d*$"},
    ],
}
_SCALARS: Final[Mapping[type, Mapping[str, Any]]] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
}


def schema() -> dict[str, Any]:
    """The schema as JSON values.  Each class of facts is one definition."""
    definitions: dict[str, Any] = {}
    top = _object(Report, definitions)
    top["properties"]["schema"]["const"] = SCHEMA
    return {
        "$schema": DIALECT,
        "title": SCHEMA,
        **top,
        "$defs": {
            **dict(sorted(definitions.items())),
            "time": dict(_TIME),
            "packet": dict(_PACKET),
        },
    }


def text() -> str:
    """The file `docs/report.schema.json`."""
    return json.dumps(schema(), indent=2) + "\n"


def _object(kind: type[Any], definitions: dict[str, Any]) -> dict[str, Any]:
    hints, texts = typing.get_type_hints(kind), field_texts(kind)
    return {
        "type": "object",
        "description": inspect.getdoc(kind) or "",
        "properties": {
            field.name: {
                "description": texts[field.name],
                **_field(field.name, hints[field.name], definitions),
            }
            for field in fields(kind)
        },
        "required": [
            field.name
            for field in fields(kind)
            if kind is Report or (field.default is MISSING and field.default_factory is MISSING)
        ],
    }


def _field(name: str, hint: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    bare = without_none(hint)
    described = _value(name, bare, definitions)
    if bare is hint:
        return described
    if isinstance(described.get("type"), str) and "enum" not in described:
        return {**described, "type": [described["type"], "null"]}
    return {"anyOf": [described, {"type": "null"}]}


def _value(name: str, hint: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    if name.endswith("_at"):
        return {"$ref": "#/$defs/time"}
    if name in ("packet", "closed_packet"):
        return {"$ref": "#/$defs/packet"}
    origin, arms = get_origin(hint), get_args(hint)
    if origin is tuple:
        if arms[-1] is not Ellipsis:
            items = [_value("", arm, definitions) for arm in arms]
            return {"type": "array", "prefixItems": items, "minItems": len(arms), "items": False}
        item = "packet" if name == "packets" else ""
        return {"type": "array", "items": _value(item, arms[0], definitions)}
    if origin is Sequence:
        return {"type": "array", "items": _value("", arms[0], definitions)}
    if origin is Literal:
        return {"type": "string", "enum": list(arms)}
    if origin is Mapping:
        return {"type": "object", "additionalProperties": _value("", arms[1], definitions)}
    if is_dataclass(hint):
        kind = typing.cast("type[Any]", hint)
        if kind.__name__ not in definitions:
            definitions[kind.__name__] = {}
            definitions[kind.__name__] = _object(kind, definitions)
        return {"$ref": f"#/$defs/{kind.__name__}"}
    return dict(_SCALARS[getattr(hint, "__supertype__", hint)])
