"""The JSON Schema of a report, made from the types and texts in `model/`.

Fields may be added to a report at any time, so no object is closed to others.  An enumeration
is marked `x-open` where the same holds for its members.
"""

from __future__ import annotations

import inspect
import json
import re
import typing
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, fields, is_dataclass
from typing import Any, Final, get_args, get_origin

from inspector.diagnosis.catalogue import CODES
from inspector.model.enums import ENUMERATIONS, MEMBER, Enumeration, enumeration_of
from inspector.model.ids import LETTERS, pattern_of
from inspector.model.report import FORMAT, MAJOR, SCHEMA, Report
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
    int: {"type": "integer", "minimum": 0},
    float: {"type": "number"},
    bool: {"type": "boolean"},
}

#: This MAJOR with any MINOR: what a later one adds is allowed everywhere.
_VERSION: Final = rf"^{re.escape(FORMAT)}/{MAJOR}\.(0|[1-9][0-9]*)$"

#: Field -> what is said of its values beside their type.
_LIMITS: Final[Mapping[str, Mapping[str, Any]]] = {
    "port": {"maximum": 65535},
    "confidence": {"minimum": 0, "maximum": 1},
    "fingerprint": {"pattern": "^[0-9a-f]{12}$"},
}
#: Somebody else's numbers, which may be anything: what the API stated.
_UNLIMITED: Final = ("input_tokens", "output_tokens")


def schema() -> dict[str, Any]:
    """The schema as JSON values.  Each class of facts is one definition."""
    definitions: dict[str, Any] = {}
    for enumeration in ENUMERATIONS:
        definitions[enumeration.name] = _enumeration(enumeration)
    for kind in LETTERS:
        definitions[kind.__name__] = {"type": "string", "pattern": pattern_of(kind)}
    top = _object(Report, definitions)
    top["properties"]["schema"]["pattern"] = _VERSION
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


def _enumeration(enumeration: Enumeration) -> dict[str, Any]:
    """Its known members; another one fits an open enumeration, too."""
    known = {"enum": list(known_members(enumeration))}
    if enumeration.is_open:
        return {
            "type": "string",
            "anyOf": [known, {"pattern": f"^{MEMBER.pattern}$"}],
            "x-open": True,
        }
    return {"type": "string", **known, "x-open": False}


def known_members(enumeration: Enumeration) -> tuple[str, ...]:
    """The members that this version knows."""
    return tuple(CODES) if enumeration.name == "FindingCode" else enumeration.known


def _object(kind: type[Any], definitions: dict[str, Any]) -> dict[str, Any]:
    hints, texts = typing.get_type_hints(kind, include_extras=True), field_texts(kind)
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
    if isinstance(described.get("type"), str):
        return {**described, "type": [described["type"], "null"]}
    return {"anyOf": [described, {"type": "null"}]}


def _value(name: str, hint: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    if name.endswith("_at"):
        return {"$ref": "#/$defs/time"}
    if name in ("packet", "closed_packet"):
        return {"$ref": "#/$defs/packet"}
    enumeration = enumeration_of(hint)
    if enumeration is not None:
        return {"$ref": f"#/$defs/{enumeration.name}"}
    if pattern_of(hint) is not None:
        return {"$ref": f"#/$defs/{hint.__name__}"}
    origin, arms = get_origin(hint), get_args(hint)
    if origin is tuple:
        if arms[-1] is not Ellipsis:
            items = [_value("", arm, definitions) for arm in arms]
            return {"type": "array", "prefixItems": items, "minItems": len(arms), "items": False}
        item = "packet" if name == "packets" else ""
        return {"type": "array", "items": _value(item, arms[0], definitions)}
    if origin is Sequence:
        return {"type": "array", "items": _value("", arms[0], definitions)}
    if origin is Mapping:
        return {"type": "object", "additionalProperties": _value("", arms[1], definitions)}
    if is_dataclass(hint):
        kind = typing.cast("type[Any]", hint)
        if kind.__name__ not in definitions:
            definitions[kind.__name__] = {}
            definitions[kind.__name__] = _object(kind, definitions)
        return {"$ref": f"#/$defs/{kind.__name__}"}
    if name in _UNLIMITED:
        return {"type": "integer"}
    return {**_SCALARS[hint], **_LIMITS.get(name, {})}
