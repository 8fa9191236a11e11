"""What a stream is, told by its first bytes, never by a port.

Each function answers for the bytes that a stream begins with, or a segment of
one that was lost.  Where the answer is `bool | None`, None asks for more
bytes, and an answer once given does not change when more come.
"""

from __future__ import annotations

import re
from typing import Final

from inspector.protocols.http1_head import DIGITS, METHODS, malformed_line, method_of
from inspector.protocols.http1_lines import TOKEN
from inspector.protocols.http2_frames import is_frame
from inspector.protocols.tls_names import (
    APPLICATION_DATA,
    CHANGE_CIPHER_SPEC,
    HANDSHAKE,
    HEARTBEAT,
)
from inspector.protocols.tls_record import (
    MAX_RECORD,
    RECORD_HEADER,
    RECORD_HEADER_SIZE,
    is_record_header,
)

#: RFC 9113 3.4: the client connection preface starts with this.
H2_PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

#: Bytes of whole frames that are believed to be such: any nine may look like one.
_FEWEST: Final = 13

#: HTTP is denied when this many bytes allowed no verdict.
LOOK_BYTES: Final = 8 * 1024

_REQUEST_START: Final = re.compile(
    rb"(?!PRI \* HTTP/2)" + TOKEN + rb"{1,32} [^ \r\n]+ HTTP/[0-9]\.[0-9]\r?\n"
)
_RESPONSE_START: Final = re.compile(rb"HTTP/[0-9]\.[0-9] [0-9]{3}(?=[ \r\n])")


def looks_like_request(data: bytes | bytearray) -> bool | None:
    """Whether a stream that begins with `data` begins with an HTTP/1.x request.

    None asks for more bytes.  Any token of 1 to 32 bytes is a method; a target
    with spaces, stray blanks and any version are believed behind a registered
    one (`malformed_line`).  Empty lines before it are passed over (RFC 9112
    2.2).  The HTTP/2 preface (`PRI * HTTP/2.0`) is no request.
    """
    text = data[:LOOK_BYTES].lstrip(b"\r\n")
    if _REQUEST_START.match(text):
        return True
    line, newline, _ = bytes(text).partition(b"\n")
    if newline or len(data) >= LOOK_BYTES:
        return bool(newline) and malformed_line(line.removesuffix(b"\r")) is not None
    if not text:
        return None
    method = method_of(text)
    if method is None:
        return False
    if method in METHODS:
        return None
    if b"\t" in text[: len(method) + 1]:
        return False
    parts = text.split(b" ", 2)
    if len(parts) < 3:
        return None
    if not parts[1]:
        return False
    return None if b"HTTP/0.0\r".startswith(parts[2].translate(DIGITS)) else False


def resumes_request(data: bytes | bytearray) -> bool | None:
    """`looks_like_request` for a stream that was lost: registered methods only.

    Out of step, any token before a target may be the rest of something else:
    of `CONNECT`, when a gap swallowed its first letters.
    """
    verdict = looks_like_request(data)
    if verdict is False:
        return False
    text = data[:LOOK_BYTES].lstrip(b"\r\n")
    method = method_of(text) or b""
    if len(text) > len(method):
        return verdict if method in METHODS else False
    return None if any(known.startswith(method) for known in METHODS) else False


def looks_like_response(data: bytes | bytearray) -> bool | None:
    """Whether a stream that begins with `data` begins with `HTTP/d.d ddd`.

    None asks for more bytes.  `HTTP` is case-sensitive (RFC 9112 2.3).
    """
    text = data[:LOOK_BYTES].lstrip(b"\r\n")
    if _RESPONSE_START.match(text):
        return True
    if len(data) >= LOOK_BYTES:
        return False
    return None if b"HTTP/0.0 000".startswith(text.translate(DIGITS)) else False


def looks_like_tls(data: bytes) -> bool | None:
    """Whether a stream that begins with `data` is TLS; None: more bytes are needed.

    True for a plausible record header of any type, so that a conversation
    picked up between two records counts too.  SSLv2-style hellos are not TLS.
    """
    head = data[:RECORD_HEADER_SIZE]
    if not head:
        return None
    if not CHANGE_CIPHER_SPEC <= head[0] <= HEARTBEAT:
        return False
    if len(head) > 1 and head[1] != 3:
        return False
    if len(head) > 2 and head[2] > 4:
        return False
    if len(head) < RECORD_HEADER_SIZE:
        return None
    return is_record_header(*RECORD_HEADER.unpack(head))


def begins_tls_record(data: bytes) -> bool:
    """A TLS record header (RFC 8446 5.1) at the start of a segment, in mid-stream.

    Application data or a handshake, a legacy version 3.x, a length within
    `MAX_RECORD`.
    """
    return (
        len(data) >= RECORD_HEADER_SIZE
        and data[0] in (HANDSHAKE, APPLICATION_DATA)
        and data[1] == 3
        and data[2] <= 4
        and int.from_bytes(data[3:5], "big") <= MAX_RECORD
    )


def sender_of_hello(data: bytes) -> bool | None:
    """Whether a record begins with the hello of a client (True) or a server (RFC 8446 4.1)."""
    kind = data[5:6] if data[:1] == b"\x16" else b""
    return {b"\x01": True, b"\x02": False}.get(kind)


def resumes_h2(data: bytes) -> bool:
    """Whether a segment in mid-stream is whole frames of HTTP/2, and more than a small one."""
    return len(data) >= _FEWEST and is_frame(data, whole=True)


def looks_like_h2(data: bytes) -> bool | None:
    """The HTTP/2 client preface: yes, no, or more bytes are needed."""
    if data[: len(H2_PREFACE)] == H2_PREFACE[: len(data)]:
        return True if len(data) >= len(H2_PREFACE) else None
    return False
