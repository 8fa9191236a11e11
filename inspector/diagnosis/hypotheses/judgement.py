"""What a hypothesis says of one failed call."""

from __future__ import annotations

from inspector.fact import Fact
from inspector.model.conclusions import HypothesisVerdict


class Judgement(Fact):
    """A verdict, and the fact that decides it in at most 60 characters."""

    verdict: HypothesisVerdict
    because: str


def confirmed(because: str) -> Judgement:
    """The hypothesis explains the call."""
    return Judgement("confirmed", because)


def refuted(because: str) -> Judgement:
    """What it needs was seen, and is otherwise."""
    return Judgement("refuted", because)


def not_observable(because: str) -> Judgement:
    """The capture cannot tell; `because` says what would."""
    return Judgement("not observable", because)


def nothing_was_sent(case: object) -> Judgement:
    """Of a call that got no connection."""
    return refuted("no connection was made, nothing was sent")
