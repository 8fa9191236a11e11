"""The table of known answers: each row says what to do, and names only what it may."""

from __future__ import annotations

import string
import time

import pytest

from inspector.diagnosis.answer_row import Answer
from inspector.diagnosis.answer_table import TABLE
from inspector.diagnosis.answers import FIELDS
from inspector.diagnosis.catalogue import CODES


def _name(row: Answer) -> str:
    return f"{row.of}-{row.code}-{row.says[:20]}"


@pytest.mark.parametrize("row", TABLE, ids=_name)
def test_a_row_makes_a_finding_and_has_a_meaning_an_advice_and_a_source(row: Answer) -> None:
    assert row.code in CODES
    assert row.meaning.endswith(".")
    assert row.advice
    assert not row.advice.endswith(".")
    assert row.source


@pytest.mark.parametrize("row", TABLE, ids=_name)
def test_a_row_names_only_what_is_known_of_a_call(row: Answer) -> None:
    for text in (row.meaning, row.advice, row.or_else):
        names = {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}
        assert names <= set(FIELDS)


@pytest.mark.parametrize("row", TABLE, ids=_name)
def test_a_pattern_is_of_folded_text(row: Answer) -> None:
    plain = row.says.replace("\\S", "").replace("\\D", "").replace("\\W", "")

    assert plain == plain.lower()


@pytest.mark.parametrize(
    "text", ["model " * 400, "no " * 800, "missing authentication " * 100, "api key" * 300]
)
def test_a_long_answer_is_looked_up_in_no_time(text: str) -> None:
    began = time.process_time()
    for row in TABLE:
        row.is_found(text)

    assert time.process_time() - began < 1
