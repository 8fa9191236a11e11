"""TLS in a copy: what `tls_records` answers of one direction, as grants in its track."""

from __future__ import annotations

from inspector.credentials.masking import Masker
from inspector.redaction.tls_records import TlsMasker
from inspector.redaction.track import Track


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
