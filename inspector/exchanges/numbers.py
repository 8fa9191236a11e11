"""Numbers over calls, tallied one call after another."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable, Sequence
from math import ceil
from typing import Final, TypeVar

from inspector.exchanges.timing import timing_of
from inspector.model.http import Exchange
from inspector.model.numbers import Durations, Numbers, Tokens

T = TypeVar("T", int, float)

#: From here on not every whole number is one of 64 bits with a point (IEEE 754).
_MOST: Final = 1 << 53


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
        timing = call.timing or timing_of(call)
        if timing.first_byte is not None:
            self._first.append(timing.first_byte)
        if timing.last_byte is not None:
            self._last.append(timing.last_byte)
        if (model := response.model) is not None:
            self._models[model] = self._models.get(model, 0) + 1
        if (usage := response.usage) is not None:
            if (stated := usage.input_tokens) is not None and 0 <= stated < _MOST:
                self._input.append(stated)
            if (stated := usage.output_tokens) is not None and 0 <= stated < _MOST:
                self._output.append(stated)

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
