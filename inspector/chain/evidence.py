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

from collections import Counter, deque
from collections.abc import Collection, Iterable, Mapping
from typing import Final, TypeAlias

from inspector.chain.rows import UNKNOWN, CallRow, Carrier

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

#: A tunnel whose authority another service was seen to use.
OTHER_AUTHORITY: Final = 3.0
UNKNOWN_AUTHORITY: Final = 0.5
_SIZE_CAP: Final = 3.0
#: Answers whose growth falls into the same step of so many bytes vote together: TLS signatures
#: differ in length by a few bytes.
_ALIKE: Final = 16
#: Requests of one kind grow on their way by equally many bytes, but for so many (a length that is
#: written with one digit more).
ALIKE_BYTES: Final = 2
#: TLS carries 16 KiB in a record (RFC 8446 5.1) and adds 22 bytes to it: header, type, tag.
_RECORD: Final = 16 << 10
_RECORD_ADDS: Final = 22
#: What an API proxy writes into a request's head, about, and how far that may be off (measured: a
#: key of 108 bytes for a placeholder of 47, an id of 36): so near to the end of a record a request
#: may have one more or less.
_WRITTEN: Final = 100
_UNSURE: Final = 200
_RECORDS_OFF: Final = (-1, 0, 1)
#: A growth is learned if so many pairs agree on it, and at least half as many as there are calls;
#: only the `_HEARD` most frequent growths are considered, which bounds the time.
_VOTES: Final = 5
_HEARD: Final = 64
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


#: A kind of call at a host, whose requests grow alike on their way.
_Kind: TypeAlias = tuple[int, str | None]


class _Votes:
    """How often each growth was seen of a kind of call, among pairs of which most are wrong.

    A second growth of a kind differs from the first by more than `apart`.
    """

    def __init__(self, apart: int) -> None:
        self._apart = apart
        self._counts: Counter[tuple[_Kind, int]] = Counter()
        #: Which calls a growth was seen of, beyond its first `_VOTES` pairs.
        self._calls: dict[tuple[_Kind, int], set[int]] = {}

    def add(self, kind: _Kind, grown: int, call: int) -> None:
        """Count a pair's growth."""
        vote = kind, grown
        self._counts[vote] += 1
        if self._counts[vote] > _VOTES:
            self._calls.setdefault(vote, set()).add(call)

    def teach(
        self,
        learned: dict[_Kind, deque[int]],
        voters: Mapping[object, Collection[int]],
        are_tried_again: bool,
    ) -> bool:
        """Keep the growths that stand out; return whether there were any that are new."""
        found = False
        for (kind, grown), votes in self._counts.most_common(_HEARD):
            known = learned.get(kind)
            if known is None:
                if votes >= max(_VOTES, len(voters[kind]) // 2):
                    learned[kind] = deque([grown], maxlen=4)
                    found = True
            elif are_tried_again and votes >= _VOTES and _off(known, grown) > self._apart:
                # Each call has one such tunnel: of few sizes, or alike, it would have many.
                calls = len(self._calls.get((kind, grown), ())) + _VOTES
                if votes <= calls + calls // 4 and 2 * calls >= len(voters[kind]):
                    known.append(grown)
                    found = True
        return found


class Learned:
    """What reliable links of this capture taught: hosts of services, and growth of sizes."""

    def __init__(self) -> None:
        self._authorities: dict[tuple[str, int], set[str]] = {}
        self._up: dict[tuple[int, str | None], deque[int]] = {}
        #: The same of all bytes of the tunnel's connection (`spans`).
        self._spans: dict[tuple[int, str | None], deque[int]] = {}
        self._down: dict[tuple[tuple[str, int], int, str | None], deque[int]] = {}

    def learn(self, call: CallRow, carrier: Carrier) -> None:
        """Learn the host and the sizes from a link that is beyond doubt."""
        if carrier.authority is not None:
            self._authorities.setdefault(call.service, set()).add(carrier.authority)
        self.learn_sizes(call, carrier)

    def learn_sizes(self, call: CallRow, carrier: Carrier) -> None:
        """Learn how much request and answer grew between the two hops."""
        if carrier.failed or not carrier.is_whole:
            return
        if call.kind != UNKNOWN:
            kind, grown = (call.kind, carrier.authority), spans(call, carrier)
            if grown is None:
                _keep(self._up.setdefault(kind, deque(maxlen=4)), carrier.up - body_up(call))
            if grown is not None:
                _keep(self._spans.setdefault(kind, deque(maxlen=4)), grown)
        if is_sized(call):
            _keep(
                self._down.setdefault(
                    (call.service, call.status, carrier.authority), deque(maxlen=4)
                ),
                carrier.down - call.down - call.headers_down,
            )

    def vote(
        self, pairs: Iterable[tuple[CallRow, Carrier]], *, are_tried_again: bool = False
    ) -> bool:
        """Learn from pairs of which most are wrong; return whether something was learned.

        `are_tried_again`: there are so many tunnels that many calls must have had two, which grow
        by another amount the second time where a field was left out.

        The true growth of a kind of call recurs in each true pair, a false pair's is anything:
        it is the one that stands out.
        """
        up, whole = _Votes(ALIKE_BYTES), _Votes(_RECORD_ADDS + ALIKE_BYTES)
        down: Counter[tuple[tuple[tuple[str, int], int, str | None], int]] = Counter()
        voters: dict[object, set[int]] = {}
        for call, carrier in pairs:
            if carrier.failed or not carrier.is_whole:
                continue
            if call.kind != UNKNOWN:
                kind = call.kind, carrier.authority
                grown = spans(call, carrier)
                if grown is None:
                    up.add(kind, carrier.up - body_up(call), call.position)
                if grown is not None:
                    whole.add(kind, grown, call.position)
                voters.setdefault(kind, set()).add(call.position)
            if is_sized(call):
                answer = call.service, call.status, carrier.authority
                down[answer, (carrier.down - call.down - call.headers_down) // _ALIKE] += 1
                voters.setdefault(answer, set()).add(call.position)
        found = up.teach(self._up, voters, are_tried_again)
        found |= whole.teach(self._spans, voters, are_tried_again)
        for (answer, grown), votes in down.most_common(_HEARD):
            if answer not in self._down and votes >= max(_VOTES, len(voters[answer]) // 2):
                self._down[answer] = deque([grown * _ALIKE + _ALIKE // 2], maxlen=4)
                found = True
        return found

    def is_stranger(self, call: CallRow, carrier: Carrier) -> bool:
        """Whether the spans of both are known, and the growth is none of their kind's."""
        if spans(call, carrier) is None or (call.kind, carrier.authority) not in self._spans:
            return False
        off = self._up_off(call, carrier, _RECORDS_OFF)
        return off is not None and off > ALIKE_BYTES

    def spans_of(self, call: CallRow, authority: str | None) -> tuple[int, ...]:
        """How many bytes a tunnel's connection to that host carries up that has this request."""
        sent = body_up(call) + _RECORD_ADDS * (_sent(call) // _RECORD)
        return tuple(sent + grown for grown in self._spans.get((call.kind, authority), ()))

    @property
    def knows_requests(self) -> bool:
        """Whether the growth of any kind of request is known that no lost packet changes."""
        return bool(self._spans)

    def authority_cost(self, call: CallRow, carrier: Carrier) -> float:
        if carrier.authority is None:
            return UNKNOWN_AUTHORITY
        known = self._authorities.get(call.service)
        if known is not None:
            return 0.0 if carrier.authority in known else OTHER_AUTHORITY
        others = any(carrier.authority in names for names in self._authorities.values())
        return OTHER_AUTHORITY / 2 if others else 0.0

    def size_cost(self, call: CallRow, carrier: Carrier) -> float:
        cost = self.up_cost(call, carrier)
        if carrier.failed or not carrier.is_whole:
            return cost
        grown = self._down.get((call.service, call.status, carrier.authority))
        if grown is not None and is_sized(call):
            off = _off(grown, carrier.down - call.down - call.headers_down)
            cost += min(off / 32, _SIZE_CAP)
        return cost

    def grew_as_usual(self, call: CallRow, carrier: Carrier) -> bool:
        """Whether the request grew by what is known of its kind; False where nothing is known.

        It has as many records as it fills, where that is sure.
        """
        off = self._up_off(call, carrier, _RECORDS_OFF if _is_between_records(call) else (0,))
        return off is not None and off <= ALIKE_BYTES

    def up_cost(self, call: CallRow, carrier: Carrier) -> float:
        """Return the price of the request's growth, if a growth of its kind is known.

        A record more or less than the request fills costs nothing: who writes more into the head
        than the API proxy does fills records otherwise.
        """
        off = self._up_off(call, carrier, _RECORDS_OFF)
        return 0.0 if off is None else min(off / 4, _SIZE_CAP)

    def _up_off(self, call: CallRow, carrier: Carrier, records: tuple[int, ...]) -> int | None:
        """How many bytes a request's growth is off the known ones of its kind; None: none known.

        With so many records more or less than it fills.
        """
        if carrier.failed or not carrier.is_whole:
            return None
        kind = call.kind, carrier.authority
        grown, known = spans(call, carrier), self._spans.get(kind)
        if grown is not None and known is not None:
            return min(_off(known, grown + _RECORD_ADDS * more) for more in records)
        bodies = self._up.get(kind)
        return None if bodies is None else _off(bodies, carrier.up - body_up(call))


def spans(call: CallRow, carrier: Carrier) -> int | None:
    """How many bytes more the tunnel's connection carried up than the body has; None: not known.

    Both are told by sequence numbers and Content-Length, so that no lost packet changes them; the
    records that TLS made of a request are counted only where all were seen.  What TLS adds to a
    long request is taken off.
    """
    if carrier.span <= 0:
        return None
    return carrier.span - body_up(call) - _RECORD_ADDS * (_sent(call) // _RECORD)


def body_up(call: CallRow) -> int:
    """How many bytes of a request differ between calls of one kind: its body, and its length."""
    return call.up + call.digits_up


def _sent(call: CallRow) -> int:
    """About how many bytes the request has on its way to the API, with what is written into it."""
    return call.up + call.headers_up + _WRITTEN


def _is_between_records(call: CallRow) -> bool:
    """Whether it is so near to the end of a record that it may have one more or less."""
    return (_sent(call) + _UNSURE) % _RECORD <= 2 * _UNSURE


def is_sized(call: CallRow) -> bool:
    """Whether the size of the answer has to do with what came back through its tunnel.

    What a proxy wrote itself is as long as its own words are.
    """
    return call.whole and call.voice != "api-proxy"


def _keep(values: deque[int], value: int) -> None:
    if value not in values:
        values.append(value)


def _off(values: deque[int], value: int) -> int:
    return min(abs(value - known) for known in values)


def may_belong(call: CallRow, carrier: Carrier) -> bool:
    """Whether the tunnel was opened while the call waited: after its request, before its answer.

    The API proxy takes the whole request before it turns to the upstream.
    """
    begun = call.begun
    return (
        begun != UNKNOWN
        and carrier.proxy == call.service[0]
        and begun - JITTER <= carrier.opened
        and (call.until == UNKNOWN or carrier.opened <= call.until + JITTER)
    )


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
        return min(abs(end - at) for at in (last, closed, *(ended for _, ended in carrier.pauses)))
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
    idle = carrier.opened - max(call.begun, busy) - PROMPT
    total = min(max(0, idle) / (100 * MS), 2.0)
    apart = lag(call, carrier)
    if apart == UNKNOWN:
        total += 1.0
    else:
        total += min(max(0, apart - patient) / (10 * MS), 4.0 if call.whole else 2.0)
        total += _SHORT if _is_short(call, carrier) else 0.0
        if carrier.over != UNKNOWN and call.answered - carrier.over > ENDS_TOGETHER + patient:
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


def _grown_apart(one: tuple[CallRow, Carrier], other: tuple[CallRow, Carrier]) -> int:
    """By how many bytes more one request grew than another; of lost packets by their spans."""
    (call, carrier), (call2, carrier2) = one, other
    grown, grown2 = spans(call, carrier), spans(call2, carrier2)
    if grown is not None and grown2 is not None:
        apart = abs(grown - grown2)
        return min(apart, abs(apart - _RECORD_ADDS))  # one may have a record more
    return abs((carrier.up - body_up(call)) - (carrier2.up - body_up(call2)))


def unlike_growth(one: tuple[CallRow, Carrier], other: tuple[CallRow, Carrier]) -> float:
    """Price two pairs of one kind that grew by different amounts on the way into their tunnels.

    The handshake, the key and the API proxy's own headers are the same for
    both; signatures and chunk borders make the answers differ by a little.
    """
    (call, carrier), (call2, carrier2) = one, other
    if carrier.failed or carrier2.failed or not (carrier.is_whole and carrier2.is_whole):
        return 0.0
    if carrier.authority != carrier2.authority:
        return 0.0
    total = 0.0
    if call.kind == call2.kind != UNKNOWN:
        total += min(max(0, _grown_apart(one, other) - 2) / 4, _SIZE_CAP)
    if (
        call.service == call2.service
        and call.status == call2.status
        and is_sized(call)
        and is_sized(call2)
    ):
        grown, grown2 = (
            carrier.down - call.down - call.headers_down,
            carrier2.down - call2.down - call2.headers_down,
        )
        total += min(abs(grown - grown2) / 32, _SIZE_CAP)
    return total
