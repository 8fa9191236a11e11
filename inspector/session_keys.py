"""The secrets of TLS sessions for one run: of key logs, and those embedded in its captures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from inspector.decryption.keystore import Keystore
from inspector.model.capture import KeyMaterial
from inspector.options import Options
from inspector.pcap.carried import DecryptionSecrets
from inspector.pcap.key_logs import KEY_LOG_KIND, KeyLog, KeyLogError, embedded
from inspector.pcap.locate import Located
from inspector.pcap.reader import CaptureReader


class SessionKeys:
    """Fills a keystore as `options` say.

    Raises `KeyLogError` for a key log that was named and cannot be read; one that only lies beside
    a capture is told in `fact`.
    """

    def __init__(self, options: Options, located: Sequence[Located]) -> None:
        #: A capture comes while it is written, and so may its key log.
        self._grows = any(not Path(name).is_file() for found in located for name in found.captures)
        beside = [log for found in located for log in found.key_logs] if options.finds_keys else []
        logs = tuple(dict.fromkeys((*options.key_logs, *beside))) if options.decrypts else ()
        self.store = Keystore(expects=self._grows and bool(logs), on_lack=self._read_on)
        self._logs: list[tuple[str, KeyLog]] = []
        self._unread_logs: list[str] = []
        self._embedded = 0
        self._decrypts = options.decrypts
        #: How many blocks were taken of each capture, by its place.
        self._taken: dict[int, int] = {}
        if not options.decrypts:
            return
        for path in logs:
            self._read(path, is_named=path in options.key_logs)
        for index, name in enumerate(name for found in located for name in found.captures):
            blocks = embedded(name)
            self._taken[index] = len(blocks)
            self._add(blocks)

    def _read(self, path: Path, *, is_named: bool) -> None:
        log = KeyLog(path)
        try:
            self.store.read(log.lines(is_over=not self._grows), "keylog")
        except KeyLogError:
            if is_named:
                raise
            self._unread_logs.append(path.name)
            return
        self._logs.append((path.name, log))

    def _read_on(self, *, is_over: bool = False) -> None:
        """What was added to key logs since they were read."""
        for _, log in self._logs if self._grows else ():
            if log.has_grown:
                self.store.read(log.lines(is_over=is_over), "keylog")

    def end(self) -> None:
        """The captures are over: no log grows any more."""
        self._read_on(is_over=True)

    def take(self, readers: Sequence[CaptureReader]) -> None:
        """Secrets that came by now of what can be read only once."""
        self._read_on()
        for index, reader in enumerate(readers):
            blocks = reader.secrets
            known = self._taken.get(index, 0)
            if self._decrypts and len(blocks) > known:
                self._taken[index] = len(blocks)
                self._add(blocks[known:])

    def _add(self, blocks: Sequence[DecryptionSecrets]) -> None:
        for block in blocks:
            if block.kind == KEY_LOG_KIND:
                self._embedded += 1
                self.store.read(block.data.reveal().splitlines(), "embedded")

    @property
    def fact(self) -> KeyMaterial | None:
        """What the report says of them."""
        if not self._logs and not self._embedded and not self._unread_logs:
            return None
        store = self.store
        return KeyMaterial(
            tuple(name for name, _ in self._logs),
            self._embedded,
            store.lines,
            store.unread_lines,
            unread_logs=tuple(self._unread_logs),
        )

    @property
    def limits(self) -> tuple[str, ...]:
        """Limits that left out some of them, for `completeness.limits_hit`."""
        is_cut = any(log.is_cut for _, log in self._logs)
        return (*self.store.limits, *(("bytes of a key log",) if is_cut else ()))
