"""What of a byte stream is secret: one direction of a connection, masked as it comes.

A second look beside the parsers', because it asks another question: not what a
message says but which bytes may stand in a file that others read.  It leans on
their rules (heads, framing, content codings) and differs where they give up:
lines of heads that are cut or malformed are read as lines.  Of bodies stays what
`bodies` grants, of other plaintext nothing, unless bodies are kept: then these are
searched line by line for credential headers and everywhere for the shapes of keys,
and what cannot be searched is blanked.

Offsets count the direction's bytes from the first one seen, gaps included.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable
from enum import IntEnum
from typing import Final

from inspector.credentials.masking import Found, Masker
from inspector.exchanges.open_exchange import media_type
from inspector.protocols.content import Decoder
from inspector.protocols.content_codecs import CODINGS
from inspector.protocols.detect import (
    H2_PREFACE,
    begins_tls_record,
    looks_like_request,
    looks_like_response,
    looks_like_tls,
    resumes_request,
    sender_of_hello,
)
from inspector.protocols.http1_faults import HeadLimits, Notes
from inspector.protocols.http1_framing import (
    BODILESS_STATUSES,
    CHUNKED,
    UNTIL_CLOSE,
    body_length,
    chunk_size,
    read_framing,
)
from inspector.protocols.http1_head import parse_fields, request_line, status_line
from inspector.protocols.http1_pending import block_end
from inspector.protocols.messages import Field
from inspector.redaction.bodies import Blank, BodyMasker, blanked
from inspector.redaction.body_kinds import masker_of
from inspector.redaction.coded_bodies import FORMS, CodedBody
from inspector.redaction.tls_records import TlsMasker
from inspector.secrets.grants import REASON

#: Free text is searched in windows of this size; what a pattern may need to
#: see behind it is kept back, and before it shown again.
WINDOW: Final = 16 << 10
KEPT_BACK: Final = 2 << 10
CONTEXT: Final = 512
#: Decided bytes remembered for retransmissions.
HISTORY: Final = 128 << 10
#: Of what came before a gap, this much.
PAST: Final = 1 << 20
PASTS: Final = 256
#: The rest of a key behind a gap is no longer than this.
LONGEST_REST: Final = 4 << 10
#: A compressed body is kept whole up to this size, to be blanked as a whole.
CODED_LIMIT: Final = 1 << 20
#: Decoded bytes looked at in one compressed body, a bomb limit.
DECODED_LIMIT: Final = 64 << 20
#: The first message of a stream is recognisable within this many bytes.
PEEK_LIMIT: Final = 4096

_LIMITS: Final = HeadLimits()
_LINE: Final = re.compile(r"[^\r\n]*(?:\r?\n[ \t]+[^\r\n]*)*[\r\n]*")
_FIELD: Final = re.compile(r"([ \t]*[^:\r\n\"'{}]{1,64}?(?:\r\n[ \t]+)?[ \t]*:)(.*)", re.DOTALL)
_START_LINE: Final = re.compile(r"(\S{1,32} )(\S[^\r\n]*?)( HTTP/\d\.\d\s*)?", re.DOTALL)
_STATUS_LINE: Final = re.compile(r"(HTTP/\S{1,16}[ \t]+[0-9]{1,5}[ \t]*)([^\r\n]*)(\s*)")
#: The body is not coded at all.
_PLAIN: Final = "content-encoding-mismatch"
#: Faults of a coded body after which its bytes, or the last of them, are what they look like.
_AS_IT_IS: Final = frozenset({
    _PLAIN, "content-encoding-corrupt", "content-encoding-trailing-bytes",
})  # fmt: skip
_REST: Final = re.compile(rb"[\w\-+/=.~%*]*")
_REST_OF_LINE: Final = re.compile(rb"[^\n]*(?:\n[ \t][^\n]*)*")
#: User information whose end, and what announces it, is behind a gap.
_CUT_USERINFO: Final = re.compile(rb"//([^/\s@?#<>\"']+)\Z")
_NAME_OF_LINE: Final = re.compile(r"[ \t]*[^:\s]*[\x00-\x20]*:?")
_ANY: Final = re.compile(r"[^\s]")
_LINE_END: Final = re.compile(rb"[\r\n]")
_CHUNK_SIZE: Final = re.compile(r"[ \t]*[0-9A-Fa-f]{1,16}")
#: What an extension says (RFC 9112 7.1.1); its separators stay.
_WORDS: Final = re.compile(r"[^\s;=\"]")

Noted = Callable[[int, list[Found], str], None]


class Mode(IntEnum):
    """What the next byte belongs to."""

    START = 0  # a message, perhaps
    HEAD = 1
    BODY = 2
    CHUNK_LINE = 3
    CHUNK = 4
    CHUNK_END = 5
    TRAILER = 6
    TLS = 7
    TEXT = 8  # plaintext that is no message
    BLANK = 9  # what cannot be searched


_IN_BODY: Final = frozenset({Mode.BODY, Mode.CHUNK_LINE, Mode.CHUNK, Mode.CHUNK_END, Mode.TRAILER})


class Pair:
    """What both directions of a connection know of each other."""

    __slots__ = ("h2", "methods", "speaks_http")

    def __init__(self) -> None:
        self.methods: deque[bytes] = deque(maxlen=4096)
        self.h2 = False
        #: Messages came, and no other protocol since.
        self.speaks_http = False


class Stream:
    """Masks one direction.  `raw` and `out` hold the same stretch, from `base` on.

    `decided` is the offset up to which `out` may be written.  `noted` is told
    the offset where a head begins, what was masked in it, and which kind of
    thing was done (one of the words of `RedactionSummary`).
    """

    __slots__ = (
        "_absorbed",
        "_blank_left",
        "_body_masker",
        "_coded",
        "_coded_bytes",
        "_extent",
        "_final", "_heading",
        "_keep_bodies",
        "_lost",
        "_masker",
        "_mode",
        "_noted",
        "_pair",
        "_past",
        "_past_bytes",
        "_plain_noted",
        "_pos",
        "_remaining",
        "_searched",
        "_text",
        "_text_seen",
        "_tls_masker",
        "_tls_next",
        "_token_left",
        "base",
        "decided",
        "out",
        "raw",
    )  # fmt: skip

    def __init__(
        self,
        pair: Pair,
        masker: Masker,
        noted: Noted,
        *,
        midstream: bool,
        keep_bodies: bool,
        keep_ciphertext: bool = False,
    ) -> None:
        self.base = self.decided = 0
        self.raw = bytearray()
        self.out = bytearray()
        self._pair = pair
        self._masker = masker
        self._noted = noted
        self._keep_bodies = keep_bodies
        self._lost = midstream
        self._mode = Mode.START
        self._pos = 0  # the parser's offset; text from `decided` to here is not searched yet
        self._searched = 0
        self._remaining = 0
        self._extent = 0
        self._text: list[tuple[int, int]] = []  # stretches of a body, to be searched as one
        self._text_seen = ""  # the end of what was searched before, masked
        self._blank_left = 0
        self._body_masker: BodyMasker | None = None
        self._coded: Decoder | None = None
        self._coded_bytes = 0
        self._absorbed = False
        self._heading = False
        self._token_left = 0
        self._tls_next = True
        self._tls_masker = TlsMasker(masker, keep_ciphertext=keep_ciphertext)
        self._final = False
        self._past: deque[tuple[int, bytearray, bytearray]] = deque()
        self._past_bytes = 0
        self._plain_noted = False

    @property
    def end(self) -> int:
        """The offset after the last byte that came."""
        return self.base + len(self.raw)

    @property
    def held(self) -> int:
        """Bytes that came and are not decided."""
        return self.end - self.decided

    @property
    def passes(self) -> bool:
        """Bytes to come are ciphertext."""
        return self._mode == Mode.TLS

    # -- bytes -----------------------------------------------------------------

    def receive(self, data: bytes) -> None:
        """The next bytes."""
        begin = self.end
        self.raw += data
        self.out += data
        if self._mode == Mode.TEXT and begin == self._pos:
            if self._lost:
                self._resume(data)
            elif begins_tls_record(data) and sender_of_hello(data) is not None:
                # A protocol that asks for TLS in plaintext (MySQL's, SMTP's STARTTLS).
                self._search(everything=True)
                self.decided = self._pos
                self._enter(Mode.TLS)
        self._advance()

    def gap(self, count: int) -> None:
        """Bytes are missing.  What was not decided before them is decided now."""
        inside = self._mode in (Mode.BODY, Mode.CHUNK) and self._remaining >= count
        heading = self._mode in (Mode.HEAD, Mode.START, Mode.TRAILER)
        if not inside or self._coded is not None:
            self.force()
        elif self._body_masker is not None:
            self._show(self._body_masker.flush())
            self._body_masker.gap()
        else:
            self._search(everything=True)
        self.decided = self._pos = self.end
        if self._mode == Mode.TEXT and (self._heading or heading):
            self._blank_rest(max(self.raw.rfind(b"\n") + 1, len(self.raw) - WINDOW, 0) + self.base)
        cut = _CUT_USERINFO.search(self.raw, max(0, len(self.raw) - CONTEXT))
        if cut is not None and not self.passes:
            self._blank(cut.start(1) + self.base, self.end)
        if inside:
            self._remaining -= count
            self._token_left = LONGEST_REST
        elif self._mode == Mode.TLS:
            self._tls_masker.gap(count)
        elif self._mode != Mode.BLANK:
            # Lines of a head, perhaps, whose first was lost.
            self._heading = self._heading or heading
            self._enter(Mode.TEXT)
            self._body_masker = None
            self._lost = True
            self._blank_left = WINDOW  # the rest of a line may be the rest of a value
        following = self.end + count
        if self.raw:
            self._past.append((self.base, self.raw, self.out))
            self._past_bytes += len(self.raw)
            while self._past_bytes > PAST or len(self._past) > PASTS:
                self._past_bytes -= len(self._past.popleft()[1])
        self.base = following
        self.raw = bytearray()
        self.out = bytearray()
        self.decided = self._pos = self._searched = self.base
        self._text.clear()
        self._text_seen = ""
        if inside and not self._remaining:
            if self._mode == Mode.BODY:
                self._message_over()
            else:
                self._enter(Mode.CHUNK_END)

    def finish(self) -> None:
        """No more bytes come."""
        self._final = True
        self.force()

    def give_up(self) -> None:
        """Something failed: blank what is not decided, and all that comes."""
        if self.decided < self.end:
            self._blank(self.decided, self.end)
        self._text.clear()
        self._coded = None
        self._mode = Mode.BLANK
        self.decided = self._pos = self.end
        self._noted(self.end, [], "unreadable")

    def lack(self, following: int) -> None:
        """Taking bytes or a gap up to `following` failed: give up, in step with the connection."""
        if self.end < following:
            count = following - self.end
            self._past.append((self.base, self.raw, self.out))
            self.base += len(self.raw) + count
            self.raw, self.out = bytearray(), bytearray()
            self.decided = self._pos = self.base
        self.give_up()

    def force(self) -> None:
        """Decide everything that is here, come what may."""
        if self.decided == self.end:
            return
        self._advance()
        if self.decided == self.end:
            return
        mode = self._mode
        if self._coded is not None:
            self._decide_coded(over=self._final)
        elif self._body_masker is not None and mode in _IN_BODY:
            whole = self._final
            self._show(self._body_masker.finish() if whole else self._body_masker.flush())
            if self.decided < self.end:
                self._blank(self.decided, self.end)
        elif mode in (Mode.BODY, Mode.CHUNK, Mode.TEXT, Mode.CHUNK_END):
            self._search(everything=True)
            if self.decided < self.end:
                self._lines(self.decided, self.end)
        elif mode == Mode.TLS:
            self._show(self._tls_masker.flush())
        else:
            # What waits for the next chunk's line, or for the trailer, is no line of a head.
            self._search(everything=True)
            cut = max(self.raw.rfind(b"\n") + 1 + self.base, self.decided)
            self._lines(self.decided, self.end)
            if cut < self.end and not self._final:
                # A line that is not whole may end within a value.
                self._blank_rest(cut)
            if mode in (Mode.HEAD, Mode.START) and not self._final:
                self._enter(Mode.TEXT)
                self._blank_left = WINDOW
        self.decided = self._pos = self.end

    def _blank_rest(self, start: int) -> None:
        """Blank the value in the last line, which goes on where nobody can see it."""
        text = self.out[start - self.base :].decode("latin-1")
        name = _NAME_OF_LINE.match(text)
        at = 0 if name is None else name.end()
        self._write(start + at, _ANY.sub("x", text[at:]), text[at:])

    def covered(self, start: int, data: bytes) -> tuple[bytes, str]:
        """The masked bytes of a packet whose first byte has the offset `start`; why not all.

        Blanked, for a reason of `RedactionSummary`, is what cannot be told:
        "unmatched" are bytes that are not what the receiver got first,
        "forgotten" those whose first copy is no longer here, or was in a gap.
        """
        size = len(data)
        at = start - self.base
        if at >= 0 and start + size <= self.decided and self.raw[at : at + size] == data:
            return bytes(self.out[at : at + size]), ""
        masked = bytearray(b"x" * size)
        compared = matched = 0
        for base, raw, out in (*self._past, (self.base, self.raw, self.out)):
            end = min(base + len(raw), self.decided)
            low, high = max(start, base), min(start + size, end)
            if low >= high:
                continue
            compared += high - low
            if raw[low - base : high - base] == data[low - start : high - start]:
                masked[low - start : high - start] = out[low - base : high - base]
                matched += high - low
        why = "unmatched" if matched < compared else "forgotten" if matched < size else ""
        return bytes(masked), why

    @property
    def remembered(self) -> int:
        """Decided bytes that are kept for retransmissions."""
        return self.decided - self.base + self._past_bytes

    def forget_pasts(self) -> None:
        """Keep nothing of what came before a gap."""
        self._past.clear()
        self._past_bytes = 0

    def trim(self, needed: int, history: int = HISTORY) -> None:
        """Forget decided bytes, but for the last `history` and those from `needed` on.

        Called by who holds the packets: one that waits still has to be masked.
        """
        spare = min(self.decided - history, needed) - self.base
        if spare > history:
            del self.raw[:spare]
            del self.out[:spare]
            self.base += spare

    # -- what comes next ---------------------------------------------------------

    def _enter(self, mode: Mode) -> None:
        self._mode = mode
        self._searched = self._pos

    def _advance(self) -> None:
        steps = _STEPS
        while self._pos < self.end or self._mode == Mode.BODY:
            before, mode = self._pos, self._mode
            steps[mode](self)
            if self._pos == before and self._mode == mode:
                break

    def _peek(self, count: int = PEEK_LIMIT) -> bytes:
        at = self._pos - self.base
        return bytes(self.raw[at : at + count])

    def _start(self) -> None:
        data = self._peek()
        if self._pair.h2 or data.startswith(H2_PREFACE):
            self._pair.h2 = True
            kept = len(H2_PREFACE) if data.startswith(H2_PREFACE) else 0
            self._pos += kept
            self.decided = self._pos
            self._noted(self._pos, [], "unreadable")
            self._enter(Mode.BLANK)
            return
        is_h2 = None if H2_PREFACE.startswith(data) else False
        tls = looks_like_tls(data) if self._tls_next else False
        if tls:
            self._enter(Mode.TLS)
            return
        is_request = resumes_request if self._lost else looks_like_request
        request, response = is_request(data), looks_like_response(data)
        if request or response:
            self._tls_next = self._lost = self._heading = False
            while data[:1] in (b"\r", b"\n"):
                data = data[1:]
                self._pos += 1
            self.decided = self._pos
            self._enter(Mode.HEAD)
        elif not (is_h2 is None or tls is None or request is None or response is None) or (
            len(data) >= PEEK_LIMIT
        ):
            if self._lost:
                self._blank_left = WINDOW
            # Garbage between messages: the next one begins with a segment, as behind a gap.
            self._lost = self._lost or (self._pair.speaks_http and not self._keep_bodies)
            self._enter(Mode.TEXT)

    def _resume(self, data: bytes) -> None:
        """Out of step: a message, or a TLS record, may begin where a segment does."""
        if resumes_request(data) is not False or looks_like_response(data) is not False:
            self._search(everything=True)
            self.decided = self._pos
            self._blank_left = 0
            self._enter(Mode.START)
        elif begins_tls_record(data):
            self._search(everything=True)
            self.decided = self._pos
            self._blank_left = 0
            self._enter(Mode.TLS)

    def _head(self) -> None:
        at = self._pos - self.base
        stop = block_end(self.raw, max(at, self._searched - self.base - 2), len(self.raw))
        self._searched = self.end
        if stop < 0:
            if self.held > _LIMITS.head_bytes:
                self.force()
            return
        stop += self.base
        begin = self._pos
        block = bytes(self.raw[at : stop - self.base])
        first, _, rest = block.partition(b"\n")
        line = first.removesuffix(b"\r")
        self._mask_head(begin, stop)
        self.decided = self._pos = stop
        self._text_seen = ""
        fields = parse_fields(rest, _LIMITS.fields, Notes())
        asked = request_line(line, Notes())
        answered = None if asked else status_line(line, Notes())
        if asked is not None:
            self._after_request(asked.method, asked.version, fields)
        elif answered is not None:
            self._after_response(answered.status, answered.version, fields)
        else:
            self._enter(Mode.TEXT)

    def _after_request(self, method: bytes, version: bytes, fields: tuple[Field, ...]) -> None:
        self._pair.methods.append(method)
        self._pair.speaks_http = method != b"CONNECT"
        if method == b"CONNECT":
            self._tls_next = True
            self._enter(Mode.START)
            return
        length = body_length(read_framing(fields, Notes()), version, 0, Notes())
        self._begin_body(length, fields, None)

    def _after_response(self, status: int, version: bytes, fields: tuple[Field, ...]) -> None:
        if 100 <= status < 200 and status != 101:
            self._enter(Mode.START)
            return
        methods = self._pair.methods
        method = methods.popleft() if methods else b""
        opened = 200 <= status < 300 and (method == b"CONNECT" or (not method and not fields))
        self._pair.speaks_http = not (opened or status == 101)
        if opened or status == 101:
            self._tls_next = opened
            self._enter(Mode.START if opened else Mode.TEXT)
            return
        extent = 0
        if method != b"HEAD" and status not in BODILESS_STATUSES:
            extent = body_length(read_framing(fields, Notes()), version, UNTIL_CLOSE, Notes())
        self._begin_body(extent, fields, status)

    def _begin_body(self, extent: int, fields: tuple[Field, ...], status: int | None) -> None:
        """`status` is that of the response, None of a request."""
        self._extent = extent
        self._token_left = 0
        self._text.clear()
        self._text_seen = ""
        self._coded = None
        self._absorbed = False
        codings = [f.value for f in fields if f.name.lower() == b"content-encoding"]
        self._body_masker = None
        if extent and not self._keep_bodies:
            named = [f.value for f in fields if f.name.lower() == b"content-type"]
            kind = media_type(b", ".join(named).decode("latin-1")) if named else None
            self._body_masker = masker_of(kind, status, self._masker)
        if extent and codings:
            names = b",".join(codings).decode("latin-1")
            known = [n.strip().lower() for n in names.split(",")]
            is_coded = any(name in CODINGS for name in known)
            if is_coded and self._body_masker is not None:
                self._body_masker = self._coded_masker(known, self._body_masker)
            elif is_coded:
                self._coded = Decoder(names, DECODED_LIMIT)
                self._coded_bytes = 0
                self._text_seen = ""
        if extent == CHUNKED:
            self._enter(Mode.CHUNK_LINE)
        elif extent == UNTIL_CLOSE:
            self._remaining = 1 << 62
            self._enter(Mode.BODY)
        elif extent:
            self._remaining = extent
            self._enter(Mode.BODY)
        else:
            self._enter(Mode.START)

    def _coded_masker(self, codings: list[str], inner: BodyMasker) -> BodyMasker:
        names = [name for name in codings if name not in ("", "identity")]
        if len(names) == 1 and names[0] in FORMS:
            return CodedBody(names[0], inner, again=self._masker.checking)
        return Blank()

    def _message_over(self) -> None:
        self._end_of_body()
        self.decided = self._pos
        self._text_seen = ""
        self._tls_next = False
        self._enter(Mode.START)

    def _end_of_body(self, *, over: bool = True) -> None:
        """Decide the rest of a body; `over`: it ended where its framing said."""
        masker, self._body_masker = self._body_masker, None
        if self._coded is not None:
            self._decide_coded(over=over)
            self._coded = None
        elif masker is not None:
            self._show(masker.finish())
            if masker.changed:
                self._noted(self._pos, [], "bodies")
        else:
            self._search(everything=True)

    # -- bodies ----------------------------------------------------------------

    def _body(self) -> None:
        count = min(self._remaining, self.end - self._pos)
        if count:
            self._take_body(count)
            self._remaining -= count
        if not self._remaining:
            self._message_over()

    def _take_body(self, count: int) -> None:
        start, stop = self._pos, self._pos + count
        self._pos = stop
        if self._coded is not None:
            self._decode(start, stop)
            return
        if self._body_masker is not None:
            self._text.append((start, stop))
            self._show(
                self._body_masker.feed(bytes(self.raw[start - self.base : stop - self.base]))
            )
            return
        if self._token_left:
            # What a gap cut from a key has lost the shape it is known by.
            rest = _REST.match(self.raw, start - self.base, stop - self.base)
            size = 0 if rest is None else min(rest.end() - rest.start(), self._token_left)
            self._blank(start, start + size)
            start += size
            self._token_left = self._token_left - size if start == stop else 0
            if start == stop:
                self.decided = stop
                return
        if self._text and self._text[-1][1] == start:
            self._text[-1] = (self._text[-1][0], stop)
        else:
            self._text.append((start, stop))
        if stop - self.decided > WINDOW:
            self._search()

    def _chunk_line(self) -> None:
        at = self._pos - self.base
        newline = self.raw.find(b"\n", at, at + _LIMITS.chunk_line)
        if newline < 0:
            if len(self.raw) - at >= _LIMITS.chunk_line:
                self._break_framing()
            return
        line = bytes(self.raw[at:newline]).removesuffix(b"\r")
        size = chunk_size(line)
        if size is None:
            self._break_framing()
            return
        stop = newline + 1 + self.base
        if len(line) > 8:
            self._extension(self._pos, stop)
        self._pos = stop
        if not self._text and self._coded is None:
            self.decided = stop
        if size:
            self._remaining = size
            self._enter(Mode.CHUNK)
        else:
            self._enter(Mode.TRAILER)

    def _chunk(self) -> None:
        count = min(self._remaining, self.end - self._pos)
        self._take_body(count)
        self._remaining -= count
        if not self._remaining:
            self._enter(Mode.CHUNK_END)

    def _chunk_end(self) -> None:
        data = self._peek(2)
        if data == b"\r\n":
            self._pos += 2
        elif data[:1] == b"\n":
            self._pos += 1
        elif data == b"\r":
            return
        else:
            self._break_framing()
            return
        if not self._text and self._coded is None:
            self.decided = self._pos
        self._enter(Mode.CHUNK_LINE)

    def _trailer(self) -> None:
        at = self._pos - self.base
        data = bytes(self.raw[at : at + _LIMITS.trailer_bytes])
        # The line end of the last chunk's line may be half of the empty line.
        stop = 2 if data.startswith(b"\r\n") else 1 if data[:1] == b"\n" else -1
        if stop < 0:
            stop = block_end(data, 0, len(data))
        if stop < 0:
            if len(data) >= _LIMITS.trailer_bytes:
                self._break_framing()
            return
        start = self._pos
        self._end_of_body()
        self._mask_fields(start, start + stop, start)
        self._pos = start + stop
        self._message_over()

    def _break_framing(self) -> None:
        """Where the message ends is not known any more."""
        self._end_of_body(over=False)
        self.decided = self._pos
        self._lost = True
        self._enter(Mode.TEXT)

    # -- compressed bodies -------------------------------------------------------

    def _decode(self, start: int, stop: int) -> None:
        coded = self._coded
        assert coded is not None
        if self._absorbed:
            self._blank(start, stop)
            self.decided = stop
            return
        self._text.append((start, stop))
        self._coded_bytes += stop - start
        piece = bytes(self.raw[start - self.base : stop - self.base])
        decoded = b"".join(data for _, _, data in coded.feed([(0, 0, piece)]))
        if coded.fault != _PLAIN and self._holds_a_key(decoded):
            self._absorb("compressed")
        elif coded.fault in _AS_IT_IS:
            self._coded = None
            self._text_seen = ""
        elif coded.fault is not None:
            self._absorb("unreadable")
        elif self._coded_bytes > CODED_LIMIT:
            # Too long to be kept: what was looked at, and found clean, goes.
            while self._text and self._coded_bytes > CODED_LIMIT // 2:
                low, high = self._text.pop(0)
                self._coded_bytes -= high - low
            self.decided = self._text[0][0] if self._text else stop

    def _holds_a_key(self, decoded: bytes) -> bool:
        text = self._text_seen + decoded.decode("latin-1")
        self._text_seen = text[-KEPT_BACK:]
        return self._masker.text(text) != text

    def _absorb(self, why: str) -> None:
        """The compressed body is blanked, as far as it was not written yet, and what follows."""
        self._absorbed = True
        for start, stop in self._text:
            self._blank(start, stop)
        self._text.clear()
        self.decided = self._pos
        self._noted(self._pos, [], why)

    def _decide_coded(self, *, over: bool) -> None:
        coded = self._coded
        assert coded is not None
        if not self._absorbed:
            if not over:
                # Bytes that the decoder keeps to itself were not looked at.
                self._absorb("unreadable")
            elif (
                (rest := coded.finish())
                and coded.fault != _PLAIN
                and self._holds_a_key(b"".join(data for _, _, data in rest))
            ):
                self._absorb("compressed")
            elif coded.fault in _AS_IT_IS:
                self._text_seen = ""
                self._search(everything=True)
                return
        self._text.clear()
        self._text_seen = ""

    # -- TLS, and what is nothing -------------------------------------------------

    def _tls(self) -> None:
        start, self._pos = self._pos, self.end
        self._text.append((start, self._pos))
        before = self._tls_masker.changed
        self._show(self._tls_masker.feed(bytes(self.raw[start - self.base :])))
        if self._tls_masker.changed and not before:
            self._noted(start, [], "tls")

    def _text_mode(self) -> None:
        start, self._pos = self._pos, self.end
        if not self._keep_bodies:
            data = bytes(self.raw[start - self.base :])
            hidden = bytearray(blanked(data))
            for end in _LINE_END.finditer(data):  # where lines end tells what is no message
                hidden[end.start()] = data[end.start()]
            self.out[start - self.base :] = hidden
            if not self._plain_noted:
                self._plain_noted = True
                self._noted(start, [], "plaintext")
            self.decided = self.end
            return
        if self._blank_left:
            rest = _REST_OF_LINE.match(self.raw, start - self.base)
            stop = self.end if rest is None else rest.end() + self.base
            stop = min(stop, start + self._blank_left)
            text = self._read(start, stop)
            self._write(start, _ANY.sub("x", text), text)
            self._noted(start, [], "unreadable")
            # A line end that is the last byte here may be a fold.
            goes_on = stop >= self.end - 1
            self._blank_left = max(0, self._blank_left - (stop - start)) if goes_on else 0
            self.decided = start = stop
            if self._blank_left:
                self._pos = stop
                return
        if start < self.end:
            if self._text and self._text[-1][1] == start:
                self._text[-1] = (self._text[-1][0], self.end)
            else:
                self._text.append((start, self.end))
        if self.end - self.decided > WINDOW:
            self._search()

    def _blank_mode(self) -> None:
        self._blank(self._pos, self.end)
        self._pos = self.decided = self.end

    # -- what the maskers of bodies answer ----------------------------------------

    def _show(self, masked: bytes) -> None:
        """Write the next bytes of a body, of which `_text` has the stretches."""
        at, left = 0, self._text
        while at < len(masked):
            start, stop = left[0]
            count = min(stop - start, len(masked) - at)
            place = start - self.base
            self.out[place : place + count] = masked[at : at + count]
            at += count
            if count == stop - start:
                left.pop(0)
            else:
                left[0] = (start + count, stop)
        self.decided = left[0][0] if left else self._pos

    def _extension(self, start: int, stop: int) -> None:
        """The line of a chunk: its size stays, what follows is hidden."""
        text = self._read(start, stop)
        size = _CHUNK_SIZE.match(text)
        at = 0 if size is None else size.end()
        self._write(start + at, _WORDS.sub("x", text[at:]), text[at:])

    # -- searching -----------------------------------------------------------------

    def _search(self, *, everything: bool = False) -> None:
        """Mask the collected text.

        Unless `everything`, hold back its last bytes, which a key may continue.
        """
        if not self._text:
            return
        new = "".join(self._read(*stretch) for stretch in self._text)
        before = self._text_seen
        text = before + new
        masked = self._masked_lines(text)
        cut = len(text)
        if not everything:
            cut -= KEPT_BACK
            if cut <= len(before):
                return
            # Not within something that may go on behind what is here.
            low = cut
            while low > len(before) and masked[low - 1] != text[low - 1]:
                low -= 1
            if low > len(before):
                cut = low
        at = len(before)
        left: list[tuple[int, int]] = []
        for start, stop in self._text:
            size = stop - start
            take = max(0, min(size, cut - at))
            if take:
                self._write(start, masked[at : at + take], text[at : at + take])
            if take < size:
                left.append((start + take, stop))
            at += size
        self._text = left
        self._text_seen = masked[max(0, cut - CONTEXT) : cut]
        self.decided = left[0][0] if left else self._pos

    def _masked_lines(self, text: str) -> str:
        """Free text in which credential headers may stand as lines."""
        masker = self._masker
        found = len(masker.found)
        masked = masker.text(text)
        if self._heading:
            masked = "".join(map(self._masked_line, _LINE.findall(masked)))
        elif masker.names_a_header(masked):
            parts = []
            for line in _LINE.findall(masked):
                field = _FIELD.match(line)
                if field and masker.is_position(field[1][:-1]):
                    line = field[1] + masker.field(field[1][:-1].strip(), field[2])
                parts.append(line)
            masked = "".join(parts)
        if len(masker.found) > found:
            self._noted(self._pos, masker.found[found:], "lines")
            del masker.found[found:]
        return masked

    def _lines(self, start: int, stop: int) -> None:
        if start < stop:
            self._mask_fields(start, stop, start)

    def _mask_head(self, start: int, stop: int) -> None:
        self._mask_fields(start, stop, start)

    def _mask_fields(self, start: int, stop: int, head: int) -> None:
        """Lines of a head, with its start line or without: by position, then by shape."""
        masker = self._masker
        text = self._read(start, stop)
        parts: list[str] = []
        for line in _LINE.findall(text):
            parts.append(self._masked_line(line))
        masked = "".join(parts)
        if masker.found:
            self._noted(head, masker.found[:], "positions")
            masker.found.clear()
        self._write(start, masked, text)

    def _masked_line(self, line: str) -> str:
        masker = self._masker
        start = _START_LINE.fullmatch(line)
        if start and start[3]:
            return masker.text(start[1]) + masker.target(start[2]) + start[3]
        status = _STATUS_LINE.fullmatch(line)
        if status:
            return masker.text(status[1]) + masker.value(REASON, status[2]) + status[3]
        if line.startswith("HTTP/"):
            return masker.text(line)
        name, colon, value = line.partition(":")
        if colon:
            body = value.rstrip("\r\n")
            return masker.text(name) + colon + masker.field(name.strip(), body) + value[len(body) :]
        if masker.is_credential(line.split()[0] if line.split() else ""):
            word = line.split()[0]
            at = line.index(word) + len(word)
            return line[:at] + _ANY.sub("x", line[at:])
        return masker.text(line)

    # -- bytes -----------------------------------------------------------------------

    def _read(self, start: int, stop: int) -> str:
        return self.raw[start - self.base : stop - self.base].decode("latin-1")

    def _write(self, start: int, new: str, old: str) -> None:
        assert len(new) == len(old)
        if new != old:
            at = start - self.base
            self.out[at : at + len(new)] = new.encode("latin-1")

    def _blank(self, start: int, stop: int) -> None:
        at = start - self.base
        self.out[at : stop - self.base] = b"x" * (stop - start)


_STEPS: Final[dict[Mode, Callable[[Stream], None]]] = {
    Mode.START: Stream._start,
    Mode.HEAD: Stream._head,
    Mode.BODY: Stream._body,
    Mode.CHUNK_LINE: Stream._chunk_line,
    Mode.CHUNK: Stream._chunk,
    Mode.CHUNK_END: Stream._chunk_end,
    Mode.TRAILER: Stream._trailer,
    Mode.TLS: Stream._tls,
    Mode.TEXT: Stream._text_mode,
    Mode.BLANK: Stream._blank_mode,
}
