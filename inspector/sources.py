"""What files and logs themselves state: the frame of a report, and the second witnesses."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from inspector.credentials.reader import CredentialReader
from inspector.exchanges.assemble import Assembled
from inspector.exchanges.marks import Copied
from inspector.fact import Changing, field, replace
from inspector.model.capture import CaptureFile, Completeness, Fault, Interface, KeyMaterial, Unread
from inspector.model.conclusions import Witnesses
from inspector.model.live import Live

if TYPE_CHECKING:
    from inspector.witnesses.weigh import Scales


class Sources(Changing):
    """What the files themselves state, for the report's frame."""

    captures: tuple[CaptureFile, ...] = ()
    faults: list[Fault] = field(default_factory=list)
    dropped_by_kernel: int | None = None
    capture_filter: str | None = None
    logs: tuple[tuple[str, Iterable[bytes]], ...] = ()
    live: Live | None = None
    keys: KeyMaterial | None = None
    #: Limits of this program that left out some of what they hold.
    limits: tuple[str, ...] = ()
    #: What may be missing for a reason that is in no packet, each a clause.
    doubts: tuple[str, ...] = ()


def with_copies(sources: Sources, copies: Mapping[int, Copied]) -> Sources:
    """Which of the files are redacted copies."""
    return replace(
        sources,
        captures=tuple(
            capture if (told := copies.get(index)) is None else replace(capture, redacted=told.fact)
            for index, capture in enumerate(sources.captures)
        ),
    )


def in_words(sources: Sources, words: Callable[[str], str]) -> Sources:
    """What whoever captured wrote into the file may quote a key: names of interfaces, filters."""

    def told(interface: Interface) -> Interface:
        name, rule = interface.name, interface.filter
        return replace(
            interface,
            name=None if name is None else words(name),
            filter=None if rule is None else words(rule),
        )

    rule = sources.capture_filter
    return replace(
        sources,
        captures=tuple(
            replace(capture, interfaces=tuple(map(told, capture.interfaces)))
            for capture in sources.captures
        ),
        capture_filter=None if rule is None else words(rule),
        logs=tuple((words(name), lines) for name, lines in sources.logs),
        keys=sources.keys
        and replace(
            sources.keys,
            key_logs=tuple(map(words, sources.keys.key_logs)),
            unread_logs=tuple(map(words, sources.keys.unread_logs)),
        ),
    )


def weigh(sources: Sources, found: Assembled, credentials: CredentialReader) -> Scales | None:
    """What the logs say, if there are any, within the time of the captures."""
    if not sources.logs:
        return None
    from inspector.witnesses import manifest
    from inspector.witnesses.lines import read
    from inspector.witnesses.weigh import Scales

    starts = [capture.started_at for capture in sources.captures if capture.started_at is not None]
    ends = [capture.ended_at for capture in sources.captures if capture.ended_at is not None]
    span = (min(starts, default=0), max(ends, default=0))
    scales = Scales(span, credentials.target, credentials.label)
    scales.packets(found.exchanges, found.tunnels, found.connections)
    for name, lines in sources.logs:
        if name.endswith(manifest.NAME):
            scales.rules(name, manifest.read_manifest(lines))
        else:
            scales.log(name, read(lines))
    return scales


def with_logs(completeness: Completeness, witnesses: Witnesses) -> Completeness:
    """A logged call or tunnel without a packet shows that the capture is not whole."""
    lacking = sum(item.kind == "not-captured" for item in witnesses.disagreements)
    if not lacking:
        return completeness
    return replace(
        completeness,
        verdict="incomplete",
        unread=(Unread(None, "logs", None), *completeness.unread),
        because=(*completeness.because, f"{lacking} calls or tunnels in the logs have no packets"),
    )
