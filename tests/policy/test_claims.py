from __future__ import annotations

from inspector.diagnosis.hypotheses import QUESTIONS
from tools.docs import claims


def test_the_page_is_what_checks_and_hypotheses_say_of_themselves() -> None:
    page = claims.PAGE.read_text(encoding="utf-8")
    assert page == claims.claims_page(), "run: python -m tools.docs.claims"


def test_every_hypothesis_says_what_it_speaks_about() -> None:
    assert all(question.speaks_about for question in QUESTIONS)
    assert len({question.speaks_about for question in QUESTIONS}) == len(QUESTIONS)
