"""A call that failed and was made good: no failure of the run."""

from __future__ import annotations

from typing import Final

from inspector.diagnosis.call import FailedCall
from inspector.diagnosis.case import Case
from inspector.diagnosis.rule import AGENT_HOP, Code, Match, OfRecovered, of_exchange

ABOUT: Final = Code(
    "call-recovered",
    severity="note",
    title="A call that failed was made good by a later one",
    needs=AGENT_HOP,
    meaning=(
        "The same client asked again for the same purpose and was answered well: the same request"
        " on a new connection, unstreamed, with another model, or by POST where an upgrade was"
        " refused. `exchanges[].recovered_by` names the later call. It counts as no failure."
    ),
    advice="Nothing, as long as it is rare; what failed first is in the exchange.",
    shown_by="upgrade-refused",
)


def match(call: FailedCall, case: Case) -> Match:
    """Whatever its cause was."""
    return Match(of_exchange(call.exchange))


OF_RECOVERED: Final = OfRecovered(ABOUT, match)
