"""The errors that end a run: each names the culprit, the next step, and what it is not.

Nothing captured raises one of these from within a capture: what is wrong
inside a file is a `facts.Fault`.  They are for what keeps a file from being
read at all.
"""

from __future__ import annotations

from enum import IntEnum
from itertools import pairwise
from typing import Final

from inspector.regex import regex


class ExitCode(IntEnum):
    """What a run ends with, and what that says."""

    meaning: str

    def __new__(cls, code: int, meaning: str) -> ExitCode:
        """A code with its meaning, as help and docs/cli.md show it."""
        made = int.__new__(cls, code)
        made._value_ = code
        made.meaning = meaning
        return made

    DONE = 0, "done: the report was written"
    FAILED = 1, "the tool failed; one sentence on stderr says over what"
    USAGE = 2, "usage: an option or argument does not fit"
    BROKEN = 3, "a finding of the level of --fail-on or above, or a broken expectation of a policy"
    NOTHING_TO_ANALYSE = 4, "nothing to analyse: not a capture, or no TCP in scope"
    NOT_PROVEN = (
        5,
        "what would prove that a policy, or --fail-on, is kept is missing in the capture",
    )
    INTERRUPTED = (
        130,
        "interrupted by Ctrl-C (SIGINT); what was read of a pipe is reported first",
    )


#: What stands for a word that may be secret.
NOT_SHOWN: Final = "(not shown)"

_JOINT: Final = regex(r"[\s/._:\-\[\]]+")
_JOINED: Final = regex(f"({_JOINT.pattern})")
#: A part of a name: short, Docker's id, a word, or a time; a key has no room in it.
_PART: Final = regex(
    r"[A-Za-z0-9]{0,11}|[0-9a-f]{12}|[A-Z]?[a-z]{1,19}|[0-9]{8}(?:T?[0-9]{4,9}Z?)?"
)
#: What parts one name from another; between two hidden parts of one name a word alone is shown.
_APART: Final = regex(r"[\s/]")
_WORD: Final = regex(r"[A-Z]?[a-z]{3,19}")
#: So many short parts of letters and digits make a key: a UUID, words of hex.
_MIXED: Final = 2


def is_plain_word(text: str) -> bool:
    """Whether a word of a user is a name, an address or a number, in which no key has room."""
    if "@" in text or not text.isprintable():
        return False
    parts = _JOINT.split(text)
    mixed = sum(
        len(part) > 5 and any(c.isdigit() for c in part) and any(c.isalpha() for c in part)
        for part in parts
    )
    return mixed < _MIXED and all(_PART.fullmatch(part) for part in parts)


def plain_parts(text: str) -> str:
    """The same as `plain` of each part of a name, a path or a sentence; what joins them stays."""
    if is_plain_word(text):
        return text
    pieces = _JOINED.split(text)
    mixed = [
        len(part) > 5 and any(c.isdigit() for c in part) and any(c.isalpha() for c in part)
        for part in pieces
    ]
    hides_mixed = sum(mixed) >= _MIXED
    hidden = [
        at
        for at, part in enumerate(pieces)
        if not at % 2 and not (_PART.fullmatch(part) and not (mixed[at] and hides_mixed))
    ]
    for before, after in pairwise(tuple(hidden)):
        between = range(before + 1, after)
        if not any(_APART.search(piece) for piece in pieces[before + 1 : after]):
            hidden += [at for at in between if not at % 2 and not _WORD.fullmatch(pieces[at])]
    shown = set(range(len(pieces))).difference(hidden)
    return "".join(part if at in shown else NOT_SHOWN for at, part in enumerate(pieces))


def quoted(text: str) -> str:
    """A word of a user for a sentence, which shows it only if it is plain."""
    return repr(text) if is_plain_word(text) else NOT_SHOWN


def plain(text: str) -> str:
    """The same without quotes."""
    return text if is_plain_word(text) else NOT_SHOWN


def _sentence(text: str) -> str:
    text = text.strip()
    return text if text.endswith((".", "!", "?")) else text + "."


class InspectorError(Exception):
    """A failure told in sentences that help: `str()` is fit for the user's eyes.

    `culprit` says what is wrong with what, `next_step` what to do about it,
    `not_this` which near suspicion is unfounded (may be empty).  `exit_code`
    is the code that a command ends with.
    """

    exit_code: int = ExitCode.FAILED

    def __init__(self, culprit: str, next_step: str, not_this: str = "") -> None:
        super().__init__(culprit, next_step, not_this)
        self.culprit = culprit
        self.next_step = next_step
        self.not_this = not_this

    def __str__(self) -> str:
        parts = (self.culprit, self.next_step, self.not_this)
        return " ".join(_sentence(part) for part in parts if part)


class CaptureError(InspectorError):
    """A capture that cannot be read."""


class CaptureUnreadable(CaptureError):
    """The operating system does not give the file's bytes: absent, forbidden, broken."""


class CaptureMissing(CaptureUnreadable):
    """There is no such file: the argument does not fit, as an option's would not."""

    exit_code = ExitCode.USAGE


class NotACapture(CaptureError):
    """The bytes were read, and they are no capture: empty, or of another format."""

    exit_code = ExitCode.NOTHING_TO_ANALYSE


class JsonText(NotACapture):
    """The bytes are JSON, as a report is; `head` are those that were read of them."""

    def __init__(self, culprit: str, next_step: str, *, head: bytes) -> None:
        super().__init__(culprit, next_step)
        self.head = head


class Interrupted(CaptureError):
    """Whoever waits was asked to stop before there was anything to report."""

    exit_code = ExitCode.INTERRUPTED


class CannotCapture(InspectorError):
    """Live packets are not to be had: no privilege, no such interface, a kernel that refuses."""
