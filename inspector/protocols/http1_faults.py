"""What may be wrong with HTTP/1.x on the wire, by name, and how much is put up with.

An observer refuses nothing: each departure from RFC 9112 that it meets becomes
a `Fault` with one of these names, and parsing goes on in the way that the
parties most likely took it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from inspector.fact import Fact

#: Fault name -> its meaning in one sentence.  docs/oddities.md is made from it.
FAULTS: Final[Mapping[str, str]] = {
    # Where messages begin and end
    "garbage-between-messages": "Where a message had to begin there was no start line.",
    "resynchronised": "After lost or senseless bytes, a message was found at a packet's start.",
    "request-without-version": "A request line without a version (HTTP/0.9); it is not parsed.",
    "malformed-start-line": "Stray blanks or tabs stand in a start line (RFC 9112 3 and 4 have two"
    " single spaces); they are no part of a target.",
    "space-in-target": "A request target contains a space (RFC 9112 3.2 forbids white space).",
    "unknown-version": "A version other than HTTP/1.0 and HTTP/1.1; parsed as HTTP/1.1.",
    "data-after-connection-close": "Bytes follow a message that said `Connection: close`.",
    "unfinished-head": "The stream ended, or bytes were lost, in a head; its whole lines are kept.",
    # Lines of a head or trailer section
    "head-too-large": "A head exceeds the limit; its fields up to there are kept.",
    "too-many-fields": "A head or trailer section exceeds the limit of fields; the first are kept.",
    "bare-lf": "A line ends in LF without CR (RFC 9112 2.2).",
    "bare-cr-in-header": "A CR that is not part of a line end stands in a field (RFC 9112 2.2).",
    "nul-in-header": "A NUL byte stands in a field (RFC 9110 5.5).",
    "control-byte-in-header": "A control byte other than CR, LF, NUL, tab stands in a field.",
    "control-byte-in-start-line": "A control byte stands in a request or status line.",
    "folded-field": "A field value is continued on an indented line (RFC 9112 5.2).",
    "indented-first-field": "White space precedes the first field (RFC 9112 2.2).",
    "space-before-colon": "White space stands between a field name and its colon (RFC 9112 5.1).",
    "field-without-colon": "A field line has no colon; the line is dropped.",
    "bad-field-name": "A field name is empty or is no token (RFC 9110 5.6.2).",
    # Length of a body
    "conflicting-length": "Content-Length beside chunked coding; chunked wins (RFC 9112 6.3).",
    "differing-lengths": "Content-Length values differ; the first valid one is taken.",
    "repeated-length": "The same Content-Length is stated more than once (RFC 9112 6.3).",
    "bad-length": "A Content-Length is no decimal number below 2^62 (RFC 9110 8.6).",
    "unusable-transfer-coding": "A Transfer-Encoding does not end in chunked (RFC 9112 6.3).",
    "transfer-coding-in-http-1.0": "An HTTP/1.0 message has a Transfer-Encoding (RFC 9112 6.1).",
    # Chunked coding
    "bad-chunk": "A chunk size is no hexadecimal number, or a chunk does not end where it says.",
    "chunk-line-too-long": "A chunk-size line with its extensions exceeds the limit.",
    "trailer-too-large": "A trailer section exceeds the limit.",
}


class HeadLimits(Fact):
    """How much of one message is buffered, in bytes, before the parser gives up on it.

    A limit that is hit is a fault, the message ends incomplete, and the parser
    looks for the next one.  The defaults are several times what Node (16 KiB
    heads), Squid (64 KiB) and nginx (32 KiB) accept, so that a message which
    the parties understood is understood here.
    """

    start_line: int = 64 * 1024
    """Bytes of a request or status line."""
    head_bytes: int = 256 * 1024
    """Bytes of a start line and its fields."""
    fields: int = 2000
    """Fields of one head or trailer section; the first are kept."""
    chunk_line: int = 16 * 1024
    """Bytes of a chunk's size and its extensions."""
    trailer_bytes: int = 64 * 1024
    """Bytes of a trailer section."""


class Notes(dict[str, tuple[int, int]]):
    """The faults found in one block of bytes: first offset and number of each name."""

    def add(self, name: str, offset: int = 0, count: int = 1) -> None:
        """Count `count` occurrences of fault `name`, the first of them at `offset`."""
        first, seen = self.get(name, (offset, 0))
        self[name] = (first, seen + count)

    def told(self) -> list[tuple[str, int, str]]:
        """(name, offset of the first, how many if several), in order of finding."""
        return [
            (name, first, f"{seen} times" if seen > 1 else "")
            for name, (first, seen) in self.items()
        ]
