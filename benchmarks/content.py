"""The bytes of the workloads: HTTP heads, prompts, event streams, TLS records.

Shapes and sizes follow recordings of the real programs; every text is filler
and every key a public placeholder or plainly made up.
"""

from __future__ import annotations

import gzip
import json
import random
import struct
from typing import Final

PLACEHOLDER: Final = "sk-ant-placeholder-key-for-credential-isolation"
MADE_UP: Final = "sk-ant-api03-LABONLY" + "x" * 86 + "AA"

ESTABLISHED: Final = b"HTTP/1.1 200 Connection established\r\n\r\n"
CONNECT: Final = (
    b"CONNECT api.anthropic.com:443 HTTP/1.1\r\n"
    b"Host: api.anthropic.com:443\r\nProxy-Connection: close\r\n\r\n"
)
#: What the agent itself fetches through Squid: packages and repositories.
DOWNLOADS: Final = tuple(
    b"CONNECT %s:443 HTTP/1.1\r\nHost: %s:443\r\nUser-Agent: %s\r\n\r\n" % (host, host, agent)
    for host, agent in (
        (b"registry.npmjs.org", b"npm/11.4.2 node/v22.15.0 linux x64"),
        (b"files.pythonhosted.org", b"pip/25.1"),
        (b"github.com", b"git/2.47.1"),
    )
)
#: What it asks for inside: of them only a session that is sealed says anything.
FETCH: Final = (
    b"GET /packages/agent-1.0.0.tgz HTTP/1.1\r\nHost: registry.npmjs.org\r\n"
    b"User-Agent: npm/11.4.2 node/v22.15.0 linux x64\r\nAccept: */*\r\n"
    b"X-Padding: " + b"x" * 550 + b"\r\n\r\n"
)
HEALTH: Final = b"GET /health HTTP/1.1\r\nHost: 172.30.0.30:10000\r\nUser-Agent: curl/8.5.0\r\n\r\n"
HEALTHY: Final = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 20\r\n"
    b'Connection: keep-alive\r\n\r\n{"status":"healthy"}'
)

#: The ways in which clients present credentials, Claude Code's first.
AUTH_HEADERS: Final = (
    f"x-api-key: {PLACEHOLDER}\r\n",
    f"x-api-key: {PLACEHOLDER}\r\nauthorization: Bearer {PLACEHOLDER}\r\n",
    "Authorization: Bearer placeholder-token-for-credential-isolation\r\n",
    f"x-api-key: {MADE_UP}\r\n",
)

_TEXT: Final = """
    the of and to in is that for it as was with be by on not he his but at are this have from
    or had an they which one you were all her she there would their we him been has when who
"""
_WORDS: Final = _TEXT.split()

LAST_CHUNK: Final = b"0\r\n\r\n"


def filler(size: int, rng: random.Random) -> str:
    """About `size` characters of words, none of which JSON has to escape."""
    words = rng.choices(_WORDS, k=size // 4 + 1)
    return " ".join(words)[:size]


def request(size: int, auth: str, rng: random.Random) -> bytes:
    """A POST /v1/messages whose JSON body has about `size` bytes."""
    body = json.dumps(
        {
            "model": "claude-sonnet-4-5",
            "max_tokens": 32000,
            "stream": True,
            "messages": [{"role": "user", "content": filler(size - 140, rng)}],
        }
    ).encode()
    head = (
        "POST /v1/messages?beta=true HTTP/1.1\r\n"
        "host: 172.30.0.30:10001\r\n"
        "connection: keep-alive\r\n"
        "accept: application/json\r\n"
        "user-agent: claude-cli/2.1.88 (external, cli)\r\n"
        "x-stainless-lang: js\r\n"
        "x-stainless-retry-count: 0\r\n"
        "anthropic-version: 2023-06-01\r\n"
        "anthropic-beta: claude-code-20250219,interleaved-thinking-2025-05-14\r\n"
        f"{auth}"
        "content-type: application/json\r\n"
        f"content-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def response_head(status: str, *fields: str) -> bytes:
    """A relayed response's head; `fields` are whole lines."""
    lines = [
        f"HTTP/1.1 {status}",
        "date: Mon, 02 Feb 2026 10:00:00 GMT",
        *fields,
        "request-id: req_011CLABONLY000000000000",
        "x-request-id: 5d1c6c4e-1111-4222-8333-944444444444",
        "connection: keep-alive",
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n"


def whole_response(status: str, body: bytes, *, zipped: bool = False) -> bytes:
    """A JSON response with a length, gzip-coded when `zipped`."""
    fields = ["content-type: application/json"]
    if zipped:
        body = gzip.compress(body, mtime=0)
        fields.append("content-encoding: gzip")
    return response_head(status, *fields, f"content-length: {len(body)}") + body


def answer(size: int, rng: random.Random) -> bytes:
    """A message that was not streamed."""
    return json.dumps(
        {
            "id": "msg_01LABONLY",
            "type": "message",
            "role": "assistant",
            "model": "claude-sonnet-4-5",
            "content": [{"type": "text", "text": filler(size, rng)}],
            "stop_reason": "end_turn",
            "usage": {"input_tokens": 22000, "output_tokens": size // 4},
        }
    ).encode()


def api_error(kind: str, message: str) -> bytes:
    """Anthropic's error body."""
    return json.dumps(
        {
            "type": "error",
            "error": {"type": kind, "message": message},
            "request_id": "req_011CLABONLY000000000000",
        }
    ).encode()


STREAM_HEAD: Final = response_head(
    "200 OK",
    "content-type: text/event-stream; charset=utf-8",
    "cache-control: no-cache",
    "transfer-encoding: chunked",
)


def event(name: str, **data: object) -> bytes:
    """One server-sent event as Anthropic writes it, in a chunk of its own."""
    text = json.dumps({"type": name, **data}, separators=(",", ":"))
    return chunk(f"event: {name}\ndata: {text}\n\n".encode())


def chunk(data: bytes) -> bytes:
    """`data` in the chunked coding, RFC 9112 7.1."""
    return b"%x\r\n%b\r\n" % (len(data), data)


STREAM_START: Final = (
    event(
        "message_start",
        message={
            "id": "msg_01LABONLY",
            "type": "message",
            "role": "assistant",
            "model": "claude-sonnet-4-5",
            "content": [],
            "stop_reason": None,
            "usage": {"input_tokens": 22000, "output_tokens": 1},
        },
    ),
    event("content_block_start", index=0, content_block={"type": "text", "text": ""}),
    event("ping"),
)
STREAM_END: Final = (
    event("content_block_stop", index=0),
    event("message_delta", delta={"stop_reason": "end_turn"}, usage={"output_tokens": 120}),
    event("message_stop"),
)


def deltas(count: int, rng: random.Random) -> list[bytes]:
    """`count` text deltas of a few words each."""
    return [
        event(
            "content_block_delta",
            index=0,
            delta={"type": "text_delta", "text": filler(rng.randrange(4, 40), rng)},
        )
        for _ in range(count)
    ]


# --- TLS 1.3 as it looks from outside (RFC 8446) ----------------------------


def tls_record(kind: int, payload: bytes, version: int = 0x0303) -> bytes:
    """A TLSPlaintext or TLSCiphertext, RFC 8446 5.1 and 5.2."""
    return struct.pack("!BHH", kind, version, len(payload)) + payload


def _extension(kind: int, data: bytes) -> bytes:
    return struct.pack("!HH", kind, len(data)) + data


def _prefixed(width: int, data: bytes) -> bytes:
    return len(data).to_bytes(width, "big") + data


def client_hello(sni: str, rng: random.Random) -> bytes:
    """A ClientHello of a Node.js of 2026: TLS 1.3, a post-quantum share, no ALPN."""
    name = _prefixed(2, b"\x00" + _prefixed(2, sni.encode()))
    share = b"\x11\xec" + _prefixed(2, rng.randbytes(1216))
    extensions = b"".join(
        (
            _extension(0, name),
            _extension(11, b"\x03\x00\x01\x02"),
            _extension(10, _prefixed(2, bytes.fromhex("11ec001d0017001e00180019"))),
            _extension(35, b""),
            _extension(22, b""),
            _extension(23, b""),
            _extension(13, _prefixed(2, bytes.fromhex("0403050306030807080808090804"))),
            _extension(43, b"\x04\x03\x04\x03\x03"),
            _extension(45, b"\x01\x01"),
            _extension(51, _prefixed(2, share)),
        )
    )
    ciphers = bytes.fromhex("130213031301c02fc02bc030c02c009e")
    body = b"\x03\x03" + rng.randbytes(32) + _prefixed(1, rng.randbytes(32))
    body += _prefixed(2, ciphers) + b"\x01\x00" + _prefixed(2, extensions)
    return tls_record(22, b"\x01" + _prefixed(3, body), 0x0301)


def server_flight(rng: random.Random) -> bytes:
    """ServerHello, the compatibility ChangeCipherSpec and four encrypted records."""
    share = b"\x11\xec" + _prefixed(2, rng.randbytes(1120))
    extensions = _extension(43, b"\x03\x04") + _extension(51, share)
    body = b"\x03\x03" + rng.randbytes(32) + _prefixed(1, rng.randbytes(32))
    body += b"\x13\x02\x00" + _prefixed(2, extensions)
    hello = tls_record(22, b"\x02" + _prefixed(3, body))
    # EncryptedExtensions, Certificate, CertificateVerify, Finished (SHA-384).
    encrypted = b"".join(tls_record(23, rng.randbytes(size)) for size in (23, 842, 281, 69))
    return hello + tls_record(20, b"\x01") + encrypted


def server_hello(suite: bytes, rng: random.Random) -> bytes:
    """A ServerHello that chooses TLS 1.3 and a suite, and the compatibility ChangeCipherSpec."""
    extensions = _extension(43, b"\x03\x04") + _extension(51, b"\0\x1d" + _prefixed(2, bytes(32)))
    body = b"\x03\x03" + rng.randbytes(32) + _prefixed(1, rng.randbytes(32))
    body += suite + b"\x00" + _prefixed(2, extensions)
    return tls_record(22, b"\x02" + _prefixed(3, body)) + tls_record(20, b"\x01")


def client_finished(rng: random.Random) -> bytes:
    """ChangeCipherSpec and an encrypted Finished of a SHA-384 suite (4+48+1+16 bytes)."""
    return tls_record(20, b"\x01") + tls_record(23, rng.randbytes(69))


def encrypted(size: int, noise: bytes) -> bytes:
    """`size` bytes of plaintext as application-data records, filled from `noise`."""
    records = []
    while size > 0:
        inside = min(size, 16384)
        records.append(tls_record(23, noise[: inside + 17]))  # + inner type, + tag
        size -= inside
    return b"".join(records)


def close_notify(noise: bytes) -> bytes:
    """An encrypted alert: 2 bytes, the inner type, the tag."""
    return tls_record(23, noise[:19])
