"""Reports of other versions: the ones before are read, the ones to come as far as they are known.

`old/` has the example and three goldens' reports as the last version of `inspector.report/1` wrote
them.
"""

from __future__ import annotations

import copy
import json
import re
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final, get_args, get_origin

import jsonschema
import pytest
from click.testing import CliRunner, Result

from inspector.cli.main import main
from inspector.model.enums import ENUMERATIONS, Enumeration, enumeration_of
from inspector.model.ids import LETTERS
from inspector.model.report import SCHEMA, Report
from inspector.policy.judge import judge
from inspector.policy.reading import built_in
from inspector.report.compare import Side, compare
from inspector.report.formats.json import without_none
from inspector.report.formats.loading import NotAReport
from inspector.report.formats.schema import schema
from inspector.report.formats.whole import as_dict, from_dict, read_dict, stable_part
from inspector.report.page import markdown
from inspector.report.page.terminal import render

from .conftest import DOCS

OLD: Final = sorted((Path(__file__).parent / "old").glob("*.json"))
LATER: Final = "later-member"

of_each_old = pytest.mark.parametrize("path", OLD, ids=lambda path: path.stem)


def plain_of(path: Path) -> dict[str, Any]:
    plain: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return plain


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


#: A time of reports before 2.2, whose last three digits are left out where they are 0.
SIX_DIGITS: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")


def holds(whole: Any, part: Any) -> bool:
    """Whether all that `part` says stands in `whole`."""
    if isinstance(part, str) and SIX_DIGITS.fullmatch(part):
        part = f"{part[:-1]}000Z"
    if isinstance(part, dict):
        return all(name in whole and holds(whole[name], value) for name, value in part.items())
    if isinstance(part, list):
        return len(whole) == len(part) and all(map(holds, whole, part))
    return bool(whole == part)


def members(
    kind: Any, plain: Any, where: str = "$"
) -> Iterator[tuple[Enumeration, str, Callable[[str], None]]]:
    """Each member of an enumeration in a report: of which, where, and how to put another there."""
    if isinstance(plain, dict) and is_dataclass(kind):
        hints = typing.get_type_hints(kind, include_extras=True)
        for each in fields(kind):
            if plain.get(each.name) is not None:
                hint = without_none(hints[each.name])
                yield from _within(hint, plain, each.name, f"{where}.{each.name}")


def _within(
    hint: Any, holder: Any, key: Any, where: str
) -> Iterator[tuple[Enumeration, str, Callable[[str], None]]]:
    enumeration = enumeration_of(hint)
    value = holder[key]
    if enumeration is not None:
        yield enumeration, where, lambda member: holder.__setitem__(key, member)
    elif get_origin(hint) in (tuple, Sequence):
        for index in range(len(value)):
            yield from _within(get_args(hint)[0], value, index, f"{where}[{index}]")
    elif get_origin(hint) is Mapping:
        for name in value:
            yield from _within(get_args(hint)[1], value, name, f"{where}.{name}")
    else:
        yield from members(hint, value, where)


# -- versions before ---------------------------------------------------------------------------


@of_each_old
def test_a_report_of_version_1_is_read_and_loses_nothing(path: Path) -> None:
    old = plain_of(path)
    assert old["schema"] == "inspector.report/1"

    read = read_dict(old)

    assert read.report.schema == SCHEMA
    assert read.unknown == ()
    assert holds(as_dict(read.report), {**old, "schema": SCHEMA})


@of_each_old
def test_a_report_of_version_1_can_be_judged_compared_and_shown(path: Path) -> None:
    report = from_dict(plain_of(path))

    assert compare(Side("old", report), Side("new", report)).differences == ()
    assert judge(report, built_in("awf"), date(2026, 12, 1)).exit_code in (0, 3, 5)
    assert render(report)
    assert run("check", path).exit_code in (0, 3, 5)
    assert run("compare", path, path).exit_code == 0


@pytest.mark.parametrize("name", ["h1-wrong-path", "issue-1527", "lost-packets"])
def test_a_report_of_version_1_decides_what_the_capture_decides_today(name: str) -> None:
    from inspector.capture_files import inspect

    old = from_dict(plain_of(Path(__file__).parent / "old" / f"{name}.json"))
    new = inspect(Path(__file__).parents[2] / "captures" / name)

    told, today = stable_part(old), stable_part(new)
    assert today["topology"].pop("subnets") == [today["topology"]["subnet"]]
    assert told["topology"].pop("subnets") == []  # of 2.2
    for section in ("chains", "hypotheses", "findings", "root_cause", "topology", "tunnels"):
        assert told[section] == today[section], section


# -- versions to come --------------------------------------------------------------------------


@pytest.mark.parametrize("stated", ["inspector.report/2.7", "inspector.report/1.3", SCHEMA])
def test_any_minor_of_a_known_major_is_read(
    example: dict[str, Any], report: Report, stated: str
) -> None:
    example["schema"] = stated
    example["later"] = {"field": 1}

    assert from_dict(example) == report


@pytest.mark.parametrize(
    ("stated", "said"),
    [
        ("inspector.report/3.0", r"\$\.schema is of version 3, and this program reads 1 and 2"),
        ("inspector.report/2.", r"\$\.schema is not inspector.report/2"),
        ("inspector.report/2.0.1", r"\$\.schema is not inspector.report/2"),
        ("inspector.report/", r"\$\.schema is not inspector.report/2"),
        (2, r"\$\.schema is not inspector.report/2"),
        (None, r"\$\.schema is not inspector.report/2"),
    ],
)
def test_another_major_or_no_version_is_refused(
    example: dict[str, Any], stated: object, said: str
) -> None:
    example["schema"] = stated

    with pytest.raises(NotAReport, match=said):
        from_dict(example)


def later(plain: dict[str, Any]) -> set[str]:
    """Put an unknown member into every place of an open enumeration; which there were."""
    found = [(of.name, put) for of, _, put in members(Report, plain) if of.is_open]
    for _, put in found:
        put(LATER)
    return {name for name, _ in found}


@of_each_old
def test_unknown_members_of_open_enumerations_are_taken_as_they_stand_and_told(path: Path) -> None:
    plain = plain_of(path)
    put = later(plain)

    read = read_dict(plain)

    assert {"Provider", "Hop", "HypothesisId"} <= put
    assert set(read.unknown) == {(name, LATER) for name in put}
    assert holds(as_dict(read.report), {**plain, "schema": SCHEMA})
    jsonschema.Draft202012Validator(schema()).validate(as_dict(read.report))


@of_each_old
def test_no_unknown_member_ends_a_check_or_a_comparison(path: Path, tmp_path: Path) -> None:
    plain = plain_of(path)
    later(plain)
    new = tmp_path / "report.json"
    new.write_text(json.dumps({**plain, "schema": "inspector.report/2.9"}))

    for result in (run("check", new), run("check", new, "--format", "json")):
        assert result.exit_code in (0, 3, 5), result.output
        assert "names what this version does not know" in result.stderr
        assert f"provider {LATER}" in result.stderr
    assert run("compare", path, new).exit_code == 0
    assert run("compare", new, new).exit_code == 0
    report = read_dict(plain).report
    assert render(report)
    assert markdown.render(report)


def test_one_unknown_member_alone_ends_nothing_either(tmp_path: Path) -> None:
    """Together they hide each other: a call that nobody knows is not looked at any further."""
    plain = plain_of(DOCS / "example-report.json")
    places = [where for of, where, _ in members(Report, plain) if of.is_open]
    for place in places:
        spoiled = copy.deepcopy(plain)
        for _, where, put in members(Report, spoiled):
            if where == place:
                put(LATER)
        report = from_dict(spoiled)
        assert judge(report, built_in("awf"), date(2026, 12, 1)).exit_code in (0, 3, 5), place
        assert render(report), place
        assert markdown.render(report), place
        compare(Side("a", report), Side("b", report))


def test_a_policy_may_name_the_unknown_provider_of_a_report(tmp_path: Path) -> None:
    plain = plain_of(OLD[0])
    later(plain)
    report, policy = tmp_path / "report.json", tmp_path / "policy.toml"
    report.write_text(json.dumps(plain))
    policy.write_text(f'[[expect]]\nprovider = "{LATER}"\nmin_calls = 1\n')

    assert run("check", report, "--policy", policy).exit_code in (0, 3, 5)


@pytest.mark.parametrize("member", ["", "\x1b[31m", "a\nb", 81 * "x", "<!--", "-n"])
def test_a_text_that_is_no_name_is_no_member_of_an_open_enumeration(
    example: dict[str, Any], member: str
) -> None:
    example["exchanges"][0]["hop"] = member

    with pytest.raises(NotAReport, match=r"^\$\.exchanges\[0\]\.hop is no name of letters"):
        from_dict(example)
    assert not jsonschema.Draft202012Validator(schema()).is_valid(example)


@pytest.mark.parametrize("of", [each for each in ENUMERATIONS if not each.is_open], ids=str)
def test_an_unknown_member_of_a_closed_enumeration_is_refused_with_its_place(
    example: dict[str, Any], of: Enumeration
) -> None:
    places = [(where, put) for each, where, put in members(Report, example) if each == of]
    if not places:
        pytest.skip("the example has no member of it")
    where, put = places[0]
    put(LATER)

    with pytest.raises(NotAReport) as caught:
        from_dict(example)

    assert str(caught.value).startswith(f"{where} is none of {of.known[0]}")
    assert not jsonschema.Draft202012Validator(schema()).is_valid(example)


# -- what the schema says of it ----------------------------------------------------------------


def test_every_enumeration_is_a_definition_that_says_whether_it_is_open() -> None:
    definitions = schema()["$defs"]

    for each in ENUMERATIONS:
        assert definitions[each.name]["x-open"] is each.is_open
    assert {each.name for each in ENUMERATIONS if each.is_open} >= {
        "Provider", "CredentialKind", "Anomaly", "EndedBy", "Hop", "HypothesisId", "FindingCode",
        "DisagreementKind", "EndedFor", "UnreadReason",
    }  # fmt: skip
    assert {each.name for each in ENUMERATIONS if not each.is_open} >= {
        "Severity", "Verdict", "Handshake", "Direction", "ClosedBy", "HypothesisVerdict",
    }  # fmt: skip


def test_no_enumeration_stands_in_a_property_of_its_own() -> None:
    definitions = schema()["$defs"]
    named = {each.name for each in ENUMERATIONS}

    assert [
        name
        for name, definition in definitions.items()
        if name not in named and '"enum"' in json.dumps(definition)
    ] == []


@pytest.mark.parametrize(
    ("what", "spoil"),
    [
        ("an exchange named as a tunnel", lambda r: r["exchanges"][0].update(id="t1")),
        ("a tunnel named zero", lambda r: r["tunnels"][0].update(id="t0")),
        ("a port beyond the last", lambda r: r["clients"][0]["service"].update(port=65536)),
        ("a negative count", lambda r: r["completeness"].update(packets=-1)),
        ("confidence above 1", lambda r: r["chains"][0].update(confidence=1.5)),
        (
            "a fingerprint in capitals",
            lambda r: r["clients"][0]["auth_headers"][0]["credential"].update(
                fingerprint="ABCDEF012345"
            ),
        ),
    ],
)
def test_names_ranges_and_fingerprints_are_held_by_the_schema(
    example: dict[str, Any], what: str, spoil: Callable[[dict[str, Any]], None]
) -> None:
    validator = jsonschema.Draft202012Validator(schema())
    assert validator.is_valid(example)

    spoil(example)

    assert not validator.is_valid(example), what


def test_every_property_is_described() -> None:
    plain = schema()

    for name, definition in {"Report": plain, **plain["$defs"]}.items():
        for field, described in definition.get("properties", {}).items():
            assert described["description"].strip(), f"{name}.{field}"


def test_every_kind_of_name_has_a_pattern() -> None:
    definitions = schema()["$defs"]

    for kind, letter in LETTERS.items():
        assert definitions[kind.__name__]["pattern"] == f"^{letter}[1-9][0-9]*$"


def test_the_rule_of_versions_is_in_the_documentation() -> None:
    page = (DOCS / "report.md").read_text(encoding="utf-8")

    assert "## Versions" in page
    assert f"`{SCHEMA}`" in page
