"""What was written of a header field before, as long as no key in it was learnt since."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from inspector.credentials.memo import ENTRIES, Memo
from inspector.credentials.scrubbing import Scrubber
from inspector.secrets.vault import Vault


class PlainFields:
    """Fields that are shown as they are, so that nothing of them has to be hidden here.

    A field is one by its bytes, and as long as no key with a word of it is learnt.  They are most
    of every head, and are met in a tenth of the time that the digest for a memo takes.
    """

    __slots__ = ("_epoch", "_shown", "_vault")

    def __init__(self, vault: Vault) -> None:
        self._vault = vault
        self._epoch = vault.epoch
        self._shown: dict[tuple[bytes, bytes], tuple[str, str]] = {}

    @property
    def shown(self) -> Mapping[tuple[bytes, bytes], tuple[str, str]]:
        """Name and value of each as text."""
        if self._vault.epoch != self._epoch:
            self._shown.clear()
            self._epoch = self._vault.epoch
        return self._shown

    def put(self, field: tuple[bytes, bytes], stamp: int, name: str, value: str) -> None:
        """Keep a field that was written so, if that is what was sent, as long as `stamp` says."""
        sent, raw = field
        if (
            self._vault.lasts(stamp)
            and value.encode("latin-1", "replace") == raw.strip(b" \t")
            and name.encode("latin-1", "replace") == sent
        ):
            if len(self.shown) >= ENTRIES:
                self._shown.clear()
            self._shown[field] = (name, value)

    def __repr__(self) -> str:
        return f"<PlainFields {len(self._shown)}>"


class _Written(NamedTuple):
    """A text without the keys that were known then; `stamp`: how long that holds.

    `is_shown`: it may be shown as it is, and is no credential's.
    """

    stamp: int
    name: str
    value: str
    is_shown: bool


class WrittenFields:
    """Names and values of fields as text, under one run's keys.

    `plain`: those that are shown as they are; no key has to do with them.
    """

    __slots__ = ("_memo", "_scrubber", "plain")

    def __init__(self, key: bytes, scrubber: Scrubber) -> None:
        self._memo: Memo[_Written] = Memo(key)
        self.plain = PlainFields(scrubber.vault)
        self._scrubber = scrubber

    def known(self, field: tuple[bytes, bytes]) -> tuple[str, str] | None:
        """Name and value as they were written, if no key in them is known by now."""
        shown = self.plain.shown.get(field)
        if shown is not None:
            return shown
        before = self._memo.get(field)
        if before is None:
            return None
        vault = self._scrubber.vault
        if not vault.holds(before.stamp):
            holds = self._scrubber.holds_learnt
            if vault.is_full or holds(before.value) or holds(before.name):
                return None
            self.put(field, before.name, before.value, is_shown=before.is_shown)
        return before.name, before.value

    def put(
        self, field: tuple[bytes, bytes], name: str, value: str, *, is_shown: bool
    ) -> tuple[str, str]:
        """What was just written; `is_shown`: as it is, if that is what was sent."""
        stamp = self._scrubber.stamp(name, value)
        self._memo.put(field, _Written(stamp, name, value, is_shown))
        if is_shown:
            self.plain.put(field, stamp, name, value)
        return name, value

    def once(self, text: str, write: Callable[[str], str]) -> str:
        """What `write` makes of a text that is nobody's value, made before or now."""
        field = (b"", text.encode("utf-8", "surrogatepass"))
        known = self.known(field) or self.put(field, "", write(text), is_shown=True)
        return known[1]
