"""One direction of a connection in a copy: what was granted of it, and the packets that wait."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

from inspector.credentials.masking import Found, Masker
from inspector.exchanges.marks import BlankReason, BlockHead, BodyFacts
from inspector.protocols.extent import Extent
from inspector.protocols.messages import EVERYTHING
from inspector.redaction.brought import Brought
from inspector.redaction.held import HeldPieces
from inspector.redaction.marking import Sequence as Numbers
from inspector.redaction.messages import Messages
from inspector.redaction.records import Records
from inspector.redaction.track import HISTORY, PAST, Track
from inspector.wire import Segment, joined

if TYPE_CHECKING:
    from inspector.redaction.listening import Listening


class Host(Protocol):
    """Who holds the packets of the connections that are listened to."""

    @property
    def masker(self) -> Masker:
        """What knows the keys."""

    @property
    def gives_way(self) -> bool:
        """Whether packets are blank whatever is told of them: there is no time."""

    @property
    def keep_bodies(self) -> bool:
        """Whether bodies keep their text."""

    @property
    def keep_ciphertext(self) -> bool:
        """Whether what is encrypted in TLS stays."""

    def decided(self, side: CopiedDirection, *, over: bool) -> None:
        """More of a direction may be decided now; `over`: all that will ever be."""

    def ended(self, talk: Listening) -> None:
        """Nothing more of a connection comes."""

    def mark(
        self,
        talk: Listening,
        up: bool,
        at: int,
        extent: Extent,
        why: BlankReason,
        facts: BodyFacts | None,
        key: str | None,
        head: BlockHead = (),
    ) -> None:
        """A stretch of a direction as the engine means it is blank, and this was found there."""

    def note(self, packet: int, found: list[Found], why: str) -> None:
        """Something was masked in a packet; if not, something was hidden, and why."""


class CopiedDirection:
    """One direction of a connection in which something was said."""

    __slots__ = (
        "_at", "_host", "brought", "encrypted", "messages", "records", "sequence", "track",
        "unread", "waiting",
    )  # fmt: skip

    def __init__(self, host: Host, force: Callable[[], None]) -> None:
        self.track = Track()
        self.messages = Messages(self.track, host.masker, self.note, keep_bodies=host.keep_bodies)
        self.records: Records | None = None
        self.sequence = Numbers()
        #: When TLS began, in ns, and where; None: it did not.
        self.encrypted: tuple[int, int] | None = None
        self._at = 0
        #: The packets that wait for it.
        self.waiting = HeldPieces(force)
        self._host = host
        #: The time of the packet, in ns, and the offset of the first byte that nobody read.
        self.unread: tuple[int, int] | None = None
        self.brought = Brought()

    def add(self, segments: Sequence[Segment]) -> None:
        """The next bytes."""
        if not segments:
            return
        self._at = self.brought.add(self.track.end, segments)
        records = self.records
        if records is None:
            self.track.add(joined(segments))
            return
        before = records.changed
        if not records.seal(segments):
            data = joined(segments)
            self.track.add(data)
            records.take(data)
        self._note_tls(before=before)

    def begin_records(self, start: int) -> None:
        """From this byte on it consists of TLS records."""
        host, track = self._host, self.track
        self.encrypted = self._at, start
        self.records = Records(track, host.masker, start, keep_ciphertext=host.keep_ciphertext)
        data = track.read(start, track.end)
        if not data and start < track.end:
            self.records.gap(track.end - start)  # it is found out behind a gap
        self.records.take(data)
        self._note_tls(before=False)

    def _note_tls(self, *, before: bool) -> None:
        """Tell that something was hidden, if nothing was `before`."""
        if self.records is not None and self.records.changed and not before:
            self.note(self.track.end, [], "tls")

    def settle(self, before: int) -> bool:
        """Nothing more will be told of the bytes before this one; whether more is decided now."""
        track = self.track
        held = self.messages.settled if self.records is None else self.records.settled
        if min(before, held, track.end) <= track.decided:
            return False
        start = track.settle(min(before, held))
        if start is not None and self.unread is None:
            self.unread = self.brought.of(start)[1], start
            self.note(start, [], "plaintext")
        self.brought.forget(track.decided)
        return True

    def force(self) -> None:
        """Decide everything that is here, come what may."""
        self.messages.force()
        if self.records is not None:
            self.records.force()
        self.settle(EVERYTHING)
        self.track.settle(EVERYTHING)

    def trim(self, history: int = HISTORY, past: int = PAST, slack: int | None = None) -> None:
        """Forget what is older than `history`, but nothing that a packet here waits for.

        For less than `slack` bytes nothing is done; None: for as many as `history`.
        """
        slack = history if slack is None else slack
        track, most = self.track, history + slack
        if track.end > most and track.remembered > most:  # most have not said so much
            track.trim(self.waiting.first(track.decided), history, past, slack)

    def give_up(self) -> bool:
        """Nobody understands it: what is not decided stays blank; whether there was any."""
        before = self.track.decided
        start = self.track.settle(EVERYTHING)
        if start is not None and self.unread is None:
            self.unread = self.brought.of(start)[1], start
        return self.track.decided > before

    def let_go(self) -> None:
        """Nobody asks for it any more: what refers to it from within does so no longer.

        Python frees it at once then, and not when it looks for cycles, minutes later.
        """
        del self.messages, self.waiting

    def note(self, offset: int, found: list[Found], why: str) -> None:
        """Tell what was masked at an offset, or for which reason something was hidden there."""
        self._host.note(self.brought.of(offset)[0], found, why)
