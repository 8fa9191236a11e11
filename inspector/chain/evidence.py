"""Price a pair of a call and a tunnel: what excludes the pair, and what makes it unlikely.

A cost of 1 is about as unlikely as an answer that ends 10 ms after its tunnel.  Costs are
capped because every rule has exceptions: clients leave early, TLS sessions are resumed, a
loaded proxy lags.

Where the numbers come from: times marked "measured" were measured on the API proxy, alone and
with 500 calls in flight.  The weights (`OTHER_AUTHORITY`, `_SHORT`, ...) have no
measurement of their own: they are judgements on that scale.  With them, the real captures and
the made loads have no wrong link at a confidence of 0.8 or more (tests/chain/test_truth.py,
test_load.py).
Raising one lets that kind of evidence overrule times and order; lowering it lets a lagging end
overrule the evidence.  tests/chain/test_evidence.py has each of them from either side, and the
package's docstring a worked example.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from typing import Final

from inspector.chain.rows import UNKNOWN, CallRow, Carrier
from inspector.chain.sizes import Learned

MS: Final = 1_000_000

#: Packets of one bridge are in the order of their times, but for this much (ns).  Larger: a
#: tunnel is tried with calls that came after it.  Smaller: a call's own tunnel is excluded.
JITTER: Final = 1 * MS
#: A tunnel and its answer end within this (measured: 2 ms apart, under load 20 ms).
ENDS_TOGETHER: Final = 25 * MS
#: A tunnel's SYN follows the request within this (measured: 5 ms, p95 22 ms; under load
#: 300 ms, for which `cost` allows while the API proxy was busy).
PROMPT: Final = 20 * MS
#: For each other call in flight an answer may end so much later than its tunnel, up to a limit
#: (measured: 38 ms with 500 calls, well below the 99.8 ms that this allows).
_LAG: Final = MS // 5
_LAG_LIMIT: Final = 100 * MS
LATE: Final = 1000 * MS
#: For each call that waits at the same time its SYN may follow so much later (measured: 1.96 s
#: with 500 calls, within the 3 s that this and `LATE` allow).
LATER: Final = 4 * MS

#: Fewer bytes came through the tunnel than were passed on: possible only if the API proxy
#: decompressed the answer or added to it.
_SHORT: Final = 3.0
#: A tunnel that brought nothing for so long before an answer did not bring the answer.  An API
#: proxy passes bytes on within 2 ms, one that buffers an answer or looks into it within 40 ms
#: (litellm, measured); a hop's own limits are seconds.
SILENCE: Final = 250 * MS
#: A tunnel that was silent for so long when its far side closed it, before the answer, brought no
#: answer: an API proxy passes bytes on within 2 ms, and a close follows its last bytes at once.
HUSH: Final = 10 * MS
#: Statuses with which a hop tells of its own limit, or that it got no answer.  Of any other the
#: silence before it says nothing: it may be what was waited for.
GAVE_UP: Final = frozenset({408, 499, 500, 502, 503, 504})
#: The least that a request takes in a tunnel: a head with a credential, in TLS.
_LEAST: Final = 100
#: Fewer bytes went into the tunnel than the agent sent: possible only if the body was rewritten.
_LESS: Final = 2.0
#: From here on a status is a server's own failure (RFC 9110 15.6).
_SERVER_ERROR: Final = 500
#: The tunnel was over before the answer began, by more than a loaded proxy lags.
_OVER_BEFORE: Final = 4.0
#: The tunnel was an earlier attempt of a call that was tried again.
AGAIN: Final = 2.0
#: Behind every time.
_NEVER: Final = 1 << 63


def may_belong(call: CallRow, carrier: Carrier) -> bool:
    """Whether the tunnel was opened while the call waited: after its request, before its answer.

    The API proxy takes the whole request before it turns to the upstream.
    """
    first, last = _waits(call)
    return first <= carrier.opened <= last and carrier.proxy == call.service[0]


def _waits(call: CallRow) -> tuple[int, int]:
    """From when to when a tunnel may be opened for a call; never, if its request was not seen."""
    begun, until = call.begun, call.until
    if begun == UNKNOWN:
        return _NEVER, UNKNOWN
    return begun - JITTER, _NEVER if until == UNKNOWN else until + JITTER


def by_rank(
    calls: Sequence[CallRow], carriers: Sequence[Carrier], reach: int
) -> Iterator[tuple[CallRow, Carrier]]:
    """Pair each tunnel with the calls that may have it among those of about its rank."""
    waits = [_waits(call) for call in calls]
    for rank, carrier in enumerate(carriers):
        opened, proxy = carrier.opened, carrier.proxy
        near = slice(max(0, rank - reach), rank + reach)
        for call, (first, last) in zip(calls[near], waits[near], strict=True):
            if first <= opened <= last and proxy == call.service[0]:
                yield call, carrier


def opened_while_waiting(call: CallRow, opened: Sequence[int]) -> range:
    """Which of the tunnels that were opened at these times, in order, the call can have asked for.

    Of a call whose request was not seen all that were opened before its answer.
    """
    last = len(opened)
    if call.until != UNKNOWN:
        last = bisect_right(opened, call.until + JITTER)
    return range(bisect_left(opened, call.begun - JITTER), last)


def sampled(
    calls: Sequence[CallRow], carriers: Sequence[Carrier], count: int
) -> Iterator[tuple[CallRow, Carrier]]:
    """Pair about `count` of the calls with all tunnels that may be theirs.

    Where most calls are tried again, ranks say little.
    """
    opened = [carrier.opened for carrier in carriers]
    for call in calls[:: 1 + len(calls) // count]:
        for place in opened_while_waiting(call, opened):
            if may_belong(call, carriers[place]):
                yield call, carriers[place]


def may_answer(call: CallRow, carrier: Carrier) -> bool:
    """Whether this tunnel can have led to the answer, given who wrote the answer."""
    if call.voice == "none":
        return True
    before_answer = carrier.first == UNKNOWN or carrier.first <= call.answered + JITTER
    if call.voice == "forward-proxy":
        # The refusal is passed on with its status.
        return carrier.status == UNKNOWN or (carrier.refused and carrier.status == call.status)
    if call.voice == "api-proxy":
        # It speaks itself when the tunnel gave no answer: failed, or over by then.
        over = carrier.over
        ended = over != UNKNOWN and over <= call.answered + 5 * MS
        return carrier.failed or ended or is_silent(call, carrier)
    if carrier.refused and carrier.status == call.status:
        # A refusal passed on without Squid's own header name, or as an upgrade's answer.
        return True
    if carrier.failed:
        # The spelling misleads: a gateway that writes its own errors in lower case.
        return call.status >= _SERVER_ERROR
    return before_answer and _fits(call, carrier)


def is_silent(call: CallRow, carrier: Carrier) -> bool:
    """Whether a hop may have given up on a tunnel that stands, and brought nothing for long."""
    if call.status not in GAVE_UP or carrier.failed or call.answered == UNKNOWN:
        return False
    heard = carrier.heard_by(call.answered)
    return heard == UNKNOWN or heard + SILENCE < call.answered


def was_hung_up(call: CallRow, carrier: Carrier) -> bool:
    """Whether the far side closed the tunnel in place of an answer, and a hop told of that."""
    if call.status not in GAVE_UP or carrier.failed or UNKNOWN in (call.answered, carrier.closed):
        return False
    heard = carrier.heard_by(call.answered)
    return (
        carrier.is_closed_beyond
        and carrier.closed <= call.answered + JITTER
        and (heard == UNKNOWN or heard + HUSH < carrier.closed)
    )


def _fits(call: CallRow, carrier: Carrier) -> bool:
    """Whether the tunnel can have carried a request at all, and not absurdly more than this one.

    The API proxy rewrites bodies (tools dropped, a steering message, another model): fewer bytes
    than the agent sent are no proof.
    """
    if not carrier.is_whole or carrier.first == UNKNOWN:
        return True
    least = min(call.up, _LEAST)
    return least <= carrier.up <= 2 * call.up + (64 << 10) or call.voice == "upgrade"


def lag(call: CallRow, carrier: Carrier) -> int:
    """Return how far apart (ns) answer and tunnel ended; -1 where the ends prove nothing.

    A proxy that gives up ends its answer when it likes.  Of a refused CONNECT the answer
    follows the refusal; of an upgrade both connections end together.
    """
    if call.voice == "api-proxy" and is_silent(call, carrier):
        return UNKNOWN
    end = call.closed if call.voice in ("upgrade", "none") else call.done
    last, closed = carrier.last, carrier.closed
    if end != UNKNOWN and carrier.pauses:
        # It may have gone on for another call.
        ends = [last, closed, *[ended for _, ended in carrier.pauses]]
        return min([abs(end - at) for at in ends])
    if end == UNKNOWN or last == closed == UNKNOWN:
        return UNKNOWN
    if last == UNKNOWN or closed == UNKNOWN:
        return abs(end - max(last, closed))
    return min(abs(end - last), abs(end - closed))


#: The patience where ends say nothing.
ENDLESS: Final = 1 << 62


def patience(crowd: int) -> int:
    """Return how much later than its tunnel (ns) an answer may end with `crowd` calls in flight."""
    return min((crowd - 1) * _LAG, _LAG_LIMIT)


def cost(
    call: CallRow, carrier: Carrier, learned: Learned, busy: int = UNKNOWN, patient: int = 0
) -> float:
    """Return the price of the pair: how unlikely it is that the tunnel carried the call's answer.

    The API proxy is one thread.  `busy` is when it opened the tunnel before this one: before
    that no call waited for it alone.  An answer may lag so much behind its tunnel as its
    `patience` with the calls in flight is.
    """
    # Of most pairs nearly nothing is to be paid: this is asked of each that is looked at.
    total = 0.0
    idle = carrier.opened - max(call.begun, busy) - PROMPT
    if idle > 0:
        total = min(idle / (100 * MS), 2.0)
    apart = lag(call, carrier)
    if apart == UNKNOWN:
        total += 1.0
    else:
        late, over = apart - patient, carrier.over
        if late > 0:
            total += min(late / (10 * MS), 4.0 if call.whole else 2.0)
        if _is_short(call, carrier):
            total += _SHORT
        if over != UNKNOWN and call.answered - over > ENDS_TOGETHER + patient:
            total += _OVER_BEFORE
    if not carrier.is_whole:
        total += 0.5
    elif carrier.first != UNKNOWN and carrier.up < call.up and call.voice != "upgrade":
        total += _LESS
    return total + learned.authority_cost(call, carrier) + learned.size_cost(call, carrier)


def attempt_cost(call: CallRow, carrier: Carrier, learned: Learned) -> float | None:
    """Return the price of the tunnel as an earlier attempt, one that did not bring the answer.

    It was over before the answer began; None where it was not, or where both ended together.
    """
    if carrier.over == UNKNOWN or (call.until != UNKNOWN and carrier.over > call.until + JITTER):
        return None
    if UNKNOWN < lag(call, carrier) <= ENDS_TOGETHER:
        return None
    return AGAIN + learned.authority_cost(call, carrier) + learned.up_cost(call, carrier)


def _is_short(call: CallRow, carrier: Carrier) -> bool:
    """Whether less came through the tunnel than was passed on to the agent."""
    return (
        call.voice == "relayed"
        and carrier.is_whole
        and not carrier.failed
        and carrier.down < call.down
    )
