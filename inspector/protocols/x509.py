"""What a certificate says of itself: names, issuer, dates (RFC 5280 4.1), nothing of its key.

A reader of DER (X.690 8, 10) just large enough for that.  Whatever does not parse is None: a
certificate that is damaged, or no certificate at all, is told as nothing.
"""

from __future__ import annotations

from collections.abc import Container, Iterator
from datetime import UTC, datetime
from typing import Final

from inspector.fact import Changing, Fact, field
from inspector.model.network import Certificate
from inspector.protocols.extent import Extent

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
#: Types that tell a reader something; any other may be any byte.
_TYPES: Final = frozenset({
    _SEQUENCE, _SET, _OID, _OCTETS, _UTC_TIME, _GENERALIZED_TIME, _VERSION, _EXTENSIONS, _DNS_NAME,
    *_CODINGS,
})  # fmt: skip


class _Malformed(Exception):
    """The bytes are no DER, or no certificate."""


class CertificatePlaces(Changing):
    """Where stands what is read of a certificate, for whoever copies it.

    `structure`: types and lengths of the values that are walked, the identifiers of those
    that are known, and its dates.  Of a name the attributes that are told, each with its
    text as it is told and the coding of its bytes.
    """

    structure: list[Extent] = field(default_factory=list)
    subject: dict[str, TextPlace] = field(default_factory=dict)
    issuer: dict[str, TextPlace] = field(default_factory=dict)
    names: list[Extent] = field(default_factory=list)


class TextPlace(Fact):
    """A text of a name: as it is told, its bytes and their coding."""

    text: str
    extent: Extent
    coding: str


class _Der:
    """Values one after the other, those of `data` from `start` to `stop`."""

    def __init__(self, data: bytes, start: int, stop: int, walked: list[Extent]) -> None:
        self._data = data
        self._at = start
        self._stop = stop
        self._walked = walked

    def __bool__(self) -> bool:
        return self._at < self._stop

    def next(self) -> tuple[int, Extent]:
        """The next value's identifier and contents; a length is definite and short (10.1)."""
        data, start, at = self._data, self._at, self._at + 2
        if at > self._stop:
            raise _Malformed
        tag, size = data[start], data[start + 1]
        if size & 0x80:
            octets = size & 0x7F
            if not 0 < octets <= 4:
                raise _Malformed
            size = int.from_bytes(data[at : min(at + octets, self._stop)], "big")
            at += octets
        if at + size > self._stop:
            raise _Malformed
        self._at = at + size
        self._walked.append(Extent(start if tag in _TYPES else start + 1, at))
        return tag, Extent(at, at + size)

    def read(self, place: Extent) -> bytes:
        """What stands there."""
        return self._data[place.start : place.stop]

    def inside(self, place: Extent) -> _Der:
        """The values that the contents of one are."""
        return _Der(self._data, place.start, place.stop, self._walked)

    def want(self, tag: int) -> Extent:
        """The contents of the next value, which must be of this type."""
        found, contents = self.next()
        if found != tag:
            raise _Malformed
        return contents

    def values(self, tag: int = _SEQUENCE) -> _Der:
        """The values in the next value, which must be of this type."""
        return self.inside(self.want(tag))

    def identifier(self, known: Container[bytes]) -> bytes:
        """The next value, an identifier."""
        place = self.want(_OID)
        found = self.read(place)
        if found in known:
            self._walked.append(place)
        return found

    def time(self) -> str | None:
        """The next value, a time."""
        tag, place = self.next()
        told = _time(tag, self.read(place))
        if told is not None:
            self._walked.append(place)
        return told


def read_certificate(data: bytes) -> Certificate | None:
    """A certificate in DER; None where it is none."""
    read = read_places(data)
    return None if read is None else read[0]


def read_places(data: bytes) -> tuple[Certificate, CertificatePlaces] | None:
    """The same, and where what was read stands."""
    places = CertificatePlaces()
    try:
        whole = _Der(data, 0, len(data), places.structure)
        return _certificate(whole.values().values(), places), places
    except (_Malformed, ValueError):
        return None


def name_of(found: dict[str, TextPlace]) -> Iterator[tuple[str, TextPlace | None]]:
    """A name's text piece by piece, `CN=Lab CA, O=Lab`: the most telling attribute first.

    With the pieces that stand in the certificate comes where they do.
    """
    between = ""
    for name in ("CN", "O", "OU"):
        if name in found:
            yield f"{between}{name}=", None
            yield found[name].text, found[name]
            between = ", "


def _certificate(fields: _Der, places: CertificatePlaces) -> Certificate:
    """TBSCertificate (RFC 5280 4.1): its version is optional, its order fixed."""
    tag, _ = fields.next()
    if tag == _VERSION:
        fields.next()  # serial number
    fields.next()  # signature algorithm
    issuer = _name(fields.values(), places.issuer)
    validity = fields.values()
    begin, end = validity.time(), validity.time()
    subject = _name(fields.values(), places.subject)
    names: tuple[str, ...] = ()
    while fields:
        tag, contents = fields.next()
        if tag == _EXTENSIONS:
            places.names.clear()
            names = _alternative_names(fields.inside(contents).values(), places.names)
    return Certificate(subject, issuer, names, begin, end)


def _name(sets: _Der, found: dict[str, TextPlace]) -> str:
    """The attributes of a name that tell who it is."""
    while sets:
        pairs = sets.values(_SET)
        while pairs:
            pair = pairs.values()
            attribute = _ATTRIBUTES.get(pair.identifier(_ATTRIBUTES))
            tag, place = pair.next()
            if attribute is not None:
                coding = _CODINGS.get(tag, "utf-8")
                text = pair.read(place)[: 4 * NAME_LIMIT].decode(coding, "replace")
                found.setdefault(attribute, TextPlace(_printable(text), place, coding))
    return "".join([piece for piece, _ in name_of(found)])


def _alternative_names(extensions: _Der, places: list[Extent]) -> tuple[str, ...]:
    names: list[str] = []
    while extensions:
        extension = extensions.values()
        if extension.identifier({_SUBJECT_ALT_NAME}) != _SUBJECT_ALT_NAME:
            continue
        tag, contents = extension.next()
        if tag != _OCTETS:  # it is critical
            contents = extension.want(_OCTETS)
        listed = extension.inside(contents).values()
        while listed and len(names) < NAMES_LIMIT:
            tag, place = listed.next()
            if tag == _DNS_NAME:
                places.append(place)
                names.append(_printable(listed.read(place).decode("latin-1")))
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
