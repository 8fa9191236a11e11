"""Work counted in lines of Python executed, so that a test of growth needs no clock."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any


def steps(action: Callable[[], object]) -> int:
    """How many lines of the inspector `action` executes."""
    count = 0

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal count
        if "inspector" not in frame.f_code.co_filename:
            return None
        count += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        action()
    finally:
        sys.settrace(before)
    return count


def grows_linearly(work: Callable[[int], Callable[[], object]], size: int) -> bool:
    """Whether twice and four times `size` cost at most twice and four times the steps.

    A tenth more is allowed for what a limit empties at once.
    """
    once, twice, fourfold = (steps(work(size * times)) for times in (1, 2, 4))
    return twice <= 2.2 * once and fourfold <= 4.4 * once
