"""JSON Schema from frozen, documented records: the conventions of `model/` as a schema.

Fields may be added to a format at any time, so no object is closed to others.  An enumeration is
a definition of its own, marked `x-open` where the same holds for its members.
"""

from __future__ import annotations

import inspect
import typing
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import Any, Final, get_args, get_origin

from inspector.diagnosis.catalogue import CODES
from inspector.model.digests import digest_pattern
from inspector.model.enums import MEMBER, Enumeration, enumeration_of
from inspector.model.ids import pattern_of
from inspector.model.texts import field_texts
from inspector.model.versions import SINCE
from inspector.report.formats.json import without_none

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"

#: Of no `format`: generators make of "date-time" what has no nanoseconds.
_TIME: Final[Mapping[str, Any]] = {
    "description": "RFC 3339 in UTC, with nine digits behind the second; reports before 2.2 have "
    "six where the last three are 0.",
    "type": "string",
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
_ADDRESS: Final = {"pattern": "^[0-9A-Fa-f:.]{2,45}$"}
_STATUS: Final = {"minimum": 100, "maximum": 999}

#: Field, or `Class.field`, -> what is said of its values beside their type.
_LIMITS: Final[Mapping[str, Mapping[str, Any]]] = {
    "port": {"maximum": 65535},
    "confidence": {"minimum": 0, "maximum": 1},
    "fingerprint": {"pattern": "^[0-9a-f]{12}$"},
    "status": _STATUS,
    "connect_status": _STATUS,
    "plain_answer": _STATUS,
    "captured_status": _STATUS,
    "close_code": {"maximum": 65535},
    "line": {"minimum": 1},
    "snap_length": {"minimum": 1},
    "Client.ip": _ADDRESS,
    "Finding.count": {"minimum": 1},
    "Oddity.count": {"minimum": 1},
    "CauseGroup.count": {"minimum": 1},
    "ClientAuth.requests": {"minimum": 1},
}
#: The same of the items of a list, and of the names in an object.
_ITEMS: Final[Mapping[str, Mapping[str, Any]]] = {
    "interim": _STATUS,
    "Topology.agent": _ADDRESS,
    "Topology.api_proxy": _ADDRESS,
    "Topology.forward_proxy": _ADDRESS,
    "Topology.mcp_gateway": _ADDRESS,
    "Topology.cli_proxy": _ADDRESS,
    "Topology.doh_proxy": _ADDRESS,
}
_NAMES: Final[Mapping[str, Mapping[str, Any]]] = {
    "providers": {"pattern": "^[0-9]{1,5}$"},
    "statuses": {"pattern": "^([0-9]{3}|none|unknown)$"},
    "labels": {"pattern": "^[a-z][a-z0-9_.-]{0,39}$"},
}
#: Somebody else's numbers, which may be anything: what an API stated, what a log says.
_UNLIMITED: Final = frozenset({"input_tokens", "output_tokens", "logged_status"})


class SchemaBuilder:
    """Collects definitions while `of` walks through records.

    `further` are enumerations of a format that are none of a report's, by their type hints.
    """

    def __init__(self, further: Mapping[Any, Enumeration] | None = None) -> None:
        self.definitions: dict[str, Any] = {}
        self._further = {} if further is None else dict(further)

    def whole(self, kind: type[Any], title: str, versions: str) -> dict[str, Any]:
        """The schema of a format whose outermost record is `kind`; see `document`."""
        top = self.object(kind)
        top["properties"]["schema"]["pattern"] = versions
        return self.document(title, top)

    def document(self, title: str, top: Mapping[str, Any]) -> dict[str, Any]:
        """A schema with all definitions that were made."""
        return {
            "$schema": DIALECT,
            "title": title,
            **top,
            "$defs": {
                **dict(sorted(self.definitions.items())),
                "time": dict(_TIME),
                "packet": dict(_PACKET),
            },
        }

    def object(self, kind: type[Any], without: Iterable[str] = ()) -> dict[str, Any]:
        """An object with the fields of a record, all of which are written always."""
        hints, texts = typing.get_type_hints(kind, include_extras=True), field_texts(kind)
        names = [field.name for field in fields(kind) if field.name not in without]
        return {
            "type": "object",
            "description": inspect.getdoc(kind) or "",
            "properties": {
                name: {"description": texts[name], **self._field(kind, name, hints[name])}
                for name in names
            },
            "required": [name for name in names if f"{kind.__name__}.{name}" not in SINCE],
        }

    def reference(self, kind: type[Any]) -> dict[str, Any]:
        """A reference to the definition of a record."""
        if kind.__name__ not in self.definitions:
            self.definitions[kind.__name__] = {}
            self.definitions[kind.__name__] = self.object(kind)
        return {"$ref": f"#/$defs/{kind.__name__}"}

    def enumeration(self, enumeration: Enumeration) -> dict[str, Any]:
        """A reference to its known members; another one fits an open enumeration, too."""
        if enumeration.name not in self.definitions:
            known: dict[str, Any] = {"enum": list(known_members(enumeration))}
            anything = {"pattern": f"^{MEMBER.pattern}$"}
            self.definitions[enumeration.name] = {
                "type": "string",
                **({"anyOf": [known, anything]} if enumeration.is_open else known),
                "x-open": enumeration.is_open,
            }
        return {"$ref": f"#/$defs/{enumeration.name}"}

    def name(self, kind: Any) -> dict[str, Any]:
        """A reference to the names of a kind of thing."""
        self.definitions[kind.__name__] = {"type": "string", "pattern": pattern_of(kind)}
        return {"$ref": f"#/$defs/{kind.__name__}"}

    def _field(self, kind: type[Any], name: str, hint: Any) -> dict[str, Any]:
        bare = without_none(hint)
        described = self._value(kind.__name__, name, bare)
        if bare is hint:
            return described
        if isinstance(described.get("type"), str):
            return {**described, "type": [described["type"], "null"]}
        return {"anyOf": [described, {"type": "null"}]}

    def _value(self, of: str, name: str, hint: Any) -> dict[str, Any]:
        if name.endswith("_at"):
            return {"$ref": "#/$defs/time"}
        if name in ("packet", "closed_packet"):
            return {"$ref": "#/$defs/packet"}
        enumeration = enumeration_of(hint) or self._further.get(hint)
        if enumeration is not None:
            return self.enumeration(enumeration)
        if (digits := digest_pattern(hint)) is not None:
            return {"type": "string", "pattern": digits}
        if pattern_of(hint) is not None:
            return self.name(hint)
        origin, arms = get_origin(hint), get_args(hint)
        if origin is tuple and arms[-1] is not Ellipsis:
            items = [self._value(of, "", arm) for arm in arms]
            return {"type": "array", "prefixItems": items, "minItems": len(arms), "items": False}
        if origin in (tuple, Sequence):
            item = self._value(of, "packet" if name == "packets" else "", arms[0])
            return {"type": "array", "items": {**item, **_said(_ITEMS, of, name)}}
        if origin is Mapping:
            named = _said(_NAMES, of, name)
            return {
                "type": "object",
                **({"propertyNames": named} if named else {}),
                "additionalProperties": self._value(of, "", arms[1]),
            }
        if is_dataclass(hint):
            return self.reference(typing.cast("type[Any]", hint))
        if hint is Any:
            return {}
        if name in _UNLIMITED:
            return {"type": "integer"}
        return {**_SCALARS[hint], **_said(_LIMITS, of, name)}


def _said(table: Mapping[str, Mapping[str, Any]], of: str, name: str) -> Mapping[str, Any]:
    return table.get(f"{of}.{name}") or table.get(name) or {}


def known_members(enumeration: Enumeration) -> tuple[str, ...]:
    """The members that this version knows."""
    return tuple(CODES) if enumeration.name == "FindingCode" else enumeration.known
