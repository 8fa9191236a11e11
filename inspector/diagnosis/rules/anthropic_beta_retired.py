"""The API refused a value of anthropic-beta, be it that the agent learnt of it or not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from inspector.diagnosis.call import FailedCall
from inspector.diagnosis.case import Case
from inspector.diagnosis.rule import Code, Match, Notice, OfCall, of_call, of_exchange
from inspector.model.conclusions import Chain
from inspector.model.network import Tunnel

ABOUT: Final = Code(
    "anthropic-beta-retired",
    severity="note",
    title="An anthropic-beta value that the API refuses",
    needs="the API's 400, or a second tunnel for one call",
    meaning=(
        "The API named the anthropic-beta header in a 400; or the API proxy sent the call again,"
        " shorter by exactly what the header or one of its values takes, and the agent never"
        " learnt of the 400."
    ),
    advice="Take the retired value out of the client's configuration.",
    shown_by="retired-beta-refused",
)

_NAME: Final = "anthropic-beta"
#: Octets of a header line beside its value: name, colon, space, CRLF.
_LINE: Final = len(_NAME) + 4


def match(call: FailedCall, case: Case) -> Match | None:
    """The API named the header in a 400 that the agent got."""
    named = call.answered_by == "upstream" and _NAME in call.message
    return Match(of_call(call)) if named else None


def find(case: Case) -> Iterator[Match]:
    """A call that the API proxy sent a second time, shorter by what the header took."""
    for chain in case.chains_of_retries():
        exchange = case.exchanges.get(chain.agent_exchange)
        if exchange is None or exchange.request is None:
            continue
        value = exchange.request.steering.get(_NAME)
        if value and _is_shortened(chain, case, value):
            yield Match(of_exchange(exchange))


def _is_shortened(chain: Chain, case: Case, value: str) -> bool:
    """Sealed alike (as many records), two requests differ in length as their plain text does."""
    used = [case.tunnels.get(name) for name in (*chain.attempts, chain.tunnel or "t0")]
    first, last = used[0], used[-1]
    if first is None or last is None or not (_has_answered(first) and _has_answered(last)):
        return False
    if first.authority != last.authority or first.records_up != last.records_up:
        return False
    return first.bytes_up - last.bytes_up in _lengths(value)


def _has_answered(tunnel: Tunnel) -> bool:
    """TLS stood, and something came back through it."""
    return tunnel.tls is not None and tunnel.tls.handshake == "complete" and tunnel.bytes_down > 0


def _lengths(value: str) -> set[int]:
    """What a request loses without the header, or without one of several values."""
    lost = {_LINE + len(value)}
    several = value.split(",")
    if len(several) > 1:
        # With the comma, and with the space beside it or without.
        lost |= {len(one.strip()) + extra for one in several for extra in (1, 2)}
    return lost


OF_CALLS: Final = OfCall(ABOUT, match)
OF_RETRIES: Final = Notice(ABOUT, find)
