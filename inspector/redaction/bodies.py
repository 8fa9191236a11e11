"""Bodies in a copy that others read: their structure stays, their text does not.

Of JSON stay punctuation, names, numbers, literals and white space; a string
becomes as many `x` within its quotes, unless `body_grants` has its name and
its value the form that goes with it, or it is the text of an API's error and
what looks like a key, or was met as one, is masked in it.  Of event streams
stay the fields' names, events' names by their form, and JSON as above.
Everything else is blanked.  JSON stays JSON, what is broken stays broken, and
lengths stay, so that the report of the copy says what that of the original says.
Placeholders stay: they are public, and what the report turns on.

What is held back is bounded.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable
from functools import partial
from typing import Final

from inspector.credentials.masking import Masker
from inspector.native.functions import Core
from inspector.native.layout import KNOWN_NAME, KNOWN_NUMBER
from inspector.native.used import USED
from inspector.protocols.json_tokens import Broken, JsonTokens, Token
from inspector.redaction.blanks import blanked, blanked_start
from inspector.redaction.body_grants import (
    BARE_ERROR_TEXTS,
    ERROR_TEXTS,
    NAME,
    STRINGS,
)
from inspector.redaction.compiled_bodies import ARRAY, MEANINGS, CompiledMasking, kind_of_value
from inspector.secrets.enumerated import is_of
from inspector.secrets.free_text import hidden_in_name

#: A string that may be granted is held whole up to this many bytes.
STRING_LIMIT: Final = 4 << 10
#: Of a longer text of an error so much stays; a report shows 300 characters.
TEXT_KEPT: Final = 2 << 10
#: Names of members that are remembered: no granted text stands deeper.
PATH_LIMIT: Final = 4

_SPACE: Final = b" \t\r\n"
_DECODER: Final = codecs.getincrementaldecoder("utf-8")
_WHOLE_UNITS: Final = re.compile(rb"(?:[^\\]|\\u[0-9A-Fa-f]{4}|\\[^u])*")
_STRING_TEXT: Final = re.compile(rb'(?:[^"\\\x00-\x1f]|\\["\\/bfnrt]|\\u[0-9A-Fa-f]{4})*')
#: A value that is a mask already: filled, with the digits that tell it from others.  A fill is
#: possessive, so that one with something else behind it costs one look at each character.
_MASKED: Final = re.compile(r"(?=(?:[0-9]*+[^0-9]){4})(?:[^\w]|[xX]++(?:[0-9]{1,8}+(?![0-9]))?)+")


class JsonBody:
    """Hides the strings of one JSON document.

    `answers`: it is a response's, so that an error's text may stand; `failed`:
    by its status or event the document is an error.
    """

    def __init__(self, masker: Masker, *, answers: bool = False, failed: bool = False) -> None:
        self.changed = False
        self._masker = masker
        self._answers = answers
        self._failed = failed
        self._tokens = JsonTokens()
        self._pending = bytearray()
        self._at = 0  # the offset of `_pending`
        self._path: list[str | None] = []  # for each bracket the member that is read
        self._is_blank = False  # the string that has begun, which is too long to be held
        self._utf8 = _Utf8()
        self._broken = False

    @property
    def is_broken(self) -> bool:
        """Whether it is no JSON, or was cut."""
        return self._broken

    def feed(self, data: bytes) -> bytes:
        """See `BodyMasker`."""
        if self._broken:
            return self._hidden(data)
        self._pending += data
        core = USED.core
        if core is None:
            out = bytearray(self._tokens_of(self._tokens.feed(data)))
        else:
            out = self._compiled(core, data)
        begun = self._tokens.begun
        if begun is None:
            out += self._take(len(self._pending))  # white space, or nothing
        elif begun.kind in ("string", "name"):
            out += self._long(begun)
        return bytes(out)

    def flush(self) -> bytes:
        """See `BodyMasker`.  A string that has begun is blank to its end."""
        begun = self._tokens.begun
        if self._broken or not self._pending:
            return b""
        if begun is None:
            return self._take(len(self._pending))
        if begun.kind in ("string", "name"):
            return self._long(begun, forced=True)
        return self._break()  # a number or a literal that nobody ends

    def finish(self) -> bytes:
        """See `BodyMasker`."""
        out = b"" if self._broken else self._tokens_of(self._tokens.finish())
        return out + self.flush()

    def gap(self) -> None:
        """See `BodyMasker`.  What follows is not followed any more."""
        self._break()

    # -- tokens --------------------------------------------------------------

    def _compiled(self, core: Core, data: bytes) -> bytearray:
        """The tokens that end in the next bytes: those that the core stops at are taken here."""
        tokens, at, out = self._tokens, 0, bytearray()
        masking: CompiledMasking | None = None
        while at < len(data) and not self._broken:
            if tokens.is_between:
                if masking is None:
                    masking = CompiledMasking(core, self._masker.tokens, data)
                passed = masking.json(at, tokens.expects, self._path, answers=self._answers)
                if passed is not None:
                    tokens.skip(passed.at - at, passed.expects, passed.brackets)
                    self._path = passed.path
                    self.changed = self.changed or passed.changed
                    self._take(passed.at - at)
                    out += masking.masked(at, passed.at)
                    at = passed.at
            found = tokens.feed(data, at, one=True)
            at = len(data) - tokens.unread
            out += self._tokens_of(found)
        return out

    def _tokens_of(self, found: list[Token | Broken]) -> bytes:
        parts = [self._break() if isinstance(item, Broken) else self._token(item) for item in found]
        return b"".join(parts)

    def _token(self, token: Token) -> bytes:
        start, stop = token.extent
        space = self._take(start - self._at) if start > self._at else b""
        text = self._take(stop - self._at)
        if token.kind == "punctuation":
            self._bracket(text)
            return space + text
        if token.kind in ("name", "string"):
            return space + self._quoted(token.kind == "name", text, begun=start < stop - len(text))
        if token.kind == "number" and self._masker.text(text.decode("latin-1")) != text.decode(
            "latin-1"
        ):
            self.changed = True
            return space + b"1" * len(text)
        if token.kind == "number":
            self._masker.know(KNOWN_NUMBER, text)
        return space + text

    def _bracket(self, text: bytes) -> None:
        path = self._path
        if text in (b"{", b"["):
            path.append(None if text == b"{" else ARRAY)
        elif text in (b"}", b"]") and path:
            path.pop()

    def _quoted(self, is_name: bool, text: bytes, *, begun: bool) -> bytes:
        """A string or name to its end, with its quotes; `begun`: its first bytes are gone."""
        if begun:
            self._is_blank = False
            if is_name and self._path:
                self._path[-1] = None
            return self._utf8.marked(text[:-1], blanked(text[:-1]), last=True) + b'"'
        content = text[1:-1]
        self._utf8.restart()
        kept = self._name(content) if is_name else None
        if len(content) > STRING_LIMIT and not is_name:
            start = self._start_of_text(content)
            rest = content[len(start) :]
            start = self._utf8.marked(content[: len(start)], start)
            kept = start + self._utf8.marked(rest, blanked(rest), last=True)
        elif not is_name:
            kept = self._string(content)
        if kept is None:
            kept = self._utf8.marked(content, blanked(content), last=True)
        self.changed = self.changed or kept != content
        return b'"' + kept + b'"'

    def _name(self, content: bytes) -> bytes | None:
        name = content.decode("latin-1")
        # A map of sessions or tokens has its keys for names: an identifier is not enough.
        known = NAME.fullmatch(name) is not None and not hidden_in_name(name)
        if self._path:
            self._path[-1] = name if known else None
        if not known or self._masker.text(name) != name:
            return None
        self._masker.know(KNOWN_NAME, content, MEANINGS.get(name, 0))
        return content

    def _string(self, content: bytes) -> bytes | None:
        """The content of a string as it may stand; None: not at all."""
        if self._path == ["type"] and content == b"error":
            self._failed = True  # of what stands beside it
        shown = self._granting()
        return None if shown is None else shown(content)

    def _granting(self) -> Callable[[bytes], bytes | None] | None:
        """What gives the content of the string that is read as it may stand; None: nothing may."""
        name, is_error = self._standing()
        if is_error:
            return partial(masked_text, self._masker)
        return partial(self._granted, name) if name in STRINGS else None

    def _standing(self) -> tuple[str, bool]:
        """Under which name the string that is read stands, and whether it is an error's text."""
        path = self._path
        name = path[-1] if path else None
        if name is ARRAY and len(path) > 1:
            name = path[-2]
        names: tuple[str | None, ...] = ()
        if len(path) <= PATH_LIMIT:
            names = tuple(step for step in path if step is not ARRAY)
        if names == ("error",):
            self._failed = True
        is_error = names in ERROR_TEXTS or (self._failed and names in BARE_ERROR_TEXTS)
        return name or "", self._answers and is_error

    def _granted(self, name: str, content: bytes) -> bytes | None:
        """A value under a name that has a grant, as it may stand."""
        shown = granted(self._masker, content, STRINGS[name].grammar)
        # `"type":"error"` says something of what stands beside it.
        if shown == content and content != b"error":
            self._masker.know(kind_of_value(name), content)
        return shown

    # -- what is long, cut or broken -------------------------------------------

    def _long(self, begun: Token, *, forced: bool = False) -> bytes:
        """A string or name that goes on: what of it is too much to be held."""
        start = b""
        if not self._is_blank:
            lead = begun.extent.start - self._at
            if len(self._pending) - lead - 1 <= STRING_LIMIT and not forced:
                return self._take(lead)
            self._is_blank = self.changed = True
            self._utf8.restart()
            start = self._take(lead + 1)
            kept = self._start_of_text(bytes(self._pending)) if begun.kind == "string" else b""
            start += self._utf8.marked(self._take(len(kept)), kept)
        pending = bytes(self._pending)
        hidden = blanked(pending) if forced else blanked_start(pending)
        return start + self._utf8.marked(self._take(len(hidden)), hidden)

    def _start_of_text(self, content: bytes) -> bytes:
        """The first bytes of an error's text that is long or cut, as they may stand.

        Of a value that a grammar grants nothing stands without its end.
        """
        if not self._standing()[1]:
            return b""
        content = content[:STRING_LIMIT]
        units = _WHOLE_UNITS.match(content)
        whole = content[: units.end()] if units else b""
        masked = self._string(whole)
        if masked is None or len(whole) < len(content) - 8:
            return b""
        cut = min(TEXT_KEPT, len(whole) // 2)
        units = _WHOLE_UNITS.match(whole, 0, cut)
        cut = units.end() if units else 0
        while cut and whole[cut] & 0xC0 == 0x80:
            cut -= 1
        return masked[:cut]

    def _break(self) -> bytes:
        """No JSON from here on: what is left of a token is blank, and all that follows."""
        self._broken = True
        space = len(self._pending) - len(self._pending.lstrip(_SPACE))
        lead = self._take(space)
        quote = b""
        if not self._is_blank and self._pending[:1] == b'"':
            quote = self._take(1)
        return lead + quote + self._hidden(self._take(len(self._pending)))

    def _hidden(self, data: bytes) -> bytes:
        self.changed = self.changed or bool(data)
        return b"x" * len(data)

    def _take(self, count: int) -> bytes:
        data = bytes(self._pending[:count])
        del self._pending[:count]
        self._at += count
        return data


class _Utf8:
    """Keeps text that is not UTF-8 so: a blank string would make good JSON of bad."""

    def __init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """A string begins."""
        self._decoder = _DECODER("strict")
        self._marked = False

    def marked(self, before: bytes, after: bytes, *, last: bool = False) -> bytes:
        """`after`, the blanked next bytes, with a byte that is not UTF-8 if `before` has one."""
        if self._marked or not before:
            return after
        try:
            self._decoder.decode(before, last)
        except UnicodeDecodeError:
            self._marked = True
            return b"\xbf" + after[1:]
        return after


def granted(masker: Masker, content: bytes, grammar: re.Pattern[str]) -> bytes | None:
    """A value as it may stand: of the grammar, or a key that is known as one and masked."""
    value = content.decode("latin-1")
    met = masker.met
    masked = masker.text(value)
    if masker.met != met or _MASKED.fullmatch(value):
        return _same_kind(content, masked.encode("latin-1"))
    return content if is_of(grammar, value) else None


def masked_text(masker: Masker, content: bytes, *, plain: bool = False) -> bytes | None:
    """A text of an error with nothing but words in it; None if it cannot stand as JSON then.

    `plain`: it is no string of JSON.
    """
    masked = masker.granted_words(content.decode("latin-1")).encode("latin-1")
    return _same_kind(content, masked, plain=plain)


def _same_kind(before: bytes, after: bytes, *, plain: bool = False) -> bytes | None:
    """`after`, if it is text of a JSON string as `before` is; None otherwise."""
    if before == after:
        return after
    after = bytes(
        new if new == old or new < 0x80 else ord("x")
        for old, new in zip(before, after, strict=True)
    )
    if not plain and not _STRING_TEXT.fullmatch(after):
        return None
    return after if _is_utf8(before) == _is_utf8(after) else None


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
