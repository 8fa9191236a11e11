"""How work grows: lines of Python counted, which no other load on the machine changes."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any


def steps(work: Callable[[], object]) -> int:
    """The lines of Python that `work` runs; each turn of a loop on one line counts."""
    counted = 0

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal counted
        counted += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        work()
    finally:
        sys.settrace(before)
    return counted


def grows_linearly(make: Callable[[int], Callable[[], object]], n: int) -> bool:
    """Whether twice and four times as much takes hardly more than twice and four times as long.

    `make(n)` prepares work on n things, which is not counted.
    """
    first, second, third = (steps(make(size)) for size in (n, 2 * n, 4 * n))
    return second < 2.4 * first and third < 2.4 * second
