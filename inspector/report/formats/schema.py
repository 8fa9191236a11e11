"""The JSON Schema of a report, and of the lines in which one is streamed."""

from __future__ import annotations

import re
from typing import Any, Final

from inspector.model.enums import ENUMERATIONS
from inspector.model.http import Exchange
from inspector.model.ids import LETTERS
from inspector.model.network import Tunnel
from inspector.model.report import FORMAT, MAJOR, SCHEMA, Report
from inspector.report.formats.jsonl import STREAMED, Filtered
from inspector.report.formats.schema_builder import SchemaBuilder

#: This MAJOR with any MINOR: what a later one adds is allowed everywhere.
_VERSIONS: Final = rf"^{re.escape(FORMAT)}/{MAJOR}\.(0|[1-9][0-9]*)$"


def schema() -> dict[str, Any]:
    """The schema of a report as JSON values.  Each class of facts is one definition."""
    return _builder().whole(Report, SCHEMA, _VERSIONS)


def lines_schema() -> dict[str, Any]:
    """The schema of one line of JSON Lines: one name, which says what the line holds."""
    builder = _builder()
    rest = builder.object(Report, without=STREAMED)
    rest["properties"]["schema"]["pattern"] = _VERSIONS
    rest["description"] = "The last line: the report without what the lines before it hold."
    builder.definitions["Rest"] = rest
    held = {
        "exchange": builder.reference(Exchange),
        "tunnel": builder.reference(Tunnel),
        "report": {"$ref": "#/$defs/Rest"},
        "filtered": builder.reference(Filtered),
    }
    lines = [
        {
            "type": "object",
            "properties": {name: definition},
            "required": [name],
            "maxProperties": 1,
        }
        for name, definition in held.items()
    ]
    told = (
        "One line.  A later exchange or tunnel of the same `id` replaces an earlier one; the"
        " report is last."
    )
    return builder.document(f"{SCHEMA} as JSON Lines", {"description": told, "oneOf": lines})


def _builder() -> SchemaBuilder:
    """With all enumerations and names, be they in use or not."""
    builder = SchemaBuilder()
    for enumeration in ENUMERATIONS:
        builder.enumeration(enumeration)
    for kind in LETTERS:
        builder.name(kind)
    return builder
