"""What of a server's certificates may stand in a copy (RFC 5246 7.4.2, RFC 5280 4.1).

What `protocols.x509` reads of the first few: the structure on the way there, dates, and of
names of owner, issuer and hosts the words that a report shows.  Keys, signatures, serial
numbers and every other extension are blank.
"""

from __future__ import annotations

from inspector.credentials.masking import Masker
from inspector.protocols.tls_flight import chain
from inspector.protocols.x509 import NAME_LIMIT, TextPlace, name_of, read_places

#: The length of all certificates, and that of each (RFC 5246 7.4.2).
_LENGTH = 3


def masked_chain(body: bytes, masker: Masker) -> bytes:
    """The body of a whole Certificate message as it may stand: of the same length."""
    out = bytearray(b"x" * len(body))
    out[:_LENGTH] = body[:_LENGTH]
    for start, stop in chain(body):
        out[start - _LENGTH : start] = body[start - _LENGTH : start]
        out[start:stop] = _masked(body[start:stop], masker)
    return bytes(out)


def _masked(data: bytes, masker: Masker) -> bytes:
    out = bytearray(b"x" * len(data))
    read = read_places(data)
    if read is None:
        return bytes(out)
    _, places = read
    for start, stop in places.structure:
        out[start:stop] = data[start:stop]
    for place in places.names:
        shown = masker.host(data[place.start : place.stop][:NAME_LIMIT].decode("latin-1"))
        out[place.start : place.start + len(shown)] = shown.encode("latin-1")
    for name in (places.subject, places.issuer):
        _show(out, name, masker)
    return bytes(out)


def _show(out: bytearray, name: dict[str, TextPlace], masker: Masker) -> None:
    """A name, masked as the one text that a report has of it."""
    pieces = list(name_of(name))
    text = "".join([piece for piece, _ in pieces]).encode("utf-8", "replace")
    shown = _words(text, masker)
    at = 0
    for piece, place in pieces:
        size = len(piece.encode("utf-8", "replace"))
        part = shown[at : at + size]
        at += size
        if place is None:
            continue
        start, stop = place.extent
        if place.coding != "utf-8" and piece.isascii():
            part = part.decode("ascii").encode(place.coding)
        # Otherwise its bytes are not those of its text, and stay blank.
        if len(part) <= stop - start and (piece.isascii() or len(part) == stop - start):
            out[start : start + len(part)] = part


def _words(text: bytes, masker: Masker) -> bytes:
    """Words of a text; what is hidden is ASCII, so that it decodes to as many bytes."""
    shown = masker.granted_words(text.decode("latin-1")).encode("latin-1")
    return bytes(
        new if new == old or new < 0x80 else ord("x") for old, new in zip(text, shown, strict=True)
    )
