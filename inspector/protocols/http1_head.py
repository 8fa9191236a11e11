"""Start lines and field lines of HTTP/1.x (RFC 9112 2 to 5), as an observer reads them.

Pure functions of bytes.  What is usual is taken with one pattern, or line by line
as it came before (`http1_lines`); anything else has each of its peculiarities named.
"""

from __future__ import annotations

import re
from typing import Final

from inspector.fact import Fact
from inspector.protocols.extent import Extent, FieldPlace
from inspector.protocols.http1_faults import Notes
from inspector.protocols.http1_lines import TOKEN, FieldBlock, clean_block
from inspector.protocols.messages import Field, by_name
from inspector.regex import regex

_METHOD_PREFIX: Final = re.compile(rb"(" + TOKEN + rb"{1,32})(?:[ \t]|\Z)")
#: What stands for a version in malformed request lines, such as `HTTP/1.0.8` or `http/1.1`.
_ANY_VERSION: Final = regex(rb"(?i:HTTP)/[0-9A-Za-z.]{0,16}")
_REQUEST_LINE: Final = re.compile(
    rb"(?!PRI \* HTTP/2)(" + TOKEN + rb"{1,32}) ([^\r\n]+) (HTTP/[0-9]\.[0-9])"
)
#: RFC 9110 9, RFC 5789, RFC 4918, RFC 3253, RFC 5323.
METHODS: Final = frozenset(
    b"GET HEAD POST PUT DELETE CONNECT OPTIONS TRACE PATCH PROPFIND PROPPATCH MKCOL COPY"
    b" MOVE LOCK UNLOCK REPORT SEARCH".split()
)
_SIMPLE_REQUEST: Final = regex(TOKEN + rb"{1,32} [^ \r\n]+")
_STATUS_LINE: Final = re.compile(rb"(HTTP/[0-9]\.[0-9]) ([0-9]{3})(?: ([^\n]*))?", re.DOTALL)
#: A status line with stray blanks or another version, such as `HTTP/2 401`.  The name is written in
#: capitals (RFC 9112 2.3): parsers of clients and other readers take no `http/1.1 200` for one.
_ANY_STATUS_LINE: Final = regex(
    rb"(HTTP/[0-9A-Za-z.]{0,16})[ \t]+([0-9]{3})(?:[ \t]+([^\n]*))?", re.DOTALL
)
_NAME_OF_HTTP: Final = b"HTTP/"
#: Makes every digit a 0, to compare with a pattern.
DIGITS: Final = bytes.maketrans(b"123456789", b"000000000")
_CONTROL: Final = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")

_NAME: Final = regex(TOKEN + rb"+")
#: Control bytes in a field -> fault.  A fold's own line end is cut out before.
_CONTROL_FAULTS: Final = (
    (regex(rb"\x00"), "nul-in-header"),
    (regex(rb"\r"), "bare-cr-in-header"),
    (regex(rb"[\x01-\x08\x0b\x0c\x0e-\x1f\x7f]"), "control-byte-in-header"),
)


class RequestLine(Fact):
    """RFC 9112 3."""

    method: bytes
    target: bytes
    version: bytes


class StatusLine(Fact):
    """RFC 9112 4."""

    version: bytes
    status: int
    reason: bytes


def may_begin(data: bytes | bytearray, *, request: bool) -> bool:
    """Whether `data`, which has no line end yet, may become a start line."""
    if request:
        return bool(_METHOD_PREFIX.match(data))
    return _NAME_OF_HTTP.startswith(data[: len(_NAME_OF_HTTP)])


def begins_status(data: bytes) -> bool:
    """Whether `data`, of twelve bytes at most, is how a status line of HTTP/d.d begins."""
    return b"HTTP/0.0 000".startswith(data.translate(DIGITS))


def request_line(line: bytes, notes: Notes) -> RequestLine | None:
    """Read a request line that has lost its line end; None if it is none.

    What is malformed is taken, and noted, as a lost request is lost evidence.
    """
    match = _REQUEST_LINE.fullmatch(line)
    found = malformed_line(line) if match is None else match.groups()
    if found is None:
        if _SIMPLE_REQUEST.fullmatch(line):
            notes.add("request-without-version")
        return None
    method, bare, version = found
    target = bare.strip(b" \t")
    if not target:
        return None
    if len(line) != len(method) + len(target) + len(version) + 2 or b"\t" in line:
        notes.add("malformed-start-line")
    if b" " in target:
        notes.add("space-in-target")
    _note_start_line(line, version, notes)
    return RequestLine(method, target, version)


def malformed_line(line: bytes) -> tuple[bytes, bytes, bytes] | None:
    """Method, target and version of a line that servers have been seen to answer.

    Blanks and tabs may be many and stand at the end, the version may be any (nginx and Node
    answer 400 to most, others 200).  Only a registered method is believed in such a line.
    """
    method = method_of(line)
    if method is None or method not in METHODS or b"\r" in line:
        return None
    rest = line[len(method) :].strip(b" \t")
    cut = max(rest.rfind(b" "), rest.rfind(b"\t"))
    target, version = rest[: max(0, cut)], rest[cut + 1 :]
    if not target or not _ANY_VERSION.fullmatch(version):
        return None
    return method, target, version


def method_of(text: bytes | bytearray) -> bytes | None:
    """The token that `text` begins with, up to a blank, a tab or the end; None if it does not."""
    match = _METHOD_PREFIX.match(text)
    return None if match is None else bytes(match[1])


def status_line(line: bytes, notes: Notes) -> StatusLine | None:
    """Read a status line that has lost its line end; None if it is none.

    As of a request line what is malformed is taken: clients that refuse such an answer were
    answered all the same.
    """
    match = _STATUS_LINE.fullmatch(line) or _ANY_STATUS_LINE.fullmatch(line)
    if match is None:
        return None
    version, status, reason = match.groups()
    said = len(version) + len(status) + 1 + (0 if reason is None else len(reason) + 1)
    if said != len(line) or b"\t" in line[: len(line) - len(reason or b"")]:
        notes.add("malformed-start-line")
    _note_start_line(line, version, notes)
    return StatusLine(version, int(status), reason or b"")


def _note_start_line(line: bytes, version: bytes, notes: Notes) -> None:
    if version not in (b"HTTP/1.1", b"HTTP/1.0"):
        notes.add("unknown-version")
    if control := _CONTROL.search(line):
        notes.add("control-byte-in-start-line", control.start())


def parse_fields(block: bytes, limit: int, notes: Notes, base: int = 0) -> tuple[Field, ...]:
    """The fields of `block`: whole field lines, and the empty line that ends them, if any.

    At most `limit` fields are given.  `base` is added to the offsets in `notes`.
    """
    return read_fields(block, limit, notes, base).fields


def read_fields(block: bytes, limit: int, notes: Notes, base: int = 0) -> FieldBlock:
    """`parse_fields`, with their names and where in `block` they stand."""
    read = clean_block(block)
    if read is None:
        fields, places = _parse_lines(block, notes, base)
        named = by_name(fields)
        read = FieldBlock(fields, named, len(named) < len(fields), places)
    if len(read.fields) > limit:
        notes.add("too-many-fields", base, len(read.fields) - limit)
        fields = read.fields[:limit]
        named = by_name(fields)
        odd = read.odd and read.odd[:limit]
        read = FieldBlock(fields, named, len(named) < len(fields), odd)
    return read


def _parse_lines(
    block: bytes, notes: Notes, base: int
) -> tuple[tuple[Field, ...], tuple[FieldPlace, ...]]:
    fields: list[Field] = []
    places: list[FieldPlace] = []
    start = 0
    while start < len(block):
        if block.startswith((b"\r\n", b"\n"), start):  # the empty line: only ever the last
            if block[start] == 0x0A:
                notes.add("bare-lf", base + start)
            break
        stop, following = _field_line(block, start, notes, base)
        field = _parse_field(block[start:stop], notes, base + start)
        if field is not None:
            fields.append(field)
            places.append(_place_field(field, block, start, stop, following))
        start = following
    return tuple(fields), tuple(places)


def _place_field(field: Field, block: bytes, start: int, stop: int, following: int) -> FieldPlace:
    """Where `field` stands, whose text goes from `start` to `stop` of `block`."""
    name = start
    while block[name] in b" \t":  # an indented first field
        name += 1
    return FieldPlace(
        line=Extent(start, following),
        name=Extent(name, name + len(field.name)),
        raw=Extent(stop - len(field.raw), stop),
    )


def _field_line(block: bytes, start: int, notes: Notes, base: int) -> tuple[int, int]:
    """Where the field that starts at `start` stops, and where the next line begins."""
    line_start = start
    while True:
        newline = block.find(b"\n", line_start)
        if newline < 0:
            return len(block), len(block)
        stop = newline
        if block[newline - 1 : newline] == b"\r" and newline > line_start:
            stop -= 1
        else:
            notes.add("bare-lf", base + newline)
        line_start = newline + 1
        if block[line_start : line_start + 1] not in (b" ", b"\t"):
            return stop, line_start
        notes.add("folded-field", base + line_start)


def _parse_field(line: bytes, notes: Notes, offset: int) -> Field | None:
    if line[:1] in (b" ", b"\t"):  # only the first line can be: others were folds
        notes.add("indented-first-field", offset)
        line = line.lstrip(b" \t")
    for pattern, fault in _CONTROL_FAULTS:
        text = line.replace(b"\r\n", b"  ")
        if found := pattern.search(text):
            notes.add(fault, offset + found.start())
    colon = line.find(b":")
    if colon < 0:
        notes.add("field-without-colon", offset)
        return None
    name = line[:colon]
    if name[-1:] in (b" ", b"\t"):
        # Without the space the name still matches, and a credential in the value is known as one.
        notes.add("space-before-colon", offset + colon)
        name = name.rstrip(b" \t")
    if not _NAME.fullmatch(name):
        notes.add("bad-field-name", offset)
    return Field(name, line[colon + 1 :])
