"""What a cipher suite's registered name says of its keys (IANA, "TLS Cipher Suites")."""

from __future__ import annotations

from functools import cache
from typing import Final, Literal, TypeAlias

from inspector.fact import Fact
from inspector.protocols.tls_names import cipher_name
from inspector.regex import regex

Mode: TypeAlias = Literal["gcm", "ccm", "ccm8", "chacha", "cbc"]

_NAME: Final = regex(
    r"TLS_(?P<old>.*_WITH_)?"
    r"(?:AES_(?P<bits>128|256)_(?P<mode>GCM|CCM_8|CCM|CBC)|(?P<chacha>CHACHA20_POLY1305))"
    r"(?:_(?P<hash>SHA256|SHA384|SHA))?"
)
_MODES: Final[dict[str, Mode]] = {"GCM": "gcm", "CCM": "ccm", "CCM_8": "ccm8", "CBC": "cbc"}
#: The end of an AEAD's record, in bytes.
_TAGS: Final[dict[Mode, int]] = {"gcm": 16, "ccm": 16, "ccm8": 8, "chacha": 16}
_MACS: Final = {"SHA": "sha1", "SHA256": "sha256", "SHA384": "sha384"}


class Suite(Fact):
    """One suite.  `digest`: of the key schedule; `mac`: of CBC's records, empty for an AEAD.

    `salt`: bytes of the nonce that the keys fix; `explicit`: of it that stand in each record of
    TLS 1.2.
    """

    mode: Mode
    key: int
    digest: str
    mac: str
    tag: int
    salt: int
    explicit: int


@cache
def suite_of(number: int) -> Suite | None:
    """What is needed to read records of a suite; None of one that is not read."""
    match = _NAME.fullmatch(cipher_name(number))
    if match is None:
        return None
    is_old = match["old"] is not None
    mode: Mode = "chacha" if match["chacha"] else _MODES[match["mode"]]
    stated = match["hash"] or "SHA256"
    digest = "sha384" if stated == "SHA384" else "sha256"
    key = 32 if match["chacha"] else int(match["bits"]) // 8
    if mode == "cbc":
        return Suite(mode, key, digest, _MACS[stated], 0, 0, 16)
    has_explicit = is_old and mode != "chacha"
    return Suite(
        mode, key, digest, "", _TAGS[mode], 4 if has_explicit else 12, 8 if has_explicit else 0
    )
