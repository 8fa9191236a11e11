"""HTTP in a copy: the events of one direction of a connection, as grants in its track.

Of a message stay its head and trailers as `heads` masks them, the lines of its chunks, and
of its body what the masker for its kind leaves (`body_kinds`).  Everything is placed by the
parser's extents: nothing here looks for where anything begins or ends.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from inspector.credentials.masking import Found, Masker
from inspector.exchanges.blanked import is_mask
from inspector.exchanges.response_bodies import media_type
from inspector.protocols.content_codecs import CODINGS
from inspector.protocols.extent import Extent, FieldLines
from inspector.protocols.messages import (
    EVERYTHING,
    Body,
    BodyGap,
    ChunkLines,
    CutLine,
    Event,
    Field,
    MessageEnd,
    RequestHead,
    ResponseHead,
)
from inspector.redaction.bodies import Blank, BodyMasker
from inspector.redaction.body_kinds import masker_of
from inspector.redaction.coded_bodies import FORMS, CodedBody
from inspector.redaction.heads import masked_fields, masked_head
from inspector.redaction.kept_bodies import KeptCoded, KeptText
from inspector.redaction.track import Track

#: Is told the offset where something was found, what was masked there, and, if that is
#: nothing, for which of the reasons of `RedactionSummary` something was hidden.
Noted = Callable[[int, list[Found], str], None]

#: A chunk's line as nearly all are: the end of the data before it, a size, no extension.
_PLAIN_LINE: Final = re.compile(rb"(?:\r?\n)?[0-9A-Fa-f]{1,16}\r?\n")
_CHUNK_SIZE: Final = re.compile(rb"(?:\r?\n)?[ \t]*[0-9A-Fa-f]{1,16}")
#: What an extension says (RFC 9112 7.1.1); its separators stay.
_WORDS: Final = re.compile(rb"[^\s;=\"]")


#: Bodies of which nothing stays, of one direction at once: of pipelined messages.
BLANKED: Final = 1024


class Messages:
    """Grants what may stand of the messages of one direction."""

    __slots__ = (
        "_body",
        "_is_blank",
        "_keep_bodies",
        "_masker",
        "_noted",
        "_places",
        "_reason",
        "_track",
        "blanked",
    )

    def __init__(self, track: Track, masker: Masker, noted: Noted, *, keep_bodies: bool) -> None:
        self._track = track
        self._masker = masker
        self._noted = noted
        self._keep_bodies = keep_bodies
        self._body: BodyMasker | None = None
        self._is_blank = False
        #: Where the bodies end of which nothing stays, until what was found in them is told.
        self.blanked: set[int] = set()
        self._reason = "bodies"
        #: Where the bytes stand that the body's masker keeps back.
        self._places: list[Extent] = []

    @property
    def settled(self) -> int:
        """The first byte that was read and is still to be granted or not."""
        return self._places[0].start if self._places else EVERYTHING

    def take(self, events: Iterable[Event]) -> None:
        """The next events of the direction's parser."""
        for event in events:
            match event:
                case Body(pieces, places):
                    self._data([data for _, _, data in pieces], places)
                case ChunkLines(places):
                    for place in places:
                        self._chunk_line(place)
                case RequestHead() | ResponseHead():
                    self._head(event)
                case BodyGap():
                    self._gap()
                case CutLine(place):
                    self._track.grant(place.start, self._track.read(*place))
                case MessageEnd():
                    self._end(event)

    def force(self) -> None:
        """Decide what the body's masker keeps back: it cannot wait."""
        if self._body is not None:
            self._show(self._body.flush())
        self._hide_rest()
        self._note_found()

    def leave(self) -> None:
        """No more events come of the message that has begun."""
        self.force()
        self._body = None

    # -- events ------------------------------------------------------------------

    def _head(self, head: RequestHead | ResponseHead) -> None:
        self.leave()
        raw = self._track.read(*head.extent)
        if raw:
            self._track.grant(head.start, masked_head(head, raw, self._masker))
            self._note(head.start)
        self._body = self._body_of(head)
        self._is_blank = isinstance(head, ResponseHead)

    def _end(self, end: MessageEnd) -> None:
        body, self._body = self._body, None
        if body is not None:
            self._show(body.finish())
            self._hide_rest()
            self._note_found()
            if self._is_blank and len(self.blanked) < BLANKED:
                self.blanked.add(end.extent.stop)
            if body.changed and not self._keep_bodies:
                self._noted(end.extent.stop, [], "bodies")
        if end.trailer_lines is not None:
            self._trailers(end.trailer_lines, end.trailers)

    def _trailers(self, lines: FieldLines, fields: Sequence[Field]) -> None:
        raw = self._track.read(*lines.extent)
        if raw:
            self._track.grant(lines.start, masked_fields(lines, fields, raw, self._masker))
            self._note(lines.start)

    def _chunk_line(self, place: Extent) -> None:
        line = self._track.read(*place)
        if not _PLAIN_LINE.fullmatch(line):
            size = _CHUNK_SIZE.match(line)
            at = 0 if size is None else size.end()
            line = line[:at] + _WORDS.sub(b"x", line[at:])
        self._track.grant(place.start, line)

    def _data(self, pieces: Sequence[bytes], places: Sequence[Extent]) -> None:
        body = self._body
        if body is None:
            return
        for place in places:
            if self._places and self._places[-1].stop == place.start:
                self._places[-1] = Extent(self._places[-1].start, place.stop)
            else:
                self._places.append(place)
        if isinstance(body, CodedBody):
            # What a packet decodes to is coded anew in its own room.
            for piece in pieces:
                self._show(body.feed(piece))
        else:
            self._show(body.feed(b"".join(pieces)))
        self._note_found()

    def _gap(self) -> None:
        if self._body is not None:
            self._show(self._body.flush())
            self._hide_rest()
            self._body.gap()
            self._note_found()

    # -- bodies ------------------------------------------------------------------

    def _body_of(self, head: RequestHead | ResponseHead) -> BodyMasker:
        codings = _values(head.fields, b"content-encoding")
        names = [name.strip().lower() for name in codings.split(",")]
        is_coded = any(name in CODINGS for name in names)
        if self._keep_bodies and is_coded:
            return KeptCoded(codings, self._masker, self._hidden)
        if self._keep_bodies:
            return KeptText(self._masker, self._hidden)
        status = head.status if isinstance(head, ResponseHead) else None
        kind = media_type(_values(head.fields, b"content-type"))
        masker = masker_of(kind, status, self._masker)
        return self._coded(names, masker) if is_coded else masker

    def _coded(self, codings: list[str], inner: BodyMasker) -> BodyMasker:
        names = [name for name in codings if name not in ("", "identity")]
        if len(names) == 1 and names[0] in FORMS:
            self._track.is_recoded = True
            return CodedBody(names[0], inner)
        return Blank()

    def _hidden(self, why: str) -> None:
        self._noted(self._places[0].start if self._places else 0, [], why)

    def _show(self, masked: bytes) -> None:
        """Grant the next bytes of the body, whose places are the first that wait."""
        at, shown, places, grant = 0, 0, self._places, self._track.grant
        self._is_blank = self._is_blank and is_mask([(0, 0, masked)])
        while at < len(masked):
            start, stop = places[shown]
            count = min(stop - start, len(masked) - at)
            grant(start, masked[at : at + count])
            at += count
            if count == stop - start:
                shown += 1
            else:
                places[shown] = Extent(start + count, stop)
        del places[:shown]

    def _hide_rest(self) -> None:
        for start, stop in self._places:
            self._track.grant(start, b"x" * (stop - start))
        self._places.clear()

    # -- notes -------------------------------------------------------------------

    def _note(self, offset: int) -> None:
        """Tell what was masked in positions."""
        found = self._masker.found
        if found:
            self._noted(offset, found[:], "")
            found.clear()

    def _note_found(self) -> None:
        if self._masker.found:
            self._note(self._track.decided)


def _values(fields: Iterable[Field], name: bytes) -> str:
    """The values of all fields of a name, in one list (RFC 9110 5.3)."""
    return b", ".join([f.value for f in fields if f.name.lower() == name]).decode("latin-1")
