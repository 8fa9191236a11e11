"""Packet numbers of merged files: `2:38` wherever a reader meets them, never the inner number."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from inspector import Options, Report, inspect
from inspector.report import runner as github
from inspector.report.formats.json import dumps
from inspector.report.formats.whole import as_dict
from inspector.report.page import markdown, terminal
from inspector.wire import FILE_SHIFT
from lab.index import CAPTURES

#: A packet reference of any file but the first, which has no name a reader knows.
INNER = re.compile(r"(?<![\w.-])(?<! bytes )\d{12,}(?![\w.])")
FIRST = CAPTURES / "healthy-sse"
SECOND = sorted(path.parent for path in CAPTURES.glob("*/expected.json") if path.parent != FIRST)


def outputs(report: Report) -> Iterator[str]:
    yield dumps(as_dict(report)).decode()
    for verbosity in (0, 1):
        yield terminal.render(report, verbosity=verbosity)
    yield markdown.render(report)
    yield "\n".join(github.annotation_lines(report))
    yield github.outputs(report, "somewhere")


@pytest.mark.parametrize("second", SECOND, ids=lambda folder: folder.name)
def test_no_output_has_a_packets_inner_number(second: Path) -> None:
    report = inspect(FIRST, second, options=Options(fingerprint_key=b"k" * 32))
    for text in outputs(report):
        assert INNER.findall(text) == []


def test_the_pattern_finds_an_inner_number() -> None:
    assert INNER.findall(f"(packet {1 << FILE_SHIFT | 35}).") == ["1099511627811"]


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("issue-1527", r"\(packet 2:\d+\)\.$"),
        ("squid-denied", r"\(packet 2:\d+\)\.$"),
        ("upstream-529", r"\(packet 2:\d+\)\.$"),
        ("tls-alert", r"\(packet 2:\d+\)\.$"),
    ],
)
def test_a_cause_in_the_second_file_names_the_file(name: str, sentence: str) -> None:
    cause = inspect(FIRST, CAPTURES / name).root_cause
    assert cause is not None
    assert re.search(sentence, cause.sentence)


def test_a_detail_names_the_files_of_its_packets() -> None:
    cause = inspect(FIRST, CAPTURES / "issue-1527").root_cause
    assert cause is not None
    assert any(re.search(r"\(packets 2:\d+-2:\d+\)", detail) for detail in cause.details)


def test_one_file_needs_no_name() -> None:
    cause = inspect(CAPTURES / "issue-1527").root_cause
    assert cause is not None
    assert re.search(r"\(packet \d+\)\.$", cause.sentence)


def test_files_that_lie_far_apart_may_be_of_different_runs() -> None:
    report = inspect(FIRST, SECOND[0], options=Options(fingerprint_key=b"k" * 32))
    first, second = report.captures
    assert first.ended_at is not None
    for seconds, said in ((9, False), (11, True), (-5, False)):
        start = first.ended_at + seconds * 1_000_000_000
        moved = replace(second, started_at=start, ended_at=start + 1)
        told = replace(report, captures=(first, moved))
        for page in (terminal.render(told), markdown.render(told)):
            assert ("may be of different runs" in " ".join(page.split())) is said


def test_one_file_lies_apart_from_none() -> None:
    assert "different runs" not in terminal.render(inspect(FIRST))
