"""Credentials hidden in place: text of the same length, with no key left in it.

What `reader` and `scrubbing` replace by a label is here replaced by as many
other characters, so that lengths and offsets of a packet hold.  A masked value
keeps what a report says of it: scheme, documented prefix, white space, quotes
and control characters where they stood.  The rest becomes `x` (`0` where only
hex digits keep the kind), and its first word ends with digits that are equal
for equal values and say nothing else (HMAC under a key that is thrown away).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from inspector.credentials import granting, parts
from inspector.credentials.finding import is_masked_placeholder, prefixed_keys
from inspector.credentials.kinds import placeholder
from inspector.credentials.known_tokens import KnownTokens
from inspector.credentials.masks import Masks
from inspector.credentials.memo import Memo
from inspector.credentials.reading import PositionReading, folded_name, read, read_parameter
from inspector.credentials.respelling import respelt, units
from inspector.credentials.targets import Parameter, hidden_in_written, read_target
from inspector.credentials.text_masks import RECURRING, TextMasker
from inspector.credentials.written import PlainFields
from inspector.fact import Fact
from inspector.model.credentials import Credential
from inspector.native.used import USED
from inspector.regex import regex
from inspector.secret import Secret
from inspector.secrets import free_text
from inspector.secrets.echoes import is_remembered, stamp_of
from inspector.secrets.grammar import MASK, Span, hidden_in_host
from inspector.secrets.paths import hidden_in_path
from inspector.secrets.positions import (
    CREDENTIAL_HEADERS,
    RESPONSE_HEADERS,
    SUBPROTOCOLS,
    URL_HEADERS,
    Syntax,
    is_secret_name,
)
from inspector.secrets.vault import Vault

#: Bytes around a text that are remembered at most.
FRAME: Final = 1 << 10
#: Under which names are remembered; no header is called so.
_NAME: Final = b":name"
_TARGET: Final = b":target"


class Found(Fact):
    """A credential that was masked in a position: its name as sent, its facts, its tag."""

    position: str
    credential: Credential
    tag: str


class Masker:
    """Masks credentials under one run's key; equal values get equal masks.

    `extra_headers` are further header names whose value is a credential, `kept_headers` those
    whose value stays though no grammar grants it.  `vault` is where credentials are learnt and
    looked for: that of the run, which the report's reader knows too.
    `found` collects what was masked in positions; `echoes` counts what was
    masked in free text.
    """

    def __init__(
        self,
        key: bytes,
        extra_headers: Iterable[str] = (),
        *,
        kept_headers: Iterable[str] = (),
        vault: Vault | None = None,
    ) -> None:
        self._masks = Masks(key)
        self._kept = granting.folded_names(kept_headers)
        self._headers = (
            dict.fromkeys((n.lower().encode("latin-1", "replace") for n in extra_headers),
                          Syntax.BARE)
            | CREDENTIAL_HEADERS | RESPONSE_HEADERS
        )  # fmt: skip
        names = (*self._headers, *URL_HEADERS)
        told = "|".join(re.escape(name.decode("latin-1")) for name in sorted(names))
        self._line = regex(
            rf"(?:^|[\r\n])[\x00-\x20]*(?:{told}|[\w-]*(?:token|secret|passw|auth|key|signature"
            r"|credential)[\w-]*)[\x00-\x20]*:",
            re.IGNORECASE,
        )
        self.vault = Vault(key) if vault is None else vault
        self._text = TextMasker(self._masks, self.vault, Memo(key))
        # Values that were written, and how long that holds.
        self._granted: Memo[tuple[str, int]] = Memo(key)
        self._plain = PlainFields(self.vault)
        # What stands around a text that is blank, of one generation of the vault; and tokens of
        # bodies that stay, of one epoch.
        self._frames: Memo[tuple[bytes, bytes]] = Memo(key)
        self._frames_at = 0
        self._tokens = KnownTokens()
        self._tokens_at = 0
        self.found: list[Found] = []
        #: Credentials in front of authorities that were masked.
        self._users = 0

    @property
    def echoes(self) -> int:
        """Keys that were masked in free text."""
        return self._text.echoes + self._users

    @property
    def met(self) -> int:
        """How often a key was met in free text, whether it was masked already or not."""
        return self._text.met

    # -- positions ---------------------------------------------------------

    def line(self, field: tuple[bytes, bytes]) -> bytes:
        """A header field, masked, as a line with its end."""
        as_sent = b"%s:%s\r\n" % field
        if field in self._plain.shown:
            return as_sent
        name, raw = (part.decode("latin-1") for part in field)
        shown, value = self.name(name), self.field(name, raw)
        line = f"{shown}:{value}\r\n".encode("latin-1")
        # Of the values of others something may be learnt each time.
        if line == as_sent and not (
            self.is_position(name) or folded_name(field[0]) == SUBPROTOCOLS
        ):
            self._plain.put(field, stamp_of(self.vault, *field), (shown, value.strip(" \t")))
        return line

    def field(self, name: str, raw: str) -> str:
        """A header field's value (all after the colon), masked as its name demands."""
        folded = folded_name(name.encode("latin-1"))
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
        return self._remembered(folded, raw, granting.of_header(folded, self._kept))

    def name(self, text: str) -> str:
        """The name of a field: words stay, as the report shows them (`reader.name`)."""
        return self._remembered(_NAME, text, free_text.hidden_in_name)

    def _remembered(self, folded: bytes, raw: str, hidden: granting.Hidden) -> str:
        text = raw.encode("latin-1", "replace")
        written = self._granted.get((folded, text))
        if written is not None and self.vault.holds(written[1]):
            return written[0]
        vault, before = self.vault, (self.vault.generation, self.echoes)
        masked = self._ungranted(raw, hidden)
        if len(raw) <= RECURRING and vault.generation == before[0]:
            # One with a key in it is looked at again now and then: it is counted.
            stamp = vault.stamp(text) if self.echoes == before[1] else vault.generation
            self._granted.put((folded, text), (masked, stamp))
        return masked

    @property
    def tokens(self) -> KnownTokens:
        """Tokens of bodies that stay as they are, as far as is known now."""
        if self._tokens_at != self.vault.epoch:
            self._tokens.clear()
            self._tokens_at = self.vault.epoch
        return self._tokens

    def know(self, kind: int, text: bytes, meaning: int = 0) -> None:
        """Keep a token that stays, for the compiled core, if no key has to do with it."""
        if USED.core is not None and is_remembered(self.vault, text):
            self.tokens.know(kind, text, meaning)

    def _renew_frames(self) -> None:
        """What was written before a key was learnt may hold it."""
        if self._frames_at != self.vault.generation:
            self._frames.clear()
            self._frames_at = self.vault.generation

    def frame(self, around: tuple[bytes, bytes]) -> tuple[bytes, bytes] | None:
        """What stands, masked, before and behind a text that is blank, if it was kept."""
        self._renew_frames()
        return self._frames.get(around)

    def keep_frame(self, around: tuple[bytes, bytes], masked: tuple[bytes, bytes]) -> None:
        """Keep what `frame` gives."""
        self._renew_frames()
        if len(around[0]) + len(around[1]) <= FRAME:
            self._frames.put(around, masked)

    def is_credential(self, name: str) -> bool:
        """Whether a header of this name carries a credential."""
        folded = folded_name(name.encode("latin-1"))
        return folded in self._headers or is_secret_name(folded)

    def is_position(self, name: str) -> bool:
        """Whether the value of a header of this name is masked by more than its shape."""
        folded = folded_name(name.encode("latin-1"))
        return folded in URL_HEADERS or self.is_credential(name)

    def names_a_header(self, text: str) -> bool:
        """Whether a line in it may be a header of which `is_position` is true."""
        return self._line.search(text) is not None

    def target(self, text: str) -> str:
        """A request target or a URL: user information, secret parameters, then free text."""
        known = (_TARGET, text.encode("latin-1", "replace"))
        written = self._granted.get(known)
        if written is not None and self.vault.holds(written[1]):
            return written[0]
        before = self.vault.generation, self.echoes, len(self.found)
        masked = self._target(text)
        # One with a key in it is looked at each time: it is counted and noted.
        is_plain = before == (self.vault.generation, self.echoes, len(self.found))
        if is_plain and len(text) <= RECURRING and is_remembered(self.vault, known[1]):
            self._granted.put(known, (masked, self.vault.stamp(known[1])))
        return masked

    def _target(self, text: str) -> str:
        target = read_target(text)
        path = self._ungranted(target.path, hidden_in_path, self._user(target.path, target.user))
        if not target.mark:
            return path
        return (
            path
            + target.mark
            + "".join(
                parameter.separator + self._parameter(parameter)
                for parameter in target.parameters()
            )
        )

    def _user(self, path: str, span: Span | None) -> Span | None:
        """Where user information to be masked stands in front of an authority; it is learnt."""
        if span is None:
            return None
        user = path[slice(*span)]
        if placeholder(user.encode("latin-1")) or is_masked_placeholder(user):
            return None
        for secret in parts.user_information(user.encode("latin-1")):
            self._learn(secret)
        self._users += 1
        return span

    # -- what is not granted -------------------------------------------------------

    def _ungranted(self, text: str, hidden: granting.Hidden, user: Span | None = None) -> str:
        """A text with the keys in it masked, `user` as one of them; what is `hidden` is blanked."""
        keys: list[Span]
        if hidden is granting.everything:
            keys, masked = prefixed_keys(text), text
            for start, stop in keys:
                masked = masked[:start] + self._masks.core(masked[start:stop]) + masked[stop:]
        elif user is None:
            masked, keys = self._text.with_spans(text)
        else:
            (start, stop), parts_of = user, [self._text.with_spans(text[: user[0]])]
            parts_of.append((self._masks.user_information(text[start:stop]), [(0, stop - start)]))
            parts_of.append(self._text.with_spans(text[stop:]))
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
            masked = masked[:start] + self._masks.blank(masked[start:stop]) + masked[stop:]
        return masked

    def _value(self, name: str, raw: str, syntax: Syntax) -> str:
        reading = read(raw.encode("latin-1"), syntax)
        if reading.holds_none:
            return raw
        start, stop = reading.secret
        scheme = reading.shown_scheme.lower().decode("latin-1")
        # Also of a value whose mask happens to be what it was.
        self._mask(name, reading)
        for part in reading.parts():
            self._learn(part)
        return raw[:start] + self._masks.core(raw[start:stop], scheme) + raw[stop:]

    def _parameter(self, parameter: Parameter) -> str:
        if not parameter.is_secret:
            return self._ungranted(parameter.text, hidden_in_written)
        value = parameter.value or ""
        spelt = units(value, 1)
        decoded = "".join(char for char, _ in spelt)
        reading = read_parameter(decoded.encode("latin-1"))
        if not reading.holds_none:
            self._mask("?" + parameter.name, reading)
            self._learn(reading.core)
            self._learn(Secret(value.encode("latin-1")))
            value = respelt(spelt, self._masks.core(decoded))
        return f"{self.text(parameter.name)}={value}"

    def _mask(self, name: str, reading: PositionReading) -> None:
        tag = self._masks.tag(reading.core)
        self.found.append(Found(name, reading.credential(b""), tag))

    def _learn(self, secret: Secret) -> None:
        if placeholder(secret.reveal()) is None:
            self.vault.learn(secret)

    # -- free text ---------------------------------------------------------

    def text(self, text: str) -> str:
        """Free text with everything key-shaped, and every key learnt, masked."""
        return self._text.text(text)

    def granted_words(self, text: str) -> str:
        """Free text in which nothing is left but words (`secrets.free_text`), keys masked."""
        return self._ungranted(text, _but_masks)

    def host(self, text: str) -> str:
        """The name of a host, as that of an authority is shown (`reader.authority`)."""
        return self._ungranted(text, hidden_in_host)

    def granted_words_of(self, text: str) -> str:
        """The same of a text of any characters, as many bytes in UTF-8."""
        raw = text.encode("utf-8", "replace").decode("latin-1")
        return self.granted_words(raw).encode("latin-1").decode("utf-8", "replace")


def _but_masks(text: str) -> list[Span]:
    """What is hidden of a text that is no mask yet: a copy's copy says the same."""
    return [span for span in free_text.hidden(text) if not MASK.fullmatch(text[slice(*span)])]


def _is_alphanumeric(char: str) -> bool:
    return char.isascii() and char.isalnum()
