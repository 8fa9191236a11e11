"""An answer refuses a header that the client sets and that goes through the API proxy unchanged."""

from __future__ import annotations

from typing import Final

from inspector.diagnosis import answers
from inspector.diagnosis.rule import AGENT_HOP, Code

ABOUT: Final = Code(
    "client-header-rejected",
    severity="error",
    title="A header of the client's own is refused",
    needs=AGENT_HOP,
    meaning=(
        "The answer names a header that the client sets and that passes through the API proxy "
        "(OpenAI-Organization, OpenAI-Project, anthropic-beta, Editor-Version): its value is not "
        "accepted. The key is good."
    ),
    advice="Change the header that the answer names where the client sets it.",
    shown_by="retired-beta-refused",
)

CAUSE: Final = answers.cause(ABOUT, "It refuses a client header")
