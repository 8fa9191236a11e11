"""A comparison as plain values: the format `inspector.compare`, and its schema."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import is_dataclass
from typing import Any, Final

from inspector.fact import Fact
from inspector.model.credentials import Credential
from inspector.model.enums import Enumeration, members_of
from inspector.report.compare import Comparison
from inspector.report.compare_values import (
    Aspect,
    FoundCause,
    FoundFinding,
    FoundTunnels,
    Value,
    ValueKind,
)
from inspector.report.formats.json import to_plain
from inspector.report.formats.schema_builder import SchemaBuilder

#: The format and its version, as a report has its own (docs/report.md, "Versions").
SCHEMA: Final = "inspector.compare/2.0"
_VERSIONS: Final = r"^inspector\.compare/2\.(0|[1-9][0-9]*)$"


class ComparedAspect(Fact):
    """An aspect of something that the two sides have differently."""

    of: str
    """The thing: "capture", "cause", "findings", "tunnels" and the like, or a client."""
    aspect: str
    """What of it: a finding's code, an opener and an authority, "answers", "value of x-api-key"."""
    kind: ValueKind
    """What kind of value `a` and `b` are."""
    a: Any
    """What A has; null where it has none."""
    b: Any
    """What B has; null where it has none."""


class NotCompared(Fact):
    """Credentials that look alike, and of which nobody can tell whether they are."""

    of: str
    """The client."""
    aspect: str
    """The header."""
    because: str
    """Why they cannot be compared."""


class CompareResult(Fact):
    """What `inspector compare --format json` writes."""

    schema: str
    """The format and its version."""
    a: str
    """The first side, as it was named."""
    b: str
    """The second side, as it was named."""
    differences: tuple[ComparedAspect, ...]
    """What differs, in the order of the page."""
    not_compared: tuple[NotCompared, ...]
    """What cannot be compared, in the order of the page."""
    alike: int
    """How many aspects are alike."""
    ignored: int
    """How many differ, or may, and were passed over as --ignore asks."""
    exit_code: int
    """What --exit-code ends with: 0, 3 for a difference, 5 where something cannot be compared."""
    filtered: str
    """The options that selected the calls that alone were compared; empty where all were."""


def plain(comparison: Comparison) -> dict[str, Any]:
    """The comparison for JSON."""
    return to_plain(
        CompareResult(
            schema=SCHEMA,
            a=comparison.a,
            b=comparison.b,
            differences=tuple(
                ComparedAspect(d.of, d.aspect, _kind(d.a, d.b), _plain(d.a), _plain(d.b))
                for d in comparison.differences
            ),
            not_compared=tuple(
                NotCompared(each.of, each.aspect, each.because) for each in comparison.undecided
            ),
            alike=comparison.alike,
            ignored=comparison.ignored,
            exit_code=int(comparison.exit_code),
            filtered=comparison.filtered,
        ),
        several_files=False,
    )


def _kind(a: Aspect | None, b: Aspect | None) -> ValueKind:
    aspect = a or b
    assert aspect is not None
    return aspect.kind


def _plain(aspect: Aspect | None) -> Any:
    return None if aspect is None else _value(aspect.value)


def _value(value: Value | Credential | FoundTunnels) -> Any:
    if is_dataclass(value):
        return to_plain(value, several_files=False)
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, tuple):
        return [_value(each) for each in value]
    return value


def compare_schema() -> dict[str, Any]:
    """The schema of `inspector compare --format json`."""
    kinds = Enumeration("ValueKind", False, members_of(ValueKind))
    builder = SchemaBuilder({ValueKind: kinds})
    builder.definitions["Value"] = {
        "description": "A value of the kind that `kind` names, or null where a side has none.",
        "anyOf": [
            {"type": "null"},
            {"description": "text", "type": "string"},
            {"description": "texts", "type": "array", "items": {"type": "string"}},
            {"description": "number", "type": "integer"},
            {
                "description": "counts, by name",
                "type": "object",
                "additionalProperties": {"type": "integer"},
            },
            {"description": "sent: the header is there", "const": True},
            {
                "description": "credentials, in an order that stays",
                "type": "array",
                "items": builder.reference(Credential),
            },
            builder.reference(FoundFinding),
            builder.reference(FoundCause),
            {
                "description": "tunnels, in an order that stays",
                "type": "array",
                "items": builder.reference(FoundTunnels),
            },
        ],
    }
    whole = builder.whole(CompareResult, SCHEMA, _VERSIONS)
    for side in ("a", "b"):
        text = whole["$defs"]["ComparedAspect"]["properties"][side]["description"]
        whole["$defs"]["ComparedAspect"]["properties"][side] = {
            "description": text,
            "$ref": "#/$defs/Value",
        }
    return whole
