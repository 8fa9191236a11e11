"""What a certificate says of itself: names, issuer, dates (RFC 5280 4.1), nothing of its key.

A reader of DER (X.690 8, 10) just large enough for that.  Whatever does not parse is None: a
certificate that is damaged, or no certificate at all, is told as nothing.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from inspector.model.network import Certificate

#: Host names of one certificate that are kept; those of content networks list hundreds.
NAMES_LIMIT: Final = 8
#: Characters of one name that are kept (a host name has 253, RFC 1035 2.3.4).
NAME_LIMIT: Final = 253

#: How its times are written; equal lengths, so that they compare as text.
STAMP: Final = "%Y-%m-%dT%H:%M:%SZ"

#: Identifier octets (X.690 8.1.2).
_SEQUENCE: Final = 0x30
_SET: Final = 0x31
_OID: Final = 0x06
_OCTETS: Final = 0x04
_UTC_TIME: Final = 0x17
_GENERALIZED_TIME: Final = 0x18
_VERSION: Final = 0xA0
_EXTENSIONS: Final = 0xA3
#: dNSName, `[2] IA5String` of a GeneralName (RFC 5280 4.2.1.6).
_DNS_NAME: Final = 0x82

#: Attributes of a name that tell who it is (RFC 5280 appendix A.1), by their encoded identifiers.
_ATTRIBUTES: Final = {b"\x55\x04\x03": "CN", b"\x55\x04\x0a": "O", b"\x55\x04\x0b": "OU"}
_SUBJECT_ALT_NAME: Final = b"\x55\x1d\x11"
#: How strings of names are coded: BMPString, UniversalString; all others are ASCII or UTF-8.
_CODINGS: Final = {0x1E: "utf-16-be", 0x1C: "utf-32-be"}


class _Malformed(Exception):
    """The bytes are no DER, or no certificate."""


class _Der:
    """Values one after the other."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def __bool__(self) -> bool:
        return self._at < len(self._data)

    def next(self) -> tuple[int, bytes]:
        """The next value's identifier and contents; a length is definite and short (10.1)."""
        data, at = self._data, self._at
        if at + 2 > len(data):
            raise _Malformed
        tag, size = data[at], data[at + 1]
        at += 2
        if size & 0x80:
            octets = size & 0x7F
            if not 0 < octets <= 4:
                raise _Malformed
            size = int.from_bytes(data[at : at + octets], "big")
            at += octets
        if at + size > len(data):
            raise _Malformed
        self._at = at + size
        return tag, data[at : at + size]

    def want(self, tag: int) -> bytes:
        """The contents of the next value, which must be of this type."""
        found, contents = self.next()
        if found != tag:
            raise _Malformed
        return contents


def read_certificate(data: bytes) -> Certificate | None:
    """A certificate in DER; None where it is none."""
    try:
        return _certificate(_Der(_Der(_Der(data).want(_SEQUENCE)).want(_SEQUENCE)))
    except (_Malformed, ValueError):
        return None


def _certificate(fields: _Der) -> Certificate:
    """TBSCertificate (RFC 5280 4.1): its version is optional, its order fixed."""
    tag, _ = fields.next()
    if tag == _VERSION:
        fields.next()  # serial number
    fields.next()  # signature algorithm
    issuer = _name(fields.want(_SEQUENCE))
    validity = _Der(fields.want(_SEQUENCE))
    begin, end = _time(*validity.next()), _time(*validity.next())
    subject = _name(fields.want(_SEQUENCE))
    names: tuple[str, ...] = ()
    while fields:
        tag, contents = fields.next()
        if tag == _EXTENSIONS:
            names = _alternative_names(_Der(_Der(contents).want(_SEQUENCE)))
    return Certificate(subject, issuer, names, begin, end)


def _name(data: bytes) -> str:
    """`CN=Lab CA, O=Lab`: the attributes that tell who it is, the most telling first."""
    found: dict[str, str] = {}
    sets = _Der(data)
    while sets:
        pairs = _Der(sets.want(_SET))
        while pairs:
            pair = _Der(pairs.want(_SEQUENCE))
            attribute = _ATTRIBUTES.get(pair.want(_OID))
            tag, value = pair.next()
            if attribute is not None:
                text = value[: 4 * NAME_LIMIT].decode(_CODINGS.get(tag, "utf-8"), "replace")
                found.setdefault(attribute, _printable(text))
    return ", ".join(f"{name}={found[name]}" for name in ("CN", "O", "OU") if name in found)


def _alternative_names(extensions: _Der) -> tuple[str, ...]:
    names: list[str] = []
    while extensions:
        extension = _Der(extensions.want(_SEQUENCE))
        if extension.want(_OID) != _SUBJECT_ALT_NAME:
            continue
        tag, contents = extension.next()
        if tag != _OCTETS:  # it is critical
            contents = extension.want(_OCTETS)
        listed = _Der(_Der(contents).want(_SEQUENCE))
        while listed and len(names) < NAMES_LIMIT:
            tag, value = listed.next()
            if tag == _DNS_NAME:
                names.append(_printable(value.decode("latin-1")))
    return tuple(names)


def _time(tag: int, data: bytes) -> str | None:
    """UTCTime and GeneralizedTime (RFC 5280 4.1.2.5); two digits are 1950 to 2049."""
    text = data.decode("ascii")
    if tag == _UTC_TIME:
        text = ("19" if text[:2] >= "50" else "20") + text
    elif tag != _GENERALIZED_TIME:
        return None
    moment = datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC)
    return moment.strftime(STAMP)


def _printable(text: str) -> str:
    return "".join(char if char.isprintable() else "?" for char in text[:NAME_LIMIT])
