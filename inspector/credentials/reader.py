"""`CredentialReader`: request and response heads in, credential facts and safe text out.

A value splits as RFC 9110 writes it: optional white space (5.5), a scheme and
at least one space (11.4), then the credential.  One space after the colon and
one after the scheme are normal; every other one around the credential is an
anomaly, since some recipients trim it and some do not.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from string import ascii_lowercase, ascii_uppercase
from typing import Final, TypeAlias
from urllib.parse import unquote_to_bytes

from inspector.credentials import granting, parts
from inspector.credentials.kinds import (
    classify,
    core_of,
    describe,
    inner_anomalies,
    is_recognised,
    label,
    longest_first,
    named,
    prefix_within,
)
from inspector.credentials.mask_notes import MaskNotes
from inspector.credentials.memo import Memo, Written
from inspector.credentials.positions import (
    CREDENTIAL_HEADERS,
    CREDENTIAL_QUERY,
    RESPONSE_HEADERS,
    SCHEMES,
    SECRET_QUERY,
    STEERING_HEADERS,
    SUBPROTOCOLS,
    URL_HEADERS,
    Syntax,
    is_secret_name,
)
from inspector.credentials.scrubbing import NOT_SHOWN, Scrubber
from inspector.model.credentials import Anomaly, AuthHeader, Credential, CredentialKind
from inspector.model.network import Headers
from inspector.protocols.messages import FOLD
from inspector.secret import Secret
from inspector.secrets import free_text, labels
from inspector.secrets.grammar import HOSTS
from inspector.secrets.paths import hidden_in_parameter, hidden_in_path, segments_of

#: (name as sent, all bytes after the colon): `protocols.messages.Field` is one.
RawField: TypeAlias = tuple[bytes, bytes]

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


class CredentialReader:
    """Reads the credentials of message heads, and writes heads without them.

    `fingerprint_key` keys the fingerprints of one run (or of several, to
    compare them).  `extra_headers` are further header names, in any case, whose
    value is a credential; `extra_prefixes` further (kind, public prefix) of keys that stand in
    such a position.  `kept_headers` are names of headers whose value is shown though no grammar
    grants it, `paths` further known paths.

    A credential's `length` counts its bytes as the recipient sees them: without
    the scheme and the white space around (RFC 9110 5.5, 11.4); percent-decoded
    in a query.  Quotes, control characters and a doubled scheme are part of it.
    Kind, placeholder and fingerprint are those of the key within, so that a
    damaged copy of a key is recognised as that key.
    """

    def __init__(
        self,
        fingerprint_key: bytes,
        extra_headers: Iterable[str] = (),
        extra_prefixes: Iterable[tuple[CredentialKind, str]] = (),
        *,
        kept_headers: Iterable[str] = (),
        paths: Iterable[str] = (),
    ) -> None:
        self._key = fingerprint_key
        self._prefixes = longest_first(extra_prefixes)
        self._kept = granting.folded_names(kept_headers)
        self._in_path = partial(hidden_in_path, more=segments_of(paths))
        self.claims = MaskNotes()
        self._scrubber = Scrubber(fingerprint_key)
        self._request = (
            dict.fromkeys(
                (name.lower().encode("latin-1", "replace") for name in extra_headers), Syntax.BARE
            )
            | CREDENTIAL_HEADERS
        )
        self._response = self._request | RESPONSE_HEADERS
        # What was learnt from, credentials that were read, and texts that were written.
        self._studied: Memo[bool] = Memo()
        self._read_fields: Memo[AuthHeader] = Memo()
        self._queries: Memo[tuple[AuthHeader, ...]] = Memo()
        self._targets: Memo[Written] = Memo()
        self._texts: Memo[Written] = Memo()
        self._response_texts: Memo[Written] = Memo()

    @property
    def generation(self) -> int:
        """Grows with every key learnt: text written before may hold one that is known now."""
        return self._scrubber.vault.generation

    @property
    def is_full(self) -> bool:
        """More credentials were met than can be remembered: free text is not written."""
        return self._scrubber.vault.is_full

    def holds_learnt(self, text: str) -> bool:
        """Whether a piece of a learnt credential stands in a text."""
        return self._scrubber.holds_learnt(text)

    def study(self, fields: Sequence[RawField], target: bytes = b"") -> None:
        """Learn every credential of a head, so that none is in any text that is written of it.

        Request or response: every position, and every part of a value in it.
        """
        if target and (b"?" in target or b"@" in target or b"#" in target):
            self._study_url((b"?", target))
        for field in self._studied.lacking(fields):
            self._study(field)

    def _study(self, field: RawField) -> None:
        self._studied.put(field, True)
        name, raw = field
        folded = name.translate(_NAME_FOLD, _NAME_NOISE)
        syntax = self._response.get(folded)
        if syntax is None and is_secret_name(folded):
            syntax = Syntax.BARE
        if syntax is not None:
            _, core, scheme = _taken_apart(name, Secret(raw), syntax, self._key)
            for part in parts.parts(core, syntax, scheme):
                self._scrubber.learn(part)
        elif folded == SUBPROTOCOLS:
            for secret in parts.subprotocols(raw):
                self._scrubber.learn(secret)
        elif folded in URL_HEADERS:
            self._study_url((b"?", raw))

    def _study_url(self, field: RawField) -> None:
        if not self._studied.get(field):
            self._studied.put(field, True)
            for secret in _within_target(_unfolded(field[1])):
                self._scrubber.learn(secret)

    def auth(
        self, fields: Sequence[RawField], target: bytes = b"", packet: int = 0
    ) -> tuple[AuthHeader, ...]:
        """The credential positions of a request in wire order: its query's, then its headers'.

        `packet` is the one in which it begins, for what a redacted capture's
        comments claim of them.
        """
        self.study(fields, target)
        found: list[AuthHeader] = []
        if b"?" in target:
            field = (b"?", target)
            known = self._queries.get(field)
            if known is None:
                known = self._queries.put(field, self._query_auth(target))
            found.extend(known)
        for field in fields:
            read = self._auth_of(field)
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
            if self._auth_of((name, raw)) is not None:
                syntax = self._request.get(name.translate(_NAME_FOLD, _NAME_NOISE), Syntax.BARE)
                cores.append(_read(name, Secret(raw), syntax, self._key)[1])
        return cores

    def steering(self, fields: Sequence[RawField]) -> dict[str, str]:
        """The headers that steer authentication without being secret, by name as sent.

        A repeated one is joined with ", " under its first spelling (RFC 9110 5.3).
        """
        found: dict[bytes, tuple[str, str]] = {}
        for field in fields:
            folded = field[0].lower()
            if folded in STEERING_HEADERS:
                name, value = self._written(field, self._texts, self._request)
                if folded in found:
                    first, values = found[folded]
                    name, value = first, f"{values}, {value}"
                found[folded] = (name, value)
        return dict(found.values())

    def headers(self, fields: Sequence[RawField]) -> Headers:
        """A request's headers as sent, in order, with credentials replaced by their label.

        Values are Latin-1, without surrounding white space, folds joined.  The
        scheme before a credential and placeholders are kept.  What `secrets.grants` does not
        grant is replaced by its length and fingerprint.
        """
        self.study(fields)
        return tuple([self._written(field, self._texts, self._request) for field in fields])

    def response_headers(self, fields: Sequence[RawField]) -> Headers:
        """A response's headers, likewise; `set-cookie` is a credential there."""
        self.study(fields)
        memo = self._response_texts
        return tuple([self._written(field, memo, self._response) for field in fields])

    def target(self, raw: bytes) -> str:
        """A request target of any form (RFC 9112 3.2) as text without credentials.

        Replaced are user information in front of an authority, the values of
        `SECRET_QUERY`, whatever has a key's shape anywhere else, and what `secrets.paths`
        does not grant.
        """
        field = (b"", raw)
        self.study((), raw)
        known = self._targets.get(field)
        if known is None or self._is_stale(known):
            return self._targets.put(field, Written(self.generation, "", self._target(raw))).value
        return known.value

    def authority(self, host: str) -> str:
        """A host as the authority of a target is shown, so that both can be compared."""
        return self._granted(host, HOSTS.hidden)

    def value(self, name: bytes, text: str) -> str:
        """The value of a header, or of a pseudo-header of `secrets.grants`, as it may be shown."""
        return self._granted(text, granting.of_header(name, self._kept))

    def label(self, text: str) -> str:
        """What is shown of a value that nothing grants: equal for equal values of one run."""
        return labels.label(text, self._key)

    def _granted(self, text: str, hidden: granting.Hidden) -> str:
        if hidden is granting.everything:
            return granting.written(self._scrubber.prefixed(text), hidden, self._key)
        text = self.scrub(text)
        return text if text == NOT_SHOWN else granting.written(text, hidden, self._key)

    def scrub(self, text: str) -> str:
        """Free text with everything key-shaped replaced by its label; placeholders stay."""
        return self._scrubber.scrub(text)

    def words(self, text: str) -> str:
        """Free text of which nothing is left but words (`secrets.free_text`), keys as labels.

        Safe whenever it is written: no key that is learnt later stands in it.
        """
        shown = self.scrub(text)
        if shown == NOT_SHOWN:
            return shown
        raw = shown.encode("utf-8", "surrogatepass").decode("latin-1")
        shown = granting.written(raw, free_text.hidden, self._key)
        return shown.encode("latin-1").decode("utf-8", "replace")

    def _auth_of(self, field: RawField) -> AuthHeader | None:
        """The credential of a request's field, if its name is that of a position."""
        name, raw = field
        folded = name.translate(_NAME_FOLD, _NAME_NOISE)
        syntax = self._request.get(folded)
        if syntax is None and not is_secret_name(folded):
            return None
        read = self._read_fields.get(field)
        if read is None:
            read = self._read_fields.put(field, self._read(name, raw, syntax or Syntax.BARE))
        return read if syntax is not None or is_recognised(read.credential) else None

    def _written(
        self, field: RawField, memo: Memo[Written], positions: Mapping[bytes, Syntax]
    ) -> tuple[str, str]:
        """A field as text, written before or now."""
        known = memo.get(field)
        if known is None or self._is_stale(known):
            name, raw = field
            folded = name.translate(_NAME_FOLD, _NAME_NOISE)
            syntax = positions.get(folded)
            read = None if syntax is None else self._read(name, raw, syntax)
            known = memo.put(field, Written(self.generation, *self._text(field, folded, read)))
        return known.name, known.value

    def _is_stale(self, written: Written) -> bool:
        """Whether a text holds a key that was not known when it was written."""
        if written.generation == self.generation:
            return False
        return self.is_full or self.holds_learnt(f"{written.name} {written.value}")

    def _text(self, field: RawField, folded: bytes, read: AuthHeader | None) -> tuple[str, str]:
        name, raw = field
        if read is None and is_secret_name(folded):
            read = self._read(name, raw, Syntax.BARE)
        if read is not None:
            credential = read.credential
            if credential.kind in ("basic", "unknown"):
                # The prefix is of a key within, which a mask hides: `auth` alone tells it.
                credential = replace(credential, prefix=None)
            shown = label(credential)
            value = shown if read.scheme is None else f"{read.scheme} {shown}"
        elif folded in URL_HEADERS:
            value = self.target(_unfolded(raw))
        else:
            value = self.value(folded, _unfolded(raw).decode("latin-1"))
        return (self.scrub(name.decode("latin-1")), value)

    def _query_auth(self, target: bytes) -> tuple[AuthHeader, ...]:
        return tuple(
            AuthHeader("?" + self.scrub(name), None, credential)
            for name, credential, _ in self._query_credentials(target)
        )

    def _query_credentials(self, target: bytes) -> Iterator[tuple[str, Credential, Secret]]:
        """(name, credential, the key within) of the parameters that are reported as auth."""
        for _, name, value in _pairs(target.decode("latin-1").partition("?")[2]):
            if value is None or _decoded(name) not in SECRET_QUERY:
                continue
            text = Secret(unquote_to_bytes(value.encode("latin-1")))
            credential, core = _bare(text, self._key)
            credential = named(credential, core, self._prefixes)
            if _decoded(name) in CREDENTIAL_QUERY or is_recognised(credential):
                yield name, credential, core

    def _target(self, raw: bytes) -> str:
        if b"?" not in raw and b"@" not in raw:
            return self._granted(raw.decode("latin-1"), self._in_path)
        path, mark, query = raw.decode("latin-1").partition("?")
        start = _AUTHORITY.match(path)
        if start and "@" in start["authority"]:
            user, _, host = start["authority"].rpartition("@")
            shown = _with_kind_basic(self._scrubber.value(user))
            rest = self.scrub(host + path[start.end() :])
            path = granting.written(
                f"{start['before'] or ''}{shown}@{rest}", self._in_path, self._key
            )
        else:
            path = self._granted(path, self._in_path)
        if not mark:
            return path
        parts: list[str] = []
        for separator, name, value in _pairs(query):
            if value is not None and _decoded(name) in SECRET_QUERY:
                shown = f"{self.scrub(name)}={label(self._query_value(value))}"
            else:
                shown = self._granted(name if value is None else f"{name}={value}", _in_parameter)
            parts.append(separator + shown)
        return path + mark + "".join(parts)

    def _query_value(self, value: str) -> Credential:
        found = _bare(Secret(unquote_to_bytes(value.encode("latin-1"))), self._key)
        return named(*found, self._prefixes)

    def _read(self, name: bytes, raw: bytes, syntax: Syntax) -> AuthHeader:
        read, core = _read(name, Secret(raw), syntax, self._key)
        if self._prefixes:
            return replace(read, credential=named(read.credential, core, self._prefixes))
        return read


def _in_parameter(text: str) -> list[tuple[int, int]]:
    name, equals, value = text.partition("=")
    return hidden_in_parameter(name, value if equals else None)


def _within_target(raw: bytes) -> Iterator[Secret]:
    """The secrets of a target or a URL: user information, values of secret parameters."""
    text = raw.decode("latin-1")
    before, _, query = text.partition("?")
    start = _AUTHORITY.match(before)
    if start and "@" in start["authority"]:
        yield from parts.user_information(start["authority"].rpartition("@")[0].encode("latin-1"))
    for _, name, value in (*_pairs(query), *_pairs(text.partition("#")[2])):
        if value is not None and _decoded(name) in SECRET_QUERY:
            written = value.partition("#")[0].encode("latin-1")
            yield Secret(written)
            yield core_of(Secret(unquote_to_bytes(written)))


def _read(name: bytes, raw: Secret, syntax: Syntax, key: bytes) -> tuple[AuthHeader, Secret]:
    """A header value taken apart, and the key in it."""
    return _taken_apart(name, raw, syntax, key)[:2]


def _taken_apart(
    name: bytes, raw: Secret, syntax: Syntax, key: bytes
) -> tuple[AuthHeader, Secret, bytes]:
    """A header value taken apart: space, scheme, space, credential, space; its key; its scheme."""
    text = raw.reveal()
    anomalies: set[Anomaly] = set()
    if FOLD.search(text):
        anomalies.add("control-character")
        text = FOLD.sub(b" ", text)
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
    read = AuthHeader(name.decode("latin-1"), shown, credential)
    return read, key_within, (scheme or b"").lower()


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
        raw = FOLD.sub(b" ", raw)
    return raw.strip(b" \t")


def _with_kind_basic(shown: str) -> str:
    """User information is user and password (RFC 3986 3.2.1): what Basic carries."""
    return shown.replace("<unknown ", "<basic ", 1)
