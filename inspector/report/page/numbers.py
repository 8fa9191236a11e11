"""Numbers people ask for, in a line: how long answers took, tokens, models, of how many calls."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from inspector.fact import Fact
from inspector.model.numbers import Durations, Numbers, Tokens
from inspector.report.page import words
from inspector.report.page.escape import clipped
from inspector.report.page.view import View

_MODELS: Final = 3


class NumbersRow(Fact):
    """The numbers of one provider, in escaped text."""

    provider: str
    calls: str
    first_byte: str
    last_byte: str
    tokens: str
    models: str


def told(numbers: Numbers | None) -> str:
    """One line for a client; empty where no call counts."""
    if numbers is None or not numbers.counted:
        return ""
    parts = []
    if numbers.first_byte is not None:
        parts.append(f"first byte {_spread(numbers.first_byte)}")
    if numbers.last_byte is not None:
        parts.append(f"last {_spread(numbers.last_byte)}")
    if tokens := _tokens(numbers):
        parts.append(f"tokens {tokens}")
    if numbers.models:
        parts.append(_models(numbers))
    return f"{_of(numbers)}: {'; '.join(parts)}" if parts else ""


def provider_rows(view: View) -> Iterator[NumbersRow]:
    """A row for each provider of which a call counts."""
    for each in view.report.providers:
        numbers = each.numbers
        if numbers.counted:
            yield NumbersRow(
                clipped(each.provider, 40),
                _of(numbers),
                "-" if numbers.first_byte is None else _spread(numbers.first_byte),
                "-" if numbers.last_byte is None else _spread(numbers.last_byte),
                _tokens(numbers) or "-",
                _models(numbers) or "-",
            )


def _of(numbers: Numbers) -> str:
    if numbers.counted == numbers.calls:
        return words.count(numbers.calls, "call")
    return f"{numbers.counted:,} of {words.count(numbers.calls, 'call')}"


def _spread(durations: Durations) -> str:
    """One duration is no distribution."""
    if durations.calls == 1:
        return words.seconds(durations.p50)
    return f"p50 {words.seconds(durations.p50)}, p95 {words.seconds(durations.p95)}"


def _tokens(numbers: Numbers) -> str:
    named: tuple[tuple[Tokens | None, str], ...] = (
        (numbers.input_tokens, "in"),
        (numbers.output_tokens, "out"),
    )
    return ", ".join(f"{each.total:,} {way}" for each, way in named if each is not None)


def _models(numbers: Numbers) -> str:
    """The models, with their calls where not all of the calls were one model's."""
    ordered = sorted(numbers.models.items(), key=lambda item: (-item[1], item[0]))
    if [count for _, count in ordered] == [numbers.counted]:
        return clipped(ordered[0][0], 60)
    shown = [f"{clipped(name, 60)} x{count:,}" for name, count in ordered[:_MODELS]]
    more = len(ordered) - _MODELS
    return ", ".join(shown) + (f" +{more} models" if more > 0 else "")
