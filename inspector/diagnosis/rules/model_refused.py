"""An answer says that a model is not to be had: retired, not enabled, not at this path."""

from __future__ import annotations

from typing import Final

from inspector.diagnosis import answers
from inspector.diagnosis.rule import AGENT_HOP, Code

ABOUT: Final = Code(
    "model-refused",
    severity="error",
    title="The model is refused",
    needs=AGENT_HOP,
    meaning=(
        "Whoever answered knows the model and does not serve it: retired, not for this account, "
        "plan or integrator, not at this path. Path and key are good."
    ),
    advice=("Ask for another model, or have this one enabled for the account."),
    shown_by="answer-model-unsupported",
)

CAUSE: Final = answers.cause(ABOUT, "The model is refused")
