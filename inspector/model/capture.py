"""What was read: files, interfaces, and how much of the truth they can hold."""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

from inspector.fact import Fact
from inspector.model.digests import Sha256
from inspector.model.ids import ConnectionId

Direction: TypeAlias = Literal["up", "down"]
Verdict: TypeAlias = Literal["complete", "unknown", "incomplete"]
UnreadReason: TypeAlias = Literal[
    "gap",
    "truncated",
    "midstream",
    "capture-end",
    "one-sided",
    "conflict",
    "after-close",
    "limit",
    "internal-error",
    "dropped",
    "file-cut",
    "filter",
    "not-heard",
    "logs",
    "protocol",
    "blanked",
]


#: The fault of a pipe that was not read to its end, and how its `CaptureFile.cut` begins.
READ_INTERRUPTED: Final = "read-interrupted"


class Interface(Fact):
    """One capture interface as its file describes it."""

    name: str | None
    """The interface's name."""
    link_type: int
    """The LINKTYPE_ number of the tcpdump.org registry."""
    snap_length: int | None
    """Bytes of a packet that were kept at most."""
    filter: str | None = None
    """The capture filter."""
    received: int | None = None
    """Packets received, by the file's own statistics."""
    dropped: int | None = None
    """Packets dropped, by the file's own statistics."""


class Redacted(Fact):
    """The file is a copy by this program: what was not granted is blank in it."""

    bodies: bool
    """Whether what bodies say is blank, too."""
    ciphertext: bool
    """Whether what is encrypted in TLS is blank, too."""


class KeyMaterial(Fact):
    """Where secrets of TLS sessions came from; none of them is in a report."""

    key_logs: tuple[str, ...]
    """The key logs that were read, by their names, in the order in which they were named."""
    embedded: int
    """Blocks with secrets in the captures."""
    secrets: int
    """Secrets that were read, of whatever source."""
    unread_lines: int
    """Lines of key logs and blocks in another form."""
    processes: int = 0
    """Processes from which secrets came while they ran (`capture --keys`)."""
    unread_logs: tuple[str, ...] = ()
    """Key logs beside a capture that could not be read, by their names, in the order of these."""


class CaptureFile(Fact):
    """One input file: what it is, and where it stops being readable."""

    name: str
    """The path as it was given."""
    format: str
    """`pcap` or `pcapng`."""
    compression: str | None
    """`gzip` or `zstd`."""
    packets: int
    """Packets in it."""
    bytes: int
    """Bytes of it that were read, before decompression."""
    started_at: int | None
    """The earliest packet's time."""
    ended_at: int | None
    """The latest packet's time."""
    interfaces: tuple[Interface, ...]
    """The interfaces that it describes, in the order of the file."""
    comments: int
    """Comments in it."""
    decryption_secrets: int
    """Decryption secrets blocks in it: TLS is read with their secrets, which no report shows."""
    cut: str | None
    """Where the file breaks off; null when it is whole."""
    unended: bool = False
    """This program wrote the file, and the statistics that it ends its files with are missing.

    It was killed, the disk was full, or another program took packets out of the file.
    """
    redacted: Redacted | None = None
    """What is blank in it, when it is a redacted copy that says so; null otherwise."""
    sha256: Sha256 | None = None
    """SHA-256 of the file as it lies on the disk, or as the pipe gave it, compression included.

    Null where it was not read to its end, and of a live capture.
    """

    @property
    def interrupted(self) -> bool:
        """Whether somebody asked to stop reading it: it may be whole, or go on for ever."""
        return self.cut is not None and self.cut.startswith(READ_INTERRUPTED)


class Gap(Fact):
    """Bytes that were on the wire (the peer acknowledged them) but not captured."""

    connection: ConnectionId
    """The connection."""
    direction: Direction
    """Up: from the client."""
    bytes: int
    """How many."""
    packet: int
    """The packet that revealed it."""


class Fault(Fact):
    """One occurrence of something odd, as a parser met it."""

    name: str
    """Stable and documented (docs/oddities.md)."""
    packet: int
    """Where it was met."""
    detail: str = ""
    """More of it; never captured bytes of unknown sensitivity."""


class Oddity(Fact):
    """All occurrences of one kind of fault."""

    name: str
    """Stable and documented (docs/oddities.md)."""
    count: int
    """How often it was met."""
    packets: tuple[int, ...]
    """The first few packets where it was met, in their order."""
    detail: str
    """Its first occurrence's detail."""


class Unread(Fact):
    """Bytes of a connection that were not read, so that nothing is proven by their absence."""

    connection: ConnectionId | None
    """The connection; null when they may be of any."""
    reason: UnreadReason
    """Why they were not read:

    * `gap`: their receiver acknowledged them, and they are not in the capture;
    * `truncated`: the snap length cut them off;
    * `midstream`: the connection had begun before the capture;
    * `capture-end`: the connection was open, and a request or its answer not over;
    * `one-sided`: of the connection only one direction was captured;
    * `conflict`: they were sent twice with different content, and the first copy was read;
    * `after-close`: they came behind an end of their connection, or where no receiver takes them;
    * `limit`: a limit of the inspector cut them off (docs/limits.md);
    * `internal-error`: the inspector failed on the connection and gave it up;
    * `dropped`: the kernel dropped packets while capturing;
    * `file-cut`: a file ends before its last record does;
    * `filter`: the capture's filter may have left them out;
    * `not-heard`: no packet was seen at all, or an interface that was to be listened on never came;
    * `logs`: a log tells of a call or tunnel that no packet shows;
    * `protocol`: they are in a protocol that this version does not read (an unknown one,
      a WebSocket's messages in a language that is not known);
    * `blanked`: they are blank in a redacted copy, which does not say what was read of them.
    """
    packet: int | None
    """Where it was first noticed."""


class Completeness(Fact):
    """How much of the truth the capture can hold."""

    packets: int
    """Packets read."""
    dropped_by_kernel: int | None
    """Packets that whoever captured could not take; null when nobody counted."""
    truncated_packets: int
    """Packets that the snap length cut short."""
    duplicate_packets: int
    """Frames captured twice."""
    gaps: tuple[Gap, ...]
    """Where captured bytes are missing, in the order of `packet`; the first 10,000."""
    midstream_connections: int
    """Connections that had begun before the capture."""
    limits_hit: tuple[str, ...]
    """Limits of this program that cut something off, in that order (docs/limits.md)."""
    capture_filter: str | None
    """The filter that the capture was taken with."""
    verdict: Verdict
    """Whether the capture can prove an absence.

    "incomplete": something is known to be missing; "unknown": something may be.
    """
    because: tuple[str, ...]
    """The verdict's reasons, each a phrase, in an order that stays."""
    unread: tuple[Unread, ...] = ()
    """By connection and in their order, what makes the verdict other than "complete".

    The reason `protocol` does not: those bytes are in the capture, and nobody reads them.  Reports
    of earlier versions do not have it.
    """
    out_of_scope: int = 0
    """Connections of other networks that a report on one subnet leaves out.

    `verdict` does not speak of them.
    """
    out_of_scope_proxies: int = 0
    """Those of them to ports on which the firewall's proxies listen.

    The firewall may have a second network.
    """
