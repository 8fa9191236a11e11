"""A line on stderr that says how far the reading is.  Only for people: not when piped."""

from __future__ import annotations

import os
import sys
from time import monotonic
from typing import TYPE_CHECKING, Final, TextIO

if TYPE_CHECKING:
    from inspector.fleet.invocation import Outturn

_WIDTH: Final = 32
_STEP: Final = 1 << 20


class Progress:
    """Call it with bytes read and their total (None: unknown); leave it to wipe the line."""

    def __init__(self, out: TextIO | None = None, *, wanted: bool = True) -> None:
        self._out = sys.stderr if out is None else out
        self._shown = wanted and _takes_a_line(self._out)
        self._next = 0

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        if self._shown and self._next:
            self._out.write("\r\x1b[K")
            self._out.flush()

    def __call__(self, done: int, total: int | None) -> None:
        """Draw the line again when a percent, or a MiB, has passed since the last time.

        What is read in a moment is not drawn at all: it would only flash.
        """
        if not self._shown or done < self._next or (total is not None and total < _STEP):
            return
        self._next = done + max(_STEP, (total or 0) // 100)
        self._out.write("\r\x1b[K" + line(done, total))
        self._out.flush()


class RunsRead:
    """The same for runs, of which nobody knows how many there are: call it with an `Outturn`."""

    #: Seconds between two drawings of the line.
    STEP: Final = 0.2

    def __init__(self, out: TextIO | None = None, *, wanted: bool = True) -> None:
        self._out = sys.stderr if out is None else out
        self._shown = wanted and _takes_a_line(self._out)
        self._next = 0.0

    def __enter__(self) -> RunsRead:
        return self

    def __exit__(self, *_: object) -> None:
        if self._shown and self._next:
            self._out.write("\r\x1b[K")
            self._out.flush()

    def __call__(self, outturn: Outturn) -> None:
        """Draw the line again when a moment has passed."""
        if not self._shown or (now := monotonic()) < self._next:
            return
        self._next = now + self.STEP
        known = outturn.unread + outturn.unchanged
        self._out.write(f"\r\x1b[Kjudged {outturn.judged:,} runs, {known:,} known already")
        self._out.flush()


def _takes_a_line(out: TextIO) -> bool:
    """Whether a line can be drawn again there: a terminal that knows how to wipe one."""
    return out.isatty() and os.environ.get("TERM") != "dumb"


def line(done: int, total: int | None) -> str:
    """`reading  [########........]  50%  21.0 of 42.0 MB`, or the bytes alone."""
    if not total:
        return f"reading  {done / 1e6:.1f} MB"
    share = min(1.0, done / total)
    bar = "#" * round(share * _WIDTH)
    return f"reading  [{bar:.<{_WIDTH}}]  {share:4.0%}  {done / 1e6:.1f} of {total / 1e6:.1f} MB"
