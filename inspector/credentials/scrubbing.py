"""Free text without keys: error messages, reasons, user agents, URLs in headers.

The report's renderer of what `finding` finds and of what the vault knows: a label stands in the
place of each key.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import partial
from typing import Final, get_args

from inspector.credentials import prefilter as glance
from inspector.credentials.finding import (
    MASK,
    PASSES,
    Pass,
    is_masked_placeholder,
    prefixed_keys,
    unescaped,
)
from inspector.credentials.kinds import classify, core_of, describe, label
from inspector.model.credentials import CredentialKind
from inspector.regex import regex
from inspector.secret import Secret
from inspector.secrets.constants import PLACEHOLDERS, PREFIXES
from inspector.secrets.echoes import echoes, may_echo, stamp_of, whole_keys
from inspector.secrets.public import is_public
from inspector.secrets.vault import Vault
from inspector.secrets.windows import PIECE

#: What stands for free text when the vault is full, and any word may be a key.
NOT_SHOWN: Final = "<text not shown>"
#: A label as `kinds.label` and `labels.label` write it, behind a scheme or alone.
_LABEL: Final = regex(
    r"(?:Bearer |Basic |[Tt]oken )?<(?:(?:"
    + "|".join(map(re.escape, get_args(CredentialKind)))
    + r") )?(?:(?:"
    + "|".join(re.escape(prefix) for _, prefix in PREFIXES)
    + r") )?[0-9]{1,9} bytes ([0-9a-f]{12})>"
)
#: Text that no key is: short words, numbers, and public ones.
_PLAIN: Final = regex(r"(?:v?[0-9]{1,5}(?:\.[0-9]{1,5}){0,3}|[A-Z]?[a-z]{1,11}|[A-Z]{1,11}|)")
_JOINTS: Final = regex(r"[\s/?&=:;,.\"'()|@*+_\-]+")
#: A value announced in text is learnt only if it cannot be a word.
_ANNOUNCED_FROM: Final = 16
_DIGIT: Final = regex(r"[0-9]")


class Scrubber:
    """Replaces whatever looks like a key by its label, under one run's fingerprint key."""

    __slots__ = ("_fingerprint_key", "vault")

    def __init__(self, fingerprint_key: bytes, vault: Vault | None = None) -> None:
        self._fingerprint_key = fingerprint_key
        self.vault = Vault(fingerprint_key) if vault is None else vault

    def learn(self, key: Secret) -> None:
        """Write its label for this very key from now on, and no piece of it more.

        An API that echoes the key it refuses gives away one that no shape
        betrays.  Words short enough to occur by themselves are not learnt.
        """
        if key.reveal().decode("latin-1") not in PLACEHOLDERS:
            self.vault.learn(key)

    def holds_learnt(self, text: str) -> bool:
        """Whether a piece of a learnt key stands in a text, in any writing."""
        digits = _digits_of_label(text)
        if digits:
            return not self.vault.is_clear(digits, _alone) and self.vault.finds(digits)
        return bool(echoes(self.vault, text.encode("latin-1", "replace")))

    def may_hold_learnt(self, texts: Iterable[str]) -> bool:
        """Whether `holds_learnt` has to be asked of each of some texts: mostly it has not."""
        return may_echo(self.vault, b"\0".join(map(_searched, texts)))

    def stamp(self, *texts: str) -> int:
        """How long that holds which is said of these texts now (`Vault.holds`)."""
        return stamp_of(self.vault, *map(_searched, texts))

    def scrub(self, text: str) -> str:
        """`text` without keys.  Placeholders stay; scrubbing twice changes nothing more."""
        if not self.vault:
            return self._shapeless(text)
        if self.vault.is_full and not is_plain(text):
            return NOT_SHOWN
        # First what is known for certain, then what looks like a key, then pieces of keys.
        text = self._replaced(text, whole_keys)
        return self._replaced(self._shapeless(text), echoes)

    def prefixed(self, text: str) -> str:
        """`text` with labels for the keys in it that a documented prefix betrays, and no others."""
        for start, stop in reversed(prefixed_keys(text)):
            text = text[:start] + self.value(text[start:stop]) + text[stop:]
        return text

    def _replaced(self, text: str, find: Callable[[Vault, bytes], list[tuple[int, int]]]) -> str:
        raw = text.encode("latin-1", "replace")
        for start, stop in reversed(find(self.vault, raw)):
            whole = self.vault.knows(raw[start:stop])
            shown = self._label(Secret(raw[start:stop])) if whole else self._piece(text[start:stop])
            text = text[:start] + shown + text[stop:]
        return text

    def _shapeless(self, text: str) -> str:
        """`text` without what has a key's shape, or is announced as one."""
        if not glance.is_suspect(text, text.lower()):
            return text
        text = self._pass(text)
        if "%" in text:
            # A key written with escapes has no shape until it is decoded.  Twice,
            # because a URL within a URL's parameter is escaped twice.
            decoded = unescaped(unescaped(text))
            cleaned = self._pass(decoded)
            if cleaned != decoded:
                return cleaned
        return text

    def _pass(self, text: str) -> str:
        for each in PASSES:
            if each.may_find(text):
                text = each.pattern.sub(partial(self._found, each), text)
        return text

    def _found(self, each: Pass, match: re.Match[str]) -> str:
        """What is written for a match of a pass."""
        if not each.finds(match):
            return match[0]
        value = match[each.group]
        if each.announces and _may_be_learnt(value):
            self.learn(core_of(Secret(value.encode())))
        start, stop = match.span(each.group)
        before, behind = match[0][: start - match.start()], match[0][stop - match.start() :]
        return before + self.value(value) + behind

    def value(self, text: str) -> str:
        """The label of a text that as a whole is a credential, or holds one masked."""
        if text in PLACEHOLDERS or is_masked_placeholder(text):
            return text
        value = Secret(text.encode("utf-8", "surrogatepass"))
        if MASK.search(text):
            # Length and fingerprint of an echo with holes would describe no key.
            kind, prefix = classify(core_of(value))
            return f"<{kind}{' ' + prefix if prefix else ''} masked>"
        return self._label(value)

    def _piece(self, text: str) -> str:
        """What stands for a word that holds a part of a learnt key: the label of what it is."""
        return self.value(unescaped(unescaped(text)))

    def _label(self, value: Secret) -> str:
        return label(describe(value, core_of(value), b"", self._fingerprint_key, set()))


def _digits_of_label(text: str) -> bytes:
    """The fingerprint of a text that is a label: all else in it is listed words and a number."""
    written = _LABEL.fullmatch(text) if text[-1:] == ">" else None
    return b"" if written is None else written[1].encode()


def _searched(text: str) -> bytes:
    """What of a text is looked at for keys."""
    return _digits_of_label(text) or text.encode("latin-1", "replace")


def _alone(text: bytes) -> tuple[bytes]:
    """The writings of what nobody writes in another way."""
    return (text,)


def _may_be_learnt(value: str) -> bool:
    """Whether a value that is announced in text can be no word, and is whole."""
    return (
        len(value) >= _ANNOUNCED_FROM
        and value.isascii()
        and _DIGIT.search(value) is not None
        and not MASK.search(value)  # a key with holes in it is none
    )


def is_plain(text: str) -> bool:
    """Whether a text consists of words in which no key has room."""
    return len(text) < PIECE or all(
        _PLAIN.fullmatch(word) is not None or is_public(word.encode("latin-1", "replace"))
        for word in _JOINTS.split(text)
    )
