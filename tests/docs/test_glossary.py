"""docs/glossary.md has the words that a page uses for roles, verdicts, levels and names."""

from __future__ import annotations

from typing import get_args

from inspector.errors import ExitCode
from inspector.model.capture import Verdict
from inspector.model.conclusions import SEVERITIES, HypothesisVerdict
from inspector.model.ids import LETTERS
from inspector.model.topology import Role
from inspector.policy.page import VERDICTS
from tests.docs.pages import text

PAGE = text("docs/glossary.md")


def test_every_word_of_a_verdict_a_level_and_a_role_is_explained() -> None:
    words = {*get_args(Role), *SEVERITIES, *get_args(HypothesisVerdict)}
    words |= set(get_args(Verdict))
    words |= {VERDICTS[code][0].lower() for code in ExitCode if code in VERDICTS}
    explained = {
        word.strip(" *`")
        for line in PAGE.splitlines()
        if line.startswith("| ") and not line.startswith("| word")
        for word in line.split("|")[1].replace("(", ",").replace(")", ",").split(",")
    }
    assert words - explained == set()


def test_every_kind_of_name_is_explained() -> None:
    for letter in LETTERS.values():
        assert f"(`{letter}" in PAGE


def test_no_word_is_explained_twice() -> None:
    rows = [line.split("|")[1].strip() for line in PAGE.splitlines() if line.startswith("| ")]
    own = [row for row in rows if row != "word"]
    assert len(own) == len(set(own))
