"""How a live capture was taken: the report's `live` section.

What a capture from a file cannot say (which programs watched, what they missed, why it ended)
stands here and nowhere else, so that the rest of a live report is that of the file.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

from inspector.fact import Fact

RungState: TypeAlias = Literal["working", "lost", "not wanted"]
EndedFor: TypeAlias = Literal[
    "command", "duration", "max-size", "signal", "asked", "interface-gone", "disk", "failure"
]
Redaction: TypeAlias = Literal["in place", "none", "nothing written"]


class Rung(Fact):
    """One step of the ladder that a live capture stands on, and whether it holds."""

    name: str
    """What it is."""
    state: RungState
    """"lost" means wanted and not to be had."""
    detail: str
    """What works; or what is missing, and what the report cannot say without it."""
    remedy: str | None = None
    """How to get it; null when nothing is needed."""


class HookCount(Fact):
    """A program in the kernel, and how often it ran."""

    name: str
    """The kernel's hook that it is attached to."""
    hits: int
    """How often it ran."""
    lost: int = 0
    """How often its ring buffer had no room for what it had to say."""
    note: str | None = None
    """What a zero means."""


class LiveInterface(Fact):
    """An interface as the kernel counted it."""

    name: str
    """The interface's name."""
    received: int | None
    """Packets that passed the filter."""
    dropped: int | None
    """Packets among them that found no room in the ring."""
    freezes: int | None = None
    """How often the ring was full."""
    packets: int = 0
    """Packets read from it."""
    note: str | None = None
    """What happened to it."""


class Live(Fact):
    """How a live capture was taken, and what it may have missed."""

    ended_for: EndedFor
    """Why it ended."""
    ending: str
    """The same, as a sentence."""
    command_status: int | None
    """The exit status of the command it ran for, 128 + n when signal n ended it."""
    redaction: Redaction
    """What the capture file holds in place of credentials."""
    privileges: str
    """As whom the packets were parsed."""
    interfaces: tuple[LiveInterface, ...]
    """The interfaces that were captured, in the order given."""
    rungs: tuple[Rung, ...]
    """The ladder, in order: from the indispensable to the merely useful."""
    probes: tuple[HookCount, ...]
    """The programs in the kernel, in the order of their loading."""
    attributed: int = 0
    """Connection ends whose process is known."""
    unattributed: int = 0
    """Connection ends whose process is not known."""
    notes: tuple[str, ...] = ()
    """What else to know of the run, each a sentence, in the order of the happenings."""
