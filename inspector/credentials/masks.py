"""One value hidden in place: as many characters, with no key left in them.

A mask keeps what a report says of the value: documented prefix, white space, quotes and
control characters where they stood.  The rest becomes `x` (`0` where only hex digits keep the
kind), and its first word ends with digits that are equal for equal values and say nothing else
(HMAC under a key that is thrown away).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from inspector.credentials.finding import MASK
from inspector.credentials.kinds import (
    classify,
    core_of,
    placeholder,
    prefix_in_user_information,
)
from inspector.secret import Secret

#: Digits that tell one masked value from another.
TAG_DIGITS: Final = 8

_QUOTES: Final = "\"'`"
_KEPT: Final = re.compile(r"[\x00-\x20\x7f]")
_HEX_KEY: Final = re.compile(r"[0-9a-fA-F]{32}")
_AWS_NAMED: Final = re.compile(r"Credential=(?:AKIA|ASIA)")
_FIXED_MARK: Final = "JQQJ9"
#: The shortest text of which `blank` tells one from another.
_TAGGED_FROM: Final = 4


class Masks:
    """Makes masks under one key: equal values get equal ones."""

    __slots__ = ("_key",)

    def __init__(self, key: bytes) -> None:
        self._key = key

    def tag(self, core: Secret) -> str:
        """What is equal for equal credentials of one run: 12 hex digits."""
        return core.fingerprint(self._key)

    def blank(self, text: str) -> str:
        """As many characters, of the text its white space alone; equal for equal texts."""
        places = [at for at, char in enumerate(text) if not _KEPT.match(char)]
        told = "".join(text[at] for at in places)
        if not places:
            return text
        chars = list(text)
        for at in places:
            chars[at] = "x" if len(places) > 1 else "\xbf"  # `x` alone is a word
        number = str(int(self.tag(Secret(told.encode("latin-1"))), 16))
        digits = number.zfill(TAG_DIGITS)[-TAG_DIGITS:]
        # Two `x` at least go before the digits: they are never read as a number.
        tagged = places[2:][-TAG_DIGITS:] if len(places) >= _TAGGED_FROM else []
        for at, digit in zip(tagged, digits[TAG_DIGITS - len(tagged) :], strict=True):
            chars[at] = digit
        return "".join(chars)

    def core(self, value: str, scheme: str = "") -> str:
        """Mask all of `value`."""
        secret = Secret(value.encode("latin-1"))
        core = core_of(secret)
        if not len(core):
            return value
        if placeholder(core.reveal()) is not None:
            return value
        text = core.reveal().decode("latin-1")
        kind, prefix = classify(core, scheme.encode("latin-1"))
        start = value.index(text)
        keep = set(range(start)) | set(range(start + len(text), len(value)))
        if prefix is not None and text.startswith(prefix):
            keep |= set(range(start, start + len(prefix)))
        # An AWS key id is told by its capitals.
        fill = "X" if prefix in ("AKIA", "ASIA") else "x"
        if kind == "jwt":
            keep |= {start, start + 1, start + 2, *_places(value, ".")}
        elif kind == "aws-sigv4":
            for match in _AWS_NAMED.finditer(value):
                keep |= set(range(*match.span()))
        elif kind == "azure-key":
            if _HEX_KEY.fullmatch(text):
                fill = "0"
            else:
                keep |= set(range(start + 52, start + 52 + len(_FIXED_MARK)))
        if kind in ("unknown", "basic") and prefix is None:
            for known in ("sk-or-", "sk_", "sk-", "ya29.", "xoxb-", "xoxp-", "tid=", "eyJ"):
                if text.startswith(known):
                    keep |= set(range(start, start + len(known)))
                    break
        if value[-1:] in _QUOTES and "=" in value:
            keep.add(value.index("="))
        keep |= {at for at, char in enumerate(value) if _KEPT.match(char)}
        keep |= _ellipses(value)
        return self._filled(value, keep, fill, core)

    def user_information(self, value: str) -> str:
        """Mask user information; where a key is known by its prefix, each half by itself."""
        if prefix_in_user_information(value) is None:
            return self.core(value)
        user, colon, password = value.partition(":")
        return self.core(user) + colon + self.core(password)

    def _filled(self, value: str, keep: set[int], fill: str, core: Secret) -> str:
        hidden = [at for at in range(len(value)) if at not in keep]
        if not hidden:
            return value
        chars = list(value)
        for at in hidden:
            chars[at] = fill if value[at] < "\x80" else "\xbf"
        first = _first_word(value, hidden)
        digits = str(int(self.tag(core), 16)).zfill(TAG_DIGITS)[-TAG_DIGITS:]
        plain = [at for at in first if value[at] < "\x80"][-TAG_DIGITS:]
        for at, digit in zip(plain, digits[-len(plain) :] if plain else "", strict=True):
            chars[at] = digit
        return "".join(chars)


def _first_word(value: str, hidden: list[int]) -> list[int]:
    """The hidden places of the first word that has any."""
    end = next((at for at in range(hidden[0], len(value)) if _KEPT.match(value[at])), len(value))
    return [at for at in hidden if at < end]


def _places(value: str, char: str) -> Iterator[int]:
    return (at for at, found in enumerate(value) if found == char)


def _ellipses(value: str) -> set[int]:
    """Where a provider's mask stands: it says that the key is not whole."""
    return {at for match in MASK.finditer(value) for at in range(*match.span())}
