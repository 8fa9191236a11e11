"""Ctrl-C at any moment: a sentence and 130, never a traceback.

While modules are imported there is nothing to clean up, so the program ends at
once.  Afterwards SIGINT is Python's KeyboardInterrupt, and files that are half
written are removed on its way up.

This is imported before everything else, and imports next to nothing: until then
SIGINT is the interpreter's own business.
"""

from __future__ import annotations

# Built in, while `signal` makes enumerations of it first, which takes milliseconds; so does typing.
import _signal as signal  # type: ignore[import-not-found]
import gc
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType
    from typing import Final

#: The exit status of a program that SIGINT ended, as shells give it (128 + 2):
#: `errors.ExitCode.INTERRUPTED`, which cannot be imported here.
INTERRUPTED: Final = 130
SENTENCE: Final = (
    "Interrupted by Ctrl-C (SIGINT) before it was done: what is written so far is no whole report."
)


class AtOnce:
    """In its block SIGINT ends the process here and now, if it would raise KeyboardInterrupt.

    For imports above all: a compiled module may crash when its own fail so (orjson does).
    Nor are cycles looked for meanwhile, or in what is imported ever after: it stays.
    """

    def __enter__(self) -> None:
        self._ours = handle(_leave)
        self._collects = gc.isenabled()
        gc.disable()

    def __exit__(self, *_: object) -> None:
        if self._collects:
            gc.freeze()
            gc.enable()
        if self._ours:
            give_back()


def _leave(_number: int, _frame: FrameType | None) -> None:
    os.write(2, f"inspector: {SENTENCE}\n".encode())
    os._exit(INTERRUPTED)


def handle(handler: object) -> bool:
    """Handle SIGINT so, if it is handled as Python does by itself, and say whether it is now.

    It may be ignored, as in the background of a shell, or be somebody else's business.
    """
    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        return False
    try:
        signal.signal(signal.SIGINT, handler)
    except ValueError:  # not the main thread
        return False
    return True


def give_back() -> None:
    """SIGINT is Python's own again: a KeyboardInterrupt."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def no_more() -> None:
    """The run is over and its exit code stands: SIGINT changes nothing any more."""
    handle(signal.SIG_IGN)
