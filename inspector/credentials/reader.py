"""`CredentialReader`: request and response heads in, credential facts and safe text out.

The report's renderer of what `reading` and `targets` read: a label in the place of each secret.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import compress, count
from operator import not_
from typing import Any, Final, TypeAlias

from inspector.credentials import granting, parts
from inspector.credentials.kinds import is_recognised, label, label_of_user_information, named
from inspector.credentials.mask_notes import MaskNotes
from inspector.credentials.memo import ENTRIES, Memo
from inspector.credentials.reading import (
    PositionReading,
    folded_name,
    read,
    read_parameter,
    unfolded,
)
from inspector.credentials.shown_texts import ShownTexts
from inspector.credentials.targets import Parameter, hidden_in_written, read_target, secrets_of
from inspector.credentials.written import (
    NOTES,
    FieldNote,
    Notes,
    PlainFields,
    Written,
    WrittenTexts,
    renewed,
)
from inspector.fact import replace
from inspector.model.credentials import AuthHeader, Credential, CredentialKind
from inspector.model.network import Headers
from inspector.secret import Secret
from inspector.secrets.constants import longest_first
from inspector.secrets.paths import hidden_in_path, segments_of
from inspector.secrets.positions import (
    CREDENTIAL_HEADERS,
    RESPONSE_HEADERS,
    SUBPROTOCOLS,
    URL_HEADERS,
    Syntax,
    is_secret_name,
)
from inspector.secrets.vault import Vault

#: (name as sent, all bytes after the colon): `protocols.messages.Field` is one.
RawField: TypeAlias = tuple[bytes, bytes]

#: Bytes of a target behind which a key may stand.  A byte is looked for by its number: of a text
#: Python asks first whether it is a number, and writes an error where it is none.
_MARK, _AT, _FRAGMENT = b"?@#"
#: Names that are listed, so that no key hides in one.
_LISTED: Final = CREDENTIAL_HEADERS.keys() | RESPONSE_HEADERS.keys()


class CredentialReader(ShownTexts):
    """Reads the credentials of message heads, and writes heads without them.

    `fingerprint_key` keys the fingerprints of one run (or of several, to
    compare them).  `extra_headers` are further header names, in any case, whose
    value is a credential; `extra_prefixes` further (kind, public prefix) of keys that stand in
    such a position.  `kept_headers` are names of headers whose value is shown though no grammar
    grants it, `paths` further known paths.  `vault` is where credentials are learnt and looked
    for: that of the run, which the writer of a redacted copy knows too.

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
        vault: Vault | None = None,
    ) -> None:
        super().__init__(fingerprint_key, kept_headers, vault)
        self._prefixes = longest_first(extra_prefixes)
        self._in_path = partial(hidden_in_path, more=segments_of(paths))
        self.claims = MaskNotes()
        self._request = (
            dict.fromkeys(
                (name.lower().encode("latin-1", "replace") for name in extra_headers), Syntax.BARE
            )
            | CREDENTIAL_HEADERS
        )
        self._response = self._request | RESPONSE_HEADERS
        # URLs that were learnt from, credentials in queries, and texts that were written.
        self._studied: Memo[bool] = Memo(fingerprint_key)
        self._queries: Memo[tuple[AuthHeader, ...]] = Memo(fingerprint_key)
        self._targets = WrittenTexts(fingerprint_key, self._scrubber)
        #: Names of which nothing is hidden, and of which no field holds anything to learn.
        self._ordinary: dict[bytes, None] = {}
        self._scrubber.vault.clears(self._ordinary)
        # Fields that are shown as they are, in heads of either kind, and notes of all others.
        self._plain = PlainFields(self._scrubber.vault)
        self._notes: Memo[FieldNote] = Memo(fingerprint_key, NOTES)

    def study(self, fields: Sequence[RawField], target: bytes = b"") -> Notes:
        """Learn every credential of a head, so that none is in any text that is written of it.

        Request or response: every position, and every part of a value in it.  The notes of it
        save who reads the head later what was done now.
        """
        if _MARK in target or _AT in target or _FRAGMENT in target:
            text = target.decode("latin-1")
            if text not in self._targets.plain:
                self._study_url((b"?", target))
        noted: dict[int, FieldNote] = {}
        # Before anything is learnt: what is shown now may not be shown any more then.
        epoch = self._scrubber.vault.epoch
        shown = [*map(self._plain.shown.get, fields)]
        others = [*compress(count(), map(not_, shown))]
        for place in others:
            field = fields[place]
            if field[0] not in self._ordinary and (note := self._study(field)) is not None:
                noted[place] = note
        return Notes(shown, others, noted, epoch)

    def _study(self, field: RawField) -> FieldNote | None:
        """The note of a field of no ordinary name that may hold a credential, which is learnt."""
        name, raw = field
        folded, syntax = name, self._response.get(name)
        if syntax is None:  # it is not written as it is listed
            folded = folded_name(name)
            syntax = self._response.get(folded)
        if syntax is None and is_secret_name(folded):
            syntax = Syntax.BARE
        if syntax is None and folded != SUBPROTOCOLS:
            if folded in URL_HEADERS:
                self._study_url((b"?", raw))
            elif self._names.plain.get(name.decode("latin-1")):
                if len(self._ordinary) >= ENTRIES:
                    self._ordinary.clear()
                self._ordinary[name] = None
            return None
        note = self._notes.once(field, FieldNote)
        if note.is_learnt:
            return note
        note.is_learnt = True
        if syntax is None:
            for secret in parts.subprotocols(raw):
                self._scrubber.learn(secret)
            return note
        reading = read(raw, syntax)
        for part in reading.parts():
            self._scrubber.learn(part)
        if name.lower() in CREDENTIAL_HEADERS:  # which is going to be asked for
            note.auth = self._header(name, reading)
        return note

    def _study_url(self, field: RawField) -> None:
        if not self._studied.get(field):
            self._studied.put(field, True)
            for secret in secrets_of(unfolded(field[1]).decode("latin-1")):
                self._scrubber.learn(secret)

    def auth(
        self,
        fields: Sequence[RawField],
        target: bytes = b"",
        packet: int = 0,
        notes: Notes | None = None,
    ) -> tuple[AuthHeader, ...]:
        """The credential positions of a request in wire order: its query's, then its headers'.

        `packet` is the one in which it begins, for what a redacted capture's
        comments claim of them.  `notes`: what `study` noted of this head.
        """
        if notes is None:
            notes = self.study(fields, target)
        found: list[AuthHeader] = []
        if _MARK in target and target.decode("latin-1") not in self._targets.plain:
            field = (b"?", target)
            known = self._queries.get(field)
            if known is None:
                known = self._queries.put(field, self._query_auth(target))
            found.extend(known)
        for place, note in notes.noted.items():
            read = note.auth or self._auth_of(fields[place], note)
            if read is not None:
                found.append(read)
        if self.claims:
            cores = self._cores(fields, target, notes)
            return self.claims.applied(packet, tuple(found), cores, self._key)
        return tuple(found)

    def _cores(self, fields: Sequence[RawField], target: bytes, notes: Notes) -> list[Secret]:
        """The keys within the positions that `auth` gives."""
        cores = [core for *_, core in self._query_credentials(target)]
        for place, note in notes.noted.items():
            name, raw = fields[place]
            if self._auth_of(fields[place], note) is not None:
                syntax = self._request.get(folded_name(name), Syntax.BARE)
                cores.append(read(raw, syntax).core)
        return cores

    def headers(
        self, fields: Sequence[RawField], notes: Notes | None = None, *, response: bool = False
    ) -> Headers:
        """A message's headers as sent, in order, with credentials replaced by their label.

        Values are Latin-1, without surrounding white space, folds joined.  The
        scheme before a credential and placeholders are kept.  What `secrets.grants` does not
        grant is replaced by its length and fingerprint.  `notes`: what `study` noted of this head.
        `response`: it is one's, where `set-cookie` is a credential.
        """
        if notes is None:
            notes = self.study(fields)
        shown: list[Any] = notes.shown[:]
        others = notes.others
        if notes.epoch != self._scrubber.vault.epoch:
            shown = [*map(self._plain.shown.get, fields)]
            others = [*compress(count(), map(not_, shown))]
        for place in others:
            note = notes.noted.get(place)
            shown[place] = self._written(fields[place], note, response=response)
        return tuple(shown)

    def response_headers(self, fields: Sequence[RawField], notes: Notes | None = None) -> Headers:
        """`headers` of a response."""
        return self.headers(fields, notes, response=True)

    def url(self, field: RawField) -> str:
        """The value of a field that holds a URL, or the authority of one, as `target` shows it."""
        known = self._plain.shown.get(field)
        return self.target(unfolded(field[1])) if known is None else known[1]

    def shown(self, field: RawField, *, response: bool = False) -> str:
        """The value of one field as `headers`, or `response_headers`, shows it."""
        plain = self._plain.shown.get(field)
        return (plain or self._written(field, None, response=response))[1]

    def target(self, raw: bytes) -> str:
        """A request target of any form (RFC 9112 3.2) as text without credentials.

        Replaced are user information in front of an authority, the values of
        `SECRET_QUERY`, whatever has a key's shape anywhere else, and what `secrets.paths`
        does not grant.
        """
        text = raw.decode("latin-1")
        known = self._targets.plain.get(text) or self._targets.known(text)
        if known is None:
            self.study((), raw)
            has_none = next(secrets_of(text), None) is None
            known = self._targets.put(text, self._target(raw), is_shown=has_none)
        return known

    def _auth_of(self, field: RawField, note: FieldNote) -> AuthHeader | None:
        """The credential of a request's field, if its name is that of a position."""
        if note.auth is not None:
            return note.auth
        folded = folded_name(field[0])
        syntax = self._request.get(folded)
        if syntax is None and not is_secret_name(folded):
            return None
        read = self._reading(field, syntax or Syntax.BARE, note)
        return read if syntax is not None or is_recognised(read.credential) else None

    def _written(
        self, field: RawField, note: FieldNote | None, *, response: bool
    ) -> tuple[str, str]:
        """A field that is not known to be plain as text, written before or now."""
        if note is None:
            note = self._notes.once(field, FieldNote)
        before = note.response if response else note.request
        vault = self._scrubber.vault  # `Vault.holds`, without its call
        if before is not None and before.stamp in (vault.generation, -1 - vault.epoch):
            return before.shown
        known = None if before is None else renewed(before, self._scrubber)
        if known is None:
            known = self._write(field, note, response=response)
        if response:
            note.response = known
        else:
            note.request = known
        if known.is_shown:
            self._plain.put(field, known.stamp, known.shown)
        return known.shown

    def _write(self, field: RawField, note: FieldNote, *, response: bool) -> Written:
        folded = folded_name(field[0])
        syntax = (self._response if response else self._request).get(folded)
        if syntax is None and is_secret_name(folded):
            syntax = Syntax.BARE
        read = None if syntax is None else self._reading(field, syntax, note)
        shown = self._text(field, folded, read)
        is_sent = shown[1] == unfolded(field[1]).decode("latin-1")
        if read is not None or folded in self._response or not is_sent:
            # A label mostly comes once: it is looked at if it comes again.
            return Written(self.generation, shown, is_shown=False)
        # A name that is shown as it is holds as long as anything.
        told = shown[1:] if shown[0] in self._names.plain else shown
        return Written(self._scrubber.stamp(*told), shown, is_shown=True)

    def _text(self, field: RawField, folded: bytes, read: AuthHeader | None) -> tuple[str, str]:
        name, raw = field
        if read is not None:
            credential = read.credential
            if credential.kind in ("basic", "unknown"):
                # The prefix is of a key within, which a mask hides: `auth` alone tells it.
                credential = replace(credential, prefix=None)
            shown = label(credential)
            value = shown if read.scheme is None else f"{read.scheme} {shown}"
        elif folded in URL_HEADERS:
            value = self.target(unfolded(raw))
        else:
            value = self.value(folded, unfolded(raw).decode("latin-1"))
        return (self.name(name.decode("latin-1")), value)

    def _query_auth(self, target: bytes) -> tuple[AuthHeader, ...]:
        return tuple(
            AuthHeader("?" + self.name(name), None, credential)
            for name, credential, _ in self._query_credentials(target)
        )

    def _query_credentials(self, target: bytes) -> Iterator[tuple[str, Credential, Secret]]:
        """(name, credential, the key within) of the parameters that are reported as auth."""
        for parameter in read_target(target.decode("latin-1")).parameters():
            if not parameter.is_secret:
                continue
            reading = read_parameter(parameter.decoded())
            credential = named(reading.credential(self._key), reading.core, self._prefixes)
            if parameter.is_auth or is_recognised(credential):
                yield parameter.name, credential, reading.core

    def _target(self, raw: bytes) -> str:
        if b"?" not in raw and b"@" not in raw:
            return self._granted(raw.decode("latin-1"), self._in_path)
        target = read_target(raw.decode("latin-1"))
        path = target.path
        if target.user is not None:
            start, stop = target.user
            user = path[start:stop]
            shown = label_of_user_information(user, self._scrubber.value(user))
            rest = self.scrub(path[stop + 1 :])
            path = granting.written(f"{path[:start]}{shown}@{rest}", self._in_path, self._key)
        else:
            path = self._granted(path, self._in_path)
        shown_parameters = (
            parameter.separator + self._parameter(parameter) for parameter in target.parameters()
        )
        return path + target.mark + "".join(shown_parameters) if target.mark else path

    def _parameter(self, parameter: Parameter) -> str:
        if not parameter.is_secret:
            return self._granted(parameter.text, hidden_in_written)
        reading = read_parameter(parameter.decoded())
        credential = named(reading.credential(self._key), reading.core, self._prefixes)
        return f"{self.scrub(parameter.name)}={label(credential)}"

    def _reading(self, field: RawField, syntax: Syntax, note: FieldNote) -> AuthHeader:
        """The credential of a field, read before or now."""
        if note.auth is not None:
            return note.auth
        name, raw = field
        header = self._header(name, read(raw, syntax))
        if name.lower() in CREDENTIAL_HEADERS:
            # Another name is text of its sender, and may hold a key that was learnt since.
            note.auth = header
        return header

    def _header(self, name: bytes, reading: PositionReading) -> AuthHeader:
        header = reading.header(name, self._key)
        if name.lower() not in _LISTED:
            header = replace(header, name=self.name(header.name))
        if self._prefixes:
            credential = named(header.credential, reading.core, self._prefixes)
            return replace(header, credential=credential)
        return header
