"""How a live capture was taken: the report's `live` section.

Like `facts.py` this is the report's own language (`inspector.report/1`): field
names are the JSON's, `_at` is a time, sizes are bytes.  What a capture from a
file cannot say (which programs watched, what they missed, why it ended) stands
here and nowhere else, so that the rest of a live report is that of the file.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

RungState: TypeAlias = Literal["working", "lost", "not wanted"]
EndedFor: TypeAlias = Literal[
    "command", "duration", "max-size", "signal", "asked", "interface-gone", "disk", "failure"
]
Redaction: TypeAlias = Literal["in place", "none", "nothing written"]


@dataclass(frozen=True, slots=True)
class Rung:
    """One step of the ladder that a live capture stands on, and whether it holds.

    `state` "lost" means wanted and not to be had: `detail` says what is missing
    and what the report lacks for it, `remedy` how to get it (null: none needed).
    """

    name: str
    state: RungState
    detail: str
    remedy: str | None = None


@dataclass(frozen=True, slots=True)
class Probe:
    """A program in the kernel, how often it ran, and what a zero means.

    `lost` counts what it had to say and could not (its ring buffer was full).
    """

    name: str
    hits: int
    lost: int = 0
    note: str | None = None


@dataclass(frozen=True, slots=True)
class LiveInterface:
    """An interface as the kernel counted it.

    `received` counts the packets that passed the filter, `dropped` those among
    them that found no room in the ring, `freezes` how often it was full.
    """

    name: str
    received: int | None
    dropped: int | None
    freezes: int | None = None
    packets: int = 0
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Live:
    """How a live capture was taken, and what it may have missed.

    `ended_for` is the reason why it ended, `ending` the same as a sentence.
    `command_status` is the exit status of the command it ran for, 128 + n when
    signal n ended it; null without one.  `redaction` tells what the capture
    file holds in place of credentials.  `privileges` says as whom the packets
    were parsed.  `attributed` counts connection ends whose process is known,
    `unattributed` the others.
    """

    ended_for: EndedFor
    ending: str
    command_status: int | None
    redaction: Redaction
    privileges: str
    interfaces: tuple[LiveInterface, ...]
    rungs: tuple[Rung, ...]
    probes: tuple[Probe, ...]
    attributed: int = 0
    unattributed: int = 0
    notes: tuple[str, ...] = ()
