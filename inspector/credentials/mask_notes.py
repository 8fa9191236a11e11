"""What a redacted capture says of its credentials, in packet comments.

    inspector:redacted v1 name=x-api-key kind=unknown length=8 value=4f0c9a31b2de

One comment a credential, on the packet in which its message begins (of a trailer:
in which it ends), in wire order.  `name` (percent-encoded) is the header's, or `?`
and the parameter's; `kind`, `prefix`, `length` and `anomalies` are those of the
report; `value` is equal for equal credentials of one file and says nothing else of them.

A comment is as hostile as the rest of a file.  It is believed only of a value
that has the form of a mask and the length it states, and can say nothing but
words that this program has: it cannot make a placeholder of a key.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from typing import Final, get_args
from urllib.parse import quote, unquote

from inspector.credentials.kinds import SHAPES
from inspector.fact import Fact, replace
from inspector.model.credentials import Anomaly, AuthHeader, Credential, CredentialKind
from inspector.regex import regex
from inspector.secret import Secret

PREFIX: Final = "inspector:redacted "
VERSION: Final = "v1"
#: Packets whose claims are kept, and claims of one packet.
PACKETS: Final = 4096
CLAIMS: Final = 64
#: A value with fewer characters has no room for the digits that tell it from others.
TOLD_APART_FROM: Final = 8

_KINDS: Final = frozenset(get_args(CredentialKind)) - {"placeholder", "empty"}
_ANOMALIES: Final = get_args(Anomaly)
#: A key within Basic, or in a cookie, shows its prefix and not its kind.
_PREFIXES: Final = {
    (kind, shape.prefix) for shape in SHAPES for kind in (shape.kind, "basic", "unknown")
}
_VALUE: Final = regex(r"[0-9a-f]{12}")
_MASK: Final = regex(rb"[x0X\xbf\x00-\x20.\"'`=\x7f]*+[0-9]{0,8}+[x0X\xbf\x00-\x20.\"'`=\x7f]*+")


class MaskNote(Fact):
    """What a comment says of one credential."""

    name: str
    kind: CredentialKind
    prefix: str | None
    length: int
    anomalies: tuple[Anomaly, ...]
    value: str


def written(name: str, credential: Credential, value: str) -> str:
    """The comment on a credential in the position `name`."""
    words = [
        f"{PREFIX}{VERSION}",
        f"name={quote(name, safe='?-_')[:100]}",
        f"kind={credential.kind}",
        f"length={credential.length}",
    ]
    if credential.prefix:
        words.append(f"prefix={credential.prefix}")
    if credential.anomalies:
        words.append(f"anomalies={','.join(credential.anomalies)}")
    words.append(f"value={value}")
    return " ".join(words)


def read(text: str) -> MaskNote | None:
    """The claim that a comment makes; None if it makes none, or one that cannot be."""
    if not text.startswith(PREFIX) or len(text) > 1024:
        return None
    version, *words = text.removeprefix(PREFIX).split(" ")
    told = dict(word.partition("=")[::2] for word in words)
    kind, prefix, length = told.get("kind"), told.get("prefix"), told.get("length", "")
    value = told.get("value", "")
    anomalies = told["anomalies"].split(",") if "anomalies" in told else []
    if (
        version != VERSION
        or kind not in _KINDS
        or (prefix is not None and (kind, prefix) not in _PREFIXES)
        or not re.fullmatch("[0-9]{1,9}", length, re.ASCII)
        or not _VALUE.fullmatch(value)
        or not set(anomalies) <= set(_ANOMALIES)
    ):
        return None
    return MaskNote(
        unquote(told.get("name", "")).lower(),
        kind,  # type: ignore[arg-type]  # one of _KINDS
        prefix,
        int(length),
        tuple(name for name in _ANOMALIES if name in anomalies),
        value,
    )


class MaskNotes:
    """The claims of a capture's comments, by the packet that they stand on."""

    def __init__(self) -> None:
        self._claims: OrderedDict[int, list[MaskNote]] = OrderedDict()

    def __bool__(self) -> bool:
        return bool(self._claims)

    def note(self, packet: int, text: str) -> None:
        """A comment of a packet; whatever makes no claim is passed over."""
        claim = read(text)
        if claim is None:
            return
        claims = self._claims.setdefault(packet, [])
        if len(claims) < CLAIMS:
            claims.append(claim)
        if len(self._claims) > PACKETS:
            self._claims.popitem(last=False)

    def applied(
        self, packet: int, auth: tuple[AuthHeader, ...], cores: list[Secret], key: bytes
    ) -> tuple[AuthHeader, ...]:
        """`auth` of the message that begins in `packet`, with what is claimed of its values.

        `cores` are the keys within, in the same order.  Each claim is used once,
        so that messages that begin in one packet have theirs in order.
        """
        claims = self._claims.get(packet)
        if not claims:
            return auth
        said: list[AuthHeader] = []
        for header, core in zip(auth, cores, strict=True):
            credential = header.credential
            index = next(
                (
                    at
                    for at, claim in enumerate(claims)
                    if claim.name == header.name.lower() and claim.length == credential.length
                ),
                None,
            )
            if index is None or credential.placeholder is not None or not _masked(core, credential):
                said.append(header)
                continue
            claim = claims[index]
            del claims[: index + 1]
            fingerprint = credential.fingerprint
            if len(core) < TOLD_APART_FROM:
                fingerprint = Secret(claim.value.encode()).fingerprint(key)
            said.append(
                replace(
                    header,
                    credential=replace(
                        credential,
                        kind=claim.kind,
                        prefix=claim.prefix,
                        anomalies=claim.anomalies,
                        fingerprint=fingerprint,
                    ),
                )
            )
        return tuple(said)


def _masked(core: Secret, credential: Credential) -> bool:
    """Whether a value has the form of a mask: nothing in it but its prefix is of a key."""
    prefix = (credential.prefix or "").encode()
    text = core.reveal()
    if prefix and text.startswith(prefix):
        text = text[len(prefix) :]
    elif text.startswith(b"eyJ"):
        text = text[3:]
    return bool(text) and _MASK.fullmatch(text) is not None
