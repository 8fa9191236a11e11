"""Where keys are planted: every position of a conversation on the bridge.

Two tables.  `POSITIONS` carry a credential by their place: a key there is
secret whatever it looks like.  `TEXTS` are free text that is shown in a report:
a key there is known by its shape alone.  `UNSHOWN` are places from which no
report quotes anything.
"""

from __future__ import annotations

import base64
import random
import zlib
from collections.abc import Callable
from typing import Final

from hpack import Encoder

from benchmarks import content
from tests.canary.keys import percent_encoded
from tests.canary.wire import OPENED, SQUID, Lost, Talk

Plant = Callable[[bytes], Talk]

PROXY: Final = (SQUID, 3128)
OK: Final = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
CUSTOM_HEADER: Final = "X-Lab-Badge"


def request(
    *fields: bytes, line: bytes = b"POST /v1/messages HTTP/1.1", body: bytes = b"{}"
) -> bytes:
    """A request with these field lines between its usual ones."""
    lines = (line, b"Host: api.lab.test", *fields, b"Content-Length: %d" % len(body))
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def response(
    *fields: bytes,
    status: bytes = b"200 OK",
    body: bytes = b"{}",
    kind: bytes = b"application/json",
) -> bytes:
    lines = (
        b"HTTP/1.1 " + status,
        b"Content-Type: " + kind,
        *fields,
        b"Content-Length: %d" % len(body),
    )
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def asked(*fields: bytes, line: bytes = b"POST /v1/messages HTTP/1.1") -> Talk:
    """A request with these fields, answered."""
    return Talk().up(request(*fields, line=line)).down(OK)


def answered(*fields: bytes, status: bytes = b"200 OK", body: bytes = b"{}") -> Talk:
    """A request answered with these fields."""
    return Talk().up(request()).down(response(*fields, status=status, body=body))


def get(target: bytes, *fields: bytes) -> Talk:
    return asked(*fields, line=b"GET " + target + b" HTTP/1.1")


def streamed(events: bytes) -> Talk:
    """A request answered with an event stream."""
    return Talk().up(request()).down(response(body=events, kind=b"text/event-stream"))


def through_squid(sent: bytes, *, reply: bytes = OK) -> Talk:
    return Talk(server=PROXY).up(sent).down(reply)


def connect(*fields: bytes, authority: bytes = b"api.lab.test:443", reply: bytes = OPENED) -> Talk:
    lines = (b"CONNECT " + authority + b" HTTP/1.1", b"Host: " + authority, *fields)
    return through_squid(b"\r\n".join(lines) + b"\r\n\r\n", reply=reply)


def tunnelled(inner: bytes) -> Talk:
    """Plain HTTP through a CONNECT."""
    return connect(authority=b"172.30.0.30:10001").up(inner).down(OK)


def basic(user: bytes) -> bytes:
    return b"Basic " + base64.b64encode(user)


def error(**members: bytes) -> bytes:
    """An error body as the providers write it."""
    inner = b",".join(b'"%s":"%s"' % (name.encode(), text) for name, text in members.items())
    return b'{"type":"error","error":{' + inner + b"}}"


def chunked(trailer: bytes) -> bytes:
    return b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n" + trailer + b"\r\n\r\n"


def websocket(*fields: bytes) -> bytes:
    lines = (
        b"GET /v1/realtime HTTP/1.1",
        b"Host: api.lab.test",
        b"Connection: Upgrade",
        b"Upgrade: websocket",
        b"Sec-WebSocket-Key: bWFkZSB1cCBmb3IgbGFi",
        *fields,
    )
    return b"\r\n".join(lines) + b"\r\n\r\n"


def message(text: bytes, mask: bytes = b"") -> bytes:
    """A compressed text message of a WebSocket, in two frames."""
    coder = zlib.compressobj(level=0, wbits=-15)  # the key is there to be found
    data = (coder.compress(text) + coder.flush(zlib.Z_SYNC_FLUSH))[:-4]
    parts = ((0x41, data[:9]), (0x80, data[9:]))
    frames = []
    for head, part in parts:
        masked = bytes(byte ^ mask[at % 4] for at, byte in enumerate(part)) if mask else part
        size = bytes((126 | 0x80 * bool(mask),)) + len(part).to_bytes(2, "big")
        frames.append(bytes((head,)) + size + mask + masked)
    return b"".join(frames)


def http2_up(
    body: bytes,
    *fields: tuple[bytes, bytes],
    path: bytes = b"/v1/messages",
    method: bytes = b"POST",
) -> bytes:
    """A client's side of HTTP/2 with one request, from the preface on, its fields spelt out."""
    head = [(b":method", method), (b":scheme", b"http"), (b":authority", b"api.lab.test")]
    block = Encoder().encode([*head, (b":path", path), *fields], huffman=False)
    parts = [block[at : at + 16_000] for at in range(0, len(block), 16_000)]
    frames = [_frame(4, 0, 0, b"")]
    for number, part in enumerate(parts):
        ends = 4 * (number == len(parts) - 1)
        frames.append(_frame(9 if number else 1, ends | (not body and not number), 1, part))
    frames.append(_frame(0, 1, 1, body) if body else b"")
    return b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"".join(frames)


def _frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    head = len(payload).to_bytes(3, "big") + bytes((kind, flags)) + stream.to_bytes(4, "big")
    return head + payload


def http2_down(*fields: tuple[bytes, bytes], status: bytes = b"200") -> bytes:
    """The answer to that request, without a body."""
    block = Encoder().encode([(b":status", status), *fields], huffman=False)
    return _frame(4, 0, 0, b"") + _frame(1, 5, 1, block)


def http2(
    body: bytes,
    *fields: tuple[bytes, bytes],
    path: bytes = b"/v1/messages",
    method: bytes = b"POST",
) -> Talk:
    return Talk().up(http2_up(body, *fields, path=path, method=method))


SWITCHED: Final = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"


def cut_head(key: bytes) -> Talk:
    """A header value of which the capture lacks the middle."""
    whole = request(b"User-Agent: lab", b"X-Api-Key: " + key)
    at = whole.index(key) + len(key) // 3
    return Talk().up(whole[:at], Lost(whole[at : at + 4]), whole[at + 4 :]).down(OK)


def unfinished_head(key: bytes) -> Talk:
    """The capture ends within the value."""
    whole = request(b"X-Api-Key: " + key)
    return Talk(closes=False).up(whole[: whole.index(key) + len(key) - 3])


def client_hello(sni: bytes) -> bytes:
    """A ClientHello with these bytes for the name, which may be no text."""
    stand_in = b"?" * len(sni)
    hello = content.client_hello(stand_in.decode(), random.Random(7))
    return hello.replace(stand_in, sni, 1)


POSITIONS: Final[dict[str, Plant]] = {
    # Authorization, in every spelling
    "bearer": lambda key: asked(b"Authorization: Bearer " + key),
    "bearer in lower case": lambda key: asked(b"authorization: bearer " + key),
    "token": lambda key: asked(b"Authorization: token " + key),
    "no scheme": lambda key: asked(b"Authorization: " + key),
    "unknown scheme": lambda key: asked(b"Authorization: LabScheme " + key),
    "two words after a scheme": lambda key: asked(b"Authorization: Bearer " + key + b" " + key),
    "doubled scheme": lambda key: asked(b"Authorization: Bearer Bearer " + key),
    "quoted": lambda key: asked(b'Authorization: Bearer "' + key + b'"'),
    "spaces around": lambda key: asked(b"Authorization:\t Bearer  " + key + b" \t"),
    "no space after the colon": lambda key: asked(b"Authorization:Bearer " + key),
    "key before a word": lambda key: asked(b"Authorization: " + key + b" Bearer"),
    "sent twice": lambda key: asked(b"Authorization: Bearer " + key, b"Authorization: " + key),
    "basic password": lambda key: asked(b"Authorization: " + basic(b"lab:" + key)),
    "basic user": lambda key: asked(b"Authorization: " + basic(key + b":")),
    "basic that is no base64": lambda key: asked(b"Authorization: Basic lab:" + key),
    "digest": lambda key: asked(b'Authorization: Digest username="lab", response="%s"' % key),
    "aws signature": lambda key: asked(
        b"Authorization: AWS4-HMAC-SHA256 Credential=%s/20260202/eu-west-1/bedrock/aws4_request,"
        b" SignedHeaders=host, Signature=%s" % (key, key)
    ),
    "proxy-authorization": lambda key: connect(b"Proxy-Authorization: " + basic(b"lab:" + key)),
    "proxy-authorization bearer": lambda key: connect(b"proxy-authorization: Bearer " + key),
    "proxy-authorization refused": lambda key: connect(
        b"Proxy-Authorization: Bearer " + key,
        reply=b"HTTP/1.1 407 Authenticate\r\nContent-Length: 0\r\n\r\n",
    ),
    "proxy-authorization to an absolute form": lambda key: through_squid(
        request(
            b"Proxy-Authorization: Bearer " + key,
            line=b"POST http://172.30.0.30:10001/v1/messages HTTP/1.1",
        )
    ),
    # Headers with a bare key
    "x-api-key": lambda key: asked(b"x-api-key: " + key),
    "x-api-key with a scheme": lambda key: asked(b"X-Api-Key: Bearer " + key),
    "api-key": lambda key: asked(b"api-key: " + key),
    "x-goog-api-key": lambda key: asked(b"x-goog-api-key: " + key),
    "cookie": lambda key: asked(b"Cookie: lab=1; session=" + key + b"; theme=dark"),
    "header told by option": lambda key: asked(CUSTOM_HEADER.lower().encode() + b": " + key),
    "amazon's session token": lambda key: asked(b"X-Amz-Security-Token: " + key),
    "set-cookie": lambda key: answered(b"Set-Cookie: session=" + key + b"; HttpOnly"),
    "request header in a response": lambda key: answered(b"X-Api-Key: " + key),
    "new token in a response": lambda key: answered(b"X-Refreshed-Token: " + key),
    # Query parameters
    "?key": lambda key: get(b"/v1beta/models?key=" + key),
    "?apiKey": lambda key: get(b"/v1beta/models?alt=sse&apiKey=" + key + b"&x=1"),
    "?api_key": lambda key: get(b"/v1beta/models?api_key=" + key),
    "?access_token": lambda key: get(b"/v1beta/models?access_token=" + key),
    "?key sent twice": lambda key: get(b"/v1beta/models?key=1&key=" + key),
    "?key after a semicolon": lambda key: get(b"/v1beta/models?a=1;key=" + key),
    "?key percent-encoded": lambda key: get(b"/v1beta/models?key=" + percent_encoded(key)),
    "?key with an encoded name": lambda key: get(b"/v1beta/models?%6Bey=" + key),
    "?key in upper case": lambda key: get(b"/v1beta/models?KEY=" + key),
    "?key in a fragment": lambda key: get(b"/v1beta/models#access_token=" + key),
    "?key with a space after": lambda key: get(b"/v1beta/models?key=" + key + b" and more"),
    "?key without a version": lambda key: Talk().up(b"GET /v1/models?key=" + key + b"\r\n"),
    "?key in absolute form": lambda key: through_squid(
        request(line=b"GET http://172.30.0.30:10003/v1beta/models?key=" + key + b" HTTP/1.1")
    ),
    "user information": lambda key: through_squid(
        request(line=b"GET http://lab:" + key + b"@api.lab.test/v1/models HTTP/1.1")
    ),
    "user information alone": lambda key: through_squid(
        request(line=b"GET http://" + key + b"@api.lab.test/v1/models HTTP/1.1")
    ),
    "user information of an authority": lambda key: connect(
        authority=b"lab:" + key + b"@api.lab.test:443"
    ),
    "user information in Host": lambda key: asked(b"Host: lab:" + key + b"@api.lab.test"),
    "?key in referer": lambda key: asked(b"Referer: https://lab.test/?key=" + key),
    "user information in referer": lambda key: asked(b"Referer: https://lab:" + key + b"@lab.test"),
    "?key in location": lambda key: answered(
        b"Location: /login?access_token=" + key, status=b"302 Found"
    ),
    "fragment of location": lambda key: answered(
        b"Location: https://lab.test/#access_token=" + key, status=b"302 Found"
    ),
    "user information in location": lambda key: answered(
        b"Location: https://lab:" + key + b"@lab.test/", status=b"302 Found"
    ),
    "user information in location without a scheme": lambda key: answered(
        b"Location: //lab:" + key + b"@lab.test/", status=b"302 Found"
    ),
    "?key in a link": lambda key: answered(b'Link: </v1?key=%s>; rel="next"' % key),
    # Announced by a word in free text
    "bearer in an error": lambda key: answered(
        status=b"401 No", body=error(message=b"bad header Authorization: Bearer " + key)
    ),
    "?key in an error": lambda key: answered(
        status=b"401 No", body=error(message=b"GET https://lab.test/v1?key=" + key + b" failed")
    ),
    "user information in an error": lambda key: answered(
        status=b"502 No", body=error(message=b"no route to https://lab:" + key + b"@lab.test")
    ),
    "header in a reason": lambda key: answered(status=b"400 Bad x-api-key: " + key),
    "JSON in an error": lambda key: answered(
        status=b"400 No", body=error(message=rb"got {\"api_key\": \"" + key + rb"\"}")
    ),
    # The same inside a tunnel, and when a connection changes its protocol
    "bearer in a tunnel": lambda key: tunnelled(request(b"Authorization: Bearer " + key)),
    "x-api-key in a tunnel": lambda key: tunnelled(request(b"X-Api-Key: " + key)),
    "?key in a tunnel": lambda key: tunnelled(
        request(line=b"GET /v1beta/models?key=" + key + b" HTTP/1.1")
    ),
    "bearer of a websocket": lambda key: (
        Talk().up(websocket(b"Authorization: Bearer " + key)).down(SWITCHED)
    ),
    "authorization of HTTP/2": lambda key: http2(
        b"", (b"authorization", b"Bearer " + key), (b"x-api-key", key)
    ),
    "x-api-key of HTTP/2 behind an upgrade": lambda key: (
        Talk()
        .up(request(b"Connection: Upgrade", b"Upgrade: h2c"))
        .down(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n")
        .up(http2_up(b"", (b"x-api-key", key)))
    ),
    "?key of HTTP/2": lambda key: http2(b"", path=b"/v1/messages?key=" + key),
    "subprotocol of a websocket": lambda key: (
        Talk()
        .up(websocket(b"Sec-WebSocket-Protocol: realtime, openai-insecure-api-key." + key))
        .down(SWITCHED)
    ),
    "?key of a websocket": lambda key: (
        Talk()
        .up(websocket().replace(b"/v1/realtime", b"/v1/realtime?api_key=" + key))
        .down(SWITCHED)
    ),
    # Malformed heads
    "folded": lambda key: asked(b"X-Api-Key:\r\n " + key),
    "folded after the scheme": lambda key: asked(b"Authorization: Bearer\r\n\t" + key),
    "folded within": lambda key: asked(b"X-Api-Key: " + key[:20] + b"\r\n " + key[20:]),
    "ends with a line feed alone": lambda key: asked(
        b"Accept: */*\nX-Api-Key: " + key + b"\nAuthorization: Bearer " + key
    ),
    "a return alone before it": lambda key: asked(b"Accept: */*\rAuthorization: Bearer " + key),
    "space before the colon": lambda key: asked(b"X-Api-Key : " + key),
    "fold before the colon": lambda key: asked(b"X-Api-Key\r\n : " + key),
    "control bytes in the value": lambda key: asked(
        b"X-Api-Key: \x01" + key[:25] + b"\x00\x1b" + key[25:] + b"\x7f"
    ),
    "control bytes in the name": lambda key: asked(b"X-Api\x00-Key\x1b: " + key),
    "control byte before the name": lambda key: asked(b"\x0bAuthorization: Bearer " + key),
    "indented first": lambda key: (
        Talk().up(b"GET / HTTP/1.1\r\n X-Api-Key: " + key + b"\r\n\r\n").down(OK)
    ),
    "no colon": lambda key: asked(b"X-Api-Key " + key),
    "no colon after a scheme": lambda key: asked(b"Authorization Bearer " + key),
    "bytes beyond ASCII": lambda key: asked(b"X-Api-Key: \xff\xfe" + key + b"\xc3\xa9"),
    "head cut by a gap": cut_head,
    "head cut by the end": unfinished_head,
    "unknown version": lambda key: asked(
        b"X-Api-Key: " + key, line=b"GET /v1/models?key=" + key + b" HTTP/9.9"
    ),
    "control bytes in the start line": lambda key: get(b"/v1\x01?key=" + key),
    "trailer of a request": lambda key: (
        Talk().up(b"POST / HTTP/1.1\r\nHost: lab\r\n" + chunked(b"X-Api-Key: " + key)).down(OK)
    ),
    "trailer of a response": lambda key: (
        Talk().up(request()).down(b"HTTP/1.1 200 OK\r\n" + chunked(b"Set-Cookie: session=" + key))
    ),
}

TEXTS: Final[dict[str, Plant]] = {
    "user agent": lambda key: asked(b"User-Agent: lab/1.0 (" + key + b")"),
    "path": lambda key: get(b"/v1/" + key + b"/models"),
    "path percent-encoded": lambda key: get(b"/v1/" + percent_encoded(key) + b"/models"),
    "query without a name": lambda key: get(b"/v1/models?" + key),
    "query of another name": lambda key: get(b"/v1/models?lab=" + key),
    "method": lambda key: Talk().up(request(line=key[:32] + b" / HTTP/1.1")).down(OK),
    "method of HTTP/2": lambda key: http2(b"", method=key).down(http2_down()),
    "free header": lambda key: asked(b"X-Lab: before " + key + b" after"),
    "free header percent-encoded": lambda key: asked(b"X-Lab: " + percent_encoded(key)),
    "name of a header": lambda key: asked(key + b": 1"),
    "value without a name": lambda key: asked(b": " + key),
    "steering header": lambda key: asked(b"anthropic-beta: " + key),
    "basic in a free header": lambda key: asked(b"X-Lab: sent " + basic(b"lab:" + key)),
    "path doubly percent-encoded": lambda key: get(
        b"/v1/" + percent_encoded(key).replace(b"%", b"%25")
    ),
    "authority after user information": lambda key: connect(
        authority=b"@" + key + b".lab.test:443"
    ),
    "host": lambda key: asked(b"Host: " + key + b".lab.test"),
    "authority": lambda key: connect(authority=key + b".lab.test:443"),
    "header of a CONNECT": lambda key: connect(b"User-Agent: " + key),
    "error of squid": lambda key: connect(
        reply=b"HTTP/1.1 403 Forbidden\r\nX-Squid-Error: ERR_%s 0\r\nContent-Length: 0\r\n\r\n"
        % key
    ),
    "reason": lambda key: answered(status=b"400 Bad key " + key),
    "reason of a CONNECT": lambda key: connect(reply=b"HTTP/1.1 200 " + key + b"\r\n\r\n"),
    "interim response": lambda key: (
        Talk().up(request()).down(b"HTTP/1.1 103 " + key + b"\r\nLink: " + key + b"\r\n\r\n" + OK)
    ),
    "content type": lambda key: Talk().up(request()).down(response(kind=b"text/" + key)),
    "content coding": lambda key: answered(b"Content-Encoding: " + key),
    "location's path": lambda key: answered(b"Location: /" + key, status=b"302 Found"),
    "upgrade": lambda key: (
        Talk().up(websocket()).down(SWITCHED.replace(b"Upgrade: websocket", b"Upgrade: " + key))
    ),
    "error message": lambda key: answered(
        status=b"401 Unauthorized", body=error(type=b"auth", message=b"Bad key: " + key)
    ),
    "error type": lambda key: answered(
        status=b"401 Unauthorized", body=error(type=key, message=b"no")
    ),
    "error at the limit of its length": lambda key: answered(
        status=b"401 Unauthorized", body=error(type=b"auth", message=b"x" * 275 + b" " + key)
    ),
    "error as a string": lambda key: answered(
        status=b"401 Unauthorized", body=b'{"error":"%s"}' % key
    ),
    "model": lambda key: answered(body=b'{"model":"%s"}' % key),
    "reason for stopping": lambda key: answered(body=b'{"stop_reason":"%s"}' % key),
    "name of an event": lambda key: streamed(
        b"event: " + key + b'\ndata: {"a":1}\n\n' + b"event: " + key + b"\ndata: 2\n\n"
    ),
    "long name of an event": lambda key: streamed(
        b"event: " + b"x" * 44 + b"." + key + b'\ndata: {"a":1}\n\n'
    ),
    "error event": lambda key: streamed(
        b"event: error\ndata: " + error(type=key, message=key) + b"\n\n"
    ),
    "error event without a type": lambda key: streamed(
        b"event: error\ndata: " + error(message=key) + b"\n\n"
    ),
    "bare error in a stream": lambda key: streamed(
        b'event: a\ndata: {"a":\n{"error":"Response stream error","message":"%s"}\n\n' % key
    ),
    "server name of TLS": lambda key: Talk(server=("203.0.113.9", 443)).up(
        client_hello(key + b".lab.test")
    ),
    "server name of TLS in a tunnel": lambda key: connect().up(client_hello(key)),
}

UNSHOWN: Final[dict[str, Plant]] = {
    "request body": lambda key: (
        Talk().up(request(body=b'{"prompt":"%s","api_key":"%s"}' % (key, key))).down(OK)
    ),
    "response body": lambda key: answered(body=b'{"content":[{"text":"%s"}]}' % key),
    "body that is no JSON": lambda key: (
        Talk().up(request()).down(response(body=b"<p>" + key, kind=b"text/html", status=b"500 No"))
    ),
    "broken JSON": lambda key: answered(body=b'{"error":{"message":"' + key),
    "data of an event": lambda key: streamed(
        b'event: content_block_delta\ndata: {"delta":{"text":"%s"}}\n\n' % key
    ),
    "type of an event": lambda key: streamed(b'data: {"type":"%s"}\n\n' % key),
    "comment of a stream": lambda key: streamed(b": " + key + b"\n\nid: " + key + b"\ndata: 1\n\n"),
    "broken line of a stream": lambda key: streamed(
        b"event: a\ndata: {}\n" + key + b"\n\ndata: " + key + b"\n\n"
    ),
    "chunk extension": lambda key: (
        Talk()
        .up(request())
        .down(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;lab=%s\r\n{}\r\n0\r\n\r\n"
            % key
        )
    ),
    "chunk size": lambda key: (
        Talk()
        .up(request())
        .down(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + key + b"\r\n{}\r\n")
    ),
    "garbage between messages": lambda key: (
        Talk()
        .up(request(), b"X-Api-Key: " + key + b"\r\n\r\n", request())
        .down(OK, b"Set-Cookie: " + key + b"\r\n\r\n", OK)
    ),
    "message of a websocket in parts, masked and coded": lambda key: (
        Talk()
        .up(websocket())
        .down(SWITCHED[:-2] + b"Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n")
        .up(message(b'{"type":"response.create","key":"' + key + b'"}', mask=bytes(4)))
        .down(message(b'{"type":"error","error":{"message":"bad key ' + key + b'"}}'))
    ),
    "error of a websocket": lambda key: (
        Talk()
        .up(websocket())
        .down(
            SWITCHED,
            b"\x81\x7e\x01\x00"
            + (b'{"type":"error","status":401,"error":{"message":"' + key + b'"}}').ljust(256),
        )
    ),
    "reason of a websocket's close": lambda key: (
        Talk()
        .up(websocket())
        .down(SWITCHED, b"\x88" + bytes((2 + len(key[:100]),)) + b"\x03\xf3" + key[:100])
    ),
    "body and headers of HTTP/2": lambda key: http2(
        b'{"text":"' + key + b'"}', (b"user-agent", b"lab " + key), (b"x-lab", key)
    ),
    "status of HTTP/2": lambda key: http2(b"").down(http2_down(status=key)),
    "continuation of HTTP/2": lambda key: http2(
        b"", (b"x-lab", b"lab " * 5000), (b"cookie", b"a=" + key)
    ),
    "debug data of HTTP/2": lambda key: http2(b"").up(
        (len(key) + 8).to_bytes(3, "big") + b"\x07" + bytes(17) + key
    ),
    "frames of a websocket": lambda key: (
        Talk()
        .up(websocket())
        .down(SWITCHED)
        .up(b"\x81\x7e\0\x40" + key)
        .down(b"\x81\x7e\0\x40" + key)
    ),
    "tunnel of an unknown protocol": lambda key: (
        connect().up(b"LAB " + key + b"\n").down(b"+OK " + key + b"\n")
    ),
    "record of TLS": lambda key: connect().up(
        client_hello(b"lab.test"), content.tls_record(23, key)
    ),
    "prior knowledge of HTTP/2": lambda key: Talk().up(
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0" + key
    ),
    "unknown protocol": lambda key: Talk().up(b"\0\1\2" + key).down(b"\0\1" + key),
    "after a gap in an event": lambda key: (
        Talk()
        .up(request())
        .down(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: 900\r\n\r\n"
            b"event: a\ndata: {",
            Lost(b"x" * 99),
            key + b"\n\ndata: 1\n\n",
        )
    ),
    "comment of a packet": lambda key: Talk(comments=("lab " + key.decode(),)).up(request()),
}
