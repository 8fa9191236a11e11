"""How much of the truth a capture can hold: what is known to be missing, and what may be.

Never a judgement of the traffic itself: a capture of a failed run is complete
when no packet of it is missing.
"""

from __future__ import annotations

from collections.abc import Sequence

from inspector.exchanges.ledger import Ledger
from inspector.flows.notes import FlowNotes
from inspector.model.capture import CaptureFile, Completeness, Gap, UnreadReason, Verdict
from inspector.model.ids import connection_id
from inspector.model.topology import Topology
from inspector.wire import keeps_all


def completeness(
    captures: Sequence[CaptureFile],
    dropped_by_kernel: int | None,
    capture_filter: str | None,
    notes: FlowNotes,
    ledger: Ledger,
    topology: Topology,
    doubts: Sequence[str] = (),
) -> Completeness:
    """What the capture can prove; `doubts` are those of who took it.

    "incomplete" names what is known to be missing; "unknown", that something may be.  A
    filter that lets the whole subnet through holds back nothing of a report on it.
    """
    subnets = topology.networks if topology.scope == "subnet" else ()
    gaps = tuple(
        Gap(
            connection=connection_id(missing.connection),
            direction="up" if missing.up else "down",
            bytes=missing.count,
            packet=missing.packet,
        )
        for missing in notes.missing
    )
    unread = notes.unread
    unread.merge(ledger.unread)
    limits_hit = {**notes.limits_hit, **ledger.limits_hit}
    if unread.overflow:
        limits_hit["unread connections listed"] = None
    half_heard = unread.count("one-sided")
    lacking = [
        (dropped_by_kernel or 0, "packet was dropped", "packets were dropped"),
        (
            notes.truncated_packets,
            "packet was cut short by the snap length",
            "packets were cut short by the snap length",
        ),
        (
            sum(capture.cut is not None and not capture.interrupted for capture in captures),
            "file ends before its last record does",
            "files end before their last record does",
        ),
        (
            sum(capture.interrupted for capture in captures),
            "pipe was not read to its end: the reading was interrupted",
            "pipes were not read to their ends: the reading was interrupted",
        ),
        (
            sum(gap.bytes for gap in gaps),
            "byte was acknowledged but not captured",
            "bytes were acknowledged but not captured",
        ),
        (
            notes.midstream_connections,
            "connection had begun before the capture",
            "connections had begun before the capture",
        ),
        (
            notes.unopened,
            "connection was answered by a SYN-ACK that was not captured",
            "connections were answered by SYN-ACKs that were not captured",
        ),
        (
            half_heard if ledger.two_sided else 0,
            "connection was captured in one direction only",
            "connections were captured in one direction only",
        ),
        (
            ledger.unfinished,
            "request was not wholly sent or answered on a connection still open",
            "requests were not wholly sent or answered on connections still open",
        ),
        (
            ledger.ends_lost,
            "answer broke off where the server's end was acknowledged but not captured",
            "answers broke off where the server's end was acknowledged but not captured",
        ),
        (
            unread.count("conflict"),
            "connection carried bytes twice with different content",
            "connections carried bytes twice with different content",
        ),
        (
            unread.count("after-close"),
            "connection carried data behind its end",
            "connections carried data behind their end",
        ),
        (
            unread.count("limit"),
            "connection was not read whole: it exceeds a limit",
            "connections were not read whole: they exceed a limit",
        ),
        (
            notes.other_packets.get("too-many-layers", 0) if unread.of_any("limit") else 0,
            "packet has more headers inside one another than are followed",
            "packets have more headers inside one another than are followed",
        ),
        (
            notes.carriers,
            "packet carries TCP inside headers that are not read",
            "packets carry TCP inside headers that are not read",
        ),
        (
            unread.count("blanked"),
            "connection carried a body that is blanked in this copy",
            "connections carried bodies that are blanked in this copy",
        ),
        (
            unread.count("internal-error"),
            "connection was given up: the inspector failed on it (internal-error)",
            "connections were given up: the inspector failed on them (internal-error)",
        ),
    ]
    filtered = capture_filter is not None and not keeps_all(capture_filter, subnets)
    unended = sum(capture.unended for capture in captures)
    doubtful = [
        (
            unended > 0,
            f"{unended} file has no end: its capture was killed, the disk was full, or another"
            " program rewrote it"
            if unended == 1
            else f"{unended} files have no end: their captures were killed, the disk was full, or"
            " another program rewrote them",
        ),
        (
            filtered,
            f"captured with filter {capture_filter!r}",
        ),
        (
            half_heard > 0 and not ledger.two_sided,
            "only one direction of the traffic was captured",
        ),
    ]
    unheard = list(doubts)
    if not notes.packets and not doubts:
        # It proves nothing: not that nobody spoke, and not that all would have been heard.
        unheard = ["no packet was seen"]
    wholly: list[tuple[object, UnreadReason]] = [
        (dropped_by_kernel, "dropped"),
        (any(capture.cut is not None for capture in captures), "file-cut"),
        (unended, "file-cut"),
        (filtered, "filter"),
        (unheard, "not-heard"),
    ]
    for applies, reason in wholly:
        if applies:
            unread.note(None, reason, None)
    because = [f"{count} {one if count == 1 else many}" for count, one, many in lacking if count]
    uncertain = [*unheard, *(text for applies, text in doubtful if applies)]
    verdict: Verdict = "incomplete" if because else "unknown" if uncertain else "complete"
    return Completeness(
        packets=notes.packets,
        dropped_by_kernel=dropped_by_kernel,
        truncated_packets=notes.truncated_packets,
        duplicate_packets=notes.duplicate_packets,
        gaps=gaps,
        midstream_connections=notes.midstream_connections,
        limits_hit=tuple(limits_hit),
        capture_filter=capture_filter,
        verdict=verdict,
        because=(*because, *uncertain),
        unread=unread.facts(),
    )
