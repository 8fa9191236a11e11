"""403 of the API itself: neither Squid's page nor the API proxy's guard."""

from __future__ import annotations

from typing import Final

from inspector.diagnosis import answers
from inspector.diagnosis.rule import AGENT_HOP, Code

ABOUT: Final = Code(
    "upstream-forbidden",
    severity="error",
    title="The API forbids the call",
    needs=AGENT_HOP,
    meaning=(
        "The API answered 403 and says of nothing that is known better; or, with whatever status,"
        " that the key's account may not do this or has no credit left."
    ),
    advice="Look at what the key's organization, region and plan allow.",
    shown_by="upstream-403",
)

CAUSE: Final = answers.cause(ABOUT, "The API forbids it", status=403, in_words=True)
