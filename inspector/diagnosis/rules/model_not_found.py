"""An answer says that the model or deployment of a path or body does not exist."""

from __future__ import annotations

from typing import Final

from inspector.diagnosis import answers
from inspector.diagnosis.rule import AGENT_HOP, Code

ABOUT: Final = Code(
    "model-not-found",
    severity="error",
    title="There is no such model or deployment",
    needs=AGENT_HOP,
    meaning=(
        "The answer says that the model or deployment, named in the path or in the body, does not "
        "exist. The path is right and the key was accepted."
    ),
    advice=("Compare the name of the model or deployment with those that the host has."),
    shown_by="answer-model-missing",
)

CAUSE: Final = answers.cause(ABOUT, "There is no such model")
