"""The formats that have a JSON Schema, and `inspector schema`, which prints one."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from importlib import import_module
from types import MappingProxyType
from typing import Any, Final, NamedTuple

import click

from inspector.cli.group import verbose_option
from inspector.cli.help import Described
from inspector.cli.printing import put


class FormatSchema(NamedTuple):
    """Where the schema of a format is made, and what it is of."""

    module: str
    function: str
    of: str

    def schema(self) -> dict[str, Any]:
        """The schema as JSON values."""
        make: Callable[[], dict[str, Any]] = getattr(import_module(self.module), self.function)
        return make()

    @property
    def version(self) -> str:
        """MAJOR.MINOR of the format."""
        title: str = self.schema()["title"]
        return title.partition("/")[2].partition(" ")[0]


SCHEMAS: Final[Mapping[str, FormatSchema]] = MappingProxyType({
    "report": FormatSchema(
        "inspector.report.formats.schema", "schema", "analyze --format json"
    ),
    "jsonl": FormatSchema(
        "inspector.report.formats.schema", "lines_schema", "analyze --format jsonl"
    ),
    "check": FormatSchema("inspector.policy.result", "check_schema", "check --format json"),
    "compare": FormatSchema(
        "inspector.report.formats.compared", "compare_schema", "compare --format json"
    ),
    "show": FormatSchema(
        "inspector.report.formats.detailed", "show_schema", "show --format json"
    ),
    "doctor": FormatSchema("inspector.cli.doctored", "doctor_schema", "doctor --format json"),
    "fleet": FormatSchema("inspector.fleet.told", "fleet_schema", "fleet --format json"),
    "fleet-compare": FormatSchema(
        "inspector.fleet.told", "fleet_compare_schema", "compare --format json of two fleets"
    ),
    "fleet-tables": FormatSchema(
        "inspector.fleet.told", "fleet_tables_schema", "a row of the tables of fleet"
    ),
})  # fmt: skip


def text(name: str) -> str:
    """A schema as it is printed, and kept in docs/schemas/."""
    return json.dumps(SCHEMAS[name].schema(), indent=2) + "\n"


@click.command(cls=Described)
@click.argument("name", type=click.Choice(list(SCHEMAS)), default="report", metavar="[NAME]")
@verbose_option
def schema(name: str) -> None:
    """Print the JSON Schema (Draft 2020-12) of what this version writes.

    NAME is report (the default), jsonl (a line of it), check, compare, show or
    doctor; of many runs fleet, fleet-compare (of two) or fleet-tables (a row).
    """
    put(text(name).encode())
