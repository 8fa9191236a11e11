from __future__ import annotations

import copy
import json
from typing import Any

import jsonschema
import pytest

from inspector.model.report import nothing_to_analyse
from inspector.report.formats import schema
from inspector.report.formats.whole import as_dict, from_dict
from inspector.wire import packet_reference

from .conftest import DOCS


@pytest.fixture(scope="module")
def validator() -> Any:
    text = (DOCS / "report.schema.json").read_text(encoding="utf-8")
    return jsonschema.Draft202012Validator(json.loads(text))


def test_the_schema_in_the_documentation_is_that_of_the_types() -> None:
    text = (DOCS / "report.schema.json").read_text(encoding="utf-8")
    assert text == schema.text(), "run: python -m tools.docs.schema"


def test_the_schema_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(schema.schema())


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
