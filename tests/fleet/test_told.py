"""What programs are told fits the schemas of docs/schemas/."""

from __future__ import annotations

import copy
import json
from datetime import date
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from click.testing import CliRunner

from inspector.cli.main import main
from inspector.cli.schemas import SCHEMAS
from inspector.fleet.comparison import compare, exit_code
from inspector.fleet.store import Store
from inspector.fleet.summary import summarise
from inspector.fleet.tables import TABLES
from inspector.fleet.told import plain_comparison, plain_summary
from inspector.report.formats.json import dumps
from tests.fleet.hostile import spoiled
from tests.fleet.many import make
from tests.fleet.runs import golden, judge


def validator(name: str) -> Any:
    return jsonschema.Draft202012Validator(SCHEMAS[name].schema())


def through_json(value: Any) -> Any:
    return json.loads(dumps(value))


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    place = tmp_path_factory.mktemp("told")
    make(place / "runs", 42)
    return judge(place / "runs", place / "out")[1]


@pytest.mark.parametrize("by", ["cause", "client", "provider", "repository", "week"])
def test_a_summary_fits_its_schema(by: Any, store: Store) -> None:
    since = date.fromisoformat(store.days()[2])
    told = through_json(plain_summary(summarise(store, since=since, group_by=by), 0))
    validator("fleet").validate(told)
    assert told["runs_before"] > 0 < len(told["groups"])


def test_what_the_format_does_not_allow_does_not_fit(store: Store) -> None:
    told = through_json(plain_summary(summarise(store), 0))
    for spoil in (
        lambda t: t.update(schema="inspector.fleet/2.0"),
        lambda t: t.update(group_by="moon"),
        lambda t: t["all"].pop("failed"),
        lambda t: t["all"]["failed"].update(interval=[0.1]),
        lambda t: t.pop("weeks"),
    ):
        spoiled_one = copy.deepcopy(told)
        spoil(spoiled_one)  # type: ignore[no-untyped-call]
        assert not validator("fleet").is_valid(spoiled_one)


def test_a_comparison_fits_its_schema(store: Store, tmp_path: Path) -> None:
    golden("squid-denied", tmp_path / "runs" / "a", only=["capture.pcapng"])
    _, other = judge(tmp_path / "runs", tmp_path / "out")
    differences = compare(store, other)
    told = through_json(plain_comparison(differences, "a", "b", exit_code(differences)))
    validator("fleet-compare").validate(told)
    assert {each["of"] for each in told["differences"]} >= {"cause", "finding", "client"}


def test_hostile_names_fit_too() -> None:
    validator("fleet").validate(through_json(plain_summary(spoiled("\x1b[31m<b>\u202e"), 3)))


@pytest.mark.parametrize("table", TABLES)
def test_every_row_fits_the_definition_of_its_table(table: str, store: Store) -> None:
    schema = SCHEMAS["fleet-tables"].schema()
    of_table = jsonschema.Draft202012Validator(
        {"$ref": f"#/$defs/{TABLES[table].__name__}", "$defs": schema["$defs"]}
    )
    whole = jsonschema.Draft202012Validator(schema)
    found = list(store.rows(table))
    assert len(found) > 20
    for row in found:
        of_table.validate(row)
    whole.validate(found[0])
    missing = {name: value for name, value in found[0].items() if name != "key"}
    assert not of_table.is_valid(missing)


def test_the_command_prints_what_fits(store: Store) -> None:
    directory = str(store.directory)
    for arguments, name in (
        (["fleet", "-o", directory, "--format", "json", "--fail-on", "error"], "fleet"),
        (["compare", directory, directory, "--format", "json"], "fleet-compare"),
    ):
        result = CliRunner().invoke(main, arguments)
        told = json.loads(result.stdout)
        validator(name).validate(told)
        assert told["exit_code"] == result.exit_code
