"""What of a credential is a secret by itself: the parts that a recipient takes apart.

Basic is user and password, a cookie header many cookies, a comma joins what was
sent twice; an error that says which of them it did not like names that part.
"""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Iterator
from typing import Final
from urllib.parse import unquote_to_bytes

from inspector.regex import regex
from inspector.secret import Secret
from inspector.secrets.positions import SCHEMES, Syntax
from inspector.secrets.public import is_mask, is_prose

#: Parts that are looked at, of one value.
_PARTS: Final = 200

_QUOTES: Final = b"\"'`"
_CONTROLS: Final = bytes((*range(0x21), 0x7F))
#: auth-param (RFC 9110 11.2) whose value everyone may know.
_OPEN: Final = frozenset(
    {b"uri", b"realm", b"algorithm", b"qop", b"nc", b"signedheaders", b"domain", b"path",
     b"expires", b"max-age", b"samesite", b"date", b"version", b"host"}
)  # fmt: skip
_PARAMETER: Final = regex(rb"\s*([\w!#$%&'*+.^`|~\-]{1,64})\s*=(?!=*\s*\Z)\s*(.*)", re.DOTALL)
#: A member of a list whose value is told by a name in front (WebSocket subprotocols).
_NAMED: Final = regex(
    rb"(?:.*[.\-_])?(?:openai-insecure-api-key|bearer|token|access[._-]?token|authorization"
    rb"|api-?key|k8s\.io)[.:]",
    re.IGNORECASE | re.DOTALL,
)  # fmt: skip
_NAMES: Final = frozenset(
    {b"bearer", b"token", b"access_token", b"access-token", b"authorization", b"api-key", b"apikey",
     b"api_key", b"jwt"}
)  # fmt: skip
#: A value in which there is nothing to take apart; a cookie, or Basic, may look like this, too.
_SINGLE: Final = regex(rb"[\w\-./+~]+")
_SEPARATOR: Final = regex(rb"[,;]")
_BASE64: Final = regex(rb"[A-Za-z0-9+/_\-]{8,}={0,2}")
_TO_BASE64: Final = bytes.maketrans(b"-_", b"+/")


def parts(core: Secret, syntax: Syntax = Syntax.BARE, scheme: bytes = b"") -> Iterator[Secret]:
    """A credential as a whole, and each part that is a secret of its own."""
    value = core.reveal()
    yield core
    if scheme != b"basic" and _SINGLE.fullmatch(value):
        return
    if is_mask(value) or is_prose(value):
        return
    found: dict[bytes, None] = {}
    if scheme == b"basic":
        found |= dict.fromkeys(_halves(_base64(value) or value))
    elif syntax is Syntax.COOKIE:
        found |= dict.fromkeys(_pairs(value))
    else:
        found |= dict.fromkeys(_items(value))
    if b"%" in value:
        found[unquote_to_bytes(value)] = None
    for part in list(found)[:_PARTS]:
        if part and part != value:
            yield Secret(part)


def user_information(value: bytes) -> Iterator[Secret]:
    """User and password in front of an authority (RFC 3986 3.2.1), as written and decoded."""
    if not value or any(byte in b" \t\r\n" for byte in value):
        return  # a sentence with an `@` in it
    for part in dict.fromkeys((value, *_halves(value))):
        yield Secret(part)
        if b"%" in part:
            yield Secret(unquote_to_bytes(part))


def subprotocols(value: bytes) -> Iterator[Secret]:
    """Keys among WebSocket subprotocols (RFC 6455 11.3.4): browsers can send them nowhere else."""
    named = False
    for item in map(_bare, value.split(b",")[:_PARTS]):
        match = _NAMED.match(item)
        secret = item[match.end() :] if match else item if named else b""
        named = item.lower() in _NAMES
        if secret:
            yield Secret(secret)
            decoded = _base64(secret)
            if decoded and decoded.isascii():
                yield Secret(decoded)


def _halves(value: bytes) -> tuple[bytes, ...]:
    user, colon, password = value.partition(b":")
    return (value, user, password) if colon else (value,)


def _pairs(value: bytes) -> Iterator[bytes]:
    """The value of each cookie; of Set-Cookie's attributes, those that could be one."""
    for pair in value.split(b";"):
        name, equals, rest = pair.partition(b"=")
        if equals and name.strip().lower() not in _OPEN:
            yield _bare(rest)
            if b"%" in rest:
                yield unquote_to_bytes(_bare(rest))


def _items(value: bytes) -> Iterator[bytes]:
    """The members of a comma list, each without its scheme, or the value of its parameter."""
    for item in _SEPARATOR.split(value):
        match = _PARAMETER.fullmatch(item)
        word, _, rest = item.strip().partition(b" ")
        if match is not None:
            if match[1].lower() in _OPEN:
                continue
            said = _bare(match[2])
            yield said
            if match[1].lower() == b"credential" and b"/" in said:
                yield said.partition(b"/")[0]  # AWS: key id, then its scope
        elif word.lower() in SCHEMES:
            yield _bare(rest)
        else:
            yield _bare(item)


def _bare(value: bytes) -> bytes:
    return value.strip(_CONTROLS).strip(_QUOTES).strip(_CONTROLS)


def _base64(value: bytes) -> bytes | None:
    """A value that is base64 of text, decoded; None if it is not."""
    if not _BASE64.fullmatch(value) or is_mask(value):
        return None
    plain = value.rstrip(b"=").translate(_TO_BASE64)
    if len(plain) % 4 == 1:
        return None
    decoded = b64decode(plain + b"=" * (-len(plain) % 4))
    return decoded if decoded.isascii() or b":" in decoded else None
