"""What was written of a header field before, as long as no key in it was learnt since."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from inspector.credentials.memo import ENTRIES, Memo
from inspector.credentials.scrubbing import Scrubber


class PlainFields:
    """Fields that are shown as they are, so that nothing of them has to be hidden here.

    A field is one by its bytes, and as long as no key with a word of it is learnt: `epoch` is the
    vault's (`Vault.epoch`).  They are most of every head, and are met in a tenth of the time that
    the digest for a memo takes.
    """

    __slots__ = ("_epoch", "_shown")

    def __init__(self) -> None:
        self._epoch = -1
        self._shown: dict[tuple[bytes, bytes], tuple[str, str]] = {}

    def at(self, epoch: int) -> Mapping[tuple[bytes, bytes], tuple[str, str]]:
        """Those that are plain in this epoch, by field: its name and value as text."""
        if epoch != self._epoch:
            self._shown.clear()
            self._epoch = epoch
        return self._shown

    def put(self, field: tuple[bytes, bytes], epoch: int, name: str, value: str) -> None:
        """Keep a field that was written so in this epoch, if that is what was sent."""
        sent, raw = field
        if (
            epoch == self._epoch
            and value.encode("latin-1", "replace") == raw.strip(b" \t")
            and name.encode("latin-1", "replace") == sent
        ):
            if len(self._shown) >= ENTRIES:
                self._shown.clear()
            self._shown[field] = (name, value)

    def __repr__(self) -> str:
        return f"<PlainFields {len(self._shown)}>"


class _Written(NamedTuple):
    """A text without the keys that were known when the vault had this generation.

    `epoch`: as long as the vault's is this one, no key in it was learnt since; -1: that is not
    known.  `is_shown`: it may be shown as it is, and is no credential's.
    """

    generation: int
    epoch: int
    name: str
    value: str
    is_shown: bool


class WrittenFields:
    """Names and values of fields as text, under one run's keys."""

    __slots__ = ("_memo", "_plain", "_scrubber")

    def __init__(self, key: bytes, scrubber: Scrubber) -> None:
        self._memo: Memo[_Written] = Memo(key)
        self._plain = PlainFields()
        self._scrubber = scrubber

    @property
    def plain(self) -> Mapping[tuple[bytes, bytes], tuple[str, str]]:
        """Fields that are shown as they are; no key has to do with them."""
        return self._plain.at(self._scrubber.vault.epoch)

    def known(self, field: tuple[bytes, bytes]) -> tuple[str, str] | None:
        """Name and value as they were written, if no key in them is known by now."""
        shown = self.plain.get(field)
        if shown is not None:
            return shown
        before = self._memo.get(field)
        if before is None:
            return None
        vault = self._scrubber.vault
        if before.generation != vault.generation and before.epoch != vault.epoch:
            holds = self._scrubber.holds_learnt
            if vault.is_full or holds(before.value) or holds(before.name):
                return None
            self.put(field, before.name, before.value, is_shown=before.is_shown)
        return before.name, before.value

    def put(
        self, field: tuple[bytes, bytes], name: str, value: str, *, is_shown: bool
    ) -> tuple[str, str]:
        """What was just written; `is_shown`: as it is, if that is what was sent."""
        scrubber, vault = self._scrubber, self._scrubber.vault
        epoch = vault.epoch
        if not scrubber.is_remembered(name) or not scrubber.is_remembered(value):
            epoch = -1
        # Remembering the one may have made room by forgetting the other.
        epoch = epoch if vault.epoch == epoch else -1
        self._memo.put(field, _Written(vault.generation, epoch, name, value, is_shown))
        if is_shown:
            self._plain.put(field, epoch, name, value)
        return name, value
