"""What `inspector doctor --format json` writes: the format `inspector.doctor`, and its schema."""

from __future__ import annotations

from typing import Any, Final

from inspector.fact import Fact
from inspector.linux.probes import Answer, Check
from inspector.model.enums import Enumeration, members_of
from inspector.report.formats.schema_builder import SchemaBuilder

SCHEMA: Final = "inspector.doctor/1.0"
_VERSIONS: Final = r"^inspector\.doctor/1\.(0|[1-9][0-9]*)$"


class DoctorResult(Fact):
    """What a machine can do for a live capture."""

    schema: str
    """The format and its version."""
    kernel: str
    """The release of the running kernel."""
    checks: tuple[Check, ...]
    """The rungs, in order: from the indispensable to the merely useful."""


def doctor_schema() -> dict[str, Any]:
    """The schema of `inspector doctor --format json`."""
    answers = Enumeration("Answer", False, members_of(Answer))
    return SchemaBuilder({Answer: answers}).whole(DoctorResult, SCHEMA, _VERSIONS)
