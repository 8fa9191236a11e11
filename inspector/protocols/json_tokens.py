"""JSON (RFC 8259) as tokens with their places, for a reader who asks where a text stands.

`api.py` reads documents whole and forgets them.  Whoever has to say which
bytes a string takes up, before its document has ended and whatever its size,
reads these tokens: pieces of any size go in, nothing but a few bytes is kept.

Only grammar is judged.  Whether strings are UTF-8, and whether a name comes
twice, is not looked at.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import Enum
from typing import Final, Literal, NamedTuple, TypeAlias

from inspector.native.used import USED
from inspector.protocols.extent import Extent

#: Arrays and objects within one another; deeper ones are not read.
DEPTH_LIMIT: Final = 1024
#: Digits and signs of one number; no float needs so many (767 is the longest exact one).
NUMBER_LIMIT: Final = 1024

Kind: TypeAlias = Literal["punctuation", "name", "string", "number", "literal"]

#: Why the tokens end before the bytes do.
BROKEN: Final = {
    "json-unexpected-byte": "a byte that no token begins with, or a token that may not stand here",
    "json-control-byte": "a control byte in a string, where only its escape may stand",
    "json-bad-escape": "a backslash in a string that begins no escape",
    "json-bad-number": "digits and signs that are no number, or too many of them",
    "json-bad-literal": "letters that are neither true nor false nor null",
    "json-too-deep": "more arrays and objects within one another than are followed",
    "json-trailing-bytes": "something follows the document's end",
    "json-unfinished": "the bytes end within the document, or before it",
}


class Token(NamedTuple):
    """One token.  The extent of a `name` (of a member) or `string` includes its quotes."""

    kind: Kind
    extent: Extent


class Broken(NamedTuple):
    """Not JSON from `at` on, for a reason in `BROKEN`: no token follows."""

    name: str
    at: int


class _Expects(Enum):
    VALUE = "a value"
    FIRST_ITEM = "a value, or the end of the array"
    FIRST_NAME = "a name, or the end of the object"
    NAME = "a name"
    COLON = "a colon"
    NEXT = "a comma, or the end of what is open"
    NOTHING = "white space: the document has ended"


_SPACE: Final = re.compile(rb"[ \t\n\r]*+")
#: A stretch of a string; so many pieces at most, since each takes memory until the match ends.
_STRING: Final = re.compile(
    rb'(?:[^"\\\x00-\x1f]++|\\["\\/bfnrt]|\\u[0-9A-Fa-f]{4}){1,4096}',
)
_ESCAPE_BEGUN: Final = re.compile(rb"\\(?:u[0-9A-Fa-f]{0,3})?")
_NUMBER_BYTES: Final = re.compile(rb"[-+.0-9Ee]*+")
_LITERAL_BYTES: Final = re.compile(rb"[a-z]*+")
_NUMBER: Final = re.compile(rb"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[Ee][+-]?[0-9]+)?")
_LITERALS: Final = frozenset({b"true", b"false", b"null"})
_LITERAL_LIMIT: Final = 5

_ALL: Final = tuple(_Expects)
_VALUES: Final = frozenset({_Expects.VALUE, _Expects.FIRST_ITEM})
_NAMES: Final = frozenset({_Expects.NAME, _Expects.FIRST_NAME})
#: What may stand where: (what is expected, the byte) -> what is expected behind it.
_OPENS: Final = {ord("{"): _Expects.FIRST_NAME, ord("["): _Expects.FIRST_ITEM}
_CLOSES: Final = {ord("}"): ord("{"), ord("]"): ord("[")}
#: The first token inside may be the bracket that closes.
_MAY_CLOSE: Final = {
    ord("{"): frozenset({_Expects.FIRST_NAME, _Expects.NEXT}),
    ord("["): frozenset({_Expects.FIRST_ITEM, _Expects.NEXT}),
}


class JsonTokens:
    """Reads the tokens of one document.  `start`: the offset of its first byte.

    `unread`: how many of the bytes that were fed last it left.
    """

    __slots__ = (
        "_begun", "_broken", "_carried", "_expects", "_kind", "_open", "_position", "_text",
        "unread",
    )  # fmt: skip

    def __init__(self, start: int = 0) -> None:
        self._position = start  # of the next byte fed
        self._expects = _Expects.VALUE
        self._open = bytearray()  # the brackets that are open
        self._kind: Kind | None = None  # of the token that is begun
        self._begun = start
        self._text = b""  # of a number or literal that is begun
        self._carried = b""  # an escape that was cut
        self._broken = False
        self.unread = 0

    @property
    def begun(self) -> Token | None:
        """The token that has begun and not ended, as far as it came: a long string, perhaps."""
        if self._kind is None:
            return None
        return Token(self._kind, Extent(self._begun, self._position))

    @property
    def is_between(self) -> bool:
        """Whether no token has begun, and one may."""
        return self._kind is None and not self._broken

    @property
    def expects(self) -> int:
        """What comes next, as a number (`native/core.h`)."""
        return _ALL.index(self._expects)

    def skip(self, count: int, expects: int, brackets: Iterable[int]) -> None:
        """Somebody has read whole tokens in the next bytes: what comes now, what is open."""
        self._position += count
        self._expects = _ALL[expects]
        self._open[:] = brackets

    def feed(self, data: bytes, at: int = 0, *, one: bool = False) -> list[Token | Broken]:
        """The tokens that end in the next bytes; a number or literal ends before the next token.

        The next bytes are those of `data` from `at` on.  `one`: no more than one token.
        """
        found: list[Token | Broken] = []
        if self._broken:
            return found
        carried, self._carried = self._carried, b""
        if carried:
            data, at = carried + data[at:], 0
        position, end = at, len(data)
        offset = self._position - len(carried) - at
        self._position = offset + end
        while position < end and not (one and found) and not self._broken:
            if self._kind is None:
                space = _SPACE.match(data, position)
                position = end if space is None else space.end()
                if position < end:
                    position = self._begin(data[position], offset, position, found)
            elif self._kind in ("name", "string"):
                position = self._string(data, offset, position, found)
            else:
                position = self._word(data, offset, position, found)
        self.unread = end - position
        self._position -= self.unread
        return found

    def finish(self) -> list[Token | Broken]:
        """The bytes have ended."""
        found: list[Token | Broken] = []
        if self._kind in ("number", "literal"):
            self._end_word(self._position, found)
        if not self._broken and (self._kind or self._expects is not _Expects.NOTHING):
            self._break("json-unfinished", self._position, found)
        return found

    def _begin(self, byte: int, offset: int, position: int, found: list[Token | Broken]) -> int:
        """A token begins with `byte`; answers where to read on."""
        expects, at = self._expects, offset + position
        if byte in _OPENS and expects in _VALUES:
            if len(self._open) == DEPTH_LIMIT:
                self._break("json-too-deep", at, found)
                return position
            self._open.append(byte)
            self._expects = _OPENS[byte]
        elif byte in _CLOSES and self._open[-1:] == bytes((_CLOSES[byte],)):
            if expects not in _MAY_CLOSE[_CLOSES[byte]]:
                self._break("json-unexpected-byte", at, found)
                return position
            self._open.pop()
            self._value_ended()
        elif byte == 0x2C and expects is _Expects.NEXT:
            self._expects = _Expects.NAME if self._open[-1] == 0x7B else _Expects.VALUE
        elif byte == 0x3A and expects is _Expects.COLON:
            self._expects = _Expects.VALUE
        else:
            return self._begin_text(byte, at, position, found)
        found.append(Token("punctuation", Extent(at, at + 1)))
        return position + 1

    def _begin_text(self, byte: int, at: int, position: int, found: list[Token | Broken]) -> int:
        self._begun = at
        if byte == 0x22 and self._expects in _VALUES | _NAMES:
            self._kind = "name" if self._expects in _NAMES else "string"
            return position + 1
        if self._expects in _VALUES and (byte == 0x2D or 0x30 <= byte <= 0x39):
            self._kind = "number"
        elif self._expects in _VALUES and 0x61 <= byte <= 0x7A:
            self._kind = "literal"
        elif self._expects is _Expects.NOTHING:
            self._break("json-trailing-bytes", at, found)
        else:
            self._break("json-unexpected-byte", at, found)
        return position

    def _string(self, data: bytes, offset: int, position: int, found: list[Token | Broken]) -> int:
        core = USED.core
        if core is not None:
            position = core.string(data, len(data), position)
        else:
            while run := _STRING.match(data, position):
                position = run.end()
        if position == len(data):
            return position
        byte = data[position]
        if byte == 0x22:
            self._end(offset + position + 1, found)
            return position + 1
        if byte != 0x5C:
            self._break("json-control-byte", offset + position, found)
        elif _ESCAPE_BEGUN.fullmatch(data, position):
            self._carried = data[position:]
            return len(data)
        else:
            self._break("json-bad-escape", offset + position, found)
        return position

    def _word(self, data: bytes, offset: int, position: int, found: list[Token | Broken]) -> int:
        """A number or a literal."""
        is_number = self._kind == "number"
        run = (_NUMBER_BYTES if is_number else _LITERAL_BYTES).match(data, position)
        stop = position if run is None else run.end()
        limit = NUMBER_LIMIT if is_number else _LITERAL_LIMIT
        self._text += data[position : min(stop, position + limit + 1)]
        if len(self._text) > limit or stop < len(data):
            self._end_word(offset + stop, found)
        return stop

    def _end_word(self, stop: int, found: list[Token | Broken]) -> None:
        text, self._text = self._text, b""
        if self._kind == "number":
            if len(text) > NUMBER_LIMIT or not _NUMBER.fullmatch(text):
                self._break("json-bad-number", self._begun, found)
                return
        elif text not in _LITERALS:
            self._break("json-bad-literal", self._begun, found)
            return
        self._end(stop, found)

    def _end(self, stop: int, found: list[Token | Broken]) -> None:
        """The token that was begun ends before `stop`."""
        kind, self._kind = self._kind, None
        if kind is not None:
            found.append(Token(kind, Extent(self._begun, stop)))
        if kind == "name":
            self._expects = _Expects.COLON
        else:
            self._value_ended()

    def _value_ended(self) -> None:
        self._expects = _Expects.NEXT if self._open else _Expects.NOTHING

    def _break(self, name: str, at: int, found: list[Token | Broken]) -> None:
        found.append(Broken(name, at))
        self._broken = True
        self._kind = None
        self._open.clear()
        self._text = self._carried = b""
