"""The reading that grants come from when nobody reads the capture for a report.

The layers of `exchanges` read every connection as they would for one; what they find is
dropped, what they tell is heard.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

from inspector.credentials.reader import CredentialReader
from inspector.exchanges.conversation import Conversation
from inspector.exchanges.ledger import Ledger
from inspector.exchanges.listener import Audience
from inspector.flows.contract import ConnectionView, Place
from inspector.flows.engine import PacketEngine
from inspector.flows.native import NativeEngine
from inspector.native.library import loaded
from inspector.pipeline import Pipeline
from inspector.secrets.vault import Vault
from inspector.wire import FILE_SHIFT, Batch


class Unwritten(Ledger):
    """The ledger of such a reading, in which no exchange is written: nobody reads it.

    The keys of one were learnt with its heads (`CredentialReader.study`).
    """

    def add_exchange(self, *_args: Any, **_more: Any) -> None:
        """See `Ledger`."""


class Alone:
    """Implements `redactor.PacketReader`, and `pipeline.Consumer` for its own pipeline."""

    def __init__(
        self,
        audience: Audience,
        *,
        auth_headers: Iterable[str] = (),
        kept_headers: Iterable[str] = (),
        vault: Vault | None = None,
    ) -> None:
        self._audience = audience
        credentials = CredentialReader(
            os.urandom(32),
            tuple(auth_headers),
            kept_headers=tuple(kept_headers),
            vault=vault,
        )
        self._ledger = Unwritten(credentials)
        core = loaded().core
        self._engine = PacketEngine() if core is None else NativeEngine(core)
        self._pipeline = Pipeline(self._engine, self)

    # -- what a redactor asks --------------------------------------------------

    def feed(self, batch: Batch) -> None:
        """Read the packets of one batch."""
        self.note_marks(batch.marks, batch.first_packet >> FILE_SHIFT)
        self._pipeline.feed(batch)
        self._ledger.clear()

    def note_marks(self, texts: Iterable[bytes], file_index: int) -> None:
        """See `redactor.PacketReader`."""
        for text in texts:
            self._ledger.marks.note(text, file_index)

    def flush(self) -> None:
        """Read what is held to be read with what follows."""
        self._pipeline.flush()

    def end(self) -> None:
        """The packets are over."""
        self._pipeline.finish()
        self._ledger.clear()

    def place(self, key: bytes, sequence: int) -> Place | None:
        """Where a byte of a direction lies (`contract.PlacingEngine.place`)."""
        return self._engine.place(key, sequence)

    # -- what the pipeline asks ------------------------------------------------

    def is_in_scope(self, source: bytes, destination: bytes, sport: int, dport: int) -> bool:
        """Every connection is read."""
        return True

    def left_out(self, source: bytes, destination: bytes, sport: int, dport: int) -> None:
        """None is."""

    def open(self, view: ConnectionView) -> tuple[Conversation]:
        """The reader of a connection."""
        listener = self._audience.listen(view)
        return (Conversation(self._ledger, view, self._engine.turn, listener),)

    def close(self, view: ConnectionView) -> None:
        """Its reader was told."""
