"""One thing of a report in full as plain values: the format `inspector.show`, and its schema."""

from __future__ import annotations

from typing import Any, Final

from inspector.fact import Fact
from inspector.model.enums import ENUMERATIONS, Enumeration, members_of
from inspector.report.detail.facts import Detail, Lane, StepKind
from inspector.report.formats.json import to_plain
from inspector.report.formats.schema_builder import SchemaBuilder

#: The format and its version, as a report has its own (docs/report.md, "Versions").
SCHEMA: Final = "inspector.show/1.0"
_VERSIONS: Final = r"^inspector\.show/1\.(0|[1-9][0-9]*)$"


class ShowResult(Fact):
    """What `inspector show --format json` writes."""

    schema: str
    """The format and its version."""
    detail: Detail
    """The thing that was asked for.  Its parts are those of a report."""


def plain(detail: Detail) -> dict[str, Any]:
    """The detail for JSON."""
    return to_plain(ShowResult(SCHEMA, detail), several_files=len(detail.captures) > 1)


def show_schema() -> dict[str, Any]:
    """The schema of `inspector show --format json`."""
    builder = SchemaBuilder({
        Lane: Enumeration("Lane", False, members_of(Lane)),
        StepKind: Enumeration("StepKind", True, members_of(StepKind)),
    })  # fmt: skip
    for enumeration in ENUMERATIONS:
        builder.enumeration(enumeration)
    return builder.whole(ShowResult, SCHEMA, _VERSIONS)
