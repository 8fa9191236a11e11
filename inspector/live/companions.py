"""Who works beside a session, as it knows them: none of them is needed for a report."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from inspector.decryption.keystore import Keystore
from inspector.exchanges.listener import Audience
from inspector.exchanges.processes import SocketOwner
from inspector.inspection import Inspector
from inspector.model.capture import KeyMaterial
from inspector.model.live import HookCount
from inspector.wire import Batch


class Scrubber(Audience, Protocol):
    """Hides credentials in packets, in place: lengths, order and numbers stay.

    It may keep packets until it has seen what follows them.  It hears what the
    inspector reads in them, and has them read by it.
    """

    def follow(self, source: Inspector) -> None:
        """Who reads the packets; to be told before the first."""

    @property
    def statement(self) -> bytes:
        """The mark that begins each file."""

    def take_marks(self, file: int) -> tuple[bytes, ...]:
        """Marks that no batch of a file has."""

    def feed(self, batch: Batch) -> Iterable[Batch]:
        """Have packets read; those that are safe to write now."""

    def give_way(self) -> None:
        """There is no time: what is open now, or opens before `go_on`, is blank from here on."""

    def go_on(self) -> None:
        """There is time again: connections that begin are read as ever."""

    def finish(self) -> Iterable[Batch]:
        """What it still kept."""


class Attribution(Protocol):
    """Tells which process holds which connection's end."""

    def fileno(self) -> int:
        """What becomes readable when there are claims."""

    def read(self) -> Sequence[SocketOwner]:
        """The claims made since the last call; never waits."""

    def finish(self) -> Sequence[SocketOwner]:
        """What can only be said at the end."""

    def probes(self, established: int) -> Sequence[HookCount]:
        """The programs in the kernel, and how often each of them ran.

        So many connections were `established` meanwhile: without one a program
        that never ran is nothing to speak of.
        """

    def close(self) -> None:
        """Take the programs out of the kernel.  Idempotent."""


class SecretSource(Protocol):
    """Secrets of TLS sessions that come while packets come."""

    store: Keystore

    def fileno(self) -> int:
        """What becomes readable when there are some."""

    def read(self) -> None:
        """Take them into `store`; never waits."""

    @property
    def fact(self) -> KeyMaterial:
        """What the report says of them."""

    def probes(self) -> Sequence[HookCount]:
        """Where they are taken from, and how often each place was passed."""
