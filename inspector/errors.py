"""The errors that end a run: each names the culprit, the next step, and what it is not.

Nothing captured raises one of these from within a capture: what is wrong
inside a file is a `facts.Fault`.  They are for what keeps a file from being
read at all.
"""

from __future__ import annotations


def _sentence(text: str) -> str:
    text = text.strip()
    return text if text.endswith((".", "!", "?")) else text + "."


class InspectorError(Exception):
    """A failure told in sentences that help: `str()` is fit for the user's eyes.

    `culprit` says what is wrong with what, `next_step` what to do about it,
    `not_this` which near suspicion is unfounded (may be empty).  `exit_code`
    is the code that a command ends with.
    """

    exit_code: int = 1

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


class NotACapture(CaptureError):
    """The bytes were read, and they are no capture: empty, or of another format."""

    exit_code = 4


class Interrupted(CaptureError):
    """Whoever waits was asked to stop before there was anything to report."""

    exit_code = 130


class CannotCapture(InspectorError):
    """Live packets are not to be had: no privilege, no such interface, a kernel that refuses."""
