"""Numbers over many calls: how long answers took, what they cost, which models gave them.

A call counts where it was seen whole and answered with success: errors come at once, and what was
half seen has no duration.  So each number says how many calls it is of.
"""

from __future__ import annotations

from collections.abc import Mapping

from inspector.fact import Fact
from inspector.model.providers import Provider


class Durations(Fact):
    """Seconds from the first byte of a request on, over the calls of which that is known.

    Percentiles are by nearest rank: each is the duration of one of the calls.
    """

    calls: int
    """How many calls it is of."""
    p50: float
    """Half of them took no longer."""
    p95: float
    """19 of 20 took no longer."""
    max: float
    """The longest."""


class Tokens(Fact):
    """Tokens over the calls whose answers state them."""

    calls: int
    """How many calls it is of."""
    total: int
    """All of them together."""
    p50: int
    """Half of these calls had no more."""
    p95: int
    """19 of 20 had no more."""


class Numbers(Fact):
    """What the calls of a client, or to a provider, took and cost."""

    calls: int
    """All calls, those of which nothing below is known included."""
    counted: int
    """Those that were seen whole and answered with success: what the rest is of."""
    first_byte: Durations | None
    """To the first byte of the answer; null where it is known of none."""
    last_byte: Durations | None
    """To the last byte of the answer."""
    input_tokens: Tokens | None
    """Tokens of the prompts."""
    output_tokens: Tokens | None
    """Tokens of the answers."""
    models: Mapping[str, int]
    """Calls by the model that answered, as far as an answer names one."""


class ProviderNumbers(Fact):
    """The numbers of all clients' calls to one provider."""

    provider: Provider
    """Whose API was asked."""
    numbers: Numbers
    """What these calls took and cost."""
