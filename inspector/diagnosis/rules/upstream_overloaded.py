"""529 is Anthropic's status for an overloaded API."""

from __future__ import annotations

from typing import Final

from inspector.diagnosis import answers
from inspector.diagnosis.rule import AGENT_HOP, Code

ABOUT: Final = Code(
    "upstream-overloaded",
    severity="error",
    title="The API is overloaded",
    needs=AGENT_HOP,
    meaning="The API answered 529, or says that it is overloaded. Nothing on this side is wrong.",
    advice="Try later, with growing pauses.",
    shown_by="upstream-529",
)

CAUSE: Final = answers.cause(ABOUT, "The API is overloaded", status=529)
