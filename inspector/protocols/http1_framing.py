"""Where the body of an HTTP/1.x message ends (RFC 9112 6.3), and its chunk lines (7.1).

Pure functions of heads.  A body's length is one int: its length in bytes, or
`CHUNKED`, or `UNTIL_CLOSE`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

from inspector.fact import Fact
from inspector.protocols.http1_faults import Notes
from inspector.protocols.http1_lines import FieldBlock
from inspector.protocols.messages import EVERYTHING, Field

CHUNKED: Final = -1
UNTIL_CLOSE: Final = -2

#: Responses that have no body whatever their fields say (RFC 9112 6.3 rule 1).
BODILESS_STATUSES: Final = frozenset({204, 304})

#: `int` refuses longer decimal strings than some thousand digits: check before converting.
_LENGTH_DIGITS: Final = len(str(EVERYTHING))
_CHUNK_DIGITS: Final = len(f"{EVERYTHING:x}")
#: Values of Content-Length that are kept with their numbers: 0.5 MB.
LENGTHS: Final = 4096
# White space after the size is sent by old servers that pad it to a fixed width.
_CHUNK_LINE: Final = re.compile(rb"0*([0-9A-Fa-f]+)[ \t]*(?:;[^\r\n]*)?")


class Framing(Fact):
    """The fields of one head that decide what follows it, read once.

    `lengths`: valid Content-Length values.  `codings`: transfer codings in
    order, lower case, without parameters.  `closes`, `upgrades`: options of
    Connection; an upgrade also needs the Upgrade field (RFC 9110 7.8).
    """

    lengths: tuple[int, ...]
    codings: tuple[bytes, ...]
    closes: bool
    upgrades: bool


class _Lengths(dict[bytes, "int | None"]):
    """What values of Content-Length state; None: whoever reads them all has to look."""

    def __missing__(self, raw: bytes) -> int | None:
        digits = raw.strip(b" \t")
        if not digits.isdigit() or len(digits) >= _LENGTH_DIGITS:
            return None
        if len(self) >= LENGTHS:
            self.clear()
        if len(raw) <= _LENGTH_DIGITS:
            self[raw] = int(digits)
        return int(digits)


_LENGTHS: Final = _Lengths()
#: What nearly every Connection says, and whether it closes.
_OPTIONS: Final[Mapping[bytes, bool]] = {
    blank + option: option.lower() == b"close"
    for blank in (b" ", b"")
    for option in (b"keep-alive", b"Keep-Alive", b"close", b"Close")
}


def framed(
    read: FieldBlock, version: bytes, default: int | None, notes: Notes | None = None
) -> tuple[int, bool, bool, Notes | None]:
    """How long the body is behind a head, what Connection says, and what is odd in that.

    `default`: see `body_length`; None: the message has no body, whatever the fields say.  The
    answers: the length, whether the connection closes, whether it is upgraded, and `notes` with
    what was added to them.
    """
    named = read.named
    if not read.repeats and b"transfer-encoding" not in named:
        option = named.get(b"connection")
        stated = named.get(b"content-length")
        length = default if stated is None else _LENGTHS[stated[1]]
        is_read = length is not None or stated is None
        if is_read and (option is None or option[1] in _OPTIONS):
            closes = option is not None and _OPTIONS[option[1]]
            return 0 if default is None or length is None else length, closes, False, notes
    if notes is None:
        notes = Notes()
    framing = read_framing(read.fields, named, notes)
    length = 0 if default is None else body_length(framing, version, default, notes)
    return length, framing.closes, framing.upgrades, notes


def read_framing(fields: Sequence[Field], named: Mapping[bytes, Field], notes: Notes) -> Framing:
    """What `fields` say of the body and of the connection's future; `named`: they `by_name`."""
    stated = _value(fields, named, b"content-length")
    options = _value(fields, named, b"connection").lower()
    may_end = b"close" in options or b"upgrade" in options
    said = [option.strip(b" \t") for option in options.split(b",")] if may_end else ()
    return Framing(
        lengths=_lengths(stated, notes) if b"content-length" in named else (),
        codings=_codings(fields, named) if b"transfer-encoding" in named else (),
        closes=b"close" in said,
        upgrades=b"upgrade" in named and b"upgrade" in said,
    )


def _value(fields: Sequence[Field], named: Mapping[bytes, Field], name: bytes) -> bytes:
    """The list that all fields of a name give together (RFC 9110 5.3); empty without one."""
    first = named.get(name)
    if first is None:
        return b""
    if len(named) == len(fields):  # none is repeated
        return first.value
    return b",".join([field.value for field in fields if field.name.lower() == name])


def _codings(fields: Sequence[Field], named: Mapping[bytes, Field]) -> tuple[bytes, ...]:
    codings = [
        item.partition(b";")[0].strip(b" \t").lower()
        for item in _value(fields, named, b"transfer-encoding").split(b",")
    ]
    return tuple([coding for coding in codings if coding not in (b"", b"identity")])


def _lengths(stated: bytes, notes: Notes) -> tuple[int, ...]:
    if stated.isdigit() and len(stated) < _LENGTH_DIGITS:
        return (int(stated),)
    lengths: list[int] = []
    for item in stated.split(b","):
        digits = item.strip(b" \t")
        significant = digits.lstrip(b"0")
        length = EVERYTHING
        if digits.isdigit() and len(significant) <= _LENGTH_DIGITS:
            length = int(significant or b"0")
        if length < EVERYTHING:
            lengths.append(length)
        else:
            notes.add("bad-length")
    if len(lengths) > 1:
        notes.add("repeated-length" if len(set(lengths)) == 1 else "differing-lengths")
    return tuple(lengths)


def body_length(framing: Framing, version: bytes, default: int, notes: Notes) -> int:
    """The length of the body of a message that may have one.

    `default` holds when nothing valid is stated: 0 for a request, which never
    ends at the close, `UNTIL_CLOSE` for a response (RFC 9112 6.3 rules 7, 8).
    """
    if framing.codings:
        if version == b"HTTP/1.0":
            notes.add("transfer-coding-in-http-1.0")
        if framing.codings[-1] == b"chunked":
            if framing.lengths:
                notes.add("conflicting-length")
            return CHUNKED
        notes.add("unusable-transfer-coding")
        if default == UNTIL_CLOSE:  # rule 4
            return UNTIL_CLOSE
    return framing.lengths[0] if framing.lengths else default


def chunk_size(line: bytes | bytearray) -> int | None:
    """The size that a chunk line (without its line end) states; None if it states none."""
    match = _CHUNK_LINE.fullmatch(line)
    if match is None or len(match[1]) > _CHUNK_DIGITS:
        return None
    size = int(match[1], 16)
    return size if size < EVERYTHING else None
