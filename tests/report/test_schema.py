from __future__ import annotations

import copy
import io
import json
import re
from pathlib import Path
from typing import Any, Final

import jsonschema
import pytest
from click.testing import CliRunner

from inspector.capture_files import inspect
from inspector.cli.main import main
from inspector.cli.schemas import SCHEMAS, text
from inspector.model.conclusions import SEVERITIES
from inspector.model.ids import number_of
from inspector.model.report import MAJOR, MINOR, Report, nothing_to_analyse
from inspector.model.versions import SINCE
from inspector.report.formats import schema
from inspector.report.formats.jsonl import JsonLines
from inspector.report.formats.whole import as_dict, as_json, from_dict
from inspector.wire import packet_reference
from tests.report.additions import losses
from tools.docs.schema import FOLDER, path_of

CAPTURES: Final = Path(__file__).parents[2] / "captures"
EARLIER: Final = sorted(set(FOLDER.glob("*.json")) - {path_of(name) for name in SCHEMAS})


@pytest.fixture(scope="module")
def validator() -> Any:
    return jsonschema.Draft202012Validator(schema.schema())


@pytest.mark.parametrize("name", SCHEMAS)
def test_the_schemas_in_the_documentation_are_those_of_the_types(name: str) -> None:
    kept = path_of(name).read_text(encoding="utf-8")
    assert kept == text(name), "run: python -m tools.docs.schema"


@pytest.mark.parametrize("name", SCHEMAS)
def test_each_is_a_schema_and_describes_every_property(name: str) -> None:
    plain = SCHEMAS[name].schema()
    jsonschema.Draft202012Validator.check_schema(plain)
    for of, definition in {"": plain, **plain["$defs"]}.items():
        for field, described in definition.get("properties", {}).items():
            assert described.get("description") or len(definition["required"]) == 1, (of, field)


@pytest.mark.parametrize("name", SCHEMAS)
def test_the_command_prints_it(name: str) -> None:
    result = CliRunner().invoke(main, ["schema", name])
    assert (result.exit_code, result.stdout) == (0, text(name))


def test_without_a_name_it_is_that_of_a_report() -> None:
    assert CliRunner().invoke(main, ["schema"]).stdout == text("report")


@pytest.mark.parametrize("kept", EARLIER, ids=lambda path: path.name)
def test_since_an_earlier_version_there_are_additions_alone(kept: Path) -> None:
    """Of a new field, a row in model/versions.py says so; what else differs needs a new MAJOR."""
    name = kept.name.rpartition("-")[0]
    assert losses(json.loads(kept.read_text(encoding="utf-8")), SCHEMAS[name].schema()) == []


def test_a_version_that_takes_away_is_noticed() -> None:
    now = schema.schema()
    for what, spoil in (
        ("a field is gone", lambda s: s["$defs"]["Tunnel"]["properties"].pop("inner")),
        ("another type", lambda s: s["$defs"]["Tool"]["properties"]["name"].update(type="integer")),
        ("null where none was", lambda s: s["$defs"]["Tool"]["properties"]["name"].update(
            type=["string", "null"])),
        ("a member of a closed one", lambda s: s["$defs"]["Severity"]["enum"].append("hint")),
        ("a member is gone", lambda s: s["$defs"]["Hop"]["anyOf"][0]["enum"].pop()),
        ("a new field is required", lambda s: s["$defs"]["Tool"].update(
            required=["name", "version", "later"],
            properties={**s["$defs"]["Tool"]["properties"], "later": {"type": "string"}})),
    ):  # fmt: skip
        later = copy.deepcopy(now)
        spoil(later)  # type: ignore[no-untyped-call]
        assert losses(now, later), what
    later = copy.deepcopy(now)
    later["$defs"]["Tool"]["properties"]["later"] = {"type": "string"}
    later["$defs"]["Hop"]["anyOf"][0]["enum"].append("further")
    assert losses(now, later) == []


def test_what_came_with_a_minor_is_in_no_earlier_schema() -> None:
    first = json.loads((FOLDER / f"report-{MAJOR}.0.json").read_text(encoding="utf-8"))
    now = schema.schema()
    old = {"Report": first, **first["$defs"]}
    came = {
        f"{of}.{field}"
        for of, definition in {"Report": now, **now["$defs"]}.items()
        for field in definition.get("properties", {})
        if of in old and field not in old[of].get("properties", {})
    }
    assert came == set(SINCE), "a new field of a report has a row in model/versions.py"
    assert all(0 < minor <= MINOR for minor in SINCE.values())


def test_a_list_says_in_which_order_it_is() -> None:
    plain = schema.schema()
    silent = [
        f"{of}.{field}"
        for of, definition in {"Report": plain, **plain["$defs"]}.items()
        for field, described in definition.get("properties", {}).items()
        if "array" in json.dumps(described.get("type", "")) and "order" not in told_of(described)
        and "first" not in told_of(described)
    ]  # fmt: skip
    assert silent == []


def told_of(described: dict[str, Any]) -> str:
    text: str = described["description"]
    return text


def test_lists_are_in_the_order_that_is_said(goldens: list[Report]) -> None:
    for report in goldens:
        for items in (report.connections, report.exchanges, report.tunnels, report.direct_tls,
                      report.chains):  # fmt: skip
            numbers = [number_of(item.id) for item in items]
            assert numbers == sorted(numbers)
        begun = [connection.packet for connection in report.connections]
        assert begun == sorted(begun)
        names = [oddity.name for oddity in report.oddities]
        assert names == sorted(names)
        worst = [SEVERITIES.index(finding.severity) for finding in report.findings]
        assert worst == sorted(worst)
        told = report.witnesses
        lines = [] if told is None else [(line.witness, line.line) for line in told.joined]
        assert lines == sorted(lines, key=lambda line: (line[0] != "forward-proxy", line[1]))


def test_every_golden_fits_the_schema_and_reads_back_to_the_nanosecond(
    validator: Any, goldens: list[Report]
) -> None:
    for report in goldens:
        plain = json.loads(as_json(report))
        validator.validate(plain)
        assert from_dict(plain) == report
        times = re.findall(r'_at": ?"([^"]+)"', as_json(report).decode())
        assert all(re.fullmatch(r".{19}\.\d{9}Z", time) for time in times)


def test_every_line_of_json_lines_fits_its_schema() -> None:
    lines = jsonschema.Draft202012Validator(schema.lines_schema())
    out = io.BytesIO()
    report = inspect(CAPTURES / "healthy-json")
    JsonLines(out, several_files=False).finish(report)
    for line in out.getvalue().splitlines():
        lines.validate(json.loads(line))
    assert not lines.is_valid({"report": json.loads(as_json(report))["tool"]})
    assert not lines.is_valid({"exchange": {}})
    assert not lines.is_valid({})


@pytest.fixture(scope="module")
def goldens() -> list[Report]:
    return [inspect(path.parent) for path in sorted(CAPTURES.glob("*/expected.json"))[::4]]


def test_the_example_fits_the_schema(validator: Any, example: dict[str, Any]) -> None:
    validator.validate(example)


def test_the_report_of_nothing_fits_the_schema(validator: Any) -> None:
    validator.validate(as_dict(nothing_to_analyse("no capture")))


def test_packet_numbers_among_several_files_fit_the_schema(
    validator: Any, example: dict[str, Any]
) -> None:
    example["captures"] *= 2
    example["oddities"][0]["packets"] = ["2:30"]
    report = from_dict(example)
    assert report.oddities[0].packets == (packet_reference(1, 30),)
    validator.validate(as_dict(report))


def test_fields_may_be_added_anywhere(validator: Any, example: dict[str, Any]) -> None:
    example["later"] = []
    example["exchanges"][0]["request"]["process"] = {"pid": 1}
    validator.validate(example)


def test_what_the_format_does_not_allow_does_not_fit(
    validator: Any, example: dict[str, Any]
) -> None:
    wrong = [
        ("schema", lambda r: r.update(schema="inspector.report/3.0")),
        ("missing list", lambda r: r.pop("direct_tls")),
        ("unknown role", lambda r: r["clients"][0].update(role="sideways")),
        ("time in local words", lambda r: r["connections"][0].update(opened_at="09:14")),
        ("packet zero", lambda r: r["connections"][0].update(packet=0)),
        ("status in words", lambda r: r["tunnels"][0].update(connect_status="200")),
        ("a header of three", lambda r: r["tunnels"][0].update(headers=[["a", "b", "c"]])),
        ("null where none may be", lambda r: r["exchanges"][0].update(provider=None)),
    ]
    for what, spoil in wrong:
        spoiled = copy.deepcopy(example)
        spoil(spoiled)  # type: ignore[no-untyped-call]
        assert not validator.is_valid(spoiled), what
