from __future__ import annotations

import io
import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from importlib import import_module
from pkgutil import walk_packages
from typing import Any, get_args, get_origin, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st

import inspector
from inspector.fact import Fact
from inspector.model.report import Report
from inspector.report.formats.json import (
    dumps,
    facts_within,
    pieces,
    text_of,
    timestamp,
    to_plain,
    without_none,
    write_json,
)
from inspector.report.formats.loading import Notes, _nanoseconds
from inspector.report.formats.whole import as_dict, as_json, from_dict
from inspector.wire import packet_reference

SECOND = 1_000_000_000


def test_the_example_survives_the_way_through_the_types(
    report: Report, example: dict[str, Any]
) -> None:
    assert as_dict(report) == example
    assert json.loads(as_json(report)) == example
    assert from_dict(json.loads(as_json(report))) == report


@pytest.mark.parametrize("name", ["a", "two\nlines", "##[x]", "\x7f", "\u202e", "caf\udce9"])
def test_an_item_of_a_list_is_written_as_it_is_alone(report: Report, name: str) -> None:
    files = [replace(report.captures[0], name=f"{name} {number}") for number in range(40)]
    told = replace(report, captures=tuple(files))

    each = [text_of(item, several_files=True) for item in files]

    assert b"[\n  " + b",\n  ".join(each) + b"\n]" in b"".join(pieces(told))


def test_the_top_level_names_are_those_of_the_format(report: Report) -> None:
    assert list(as_dict(report)) == [
        "schema",
        "tool",
        "provenance",
        "captures",
        "completeness",
        "topology",
        "clients",
        "connections",
        "exchanges",
        "tunnels",
        "direct_tls",
        "oddities",
        "chains",
        "hypotheses",
        "findings",
        "root_cause",
        "witnesses",
        "keys",
        "live",
        "providers",
    ]


def test_a_time_has_nine_digits_always() -> None:
    assert timestamp(0) == "1970-01-01T00:00:00.000000000Z"
    assert timestamp(1_785_748_442 * SECOND + 104_512_000) == "2026-08-03T09:14:02.104512000Z"
    assert timestamp(1_785_748_442 * SECOND + 104_512_003) == "2026-08-03T09:14:02.104512003Z"


@pytest.mark.parametrize(
    ("ns", "text"),
    [
        (1 << 80, "9999-12-31T23:59:59.999999999Z"),
        (-(1 << 80), "0001-01-01T00:00:00.000000000Z"),
    ],
)
def test_a_lying_clock_is_held_within_the_years_of_rfc_3339(ns: int, text: str) -> None:
    assert timestamp(ns) == text


@given(st.integers(-62_135_596_800 * SECOND, 253_402_300_800 * SECOND - 1))
def test_a_time_reads_back_to_the_nanosecond(ns: int) -> None:
    text = timestamp(ns)
    assert _nanoseconds(text, "$", Notes()) == ns
    seconds = datetime.fromisoformat(text[:19]).replace(tzinfo=UTC)
    assert (seconds - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() == ns // SECOND


def test_packet_numbers_carry_the_files_index_among_several_files(report: Report) -> None:
    both = replace(
        report,
        captures=report.captures * 2,
        oddities=(replace(report.oddities[0], packets=(packet_reference(1, 30),)),),
    )
    plain = as_dict(both)
    assert plain["connections"][0]["packet"] == "1:3"
    assert plain["oddities"][0]["packets"] == ["2:30"]
    assert plain["captures"][0]["packets"] == 412, "a number of packets is no reference"
    assert from_dict(plain) == both


def test_the_report_is_written_in_pieces_no_larger_than_a_list_item(report: Report) -> None:
    many = replace(report, exchanges=tuple(report.exchanges) * 200)
    out = io.BytesIO()
    write_json(many, out)
    largest = max(len(dumps(to_plain(e, several_files=False))) for e in report.exchanges)
    assert max(map(len, pieces(many))) < largest + 100
    assert json.loads(out.getvalue()) == as_dict(many)


def test_a_name_that_is_not_utf_8_and_a_huge_number_are_still_json() -> None:
    data = dumps({"name": b"caf\xe9".decode("utf-8", "surrogateescape"), "n": 1 << 70})
    assert json.loads(data) == {"name": "caf\\udce9", "n": 1 << 70}


@pytest.mark.parametrize("several_files", [False, True])
def test_the_text_of_a_fact_is_that_of_its_plain_values(
    report: Report, several_files: bool
) -> None:
    odd = replace(report.captures[0], name=b"caf\xe9".decode("utf-8", "surrogateescape"))
    facts = (
        *report.captures, odd, *report.connections, *report.exchanges, *report.tunnels,
        *report.chains, *report.findings, report.topology, report.completeness,
    )  # fmt: skip
    for fact in facts:
        plain = to_plain(fact, several_files=several_files)
        assert text_of(fact, several_files=several_files) == dumps(plain)


def test_json_is_no_workflow_command_and_means_the_same() -> None:
    text = "##[set-output name=x]::stop"
    data = dumps({"target": text})
    assert b"##[" not in data
    assert json.loads(data) == {"target": text}


@pytest.mark.parametrize("character", ["\x7f", "\x9b", "\u202e", "\u2028", "\ufeff", "\U000e0041"])
def test_json_holds_no_character_that_acts_or_hides_and_means_the_same(character: str) -> None:
    data = dumps({"message": f"caf\xe9 {character}"})
    assert character.encode() not in data
    assert "caf\xe9".encode() in data
    assert json.loads(data) == {"message": f"caf\xe9 {character}"}


def test_what_is_no_fact_is_refused() -> None:
    with pytest.raises(TypeError, match="str is no fact"):
        to_plain("text", several_files=False)  # type: ignore[arg-type]


def facts() -> list[type[Fact]]:
    """Every class of facts that the package has."""
    for module in walk_packages(inspector.__path__, "inspector."):
        if not module.name.endswith("__main__") and "-" not in module.name:
            import_module(module.name)
    kinds: list[type[Fact]] = [Fact]
    for kind in kinds:
        kinds += type.__subclasses__(kind)
    return kinds


def test_the_facts_within_a_fact_are_those_that_its_type_hints_tell_of() -> None:
    fields = 0
    for kind in facts():
        try:
            hints = {name: without_none(hint) for name, hint in get_type_hints(kind).items()}
        except (NameError, ValueError):
            continue  # of no report: imported for mypy alone, or one of two
        for name, (held, listed) in facts_within(kind).items():
            of_many = get_origin(hints[name]) in (tuple, Sequence)
            told = get_args(hints[name])[0] if of_many else hints[name]
            is_fact = isinstance(told, type) and issubclass(told, Fact)
            assert held is (told if is_fact else None), (kind, name)
            assert not is_fact or listed == of_many, (kind, name)
            fields += is_fact
    assert fields > 100
