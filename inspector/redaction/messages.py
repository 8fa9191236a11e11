"""HTTP in a copy: the events of one direction of a connection, as grants in its track.

Of a message stay its head and trailers as `heads` masks them, the lines of its chunks, and
of its body what the masker for its kind leaves (`body_kinds`).  Everything is placed by the
parser's extents: nothing here looks for where anything begins or ends.
"""

from __future__ import annotations

import re
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence
from itertools import accumulate, chain
from operator import sub
from typing import Final

from inspector.credentials.masking import Found, Masker
from inspector.exchanges.blanked import is_mask
from inspector.exchanges.response_bodies import media_type
from inspector.native.used import USED
from inspector.protocols.content_codecs import CODINGS
from inspector.protocols.extent import Extent, Extents, FieldLines
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
from inspector.redaction.blanks import Blank, BodyMasker
from inspector.redaction.body_kinds import masker_of
from inspector.redaction.coded_bodies import FORMS, CodedBody
from inspector.redaction.heads import masked_fields, masked_head
from inspector.redaction.kept_bodies import KeptCoded, KeptText
from inspector.redaction.track import Track
from inspector.wire import Segment, joined

#: Is told the offset where something was found, what was masked there, and, if that is
#: nothing, for which of the reasons of `RedactionSummary` something was hidden.
Noted = Callable[[int, list[Found], str], None]

#: A chunk's line as nearly all are: the end of the data before it, a size, no extension.
_PLAIN_LINE: Final = re.compile(rb"(?:\r?\n)?[0-9A-Fa-f]{1,16}\r?\n")
_PLAIN_LINES: Final = re.compile(rb"(?:(?:\r?\n)?[0-9A-Fa-f]{1,16}\r?\n)*")
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
        "_lined",
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
        self._places = Extents()
        #: Where the chunk lines are granted already.
        self._lined = Extent(0, 0)

    @property
    def settled(self) -> int:
        """The first byte that was read and is still to be granted or not."""
        return self._places[0].start if self._places else EVERYTHING

    def take(self, events: Iterable[Event]) -> None:
        """The next events of the direction's parser."""
        for event in events:
            match event:
                case Body(pieces, places):
                    self._data(pieces, places)
                case ChunkLines(places):
                    self._chunk_lines(places)
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
            self._note(lines.extent.stop - 1)  # in the packet that ends its message

    def _chunk_lines(self, places: Extents) -> None:
        """Grant chunk lines, which stand in order, but for those that were granted with a body."""
        first, last = self._lined
        low = bisect_left(places.packed[::2], first)
        high = max(low, bisect_right(places.packed[1::2], last))
        for start, stop in chain(places[:low], places[high:]):
            self._chunk_line(start, stop)

    def _chunk_line(self, start: int, stop: int) -> None:
        line = self._track.read(start, stop)
        if not _PLAIN_LINE.fullmatch(line):
            size = _CHUNK_SIZE.match(line)
            at = 0 if size is None else size.end()
            line = line[:at] + _WORDS.sub(b"x", line[at:])
        self._track.grant(start, line)

    def _data(self, pieces: Sequence[Segment], places: Extents) -> None:
        body = self._body
        if body is None:
            return
        self._places.join(places)
        if isinstance(body, CodedBody):
            # What a packet decodes to is coded anew in its own room.
            for _, _, piece in pieces:
                self._show(body.feed(piece))
        else:
            self._show(body.feed(joined(pieces)))
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
        if not masked:
            return
        self._is_blank = self._is_blank and is_mask([(0, 0, masked)])
        shown = self._places.take(len(masked))
        if len(shown) == 1:
            self._track.grant(shown[0].start, masked)
        elif not self._show_lined(masked, shown):
            for (start, _), part in zip(shown, _parts(masked, shown), strict=True):
                self._track.grant(start, part)

    def _show_lined(self, masked: bytes, shown: Extents) -> bool:
        """Grant pieces of the body with the chunk lines between them, if these are plain."""
        first, last = shown[0].start, shown[-1].stop
        laid = _laid(self._track.read(first, last), first, shown, masked)
        if laid is None:
            return False
        self._track.grant(first, laid)
        self._lined = Extent(first, last)
        return True

    def _hide_rest(self) -> None:
        for start, stop in self._places:
            self._track.grant(start, b"x" * (stop - start))
        self._places = Extents()

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


def _parts(masked: bytes, places: Extents) -> list[bytes]:
    """What of the bytes of a body stands in each of its places."""
    ends = list(accumulate(map(sub, places.packed[1::2], places.packed[::2])))
    return [masked[start:stop] for start, stop in zip((0, *ends), ends, strict=False)]


def _laid(raw: bytes, first: int, places: Extents, masked: bytes) -> bytes | None:
    """A stretch of the stream, from `first` on, in which these bytes stand in the places of a body.

    None if something else than plain chunk lines stands between them, or the stretch is not here.
    """
    if not raw:
        return None
    core = USED.core
    if core is not None:
        out = array("B", raw)
        place, count = places.packed.buffer_info()
        laid = core.lay(
            out.buffer_info()[0], len(raw), first, place, count >> 1, masked, len(masked)
        )
        return out.tobytes() if laid else None
    bounds = places.packed[1:-1]
    lines = [
        raw[start - first : stop - first]
        for start, stop in zip(bounds[::2], bounds[1::2], strict=True)
    ]
    if not all(map(_PLAIN_LINES.fullmatch, lines)):
        return None
    both = chain.from_iterable(zip(_parts(masked, places), (*lines, b""), strict=True))
    return b"".join(both)


def _values(fields: Iterable[Field], name: bytes) -> str:
    """The values of all fields of a name, in one list (RFC 9110 5.3)."""
    return b", ".join([f.value for f in fields if f.name.lower() == name]).decode("latin-1")
