"""An answer says that it got no credential: no key was judged."""

from __future__ import annotations

from typing import Final

from inspector.diagnosis import answers
from inspector.diagnosis.rule import AGENT_HOP, Code

ABOUT: Final = Code(
    "credential-not-received",
    severity="error",
    title="No credential arrived: nobody judged a key",
    needs=AGENT_HOP,
    meaning=(
        "Whoever answered says that no credential came in a header that it reads (missing, "
        "required, unregistered caller). No key was judged, so that another key changes nothing: "
        "the API proxy wrote none, or wrote it to another header than the host reads."
    ),
    advice=(
        "Give the API proxy the provider's key, and let it write the key to the header that the "
        "host reads."
    ),
    shown_by="answer-key-missing",
)

CAUSE: Final = answers.cause(ABOUT, "No credential arrived")
