"""How much of the truth a capture can hold: what is known to lack, and what may.

Never a judgement of the traffic itself: a capture of a failed run is complete
when no packet of it lacks.
"""

from __future__ import annotations

from collections.abc import Sequence

from inspector.exchanges.ledger import Ledger
from inspector.facts import CaptureFile, Completeness, Gap, Topology, Verdict
from inspector.flows.notes import FlowNotes
from inspector.packets import keeps_all


def completeness(
    captures: Sequence[CaptureFile],
    dropped_by_kernel: int | None,
    capture_filter: str | None,
    notes: FlowNotes,
    ledger: Ledger,
    topology: Topology,
) -> Completeness:
    """What the capture can prove.

    "incomplete" names what is known to lack; "unknown" that something may.  A
    filter that lets the whole subnet through holds back nothing of a report on it.
    """
    subnet = topology.subnet if topology.scope == "subnet" else None
    gaps = tuple(
        Gap(
            connection=f"c{missing.connection.number}",
            direction="up" if missing.up else "down",
            bytes=missing.count,
            packet=missing.packet,
        )
        for missing in notes.missing
    )
    lacking = [
        (dropped_by_kernel or 0, "packet was dropped", "packets were dropped"),
        (
            notes.truncated_packets,
            "packet was cut short by the snap length",
            "packets were cut short by the snap length",
        ),
        (
            sum(capture.cut is not None for capture in captures),
            "file ends before its last record does",
            "files end before their last record does",
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
            ledger.unfinished,
            "request was not wholly sent or answered on a connection still open",
            "requests were not wholly sent or answered on connections still open",
        ),
    ]
    doubtful = [
        (
            capture_filter is not None and not keeps_all(capture_filter, subnet),
            f"captured with filter {capture_filter!r}",
        ),
        (
            ledger.one_sided > 0 and not ledger.two_sided,
            "only one direction of the traffic was captured",
        ),
    ]
    because = [f"{count} {one if count == 1 else many}" for count, one, many in lacking if count]
    doubts = [text for applies, text in doubtful if applies]
    verdict: Verdict = "incomplete" if because else "unknown" if doubts else "complete"
    return Completeness(
        packets=notes.packets,
        dropped_by_kernel=dropped_by_kernel,
        truncated_packets=notes.truncated_packets,
        duplicate_packets=notes.duplicate_packets,
        gaps=gaps,
        midstream_connections=notes.midstream_connections,
        limits_hit=tuple(notes.limits_hit),
        capture_filter=capture_filter,
        verdict=verdict,
        because=(*because, *doubts),
    )
