"""An answer says that a credential of this kind does not belong in the header that it came in."""

from __future__ import annotations

from typing import Final

from inspector.diagnosis import answers
from inspector.diagnosis.rule import AGENT_HOP, Code

ABOUT: Final = Code(
    "credential-in-wrong-header",
    severity="error",
    title="A credential came in the wrong header",
    needs=AGENT_HOP,
    meaning=(
        "The answer says that the credential is of another kind than the header takes: an API key "
        "as Authorization: Bearer where an OAuth token is wanted, an OAuth token as an API key, a "
        "key where only tokens of a directory are taken. The credential itself may be good."
    ),
    advice=(
        "Let the API proxy write the credential to the header that the host takes for its kind."
    ),
)

CAUSE: Final = answers.cause(ABOUT, "The credential came in the wrong header")
