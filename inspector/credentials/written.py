"""What was written of a header field or a text before, as long as no key in it was learnt since."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from inspector.credentials.memo import ENTRIES, Memo
from inspector.credentials.scrubbing import Scrubber
from inspector.fact import Fact, replace
from inspector.model.credentials import AuthHeader
from inspector.secrets.vault import Vault

#: Fields that are not shown as they are and of which notes are kept, some 600 bytes each: of
#: one run mostly a handful of keys, and identifiers of requests that never come again.
NOTES: Final = 1024


class PlainFields:
    """Fields that are shown as they are, so that nothing of them has to be hidden here.

    A field is one by its bytes, and as long as no key with a word of it is learnt.  They are most
    of every head, and are met in a tenth of the time that the digest for a memo takes.
    """

    __slots__ = ("_vault", "shown")

    def __init__(self, vault: Vault) -> None:
        self._vault = vault
        #: Name and value of each as text; to be read alone.
        self.shown: dict[tuple[bytes, bytes], tuple[str, str]] = {}
        vault.clears(self.shown)

    def put(self, field: tuple[bytes, bytes], stamp: int, shown: tuple[str, str]) -> None:
        """Keep a field that was written so, if that is what was sent, as long as `stamp` says."""
        (sent, raw), (name, value) = field, shown
        if (
            self._vault.lasts(stamp)
            and value.encode("latin-1", "replace") == raw.strip(b" \t")
            and name.encode("latin-1", "replace") == sent
        ):
            if len(self.shown) >= ENTRIES:
                self.shown.clear()
            self.shown[field] = shown

    def __repr__(self) -> str:
        return f"<PlainFields {len(self.shown)}>"


class Written(Fact):
    """Name and value of a field without the keys that were known then.

    `stamp`: how long that holds.  `is_shown`: it may be shown as it is, and is no credential's.
    """

    stamp: int
    shown: tuple[str, str]
    is_shown: bool


class FieldNote:
    """What was made of a field that is not shown as it is: it is met again with the same key.

    `is_learnt`: its credentials are in the vault.  `auth`: the credential read in it, if it is a
    request's position; `request`, `response`: the field as text in a head of either kind.
    """

    __slots__ = ("auth", "is_learnt", "request", "response")

    def __init__(self) -> None:
        self.is_learnt = False
        self.auth: AuthHeader | None = None
        self.request: Written | None = None
        self.response: Written | None = None


class Notes(Fact):
    """What `CredentialReader.study` noted of a head's fields, by their places.

    `shown`: those that are shown as they are, as name and value; None of any other, which stand at
    `others`.  That holds while the vault's epoch is `epoch`.  `noted`: of those that may hold a
    credential.
    """

    shown: list[tuple[str, str] | None]
    others: list[int]
    noted: dict[int, FieldNote]
    epoch: int


def renewed(written: Written, scrubber: Scrubber) -> Written | None:
    """The same, as long as no key that is known by now stands in it."""
    vault = scrubber.vault
    if vault.holds(written.stamp):
        return written
    name, value = written.shown
    holds = scrubber.holds_learnt
    if vault.is_full or holds(value) or holds(name):
        return None
    return replace(written, stamp=scrubber.stamp(name, value))


class WrittenTexts:
    """Texts that are nobody's value, as they may be shown under one run's keys.

    `plain`: those that are shown as they are; no key has to do with them.
    """

    __slots__ = ("_memo", "_scrubber", "plain")

    def __init__(self, key: bytes, scrubber: Scrubber) -> None:
        self._memo: Memo[Written] = Memo(key)
        self._scrubber = scrubber
        self.plain: dict[str, str] = {}
        scrubber.vault.clears(self.plain)

    def known(self, text: str) -> str | None:
        """A text as it was written, if no key in it is known by now."""
        plain = self.plain.get(text)
        if plain is not None:
            return plain
        before = self._memo.get(_field(text))
        known = None if before is None else renewed(before, self._scrubber)
        if known is None:
            return None
        if known is not before:
            self._keep(text, known)
        return known.shown[1]

    def put(self, text: str, shown: str, *, is_shown: bool = True) -> str:
        """What was just written; `is_shown`: as it is, if that is what was sent."""
        self._keep(text, Written(self._scrubber.stamp(shown), ("", shown), is_shown))
        return shown

    def _keep(self, text: str, written: Written) -> None:
        self._memo.put(_field(text), written)
        shown = written.shown[1]
        if written.is_shown and shown == text and self._scrubber.vault.lasts(written.stamp):
            if len(self.plain) >= ENTRIES:
                self.plain.clear()
            self.plain[text] = shown

    def once(self, text: str, write: Callable[[str], str]) -> str:
        """What `write` makes of a text, made before or now."""
        plain = self.plain.get(text)
        if plain is not None:
            return plain
        known = self.known(text)
        return self.put(text, write(text)) if known is None else known


def _field(text: str) -> tuple[bytes, bytes]:
    """Under what the memo has a text."""
    return b"", text.encode("utf-8", "surrogatepass")
