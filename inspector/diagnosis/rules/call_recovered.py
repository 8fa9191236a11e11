"""A call that failed and was made good: no failure of the run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from inspector.diagnosis.case import Case
from inspector.diagnosis.rule import AGENT_HOP, Code, Match, Notice, of_exchange
from inspector.model.ids import exchange_id

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


def find(case: Case) -> Iterator[Match]:
    for number in sorted(case.recovered):
        exchange = case.exchanges.get(exchange_id(number))
        if exchange is not None:
            yield Match(of_exchange(exchange))


NOTICE: Final = Notice(ABOUT, find)
