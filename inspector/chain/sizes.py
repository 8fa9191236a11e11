"""What reliable links of a capture teach: hosts of services, and by how much messages grow.

A request grows on its way into a tunnel by what the API proxy writes into it and by what TLS adds,
and calls of one kind grow alike.  So the size of a tunnel tells whose it may be, more surely where
few calls near it are of one size; and sequence numbers tell sizes that no lost packet changes.

Prices are on the scale of `evidence`.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Collection, Iterable, Mapping
from typing import Final, TypeAlias

from inspector.chain.rows import UNKNOWN, CallRow, Carrier

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
        known = self._spans.get((call.kind, carrier.authority))
        if known is None or carrier.failed or not carrier.is_whole:
            return False
        grown = spans(call, carrier)
        return grown is not None and _off_by_records(known, grown, _RECORDS_OFF) > ALIKE_BYTES

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
            return _off_by_records(known, grown, records)
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
    if value in values:  # as nearly always
        return 0
    return min([abs(value - known) for known in values])


def _off_by_records(values: deque[int], grown: int, records: tuple[int, ...]) -> int:
    """How many bytes a growth is off, with so many records more or less than it has."""
    if grown in values:
        return 0
    return min([_off(values, grown + _RECORD_ADDS * more) for more in records])


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
