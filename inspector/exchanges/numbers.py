"""Numbers over calls, tallied one call after another."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable, Sequence
from math import ceil
from typing import TypeVar

from inspector.exchanges.timing import timing_of
from inspector.model.http import Exchange
from inspector.model.numbers import Durations, Numbers, Tokens

T = TypeVar("T", int, float)


class NumbersTally:
    """The numbers of the calls that were added; some 40 bytes a call."""

    __slots__ = ("_calls", "_counted", "_first", "_input", "_last", "_models", "_output")

    def __init__(self) -> None:
        self._calls = self._counted = 0
        self._first = array("d")
        self._last = array("d")
        self._input = array("d")
        self._output = array("d")
        self._models: Counter[str] = Counter()

    def add(self, call: Exchange) -> None:
        """Count a call, and take its numbers if it is one that counts."""
        self._calls += 1
        if not counts(call):
            return
        response = call.response
        assert response is not None
        self._counted += 1
        timing = timing_of(call)
        for known, durations in ((timing.first_byte, self._first), (timing.last_byte, self._last)):
            if known is not None:
                durations.append(known)
        if response.model is not None:
            self._models[response.model] += 1
        if response.usage is not None:
            usage = response.usage
            for stated, tokens in ((usage.input_tokens, self._input),
                                   (usage.output_tokens, self._output)):  # fmt: skip
                if stated is not None and 0 <= stated < 1 << 53:
                    tokens.append(stated)

    def __bool__(self) -> bool:
        """Whether a call was added."""
        return self._calls > 0

    def merge(self, other: NumbersTally) -> None:
        """Add all the calls that were added to another."""
        self._calls += other._calls
        self._counted += other._counted
        self._first += other._first
        self._last += other._last
        self._input += other._input
        self._output += other._output
        self._models += other._models

    def numbers(self) -> Numbers | None:
        """What was tallied; None without a call."""
        if not self._calls:
            return None
        return Numbers(
            calls=self._calls,
            counted=self._counted,
            first_byte=_durations(self._first),
            last_byte=_durations(self._last),
            input_tokens=_tokens(self._input),
            output_tokens=_tokens(self._output),
            models=dict(sorted(self._models.items())),
        )


def tally(calls: Iterable[Exchange]) -> NumbersTally:
    """The tally of these calls."""
    made = NumbersTally()
    for call in calls:
        made.add(call)
    return made


def counts(call: Exchange) -> bool:
    """Whether a call was seen whole and answered with success."""
    request, response = call.request, call.response
    if request is None or response is None or not (request.complete and response.complete):
        return False
    if response.status >= 400 or response.api_error is not None:
        return False
    return response.stream is None or response.stream.terminated


def _durations(values: Sequence[float]) -> Durations | None:
    if not values:
        return None
    ranked = sorted(values)
    return Durations(len(ranked), rank(ranked, 50), rank(ranked, 95), ranked[-1])


def _tokens(values: Sequence[float]) -> Tokens | None:
    if not values:
        return None
    ranked = sorted(map(int, values))
    return Tokens(len(ranked), sum(ranked), rank(ranked, 50), rank(ranked, 95))


def rank(ranked: Sequence[T], percent: int) -> T:
    """The percentile of values in their order, by nearest rank: one of them."""
    return ranked[ceil(len(ranked) * percent / 100) - 1]
