"""An answer says that a signature's or token's time is too far from now."""

from __future__ import annotations

from typing import Final

from inspector.diagnosis import answers
from inspector.diagnosis.rule import AGENT_HOP, Code

ABOUT: Final = Code(
    "clock-skew",
    severity="error",
    title="A clock is wrong",
    needs=AGENT_HOP,
    meaning=(
        "The answer says that a signature or token is not valid at this time: too old, or from "
        "the future. No key was judged."
    ),
    advice=("Set the clock of the machine that signs (NTP)."),
)

CAUSE: Final = answers.cause(ABOUT, "A clock is wrong")
