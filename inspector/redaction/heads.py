"""What of a head, or of a trailer section, may stand in a copy: line by line, as it was read.

The parser says where the start line's parts are and where each field's name and value.
Those are masked as their position demands, and what stands between them, blanks and line
ends, stays.  Lines that the parser read as no field keep their form: a colon, blanks,
control characters, placeholders.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from inspector.credentials.masking import Masker
from inspector.exchanges.listener import Pair
from inspector.exchanges.marks import BlockHead
from inspector.protocols.extent import FieldLines, FieldPlace
from inspector.protocols.http1_head import METHODS
from inspector.protocols.messages import Field, RequestHead, ResponseHead
from inspector.redaction.blanks import blanked
from inspector.regex import regex
from inspector.secrets.grants import REASON

#: A version that says what it should, or a little more (RFC 9112 2.3).
_VERSION: Final = regex(rb"(?i:HTTP)/[0-9.]{0,8}")
_VERSION_NAME: Final = len("HTTP/")
#: Of HTTP/2 (RFC 9113 8.3): what a start line has, and what the Host field has.
_TARGETS: Final = frozenset({":path"})
_WORDS: Final = frozenset({":method", ":scheme", ":status"})
_AUTHORITY: Final = ":authority"
_TOKEN: Final = regex(r"[A-Za-z0-9]{1,10}")
_FORM: Final = regex(rb"[\x00-\x20\x7f]")
_ENDS: Final = (b"\r\n", b"")


def masked_head(head: RequestHead | ResponseHead, raw: bytes, masker: Masker) -> bytes:
    """The bytes `raw` of all of `head` as they may stand, as many."""
    layout = head.layout
    if isinstance(head, RequestHead):
        line = _request_line(head, raw, masker)
    else:
        line = _status_line(head, raw, masker)
    lines = raw[layout.line : layout.fields]
    block = raw[layout.fields :]
    return line + lines + masked_fields(head.field_lines, head.fields, block, masker)


def masked_pairs(pairs: Sequence[Pair], masker: Masker) -> BlockHead:
    """The fields of a header block of HTTP/2 as a head of HTTP/1 would have them."""
    return tuple(
        _pair(name.decode("latin-1"), value.decode("latin-1"), masker) for name, value in pairs
    )


def _pair(name: str, value: str, masker: Masker) -> tuple[str, str]:
    if name in _TARGETS:
        return name, masker.target(value)
    if name in _WORDS:
        return name, value if _TOKEN.fullmatch(value) else masker.granted_words(value)
    return masker.name(name), masker.field("host" if name == _AUTHORITY else name, value)


def masked_fields(lines: FieldLines, fields: Iterable[Field], raw: bytes, masker: Masker) -> bytes:
    """The bytes `raw` of a block of field lines, in which these `fields` were read."""
    fields = tuple(fields)
    if lines.odd is None:
        masked = b"".join([masker.line(field) for field in fields])
        rest = raw[len(masked) :]
        if rest in _ENDS:
            return masked + rest
    shown = bytearray(_without_text(raw))
    for field, place in zip(fields, lines.places(fields), strict=True):
        _show(shown, raw, field, place.moved(-lines.start), masker)
    return bytes(shown)


def _request_line(head: RequestHead, raw: bytes, masker: Masker) -> bytes:
    layout = head.layout
    method = head.method
    if method not in METHODS:
        method = masker.granted_words(method.decode("latin-1")).encode("latin-1")
    target = masker.target(head.target.decode("latin-1")).encode("latin-1")
    after_target = layout.target + len(target)
    after_version = layout.version + len(head.version)
    # Between the parts stand blanks, one as a rule.
    return b"".join((
        method, raw[len(method) : layout.target], target, raw[after_target : layout.version],
        _version(head.version), raw[after_version : layout.line],
    ))  # fmt: skip


def _status_line(head: ResponseHead, raw: bytes, masker: Masker) -> bytes:
    reason = head.reason.decode("latin-1")
    masked = masker.value(REASON, reason).encode("latin-1")
    # Between version and reason stand the status and blanks.
    return _version(head.version) + raw[len(head.version) : head.layout.line - len(masked)] + masked


def _version(version: bytes) -> bytes:
    """A version as it may stand: of one that is none its name."""
    if _VERSION.fullmatch(version):
        return version
    return version[:_VERSION_NAME] + b"x" * (len(version) - _VERSION_NAME)


def _show(shown: bytearray, raw: bytes, field: Field, place: FieldPlace, masker: Masker) -> None:
    """Write one field into its place."""
    name = field.name.decode("latin-1")
    for extent, text in (
        (place.name, masker.name(name)),
        (place.raw, masker.field(name.strip(), field.raw.decode("latin-1"))),
    ):
        shown[extent.start : extent.stop] = text.encode("latin-1")
    between = slice(place.name.stop, place.raw.start)  # the colon, and blanks before it
    shown[between] = raw[between]


def _without_text(raw: bytes) -> bytes:
    """Lines whose form alone stays: they are counted in a copy as they were."""
    hidden = bytearray(blanked(raw))
    for kept in _FORM.finditer(raw):
        hidden[kept.start()] = raw[kept.start()]
    at = 0
    for line in raw.splitlines(keepends=True):
        colon = line.find(b":")
        if colon >= 0:
            hidden[at + colon] = line[colon]
        at += len(line)
    return bytes(hidden)
