from __future__ import annotations

import re
from pathlib import Path

import click
import pytest

from inspector.cli.interrupts import INTERRUPTED
from inspector.cli.main import COMMANDS, main
from inspector.errors import (
    NOT_SHOWN,
    CaptureError,
    CaptureUnreadable,
    ExitCode,
    InspectorError,
    NotACapture,
    plain_parts,
)
from inspector.report.formats import table


def test_an_error_reads_as_sentences_culprit_first() -> None:
    error = InspectorError("The door is shut", "Open it", "It is not locked!")
    assert str(error) == "The door is shut. Open it. It is not locked!"


def test_an_error_need_not_say_what_it_is_not() -> None:
    assert str(InspectorError("a is b", "do c.")) == "a is b. do c."


def test_no_capture_means_nothing_to_analyse_and_the_rest_is_a_failure() -> None:
    assert NotACapture("a", "b").exit_code == 4
    assert CaptureUnreadable("a", "b").exit_code == 1
    assert issubclass(NotACapture, CaptureError)
    assert issubclass(CaptureUnreadable, CaptureError)
    assert issubclass(CaptureError, InspectorError)


def test_each_exit_code_stands_in_one_place() -> None:
    numbered = re.compile(r"exit_code(?:: int)? = [0-9]|_exit\([2-9]|\b(?:return|exit\() ?130\b")
    package = Path(__file__).parents[1] / "inspector"

    assert [
        path.name
        for path in sorted(package.rglob("*.py"))
        if numbered.search(path.read_text(encoding="utf-8"))
    ] == []
    assert [int(code) for code in ExitCode] == [0, 1, 2, 3, 4, 5, INTERRUPTED]


def test_what_a_format_option_takes_is_in_the_table_of_formats() -> None:
    offered = {
        name: tuple(option.type.choices)
        for name in COMMANDS
        for option in main.get_command(click.Context(main), name).params  # type: ignore[union-attr]
        if option.name == "form" and isinstance(option.type, click.Choice)
    }

    assert offered == {
        "analyze": table.ALL,
        "capture": table.ALL,
        "watch": table.AS_IT_GOES,
        "check": table.AT_THE_END,
        "compare": table.AT_THE_END,
        "doctor": table.AT_THE_END,
        "fleet": table.AT_THE_END,
        "show": table.AT_THE_END,
    }


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("runs/2026-02-02/capture.pcapng", "runs/2026-02-02/capture.pcapng"),
        ("a/4f0c9a31-b2de-7711-9c1b-0d5e8f7a6b2c/b", f"a/{'-'.join(5 * [NOT_SHOWN])}/b"),
        ("a/9f420cf152a302083/12/9f420cf152a302084", f"a/{NOT_SHOWN}/12/{NOT_SHOWN}"),
        ("9f420cf152a302083-main-9f420cf152a302084", f"{NOT_SHOWN}-main-{NOT_SHOWN}"),
    ],
)
def test_between_hidden_parts_of_one_name_a_word_alone_is_shown(path: str, shown: str) -> None:
    assert plain_parts(path) == shown
