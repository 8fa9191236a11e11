"""`CredentialReader`: request and response heads in, credential facts and safe text out.

A value splits as RFC 9110 writes it: optional white space (5.5), a scheme and
at least one space (11.4), then the credential.  One space after the colon and
one after the scheme are normal; every other one around the credential is an
anomaly, since some recipients trim it and some do not.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from string import ascii_lowercase, ascii_uppercase
from typing import Final, Generic, NamedTuple, TypeAlias, TypeVar
from urllib.parse import unquote_to_bytes

from inspector.credentials.claims import Claims
from inspector.credentials.kinds import (
    classify,
    core_of,
    describe,
    inner_anomalies,
    is_recognised,
    label,
    prefix_within,
)
from inspector.credentials.positions import (
    CREDENTIAL_HEADERS,
    CREDENTIAL_QUERY,
    RESPONSE_HEADERS,
    SCHEMES,
    SECRET_NAME,
    SECRET_QUERY,
    STEERING_HEADERS,
    URL_HEADERS,
    Syntax,
)
from inspector.credentials.scrubbing import Scrubber
from inspector.facts import Anomaly, AuthHeader, Credential, Headers
from inspector.secret import Secret

#: (name as sent, all bytes after the colon): `protocols.messages.Field` is one.
RawField: TypeAlias = tuple[bytes, bytes]

#: Entries a memo holds before it starts anew, and the longest value it keeps:
#: together they bound its memory to a few MiB, whatever the capture holds.
_MEMO_ENTRIES: Final = 4096
_MEMO_VALUE: Final = 1024

#: The look-behind keeps a long run of spaces from being tried at each of its places.
_FOLD: Final = re.compile(rb"(?:(?<![ \t])[ \t]+)?\r?\n[ \t]+")
_SCHEME_AND_REST: Final = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+)(?:([ \t]+)(.*))?", re.DOTALL)
#: An unregistered scheme is shown as sent, so it must look like a name, not like a key.
_UNKNOWN_SCHEME: Final = re.compile(
    rb"(?=.{1,20}\Z)[A-Za-z][A-Za-z_\-]*(?:[0-9]{1,3}[A-Za-z_\-]*)?"
)
#: A name with control bytes, spaces or non-ASCII in it may still be read as the name
#: without them: for matching they are left out, and upper case is folded.
_NAME_FOLD: Final = bytes.maketrans(ascii_uppercase.encode(), ascii_lowercase.encode())
_NAME_NOISE: Final = bytes(byte for byte in range(256) if not 0x21 <= byte <= 0x7E)
_SEPARATOR: Final = re.compile("([&;])")
_AUTHORITY: Final = re.compile(r"(?P<before>[A-Za-z][A-Za-z0-9+.\-]*://|//)?(?P<authority>[^/?#]*)")

T = TypeVar("T")


class _Memo(Generic[T]):
    """A bounded dict for values that repeat on thousands of requests.

    Its keys are header fields with their secrets, so it shows nothing of itself.
    """

    __slots__ = ("_entries",)

    def __init__(self) -> None:
        self._entries: dict[RawField, T] = {}

    def get(self, field: RawField) -> T | None:
        return self._entries.get(field)

    def put(self, field: RawField, answer: T) -> T:
        if len(field[1]) <= _MEMO_VALUE:
            if len(self._entries) >= _MEMO_ENTRIES:
                self._entries.clear()
            self._entries[field] = answer
        return answer

    def __repr__(self) -> str:
        return f"<Memo {len(self._entries)} entries>"


class _Known(NamedTuple):
    """What a request's field amounts to: its safe text, its credential, whether it steers."""

    text: tuple[str, str]
    auth: AuthHeader | None
    steers: bool


class CredentialReader:
    """Reads the credentials of message heads, and writes heads without them.

    `fingerprint_key` keys the fingerprints of one run (or of several, to
    compare them).  `extra_headers` are further header names, in any case, whose
    value is a credential.

    A credential's `length` counts its bytes as the recipient sees them: without
    the scheme and the white space around (RFC 9110 5.5, 11.4); percent-decoded
    in a query.  Quotes, control characters and a doubled scheme are part of it.
    Kind, placeholder and fingerprint are those of the key within, so that a
    damaged copy of a key is recognised as that key.
    """

    def __init__(self, fingerprint_key: bytes, extra_headers: Iterable[str] = ()) -> None:
        self._key = fingerprint_key
        self.claims = Claims()
        self._scrubber = Scrubber(fingerprint_key)
        self._request = (
            dict.fromkeys(
                (name.lower().encode("latin-1", "replace") for name in extra_headers), Syntax.BARE
            )
            | CREDENTIAL_HEADERS
        )
        self._response = self._request | RESPONSE_HEADERS
        self._fields: _Memo[_Known] = _Memo()
        self._queries: _Memo[tuple[AuthHeader, ...]] = _Memo()
        self._targets: _Memo[str] = _Memo()
        self._response_texts: _Memo[tuple[str, str]] = _Memo()

    def auth(
        self, fields: Sequence[RawField], target: bytes = b"", packet: int = 0
    ) -> tuple[AuthHeader, ...]:
        """The credential positions of a request in wire order: its query's, then its headers'.

        `packet` is the one in which it begins, for what a redacted capture's
        comments claim of them.
        """
        found: list[AuthHeader] = []
        if b"?" in target:
            field = (b"?", target)
            known = self._queries.get(field)
            if known is None:
                known = self._queries.put(field, self._query_auth(target))
            found.extend(known)
        for field in fields:
            read = self._known(field).auth
            if read is not None:
                found.append(read)
        if self.claims:
            cores = self._cores(fields, target)
            return self.claims.applied(packet, tuple(found), cores, self._key)
        return tuple(found)

    def _cores(self, fields: Sequence[RawField], target: bytes) -> list[Secret]:
        """The keys within the positions that `auth` gives."""
        cores = [core for *_, core in self._query_credentials(target)]
        for name, raw in fields:
            if self._known((name, raw)).auth is not None:
                syntax = self._request.get(name.translate(_NAME_FOLD, _NAME_NOISE), Syntax.BARE)
                cores.append(_read(name, Secret(raw), syntax, self._key)[1])
        return cores

    def steering(self, fields: Sequence[RawField]) -> dict[str, str]:
        """The headers that steer authentication without being secret, by name as sent.

        A repeated one is joined with ", " under its first spelling (RFC 9110 5.3).
        """
        found: dict[bytes, tuple[str, str]] = {}
        for field in fields:
            known = self._known(field)
            if known.steers:
                folded = field[0].lower()
                name, value = known.text
                if folded in found:
                    first, values = found[folded]
                    name, value = first, f"{values}, {value}"
                found[folded] = (name, value)
        return dict(found.values())

    def headers(self, fields: Sequence[RawField]) -> Headers:
        """A request's headers as sent, in order, with credentials replaced by their label.

        Values are Latin-1, without surrounding white space, folds joined.  The
        scheme before a credential and placeholders are kept.
        """
        return tuple([self._known(field).text for field in fields])

    def response_headers(self, fields: Sequence[RawField]) -> Headers:
        """A response's headers, likewise; `set-cookie` is a credential there."""
        memo = self._response_texts
        return tuple([memo.get(field) or self._response_text(field) for field in fields])

    def target(self, raw: bytes) -> str:
        """A request target of any form (RFC 9112 3.2) as text without credentials.

        Replaced are user information in front of an authority, the values of
        `SECRET_QUERY`, and whatever has a key's shape anywhere else.
        """
        field = (b"", raw)
        known = self._targets.get(field)
        return self._targets.put(field, self._target(raw)) if known is None else known

    def scrub(self, text: str) -> str:
        """Free text with everything key-shaped replaced by its label; placeholders stay."""
        return self._scrubber.scrub(text)

    def _known(self, field: RawField) -> _Known:
        """A request's field as read before, or now."""
        known = self._fields.get(field)
        if known is not None:
            return known
        name, raw = field
        folded = name.translate(_NAME_FOLD, _NAME_NOISE)
        syntax = self._request.get(folded)
        secret = syntax is None and SECRET_NAME.fullmatch(folded) is not None
        read = None
        if syntax is not None or secret:
            read = self._read(name, raw, syntax or Syntax.BARE)
        text = self._text((name, raw), folded, read)
        auth = None if read is None or (secret and not is_recognised(read.credential)) else read
        return self._fields.put((name, raw), _Known(text, auth, name.lower() in STEERING_HEADERS))

    def _response_text(self, field: RawField) -> tuple[str, str]:
        name, raw = field
        folded = name.translate(_NAME_FOLD, _NAME_NOISE)
        syntax = self._response.get(folded)
        read = None if syntax is None else self._read(name, raw, syntax)
        return self._response_texts.put((name, raw), self._text((name, raw), folded, read))

    def _text(self, field: RawField, folded: bytes, read: AuthHeader | None) -> tuple[str, str]:
        name, raw = field
        if read is None and SECRET_NAME.fullmatch(folded) is not None:
            read = self._read(name, raw, Syntax.BARE)
        if read is not None:
            shown = label(read.credential)
            value = shown if read.scheme is None else f"{read.scheme} {shown}"
        elif folded in URL_HEADERS:
            value = self.target(_unfolded(raw))
        else:
            value = self.scrub(_unfolded(raw).decode("latin-1"))
        return (self.scrub(name.decode("latin-1")), value)

    def _query_auth(self, target: bytes) -> tuple[AuthHeader, ...]:
        found = []
        for name, credential, core in self._query_credentials(target):
            self._learn(credential, core)
            found.append(AuthHeader("?" + self.scrub(name), None, credential))
        return tuple(found)

    def _query_credentials(self, target: bytes) -> Iterator[tuple[str, Credential, Secret]]:
        """(name, credential, the key within) of the parameters that are reported as auth."""
        for _, name, value in _pairs(target.decode("latin-1").partition("?")[2]):
            if value is None or _decoded(name) not in SECRET_QUERY:
                continue
            text = Secret(unquote_to_bytes(value.encode("latin-1")))
            credential, core = _bare(text, self._key)
            if _decoded(name) in CREDENTIAL_QUERY or is_recognised(credential):
                yield name, credential, core

    def _target(self, raw: bytes) -> str:
        if b"?" not in raw and b"@" not in raw:
            return self.scrub(raw.decode("latin-1"))
        path, mark, query = raw.decode("latin-1").partition("?")
        start = _AUTHORITY.match(path)
        if start and "@" in start["authority"]:
            user, _, host = start["authority"].rpartition("@")
            shown = _with_kind_basic(self._scrubber.value(user))
            rest = self.scrub(host + path[start.end() :])
            path = f"{start['before'] or ''}{shown}@{rest}"
        else:
            path = self.scrub(path)
        if not mark:
            return path
        parts: list[str] = []
        for separator, name, value in _pairs(query):
            if value is not None and _decoded(name) in SECRET_QUERY:
                shown = f"{self.scrub(name)}={label(self._query_value(value))}"
            else:
                shown = self.scrub(name if value is None else f"{name}={value}")
            parts.append(separator + shown)
        return path + mark + "".join(parts)

    def _query_value(self, value: str) -> Credential:
        credential, core = _bare(Secret(unquote_to_bytes(value.encode("latin-1"))), self._key)
        self._learn(credential, core)
        return credential

    def _read(self, name: bytes, raw: bytes, syntax: Syntax) -> AuthHeader:
        read, core = _read(name, Secret(raw), syntax, self._key)
        self._learn(read.credential, core)
        return read

    def _learn(self, credential: Credential, core: Secret) -> None:
        if credential.placeholder is None:
            self._scrubber.learn(core, label(credential))


def _read(name: bytes, raw: Secret, syntax: Syntax, key: bytes) -> tuple[AuthHeader, Secret]:
    """A header value taken apart: space, scheme, space, credential, space; and its key."""
    text = raw.reveal()
    anomalies: set[Anomaly] = set()
    if _FOLD.search(text):
        anomalies.add("control-character")
        text = _FOLD.sub(b" ", text)
    stripped = text.strip(b" \t")
    if stripped:
        if text[: len(text) - len(text.lstrip(b" \t"))] not in (b"", b" "):
            anomalies.add("leading-space")
        if text.rstrip(b" \t") != text:
            anomalies.add("trailing-space")
    scheme, gap, value = _split_scheme(stripped, syntax)
    if scheme is not None and not value:
        anomalies.discard("trailing-space")  # `Bearer ` is a scheme and its space
    if gap not in (b"", b" "):
        anomalies.add("leading-space")
    core = value
    if scheme is not None:
        while True:
            again, _, rest = _split_scheme(core, Syntax.BARE)
            if again is None:
                break
            anomalies.add("doubled-scheme")
            core = rest
    anomalies.update(inner_anomalies(Secret(value)))
    if syntax is Syntax.COOKIE:
        anomalies.discard("quoted")  # RFC 6265 4.1.1 lets a cookie value stand in quotes
    key_within = core_of(Secret(core))
    if not len(key_within):
        anomalies.add("empty")
    credential = describe(Secret(value), key_within, (scheme or b"").lower(), key, anomalies)
    if syntax is Syntax.COOKIE:
        values = (pair.partition(b"=")[2].strip(b' "') for pair in value.split(b";"))
        credential = replace(credential, prefix=credential.prefix or prefix_within(values))
    shown = None if scheme is None else scheme.decode("latin-1")
    return AuthHeader(name.decode("latin-1"), shown, credential), key_within


def _bare(raw: Secret, key: bytes) -> tuple[Credential, Secret]:
    """A query parameter's decoded value: any space around it is an anomaly."""
    text = raw.reveal()
    value = Secret(text.strip(b" \t"))
    anomalies = set(inner_anomalies(value))
    if len(value):
        if text[:1] in b" \t":
            anomalies.add("leading-space")
        if text[-1:] in b" \t":
            anomalies.add("trailing-space")
    key_within = core_of(value)
    if not len(key_within):
        anomalies.add("empty")
    return describe(value, key_within, b"", key, anomalies), key_within


def _split_scheme(text: bytes, syntax: Syntax) -> tuple[bytes | None, bytes, bytes]:
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


def _pairs(query: str) -> Iterator[tuple[str, str, str | None]]:
    """(separator in front, name, value or None without `=`) of each part, undecoded."""
    separator = ""
    for index, part in enumerate(_SEPARATOR.split(query)):
        if index % 2:
            separator = part
        else:
            name, equals, value = part.partition("=")
            yield separator, name, value if equals else None


def _decoded(name: str) -> str:
    """A parameter name as the recipient compares it: unescaped, in lower case."""
    return unquote_to_bytes(name.encode("latin-1")).decode("latin-1").lower()


def _unfolded(raw: bytes) -> bytes:
    if b"\n" in raw:
        raw = _FOLD.sub(b" ", raw)
    return raw.strip(b" \t")


def _with_kind_basic(shown: str) -> str:
    """User information is user and password (RFC 3986 3.2.1): what Basic carries."""
    return shown.replace("<unknown ", "<basic ", 1)
