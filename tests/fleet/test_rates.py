"""Intervals of rates: against published values, and at the ends where others fail."""

from __future__ import annotations

import pytest

from inspector.fleet.rates import Rate, difference


def test_wilsons_interval_is_that_of_newcombes_paper() -> None:
    # R. G. Newcombe, "Two-sided confidence intervals for the single proportion", 1998, table I.
    for hits, of, low, high in (
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ):
        interval = Rate(hits, of).interval
        assert interval == pytest.approx((low, high), abs=0.0001)


def test_the_difference_is_that_of_newcombes_paper() -> None:
    # "Interval estimation for the difference between independent proportions", 1998, method 10.
    interval = difference(Rate(48, 80), Rate(56, 70))
    assert interval == pytest.approx((0.0524, 0.3339), abs=0.0001)


def test_none_that_could_tell_is_no_rate_of_zero() -> None:
    assert Rate(0, 0).share is None
    assert Rate(0, 0).interval is None
    assert difference(Rate(0, 0), Rate(1, 2)) is None
