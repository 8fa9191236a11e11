"""429 of the API itself."""

from __future__ import annotations

from typing import Final

from inspector.diagnosis import answers
from inspector.diagnosis.call import FailedCall
from inspector.diagnosis.case import Case
from inspector.diagnosis.rule import AGENT_HOP, Code
from inspector.fact import replace

ABOUT: Final = Code(
    "upstream-rate-limited",
    severity="error",
    title="The API limits the rate",
    needs=AGENT_HOP,
    meaning=(
        "The API answered 429, or says with another status that a limit of the rate is reached."
    ),
    advice=(
        "Wait before the next try, for as long as retry-after says where the answer has it; spread"
        " the calls or ask for a higher limit."
    ),
    shown_by="upstream-429-lasts",
)

#: Seconds that are told as they are (RFC 9110 10.2.3); a date, or more digits, is not.
_LONGEST: Final = 6


def advice(call: FailedCall, case: Case) -> str:
    """Name the seconds that the answer asks for."""
    told = call.header("retry-after") or ""
    if not (told.isascii() and told.isdigit() and len(told) <= _LONGEST):
        return answers.advice(ABOUT, call)
    seconds = f"{int(told):,} s"
    return (
        f"Wait {seconds} before the next try (retry-after of {call.exchange.id}); spread the"
        " calls or ask for a higher limit."
    )


CAUSE: Final = replace(answers.cause(ABOUT, "The API limits the rate", status=429), advice=advice)
