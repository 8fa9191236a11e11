"""A value in a credential's position taken apart: what in it is secret, and where that stands.

A value splits as RFC 9110 writes it: optional white space (5.5), a scheme and at
least one space (11.4), then the credential.  One space after the colon and one
after the scheme are normal; every other one around the credential is an anomaly,
since some recipients trim it and some do not.

One reading, two renderers: the report writes a label for the credential
(`reader`), a redacted copy a mask of the same length where it stands (`masking`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from inspector.credentials import parts
from inspector.credentials.kinds import (
    classify,
    core_of,
    describe,
    inner_anomalies,
    placeholder,
    prefix_within,
)
from inspector.fact import Fact, replace
from inspector.model.credentials import Anomaly, AuthHeader, Credential
from inspector.protocols.messages import FOLD, LF
from inspector.regex import regex
from inspector.secret import Secret
from inspector.secrets.grammar import Span
from inspector.secrets.positions import SCHEMES, Syntax
from inspector.secrets.public import is_words

_SCHEME_AND_REST: Final = regex(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+)(?:([ \t]+)(.*))?", re.DOTALL)
#: An unregistered scheme is shown as sent, so it must look like a name, not like a key.
_UNKNOWN_SCHEME: Final = regex(rb"(?=.{1,20}\Z)[A-Za-z][A-Za-z_\-]*(?:[0-9]{1,3}[A-Za-z_\-]*)?")
#: A name with control bytes, spaces or non-ASCII in it may still be read as the name
#: without them: for matching they are left out, and upper case is folded.
_NAME_FOLD: Final = bytes(range(256)).lower()
_NAME_NOISE: Final = bytes(byte for byte in range(256) if not 0x21 <= byte <= 0x7E)


def folded_name(name: bytes) -> bytes:
    """The name of a header as it is compared."""
    return name.translate(_NAME_FOLD, _NAME_NOISE)


def unfolded(raw: bytes) -> bytes:
    """A value as its recipient sees it: folds are a space, none is around it."""
    return (FOLD.sub(b" ", raw) if LF in raw else raw).strip(b" \t")


class PositionReading(Fact):
    """What a value holds; spans are of the bytes after the colon.

    `scheme` is the authorization scheme, if there is one; `secret` is what no one may see:
    all behind the scheme, and behind one that was written twice.  `value` is what the
    credential's length counts, `core` the key in it (`kinds.core_of`).
    """

    syntax: Syntax
    scheme: Span | None
    secret: Span
    shown_scheme: bytes
    value: Secret
    core: Secret
    anomalies: frozenset[Anomaly]

    @property
    def holds_none(self) -> bool:
        """Whether there is nothing to hide: no value, or a placeholder."""
        return not len(self.core) or placeholder(self.core.reveal()) is not None

    def parts(self) -> Iterator[Secret]:
        """The credential as a whole, and each part that is a secret of its own."""
        return parts.parts(self.core, self.syntax, self.shown_scheme.lower())

    def credential(self, key: bytes) -> Credential:
        """What may be said of it, fingerprinted under a run's key."""
        scheme = self.shown_scheme.lower()
        found = describe(self.value, self.core, scheme, key, set(self.anomalies))
        if self.syntax is Syntax.COOKIE:
            pairs = self.value.reveal().split(b";")
            values = (pair.partition(b"=")[2].strip(b' "') for pair in pairs)
            found = replace(found, prefix=found.prefix or prefix_within(values))
        return found

    def header(self, name: bytes, key: bytes) -> AuthHeader:
        """The same as the position of a request, under its name as sent."""
        shown = None if self.scheme is None else self.shown_scheme.decode("latin-1")
        return AuthHeader(name.decode("latin-1"), shown, self.credential(key))


def read(raw: bytes, syntax: Syntax) -> PositionReading:
    """Read all bytes after the colon of a header with this syntax."""
    anomalies: set[Anomaly] = set()
    text = raw
    if LF in raw and FOLD.search(raw):
        anomalies.add("control-character")
        text = FOLD.sub(lambda match: b" " * len(match[0]), raw)

    def joined(start: int, stop: int) -> bytes:
        part = raw[start:stop]
        return part if text is raw else FOLD.sub(b" ", part)

    start, stop = len(text) - len(text.lstrip(b" \t")), len(text.rstrip(b" \t"))
    if start >= stop:
        start = stop = len(text)
    else:
        if joined(0, start) not in (b"", b" "):
            anomalies.add("leading-space")
        if stop < len(text):
            anomalies.add("trailing-space")
    word, gap, rest = split_scheme(text[start:stop], syntax)
    scheme: Span | None = None
    if word is not None:
        scheme = start, start + len(word)
        start += len(word) + len(gap)
        if not rest:
            anomalies.discard("trailing-space")  # `Bearer ` is a scheme and its space
        if joined(scheme[1], start) not in (b"", b" "):
            anomalies.add("leading-space")
    value = Secret(joined(start, stop))
    while word is not None and rest:
        again, gap, rest = split_scheme(text[start:stop], Syntax.BARE)
        if again is None:
            break
        anomalies.add("doubled-scheme")
        start += len(again) + len(gap)
    anomalies.update(inner_anomalies(value))
    if syntax is Syntax.COOKIE:
        anomalies.discard("quoted")  # RFC 6265 4.1.1 lets a cookie value stand in quotes
    core = core_of(Secret(joined(start, stop)))
    anomalies |= _of_core(core)
    shown = b"" if scheme is None else text[slice(*scheme)]
    return PositionReading(syntax, scheme, (start, stop), shown, value, core, frozenset(anomalies))


def read_parameter(decoded: bytes) -> PositionReading:
    """Read a query parameter's value, percent-decoded: any space around it is an anomaly."""
    start = len(decoded) - len(decoded.lstrip(b" \t"))
    stop = max(start, len(decoded.rstrip(b" \t")))
    value = Secret(decoded[start:stop])
    anomalies: set[Anomaly] = set(inner_anomalies(value))
    if len(value):
        anomalies |= {"leading-space"} if start else set()
        anomalies |= {"trailing-space"} if stop < len(decoded) else set()
    core = core_of(value)
    anomalies |= _of_core(core)
    return PositionReading(Syntax.BARE, None, (start, stop), b"", value, core, frozenset(anomalies))


def _of_core(core: Secret) -> set[Anomaly]:
    """What is odd in the key itself: there is none, or words that none consists of."""
    if not len(core):
        return {"empty"}
    is_public = placeholder(core.reveal()) is None and is_words(core.reveal())
    return {"protocol-words"} if is_public else set()


def split_scheme(text: bytes, syntax: Syntax) -> tuple[bytes | None, bytes, bytes]:
    """(scheme or None, the white space after it, the rest).

    A single word is a credential without a scheme, unless it is a known
    scheme's name: then the credential after it is empty.
    """
    match = None if syntax is Syntax.COOKIE else _SCHEME_AND_REST.fullmatch(text)
    if match is None:
        return None, b"", text
    word, gap, rest = match.groups()
    if word.lower() in SCHEMES:
        return word, gap or b"", rest or b""
    is_name = syntax is Syntax.SCHEME and gap and _UNKNOWN_SCHEME.fullmatch(word)
    if is_name and classify(Secret(word))[0] == "unknown":
        return word, gap, rest
    return None, b"", text
