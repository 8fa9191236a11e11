"""Free text with keys hidden in place: as many characters, with no key left in them.

The redacted copy's renderer of what `finding` finds and of what the vault knows: a mask stands
in the place of each key.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import pairwise
from typing import Final

from inspector.credentials import prefilter as glance
from inspector.credentials.finding import PASSES, Pass, is_masked_placeholder, unescaped
from inspector.credentials.kinds import placeholder
from inspector.credentials.masks import Masks
from inspector.credentials.memo import Memo
from inspector.credentials.respelling import respelt, units
from inspector.credentials.scrubbing import is_plain
from inspector.regex import regex
from inspector.secrets.echoes import echoes, whole_keys
from inspector.secrets.grammar import Span, merged
from inspector.secrets.vault import Vault

#: The longest text that is remembered to be clean.
RECURRING: Final = 256
#: What is hidden together when free text is not written.
_WORD: Final = regex(r"[^\x00-\x20\"'<>,{}\[\]]{12,}")
#: So many characters of a key in a row may be those of its mask by chance.
_ALIKE: Final = 5
_FILLED: Final = regex(r"[xX0-9]*")
#: What a key is written in, with escapes.
_RUN: Final = regex(r"[^\x00-\x20/?#&;=:,]+")
#: An ellipsis or a bullet, in UTF-8 read as Latin-1 or escaped in JSON.
_DOTS: Final = regex(r"(?:\xe2\x80\xa6|\\u2026)+|(?:\xe2\x80\xa2|\\u2022)+")


class TextMasker:
    """Masks keys in free text; `vault` knows some, the others are told by their shape."""

    def __init__(self, masks: Masks, vault: Vault, memo: Memo[int]) -> None:
        self._masks = masks
        self._vault = vault
        # Short texts that hold nothing, and how long that is so: header lines recur by thousands.
        self._clean = memo
        # Where the text that is looked at holds keys, while somebody wants to know.
        self._spans: list[Span] | None = None
        #: Keys that were masked.
        self.echoes = 0
        #: How often a key was met, whether it was masked already or not.
        self.met = 0

    def text(self, text: str) -> str:
        """Free text with everything key-shaped, and every key learnt, masked."""
        if "\xe2\x80" in text or "\\u20" in text:
            # Dots and stars are what the passes know a provider's mask by.
            view = _DOTS.sub(lambda m: ("." if "6" in m[0] or "\xa6" in m[0] else "*") * len(m[0]),
                             text)  # fmt: skip
            if view != text:
                pairs = zip(text, view, self._text(view), strict=True)
                return "".join(old if seen == new else new for old, seen, new in pairs)
        return self._text(text)

    def _text(self, text: str) -> str:
        if len(text) > RECURRING or self._spans is not None:
            return self._searched(text)
        raw = text.encode("latin-1", "replace")
        known = (b"", raw)
        stamp = self._clean.get(known)
        if stamp is not None and self._vault.holds(stamp):
            return text
        met = self.met
        masked = self._searched(text)
        if masked == text and self.met == met:
            self._clean.put(known, self._vault.stamp(raw))
        return masked

    def _searched(self, text: str) -> str:
        if not self._vault:
            return self._shapeless(text)
        text = self._hidden(text, whole_keys)
        text = self._hidden(self._shapeless(text), echoes)
        return _WORD.sub(self._unplain, text) if self._vault.is_full else text

    def _shapeless(self, text: str) -> str:
        if not glance.is_suspect(text, text.lower()):
            return text
        text = self._pass(text)
        noted, self._spans = self._spans, None  # what follows counts decoded characters
        # A key written with escapes has no shape until it is decoded; a URL within a
        # URL's parameter is escaped twice.
        decoded = text
        for depth in (1, 2):
            before, decoded = decoded, unescaped(decoded)
            if decoded == before:
                break
            cleaned = self._pass(decoded)
            if cleaned != decoded:
                text = respelt(units(text, depth), cleaned)
                decoded = cleaned
        self._spans = noted
        return text

    def _note(self, start: int, stop: int) -> None:
        if self._spans is not None:
            self._spans.append((start, stop))

    def _hidden(self, text: str, find: Callable[[Vault, bytes], list[tuple[int, int]]]) -> str:
        for start, stop in find(self._vault, text.encode("latin-1")):
            self.met += 1
            masked = self._masks.core(text[start:stop])
            self._note(start, stop)
            if masked != text[start:stop]:
                self.echoes += 1
                text = text[:start] + masked + text[stop:]
        return text

    def _unplain(self, match: re.Match[str]) -> str:
        """A word of a text that is not written, since more keys were met than are known."""
        if is_plain(match[0]) or placeholder(match[0].encode("latin-1")):
            return match[0]
        self.met += 1
        return self._masks.core(match[0])

    def _pass(self, text: str) -> str:
        done: list[Span] = []
        for each in PASSES:
            if each.may_find(text):
                text = self._masked(text, each, done)
        return text

    def _masked(self, text: str, each: Pass, done: list[Span]) -> str:
        """What a pass finds is masked, but for what is `done`: it sees what an earlier one left."""
        for match in list(each.pattern.finditer(text)):
            if not each.finds(match):
                continue
            start, stop = _undone(*match.span(each.group), done)
            value = text[start:stop]
            if (
                start >= stop
                or placeholder(value.encode("latin-1"))
                or is_masked_placeholder(value)
            ):
                continue
            self.met += 1
            new = self._masks.core(value)
            done.append((start, stop))
            self._note(start, stop)
            if new != value:
                self.echoes += 1
                text = text[:start] + new + text[stop:]
        return text

    def with_spans(self, text: str) -> tuple[str, list[Span]]:
        """`text` as `text()` writes it, and where the keys are that it has found."""
        self._spans = []
        try:
            masked = self.text(text)
            spans = self._spans
        finally:
            self._spans = None
        if masked != text:
            # What was found in decoded text is a key as far as it is written as one.
            for match in _RUN.finditer(text):
                start, stop = match.span()
                told = any(low < stop and start < high for low, high in spans)
                if not told and masked[start:stop] != text[start:stop]:
                    spans.append((start, stop))
            pairs = enumerate(zip(text, masked, strict=True))
            places = [at for at, (old, new) in pairs if old != new]
            spans += ((at, at + 1) for at in places)
            # Where the key itself has what masks are made of, nothing has changed.
            for left, right in pairwise(places):
                if right - left <= _ALIKE and _FILLED.fullmatch(text, left + 1, right):
                    spans.append((left, right))
        return masked, merged(spans)


def _undone(start: int, stop: int, done: list[Span]) -> Span:
    """What of a stretch was not masked before; nothing of it when all was."""
    for low, high in done:
        if low <= start and stop <= high:
            return start, start
        if low <= start < high:
            start = high
        elif low < stop <= high:
            stop = low
    return start, stop
