"""Credentials hidden in place: text of the same length, with no key left in it.

What `reader` and `scrubbing` replace by a label is here replaced by as many
other characters, so that lengths and offsets of a packet hold.  A masked value
keeps what a report says of it: scheme, documented prefix, white space, quotes
and control characters where they stood.  The rest becomes `x` (`0` where only
hex digits keep the kind), and its first word ends with digits that are equal
for equal values and say nothing else (HMAC under a key that is thrown away).
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise
from typing import Final, NamedTuple

from inspector.credentials import granting, parts
from inspector.credentials import prefilter as glance
from inspector.credentials.echoes import echoes, whole_keys
from inspector.credentials.kinds import classify, core_of, placeholder
from inspector.credentials.positions import (
    CREDENTIAL_HEADERS,
    RESPONSE_HEADERS,
    SECRET_QUERY,
    SUBPROTOCOLS,
    URL_HEADERS,
    Syntax,
    is_secret_name,
)
from inspector.credentials.reader import (
    _AUTHORITY,
    _NAME_FOLD,
    _NAME_NOISE,
    _bare,
    _decoded,
    _in_parameter,
    _pairs,
    _read,
    _split_scheme,
)
from inspector.credentials.scrubbing import (
    _ANNOUNCED,
    _MASK,
    _MASKED_WORD,
    _SCHEME,
    _SHAPES,
    _USERINFO,
    is_a_remnant,
    is_announced_by_scheme,
    is_masked_placeholder,
    is_plain,
    prefixed_keys,
    unescaped,
)
from inspector.credentials.vault import Vault
from inspector.model.credentials import Credential
from inspector.protocols.messages import FOLD
from inspector.secret import Secret
from inspector.secrets import free_text
from inspector.secrets.grammar import Span
from inspector.secrets.paths import hidden_in_path

#: Digits that tell one masked value from another.
TAG_DIGITS: Final = 8

_QUOTES: Final = "\"'`"
_KEPT: Final = re.compile(r"[\x00-\x20\x7f]")
_HEX_KEY: Final = re.compile(r"[0-9a-fA-F]{32}")
_AWS_NAMED: Final = re.compile(r"Credential=(?:AKIA|ASIA)")
_FIXED_MARK: Final = "JQQJ9"
#: The longest text that is remembered to be clean, and how many are.
_RECURRING: Final = 256
_CLEAN: Final = 4096
#: What is hidden together when free text is not written.
_WORD: Final = re.compile(r"[^\x00-\x20\"'<>,{}\[\]]{12,}")
#: What `_blank` leaves, and the shortest text of which it tells one from another.
_BLANK: Final = re.compile(r"\xbf|x+[0-9]{0,8}")
_TAGGED_FROM: Final = 4
#: So many characters of a key in a row may be those of its mask by chance.
_ALIKE: Final = 5
_FILLED: Final = re.compile(r"[xX0-9]*")
#: What a key is written in, with escapes.
_RUN: Final = re.compile(r"[^\x00-\x20/?#&;=:,]+")
#: An ellipsis or a bullet, in UTF-8 read as Latin-1 or escaped in JSON.
_DOTS: Final = re.compile(r"(?:\xe2\x80\xa6|\\u2026)+|(?:\xe2\x80\xa2|\\u2022)+")


class Found(NamedTuple):
    """A credential that was masked in a position: its name as sent, its facts, its tag."""

    position: str
    credential: Credential
    tag: str


class Masker:
    """Masks credentials under one run's key; equal values get equal masks.

    `extra_headers` are further header names whose value is a credential, `kept_headers` those
    whose value stays though no grammar grants it.
    `found` collects what was masked in positions; `echoes` counts what was
    masked in free text.  With `checking` nothing that is masked already is
    masked again, so that what changes is what was left.
    """

    def __init__(
        self,
        key: bytes,
        extra_headers: Iterable[str] = (),
        *,
        kept_headers: Iterable[str] = (),
        checking: bool = False,
    ) -> None:
        self._key = key
        self._kept = granting.folded_names(kept_headers)
        self.checking = checking
        self._headers = (
            dict.fromkeys((n.lower().encode("latin-1", "replace") for n in extra_headers),
                          Syntax.BARE)
            | CREDENTIAL_HEADERS | RESPONSE_HEADERS
        )  # fmt: skip
        names = (*self._headers, *URL_HEADERS)
        told = "|".join(re.escape(name.decode("latin-1")) for name in sorted(names))
        self._line = re.compile(
            rf"(?:^|[\r\n])[\x00-\x20]*(?:{told}|[\w-]*(?:token|secret|passw|auth|key|signature"
            r"|credential)[\w-]*)[\x00-\x20]*:",
            re.IGNORECASE,
        )
        self.vault = Vault(key)
        # Short texts that hold nothing, as far as was known: header lines recur by thousands.
        self._clean: set[str] = set()
        self._clean_at = 0
        # Where the text that is looked at holds keys, while somebody wants to know.
        self._spans: list[Span] | None = None
        # Values that were written, of the same generation as `_clean`.
        self._granted: dict[tuple[bytes, str], str] = {}
        self._granted_at = 0
        self.found: list[Found] = []
        self.echoes = 0
        #: How often a key was met in free text, whether it was masked already or not.
        self.met = 0

    # -- positions ---------------------------------------------------------

    def field(self, name: str, raw: str) -> str:
        """A header field's value (all after the colon), masked as its name demands."""
        folded = name.encode("latin-1").translate(_NAME_FOLD, _NAME_NOISE)
        syntax = self._headers.get(folded)
        if syntax is None and is_secret_name(folded):
            syntax = Syntax.BARE
        if syntax is not None:
            return self._value(name, raw, syntax)
        if folded in URL_HEADERS:
            return self.target(raw)
        if folded == SUBPROTOCOLS:
            for secret in parts.subprotocols(raw.encode("latin-1")):
                self._learn(secret)
        return self.value(folded, raw)

    def value(self, folded: bytes, raw: str) -> str:
        """A value of a header, or of a pseudo-header of `secrets.grants`: what is granted stays."""
        hidden = granting.of_header(folded, self._kept)
        known = (folded, raw)
        if self._granted_at != self.vault.generation or len(self._granted) >= _CLEAN:
            self._granted.clear()
            self._granted_at = self.vault.generation
        masked = self._granted.get(known)
        if masked is None:
            masked = self._ungranted(raw, hidden)
            if len(raw) <= _RECURRING and self._granted_at == self.vault.generation:
                self._granted[known] = masked
        return masked

    def is_credential(self, name: str) -> bool:
        """Whether a header of this name carries a credential."""
        folded = name.encode("latin-1").translate(_NAME_FOLD, _NAME_NOISE)
        return folded in self._headers or is_secret_name(folded)

    def is_position(self, name: str) -> bool:
        """Whether the value of a header of this name is masked by more than its shape."""
        folded = name.encode("latin-1").translate(_NAME_FOLD, _NAME_NOISE)
        return folded in URL_HEADERS or self.is_credential(name)

    def names_a_header(self, text: str) -> bool:
        """Whether a line in it may be a header of which `is_position` is true."""
        return self._line.search(text) is not None

    def target(self, text: str) -> str:
        """A request target or a URL: user information, secret parameters, then free text."""
        path, mark, query = text.partition("?")
        path = self._ungranted(path, hidden_in_path, self._user_information(path))
        if not mark:
            return path
        shown: list[str] = []
        for separator, name, value in _pairs(query):
            if value is not None and _decoded(name) in SECRET_QUERY:
                field = f"{self.text(name)}={self._parameter(name, value)}"
            else:
                field = self._ungranted(name if value is None else f"{name}={value}", _in_parameter)
            shown.append(separator + field)
        return path + mark + "".join(shown)

    def _user_information(self, path: str) -> Span | None:
        """Where user information to be masked stands in front of an authority; it is learnt."""
        start = _AUTHORITY.search(path, len(path) - len(path.lstrip(" \t")))
        if not start or "@" not in start["authority"]:
            return None
        user, _, _ = start["authority"].rpartition("@")
        if placeholder(user.encode("latin-1")) or is_masked_placeholder(user):
            return None
        for secret in parts.user_information(user.encode("latin-1")):
            self._learn(secret)
        self.echoes += 1
        return start.start("authority"), start.start("authority") + len(user)

    # -- what is not granted -------------------------------------------------------

    def _ungranted(self, text: str, hidden: granting.Hidden, user: Span | None = None) -> str:
        """A text with the keys in it masked, `user` as one of them; what is `hidden` is blanked."""
        keys: list[Span]
        if hidden is granting.everything:
            keys, masked = prefixed_keys(text), text
            for start, stop in keys:
                masked = masked[:start] + self._core(masked[start:stop], "") + masked[stop:]
        elif user is None:
            masked, keys = self._with_spans(text)
        else:
            (start, stop), parts_of = user, [self._with_spans(text[: user[0]])]
            parts_of.append((self._core(text[start:stop], ""), [(0, stop - start)]))
            parts_of.append(self._with_spans(text[stop:]))
            masked, keys = "", []
            for part, spans in parts_of:
                keys += ((len(masked) + a, len(masked) + b) for a, b in spans)
                masked += part
        stays = sorted([*keys, *granting.placeholders(text)])
        for start, stop in granting.outside(masked, stays, hidden):
            # What ends a key stays beside it, or the mask would be read as more of it.
            before = any(key == start for _, key in keys)
            after = any(key == stop for key, _ in keys)
            while before and start < stop and not _is_alphanumeric(masked[start]):
                start += 1
            while after and start < stop and not _is_alphanumeric(masked[stop - 1]):
                stop -= 1
            masked = masked[:start] + self._blank(masked[start:stop]) + masked[stop:]
        return masked

    def _with_spans(self, text: str) -> tuple[str, list[Span]]:
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
        return masked, _merged(spans)

    def _blank(self, text: str) -> str:
        """As many characters, of the text its white space alone; equal for equal texts."""
        places = [at for at, char in enumerate(text) if not _KEPT.match(char)]
        told = "".join(text[at] for at in places)
        if not places or (self.checking and _BLANK.fullmatch(told)):
            return text
        chars = list(text)
        for at in places:
            chars[at] = "x" if len(places) > 1 else "\xbf"  # `x` alone is a word
        number = str(int(self._tag(Secret(told.encode("latin-1"))), 16))
        digits = number.zfill(TAG_DIGITS)[-TAG_DIGITS:]
        # Two `x` at least go before the digits: they are never read as a number.
        tagged = places[2:][-TAG_DIGITS:] if len(places) >= _TAGGED_FROM else []
        for at, digit in zip(tagged, digits[TAG_DIGITS - len(tagged) :], strict=True):
            chars[at] = digit
        return "".join(chars)

    def _value(self, name: str, raw: str, syntax: Syntax) -> str:
        read, core = _read(name.encode("latin-1"), Secret(raw.encode("latin-1")), syntax, b"")
        if read.credential.placeholder is not None or not len(core):
            return raw
        view = FOLD.sub(lambda m: b" " * len(m[0]), raw.encode("latin-1"))
        begin = len(view) - len(view.lstrip(b" \t"))
        end = len(view.rstrip(b" \t"))
        scheme = b""
        while True:
            known = Syntax.BARE if scheme else syntax
            word, gap, rest = _split_scheme(view[begin:end], known)
            if word is None:
                break
            scheme = scheme or word.lower()
            begin += len(word) + len(gap)
            if not rest:
                break
        masked = self._core(raw[begin:end], scheme.decode("latin-1"))
        if masked != raw[begin:end]:
            self.found.append(Found(name, read.credential, self._tag(core)))
            for part in parts.parts(core, syntax, scheme):
                self._learn(part)
        return raw[:begin] + masked + raw[end:]

    def _parameter(self, name: str, value: str) -> str:
        units = _units(value, 1)
        decoded = "".join(char for char, _ in units)
        credential, core = _bare(Secret(decoded.encode("latin-1")), b"")
        if credential.placeholder is not None or not len(core):
            return value
        masked = _respelt(units, self._core(decoded, ""))
        if masked != value:
            self.found.append(Found("?" + name, credential, self._tag(core)))
            self._learn(core)
            self._learn(Secret(value.encode("latin-1")))
        return masked

    def _learn(self, secret: Secret) -> None:
        if not self.checking and placeholder(secret.reveal()) is None:
            self.vault.learn(secret)

    def adopt(self, other: Masker) -> None:
        """Know from the start what `other` learnt, and mask alike."""
        self._key = other._key
        self.vault = other.vault
        self._clean.clear()

    def without_learnt(self, data: bytes) -> bytes:
        """Any bytes without plain pieces of learnt keys: blanked, as many bytes."""
        for start, stop in self.vault.spans(data):
            data = data[:start] + b"x" * (stop - start) + data[stop:]
        return data

    # -- free text ---------------------------------------------------------

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

    def granted_words(self, text: str) -> str:
        """Free text in which nothing is left but words (`secrets.free_text`), keys masked."""
        return self._ungranted(text, _but_masks)

    def granted_words_of(self, text: str) -> str:
        """The same of a text of any characters, as many bytes in UTF-8."""
        raw = text.encode("utf-8", "replace").decode("latin-1")
        return self.granted_words(raw).encode("latin-1").decode("utf-8", "replace")

    def words(self, text: str) -> str:
        """Free text of any characters, such as a comment; as many bytes in UTF-8."""
        raw = text.encode("utf-8", "replace").decode("latin-1")
        masked = self.text(raw)
        return text if masked == raw else masked.encode("latin-1").decode("utf-8", "replace")

    def _text(self, text: str) -> str:
        if len(text) > _RECURRING or self._spans is not None:
            return self._searched(text)
        if self._clean_at != self.vault.generation or len(self._clean) >= _CLEAN:
            self._clean.clear()
            self._clean_at = self.vault.generation
        if text in self._clean:
            return text
        met = self.met
        masked = self._searched(text)
        if masked == text and self.met == met:
            self._clean.add(text)
        return masked

    def _searched(self, text: str) -> str:
        if not self.vault:
            return self._shapeless(text)
        text = self._hidden(text, whole_keys)
        text = self._hidden(self._shapeless(text), echoes)
        return _WORD.sub(self._unplain, text) if self.vault.is_full else text

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
                text = _respelt(_units(text, depth), cleaned)
                decoded = cleaned
        self._spans = noted
        return text

    def _note(self, start: int, stop: int) -> None:
        if self._spans is not None:
            self._spans.append((start, stop))

    def _hidden(self, text: str, find: Callable[[Vault, bytes], list[tuple[int, int]]]) -> str:
        for start, stop in find(self.vault, text.encode("latin-1")):
            self.met += 1
            masked = self._core(text[start:stop], "")
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
        return self._core(match[0], "")

    def _pass(self, text: str) -> str:
        done: list[tuple[int, int]] = []

        def masked(start: int, stop: int) -> None:
            nonlocal text
            # A later pass sees what an earlier one has masked, and leaves it.
            for low, high in done:
                if low <= start and stop <= high:
                    return
                if low <= start < high:
                    start = high
                elif low < stop <= high:
                    stop = low
            value = text[start:stop]
            if (
                start >= stop
                or placeholder(value.encode("latin-1"))
                or is_masked_placeholder(value)
            ):
                return
            self.met += 1
            new = self._core(value, "")
            done.append((start, stop))
            self._note(start, stop)
            if new != value:
                self.echoes += 1
                text = text[:start] + new + text[stop:]

        def each(pattern: re.Pattern[str], group: str | int, wanted: _Wanted = None) -> None:
            for match in list(pattern.finditer(text)):
                if "label" in pattern.groupindex and match["label"]:
                    continue
                if wanted is None or wanted(match):
                    masked(*match.span(group))

        if "://" in text:
            each(_USERINFO, "value")
        if glance.may_be_announced(text.lower()):
            each(_ANNOUNCED, "value")
        if glance.may_be_shaped(text):
            each(_SHAPES, "key")
        if glance.may_hold_a_mask(text) and _MASK.search(text):
            each(_MASKED_WORD, 0, is_a_remnant)
        if glance.may_name_a_scheme(text.lower()):
            each(_SCHEME, "value", is_announced_by_scheme)
        return text

    # -- one value -----------------------------------------------------------

    def _tag(self, core: Secret) -> str:
        return hmac.new(self._key, core.reveal(), "sha256").hexdigest()[:12]

    def _core(self, value: str, scheme: str) -> str:
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

    def _filled(self, value: str, keep: set[int], fill: str, core: Secret) -> str:
        hidden = [at for at in range(len(value)) if at not in keep]
        if not hidden:
            return value
        chars = list(value)
        for at in hidden:
            chars[at] = fill if value[at] < "\x80" else "\xbf"
        first = _first_word(value, hidden)
        digits = str(int(self._tag(core), 16)).zfill(TAG_DIGITS)[-TAG_DIGITS:]
        plain = [at for at in first if value[at] < "\x80"][-TAG_DIGITS:]
        if self.checking and _is_masked(value, hidden, plain, fill):
            return value
        for at, digit in zip(plain, digits[-len(plain) :] if plain else "", strict=True):
            chars[at] = digit
        return "".join(chars)


def _but_masks(text: str) -> list[Span]:
    """What is hidden of a text that is no mask yet: reading a copy again changes nothing."""
    return [span for span in free_text.hidden(text) if not _BLANK.fullmatch(text[slice(*span)])]


_Wanted = Callable[[re.Match[str]], bool] | None


def _is_masked(value: str, hidden: list[int], plain: list[int], fill: str) -> bool:
    """Whether a value has the form of a mask, or was blanked."""
    tagged = set(plain)
    return all(
        value[at] in (fill, "x", "\xbf") or (at in tagged and value[at].isdigit()) for at in hidden
    )


def _is_alphanumeric(char: str) -> bool:
    return char.isascii() and char.isalnum()


def _merged(spans: Iterable[Span]) -> list[Span]:
    """The same places in order, overlapping and neighbouring ones as one."""
    merged: list[Span] = []
    for start, stop in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(stop, merged[-1][1]))
        else:
            merged.append((start, stop))
    return merged


def _first_word(value: str, hidden: list[int]) -> list[int]:
    """The hidden places of the first word that has any."""
    end = next((at for at in range(hidden[0], len(value)) if _KEPT.match(value[at])), len(value))
    return [at for at in hidden if at < end]


def _places(value: str, char: str) -> Iterator[int]:
    return (at for at, found in enumerate(value) if found == char)


def _ellipses(value: str) -> set[int]:
    """Where a provider's mask stands: it says that the key is not whole."""
    return {at for match in _MASK.finditer(value) for at in range(*match.span())}


def _units(text: str, depth: int) -> list[tuple[str, str]]:
    """(decoded character, as written) of each; percent-encoding undone `depth` times."""
    units = [(char, char) for char in text]
    for _ in range(depth):
        merged: list[tuple[str, str]] = []
        at = 0
        while at < len(units):
            char, written = units[at]
            if char == "%" and at + 2 < len(units):
                digits = units[at + 1][0] + units[at + 2][0]
                if re.fullmatch("[0-9A-Fa-f]{2}", digits):
                    spelt = written + units[at + 1][1] + units[at + 2][1]
                    merged.append((chr(int(digits, 16)), spelt))
                    at += 3
                    continue
            merged.append((char, written))
            at += 1
        units = merged
    return units


def _respelt(units: list[tuple[str, str]], new: str) -> str:
    """The units with other characters, each written as long as it was."""
    parts: list[str] = []
    for (old, written), char in zip(units, new, strict=True):
        if old == char:
            parts.append(written)
        elif len(written) == 1:
            parts.append(char)
        elif len(written) == 3:
            parts.append(f"%{ord(char):02X}")
        elif len(written) == 5:
            parts.append(f"%25{ord(char):02X}")
        else:
            parts.append("x" * len(written))
    return "".join(parts)
