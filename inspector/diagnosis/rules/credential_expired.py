"""An answer says that a token has expired; the refusal of its endpoint just before says why."""

from __future__ import annotations

from typing import Final

from inspector.diagnosis import answers
from inspector.diagnosis.rule import AGENT_HOP, Code

ABOUT: Final = Code(
    "credential-expired",
    severity="error",
    title="A credential has expired",
    needs=AGENT_HOP,
    meaning=(
        "The answer says that the token was good and has expired. It is to be refreshed, not "
        "replaced. Where a tunnel to a token's endpoint was refused just before, the details name "
        "it: then the refresh is what failed."
    ),
    advice=("Refresh the token; let Squid pass the host that issues it."),
)

CAUSE: Final = answers.cause(ABOUT, "The credential has expired")
