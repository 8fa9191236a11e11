"""429 of the API itself."""

from __future__ import annotations

from typing import Final

from inspector.diagnosis import answers
from inspector.diagnosis.rule import AGENT_HOP, Code

ABOUT: Final = Code(
    "upstream-rate-limited",
    severity="error",
    title="The API limits the rate",
    needs=AGENT_HOP,
    meaning=(
        "The API answered 429, or says with another status that a limit of the rate is reached."
    ),
    advice=("Wait as long as retry-after says; spread the calls or ask for a higher limit."),
)

CAUSE: Final = answers.cause(ABOUT, "The API limits the rate", status=429)
