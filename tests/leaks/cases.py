"""Keys in a place, in a writing, under a damage: captures that can be built for any key."""

from __future__ import annotations

import base64
import random
import string
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from tests.canary.damage import in_pieces
from tests.canary.keys import percent_encoded
from tests.canary.plants import (
    OK,
    asked,
    basic,
    connect,
    error,
    get,
    request,
    response,
    through_squid,
    websocket,
)
from tests.canary.wire import Description, Lost, Talk, capture

Talks = Callable[[bytes], list[Talk]]

#: Key shape -> (public prefix, letters).  Letters alone: digits are what masks tell keys apart by.
SHAPES: Final = {"unshaped": ("", 40), "anthropic": ("sk-ant-api03-", 93)}


@dataclass(frozen=True)
class Key:
    """A made-up key and its secret part."""

    text: bytes
    secret: bytes


def pair(name: str, shape: str) -> tuple[Key, Key]:
    """Two keys alike in kind, prefix, length and the case of every letter, equal in none."""
    prefix, length = SHAPES[shape]
    drawn = random.Random(f"{name} {shape}").choices(string.ascii_letters, k=length)
    first = "".join(drawn)
    letters = string.ascii_lowercase
    shifted = letters[7:] + letters[:7]
    turned = str.maketrans(letters + letters.upper(), shifted + shifted.upper())
    second = first.translate(turned)
    return _key(prefix, first), _key(prefix, second)


def _key(prefix: str, secret: str) -> Key:
    return Key((prefix + secret).encode(), secret.encode())


# -- writings: how an echo writes the key that was sent ------------------------------


def _stretched(key: bytes, joint: bytes) -> bytes:
    return key[:20] + joint + key[20:]


WRITINGS: Final[dict[str, Callable[[bytes], bytes]]] = {
    "plain": lambda key: key,
    "upper case": bytes.upper,
    "lower case": bytes.lower,
    "percent": percent_encoded,
    "percent of one letter": lambda key: key[:9] + b"%%%02X" % key[9] + key[10:],
    "percent twice": lambda key: percent_encoded(key).replace(b"%", b"%25"),
    "base64": base64.b64encode,
    "base64 after a user": lambda key: base64.b64encode(b"u:" + key),
    "base64 twice": lambda key: base64.b64encode(base64.b64encode(key)),
    "hex": lambda key: key.hex().encode(),
    "JSON escapes": lambda key: b"".join(b"\\u%04x" % byte for byte in key),
    # Padded, so that the writings of two keys are of one length.
    "HTML entities": lambda key: b"".join(b"&#%03d;" % byte for byte in key),
    "UTF-16": lambda key: key.decode().encode("utf-16-le"),
    "wrapped": lambda key: _stretched(key, b"\\n"),
    "with a space": lambda key: _stretched(key, b" "),
    "without its ends": lambda key: key[1:-1],
    "first part": lambda key: key[:-13],
    "last part": lambda key: key[13:],
    "ends and dots": lambda key: key[:14] + b"..." + key[-14:],
}

# -- places ----------------------------------------------------------------------------


def _refused(text: bytes) -> bytes:
    body = error(type=b"authentication_error", message=b"bad credential: " + text + b" - was sent")
    return response(status=b"401 Unauthorized", body=body)


#: Where an echo of what was sent stands: the answer, or another request, with `text`.
ECHOES: Final[dict[str, Callable[[bytes], Talk]]] = {
    "error message": lambda text: Talk().up(request()).down(_refused(text)),
    "response header": lambda text: (
        Talk().up(request()).down(response(b"X-Note: saw: " + text + b" - here"))
    ),
    "request header": lambda text: asked(b"X-Note: saw: " + text + b" - here"),
    "path": lambda text: get(b"/v1/" + text.replace(b" ", b"+") + b"/models"),
    "prompt": lambda text: Talk().up(request(body=b'{"prompt":"use: %s"}' % text)).down(OK),
    "HTML page": lambda text: (
        Talk()
        .up(request())
        .down(response(status=b"403 Forbidden", body=b"<p>" + text + b"</p>", kind=b"text/html"))
    ),
}

#: Positions whose whole value or part is learnt, by name: the talk that sends the key.
SENDERS: Final[dict[str, Callable[[bytes], Talk]]] = {
    "x-api-key": lambda key: asked(b"x-api-key: " + key),
    "bearer": lambda key: asked(b"Authorization: Bearer " + key),
    "basic password": lambda key: asked(b"Authorization: " + basic(b"robin:" + key)),
    "basic user": lambda key: asked(b"Authorization: " + basic(key + b":x")),
    "proxy basic password": lambda key: connect(b"Proxy-Authorization: " + basic(b"robin:" + key)),
    "user information password": lambda key: through_squid(
        request(line=b"GET http://robin:" + key + b"@api.lab.test/v1 HTTP/1.1")
    ),
    "cookie among others": lambda key: asked(b"Cookie: theme=dark; sid=" + key + b"; lab=1"),
    "set-cookie": lambda key: (
        Talk().up(request()).down(response(b"Set-Cookie: sid=" + key + b"; Path=/; HttpOnly"))
    ),
    "second of a comma list": lambda key: asked(b"x-api-key: other-one-of-two, " + key),
    "query": lambda key: get(b"/v1/models?alt=sse&key=" + key),
    "query of an old request": lambda key: Talk().up(b"GET /v1/models?key=" + key + b"\r\n"),
    "query percent-encoded": lambda key: get(b"/v1/models?key=" + percent_encoded(key)),
    "subprotocol": lambda key: Talk().up(
        websocket(b"Sec-WebSocket-Protocol: realtime, openai-insecure-api-key." + key)
    ),
    "announced in a body": lambda key: (
        Talk().up(request(body=b'{"api_key":"%s"}' % key)).down(OK)
    ),
    "digest response": lambda key: asked(b'Authorization: Digest username="robin", response="'
                                         + key + b'"'),
}  # fmt: skip

#: The key before its position, in the same head or before it.
EARLIER: Final[dict[str, Talks]] = {
    "in a header before its own": lambda key: [asked(b"X-Note: " + key, b"x-api-key: " + key)],
    "in a header after its own": lambda key: [asked(b"x-api-key: " + key, b"X-Note: " + key)],
    "in the path of its request": lambda key: [get(b"/v1/" + key, b"x-api-key: " + key)],
    "in the Host of its request": lambda key: [asked(b"Host: " + key, b"x-api-key: " + key)],
    "in a request before": lambda key: [asked(b"X-Note: " + key), asked(b"x-api-key: " + key)],
    "in the same header before": lambda key: [
        asked(b"X-Note: " + key), asked(b"x-api-key: " + key), asked(b"X-Note: " + key)],
    "in an error before": lambda key: [ECHOES["error message"](key), SENDERS["x-api-key"](key)],
    "in an authority before": lambda key: [connect(authority=key + b":443"),
                                           SENDERS["x-api-key"](key)],
    "in the authority of its CONNECT": lambda key: [
        connect(b"Proxy-Authorization: Bearer " + key, authority=key + b":443")],
    "in a header before it, in a response": lambda key: [
        Talk().up(request()).down(response(b"X-Note: " + key, b"Set-Cookie: sid=" + key))],
}  # fmt: skip

#: By a name alone.
NAMES: Final = tuple(
    name.encode()
    for name in (
        "x-functions-key", "x-rapidapi-key", "dd-application-key", "x-secret-key", "x-auth",
        "authentication", "helicone-auth", "x-sentry-auth", "mcp-session-id", "x-session-id",
        "x-litellm-api-key", "x-portkey-api-key", "cf-aig-authorization", "x-vault-token",
        "private-token", "x-master-key", "x-otp", "x-jwt", "x-hub-signature-256",
    )
)  # fmt: skip
QUERIES: Final = tuple(
    name.encode()
    for name in (
        "auth_token", "accessToken", "code", "session", "sid", "jwt", "client_assertion",
        "private_token", "oauth_token", "subscription-key", "pwd", "otp", "SAMLResponse", "token",
    )
)  # fmt: skip
#: What stands around a key in text, which announces it; `%s` is the key.
ANNOUNCED: Final = (
    b"ANTHROPIC_API_KEY=%s", b"AWS_SECRET_ACCESS_KEY=%s", b"DB_PASSWORD=%s", b"api_key: %s",
    b"curl -u robin:%s https://lab.test", b"--api-key %s", b"> X-Vault-Token: %s\\r\\n",
    b'{\\"accessToken\\":\\"%s\\"}', b'{\\"api_key\\": \\"%s\\"}', b"//registry/:_authToken=%s",
    b'-H \\"Authorization: Bearer %s\\"', b"Authorization: Bearer %s\\n", b"https://robin:%s@lab.test",
    b"machine lab.test login robin password %s", b"https://lab.test/bot%s/send",
)  # fmt: skip

# -- damage ------------------------------------------------------------------------------


def _within(talk: Talk, key: bytes) -> tuple[bool, bytes, int]:
    """The last thing said, and a place two thirds into the key or half of it."""
    up, last = talk.said[-1]
    assert isinstance(last, bytes)
    at = last.rfind(key)
    return up, last, at + len(key) * 2 // 3 if at >= 0 else len(last) // 2


def _cut(talk: Talk, key: bytes) -> Talk:
    """The capture ends there."""
    up, last, end = _within(talk, key)
    return Talk([*talk.said[:-1], (up, last[:end])], talk.server, talk.client, closes=False)


def _gap(talk: Talk, key: bytes) -> Talk:
    """Three bytes are lost there."""
    up, last, end = _within(talk, key)
    lost = Lost(last[end : end + 3])
    said = [*talk.said[:-1], (up, last[:end]), (up, lost), (up, last[end + 3 :])]
    return Talk(said, talk.server, talk.client)


DAMAGES: Final[dict[str, Callable[[Talk, bytes], Talk]]] = {
    "whole": lambda talk, key: talk,
    "in pieces": lambda talk, key: in_pieces(talk, 7, 0, random.Random(7)),
    "cut": _cut,
    "gap": _gap,
}
DAMAGED: Final = tuple(name for name in DAMAGES if name != "whole")


@dataclass(frozen=True)
class Case:
    """One capture for any key; `name` says place, writing, damage."""

    kind: str
    name: str
    shape: str
    talks: Talks

    def built(self, key: Key) -> bytes:
        """The capture with this key in it."""
        return capture(self.talks(key.text), Description())


def _echo(sender: str, echo: str, writing: str = "plain", damage: str = "whole") -> Talks:
    def talks(key: bytes) -> list[Talk]:
        written = WRITINGS[writing](key)
        return [SENDERS[sender](key), DAMAGES[damage](ECHOES[echo](written), written)]

    return talks


def _alone(echo: str, writing: str = "plain", damage: str = "whole", form: bytes = b"%s") -> Talks:
    def talks(key: bytes) -> list[Talk]:
        written = WRITINGS[writing](key)
        return [DAMAGES[damage](ECHOES[echo](form % written), written)]

    return talks


def _of_request(line: bytes) -> Talks:
    return lambda key: [asked(line % key)]


def _of_response(line: bytes) -> Talks:
    return lambda key: [Talk().up(request()).down(response(line % key))]


def _of_query(name: bytes) -> Talks:
    return lambda key: [get(b"/v1/models?a=1&" + name + b"=" + key)]


def cases() -> Iterator[Case]:
    """All of them.  The kinds: P position, S shape, A announced, L learnt elsewhere in the file."""
    yield from _learnt()
    for header in NAMES:
        name = header.decode()
        yield Case("P", f"request header {name}", "unshaped", _of_request(header + b": %s"))
        yield Case("P", f"response header {name}", "unshaped", _of_response(header + b": %s"))
    for parameter in QUERIES:
        yield Case("P", f"query {parameter.decode()}", "unshaped", _of_query(parameter))
    for echo in ("error message", "prompt"):
        for form in ANNOUNCED:
            name = f"{form.decode()} in {echo}"
            yield Case("A", name, "unshaped", _alone(echo, form=form))
        for writing in WRITINGS:
            name = f"shaped key in {echo}, {writing}"
            yield Case("S", name, "anthropic", _alone(echo, writing))
    for damage in DAMAGED:
        name = f"shaped key in error message, {damage}"
        yield Case("S", name, "anthropic", _alone("error message", damage=damage))


def _learnt() -> Iterator[Case]:
    for echo in ECHOES:
        for writing in WRITINGS:
            talks = _echo("x-api-key", echo, writing)
            yield Case("L", f"echo in {echo}, {writing}", "unshaped", talks)
        for damage in DAMAGED:
            talks = _echo("x-api-key", echo, damage=damage)
            yield Case("L", f"echo in {echo}, {damage}", "unshaped", talks)
    for sender in SENDERS:
        for echo in ("error message", "response header", "path"):
            yield Case("L", f"{sender} echoed in {echo}", "unshaped", _echo(sender, echo))
    for name, talks in EARLIER.items():
        yield Case("L", name, "unshaped", talks)
