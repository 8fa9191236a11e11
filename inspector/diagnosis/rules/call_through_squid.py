"""A call for the API proxy whose first leg goes to Squid."""

from __future__ import annotations

from typing import Final

from inspector.diagnosis.case import Case
from inspector.diagnosis.rule import Code, Match, OfExchange, of_exchange
from inspector.model.http import Exchange

ABOUT: Final = Code(
    "call-through-squid",
    severity="note",
    title="A call for the API proxy went through Squid",
    needs="the agent's requests at Squid",
    meaning=("The client ignores NO_PROXY for a bare address. The API proxy then sees Squid's."),
    advice="Nothing, as long as the calls succeed.",
    shown_by="through-squid-absolute",
)


def match(exchange: Exchange, case: Case) -> Match | None:
    """The leg from Squid shows it; a gateway before the API proxy relays calls, too."""
    by_squid = exchange.client.ip in case.forward_proxies
    return Match(of_exchange(exchange)) if exchange.relays is not None and by_squid else None


NOTICE: Final = OfExchange(ABOUT, match, "second leg")
