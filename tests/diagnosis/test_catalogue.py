"""The catalogue is derived from the rules: each module of `rules/` owns one finding's entry."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest

from inspector.diagnosis import rules
from inspector.diagnosis.catalogue import CAUSES, CODES, ORIGIN, OTHERS
from inspector.diagnosis.rule import Cause, Code, Rule
from tests.diagnosis.matrix import GOLDEN, judged

MODULES = sorted(
    path.stem for path in Path(rules.__file__).parent.glob("*.py") if path.stem != "__init__"
)


@pytest.mark.parametrize("name", MODULES)
def test_a_rules_module_is_named_like_its_finding_and_holds_a_rule(name: str) -> None:
    module = import_module(f"inspector.diagnosis.rules.{name}")
    about: Code = module.ABOUT

    assert about.code == name.replace("_", "-")
    assert CODES[about.code] is about
    own = [item for item in vars(module).values() if isinstance(item, Rule) and item.about is about]
    assert own
    assert [rule for rule in rules.RULES if rule.about is about] == own


def test_every_module_is_listed_and_a_code_has_one_place() -> None:
    assert sorted(code.replace("-", "_") for code in CODES) == MODULES
    assert len(CODES) == len(CAUSES) + len(OTHERS)
    assert list(CODES) == [entry.code for entry in (*CAUSES, *OTHERS)]


def test_a_line_without_a_module_is_refused_by_name() -> None:
    with pytest.raises(ModuleNotFoundError, match="no_such_rule"):
        rules._found("no-such-rule")


def test_causes_are_asked_from_the_origin_of_a_call_outward() -> None:
    assert all(rule.code in ORIGIN for rule in rules.RULES if isinstance(rule, Cause))
    asked = [ORIGIN[rule.code] for rule in rules.CAUSES]
    assert asked == sorted(asked)


def test_what_is_found_in_exchanges_waits_for_nothing_that_is_found_in_failed_calls() -> None:
    of_exchanges = {rule.code for rule in rules.OF_EXCHANGES}
    noted = (*rules.OF_CALLS, *rules.OF_UNEXPLAINED, *rules.OF_RECOVERED)
    assert not of_exchanges & {rule.code for rule in noted}


@pytest.mark.parametrize(
    "entry", [entry for entry in CODES.values() if entry.shown_by], ids=lambda entry: entry.code
)
def test_the_golden_capture_that_shows_a_code_has_it(entry: Code) -> None:
    assert entry.shown_by is not None
    report = judged(GOLDEN / entry.shown_by).report

    assert entry.code in {finding.code for finding in report.findings}
