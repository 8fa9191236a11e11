"""TLS in a copy: what `tls_records` answers of one direction, as grants in its track."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from inspector.credentials.masking import Masker
from inspector.redaction.tls_records import TlsMasker
from inspector.redaction.track import Track
from inspector.wire import Segment, size_of

#: So many bytes at least begin a stretch of which nothing but headers is kept: many short ones
#: would cost more.
LEAST: Final = 512


class Records:
    """Grants what may stand of the TLS records of one direction, from `settled` on."""

    __slots__ = ("_masker", "_track", "settled")

    def __init__(self, track: Track, masker: Masker, start: int, *, keep_ciphertext: bool) -> None:
        self._track = track
        self._masker = TlsMasker(masker, keep_ciphertext=keep_ciphertext)
        #: The first byte that was not granted yet.
        self.settled = start

    @property
    def changed(self) -> bool:
        """Whether anything was hidden."""
        return self._masker.changed

    def take(self, data: bytes) -> None:
        """The next bytes."""
        self._show(self._masker.feed(data))

    def seal(self, segments: Sequence[Segment]) -> bool:
        """Whether the next bytes are application data alone: then the track has them now."""
        track, count = self._track, size_of(segments)
        if self.settled != track.end or (count < LEAST and not track.is_sealed):
            return False
        records = self._masker.sealed(segments, track.end)
        if records is None:
            return False
        track.seal(count, records)
        self.settled += count
        return True

    def passable(self, count: int) -> int:
        """How many of the next bytes, at most so many, are blank whatever they are."""
        track = self._track
        if self.settled != track.end or not track.is_sealed:
            return 0
        return min(count, self._masker.passable)

    def pass_over(self, count: int) -> bool:
        """Whether the next bytes, which nobody saw, are blank whatever they were."""
        if self.passable(count) < count:
            return False
        self._masker.pass_over(count)
        self._track.seal(count)
        self.settled += count
        return True

    def force(self) -> None:
        """Decide everything that is here."""
        self._show(self._masker.flush())

    def gap(self, count: int) -> None:
        """The next bytes are missing."""
        self.force()
        self._masker.gap(count)
        self.settled += count

    def _show(self, masked: bytes | bytearray) -> None:
        self._track.grant(self.settled, masked)
        self.settled += len(masked)
