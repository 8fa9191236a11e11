"""Free text without keys: error messages, reasons, user agents, URLs in headers.

Text has no positions, so this judges by shape: the documented prefixes, words
that announce a credential (`Authorization:`, `?key=`, `Bearer`), user
information in URLs, and the masked echoes of providers (OpenAI's 401 body
repeats the first eight and last four characters of the key it was sent).  It
errs towards hiding: a wrongly hidden word costs less than a shown key.
"""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Callable
from typing import Final

from inspector.credentials import prefilter as glance
from inspector.credentials.echoes import echoes, whole_keys
from inspector.credentials.kinds import LABEL, PLACEHOLDERS, classify, core_of, describe, label
from inspector.credentials.public import is_public
from inspector.credentials.vault import PIECE, Vault
from inspector.secret import Secret

#: One of these occurs in every text that any pass below would change.
_SUSPECT: Final = re.compile(
    r"sk[-_]|gh[a-z]_|github_|AIza|AQ\.|AKIA|ASIA|eyJ|ya29|xox|tid=|JQQJ9"
    r"|bearer|basic|token|key|auth|cookie|secret|pass|sig|://|\*\*\*|%",
    re.IGNORECASE,
)

_MASK: Final = re.compile(r"\*{3,}|\.{3,}|\u2026|\u2022{3,}")

# A key's characters, as they stand in text: a dot or an ellipsis belongs to it
# only when more of it follows, otherwise it ends the sentence.
_TAIL: Final = r"(?:[\w\-*\u2022~+/=]|[.\u2026]+(?=[\w\-*\u2022]))"

_SHAPES: Final = re.compile(
    rf"(?P<label>{LABEL})"
    r"|(?P<key>"
    rf"sk-(?:ant|proj|svcacct|admin|None|or)-{_TAIL}{{2,}}"
    rf"|(?:(?<![A-Za-z0-9])|(?<=%[0-9A-Fa-f]{{2}})|(?<=\\[nrt]))sk[-_]{_TAIL}{{6,}}"
    r"|sk-[A-Za-z0-9]{20,}"
    rf"|gh[pousr]_{_TAIL}{{4,}}"
    rf"|github_pat_{_TAIL}{{4,}}"
    rf"|AIza{_TAIL}{{6,}}"
    rf"|AQ\.Ab{_TAIL}{{4,}}"
    rf"|(?:AKIA|ASIA)(?:[A-Z0-9]{{8,}}|{_TAIL}*\*{_TAIL}*)"
    rf"|ya29\.{_TAIL}{{4,}}"
    rf"|xox[a-z]-{_TAIL}{{6,}}"
    r"|eyJ[\w-]{8,}(?:\.[\w-]*)*"
    r"|(?:\b|_)tid=[^\s\"'<>,]{8,}"
    r"|[A-Za-z0-9]{52}JQQJ9[A-Za-z0-9]{27}"
    r")",
    re.ASCII,
)

#: Words joined to a value by `:` or `=`, as in headers, JSON, nested URLs, logs.
_ANNOUNCED: Final = re.compile(
    rf"(?P<label>{LABEL})"
    r"|(?P<name>(?:authorization|x-api-key|x-goog-api-key|api-key|set-cookie|cookie)"
    r"[\"'\\]{0,3}\s?(?::|=|%3A|%3D)\s?[\"'\\]{0,3}(?:(?:bearer|token|basic)\s+)?"
    # The browser's way of sending a key: as a WebSocket subprotocol (OpenAI Realtime API).
    r"|openai-insecure-api-key\."
    r"|(?:(?<![\w-])|(?<=%26)|(?<=%3F)|(?<=%3B)|(?<=\\[nrt]))"
    r"(?:key|api_?key|access_token|refresh_token|id_token|client_secret|secret|token|password"
    r"|sig|signature|x-amz-(?:credential|signature|security-token)|x-goog-(?:credential|signature))"
    # JSON quotes the name and the value; JSON within JSON escapes the quotes.
    r"(?:=|%3D|[\"'\\]{1,4}\s?:\s?[\"'\\]{1,4}))"
    # A letter before a quote begins a string of a program, as in f"Bearer {key}".
    r"(?!(?:bearer|token|basic)\s|[bfru]{1,2}\\{0,8}[\"'])"
    r"(?P<value>(?:(?!%26|%23|\\{1,8}[nrt\"'])[^\s&#;,\"'<>])+)",
    re.IGNORECASE | re.ASCII,
)

_USERINFO: Final = re.compile(r"(?P<name>://)(?P<value>[^/\s@?#<>\"']+)(?=@)")

_SCHEME: Final = re.compile(
    rf"(?P<label>{LABEL})"
    r"|(?P<name>(?P<scheme>bearer|basic|token)(?:\s+|%20|\+))(?P<value>[^\s\"'<>,;&\\]{6,})",
    re.IGNORECASE | re.ASCII,
)
_WORD: Final = re.compile(r"[A-Za-z]{1,19}(?:[_-][A-Za-z]{1,12}){0,2}[.:!?)]*|[A-Za-z_]+=")
_DIGIT: Final = re.compile(r"[0-9]")

# The look-behind keeps this linear in runs of dots.
_MASKED_WORD: Final = re.compile(
    r"(?:[A-Za-z0-9_\-*\u2022]|(?<!\.)(?:\.{3,}|\u2026)(?=[A-Za-z0-9]))+"
)
#: What a mask left of a key: letters with digits or inner capitals, not a word.
_REMAINS: Final = re.compile(r"(?=.*[0-9]|.+[A-Z])(?=.*[a-z0-9])(?=.*[A-Za-z]).{4,}")


#: What stands for free text when the vault is full, and any word may be a key.
NOT_SHOWN: Final = "<text not shown>"
#: Text that no key is: short words, numbers, and public ones.
_PLAIN: Final = re.compile(r"(?:v?[0-9]{1,5}(?:\.[0-9]{1,5}){0,3}|[A-Z]?[a-z]{1,11}|[A-Z]{1,11}|)")
_JOINTS: Final = re.compile(r"[\s/?&=:;,.\"'()|@*+_\-]+")
#: A value announced in text is learnt only if it cannot be a word.
_ANNOUNCED_FROM: Final = 16


_ESCAPE: Final = re.compile(r"%([0-9A-Fa-f]{2})")


def unescaped(text: str) -> str:
    """Percent-encoding undone (RFC 3986 2.1), each byte as its Latin-1 character.

    urllib's takes apart at every percent sign, of which binary bytes have many.
    """
    return _ESCAPE.sub(lambda match: chr(int(match[1], 16)), text) if "%" in text else text


class Scrubber:
    """Replaces whatever looks like a key by its label, under one run's fingerprint key."""

    __slots__ = ("_fingerprint_key", "vault")

    def __init__(self, fingerprint_key: bytes) -> None:
        self._fingerprint_key = fingerprint_key
        self.vault = Vault(fingerprint_key)

    def learn(self, key: Secret, shown: str = "") -> None:
        """Write `shown` (or its label) for this very key from now on, and for no piece of it more.

        An API that echoes the key it refuses gives away one that no shape
        betrays.  Words short enough to occur by themselves are not learnt.
        """
        if key.reveal().decode("latin-1") not in PLACEHOLDERS:
            self.vault.learn(key, shown or self._label(key))

    def holds_learnt(self, text: str) -> bool:
        """Whether a piece of a learnt key stands in a text, in any writing."""
        return bool(echoes(self.vault, text.encode("latin-1", "replace")))

    def scrub(self, text: str) -> str:
        """`text` without keys.  Placeholders stay; scrubbing twice changes nothing more."""
        if not self.vault:
            return self._shapeless(text)
        if self.vault.is_full and not is_plain(text):
            return NOT_SHOWN
        # First what is known for certain, then what looks like a key, then pieces of keys.
        text = self._replaced(text, whole_keys)
        return self._replaced(self._shapeless(text), echoes)

    def prefixed(self, text: str) -> str:
        """`text` with labels for the keys in it that a documented prefix betrays, and no others."""
        for start, stop in reversed(prefixed_keys(text)):
            text = text[:start] + self.value(text[start:stop]) + text[stop:]
        return text

    def _replaced(self, text: str, find: Callable[[Vault, bytes], list[tuple[int, int]]]) -> str:
        raw = text.encode("latin-1", "replace")
        for start, stop in reversed(find(self.vault, raw)):
            shown = self.vault.name(raw[start:stop]) or self._piece(text[start:stop])
            text = text[:start] + shown + text[stop:]
        return text

    def _shapeless(self, text: str) -> str:
        """`text` without what has a key's shape, or is announced as one."""
        if not glance.is_suspect(text, text.lower()):
            return text
        text = self._pass(text)
        if "%" in text:
            # A key written with escapes has no shape until it is decoded.  Twice,
            # because a URL within a URL's parameter is escaped twice.
            decoded = unescaped(unescaped(text))
            cleaned = self._pass(decoded)
            if cleaned != decoded:
                return cleaned
        return text

    def _pass(self, text: str) -> str:
        if "://" in text:
            text = _USERINFO.sub(self._announced, text)
        if glance.may_be_announced(text.lower()):
            text = _ANNOUNCED.sub(self._announced, text)
        if glance.may_be_shaped(text):
            text = _SHAPES.sub(self._shape, text)
        if glance.may_hold_a_mask(text) and _MASK.search(text):
            text = _MASKED_WORD.sub(self._masked_word, text)
        if glance.may_name_a_scheme(text.lower()):
            text = _SCHEME.sub(self._scheme, text)
        return text

    def value(self, text: str) -> str:
        """The label of a text that as a whole is a credential, or holds one masked."""
        if text in PLACEHOLDERS or is_masked_placeholder(text):
            return text
        value = Secret(text.encode("utf-8", "surrogatepass"))
        if _MASK.search(text):
            # Length and fingerprint of an echo with holes would describe no key.
            kind, prefix = classify(core_of(value))
            return f"<{kind}{' ' + prefix if prefix else ''} masked>"
        return self._label(value)

    def _piece(self, text: str) -> str:
        """What stands for a word that holds a part of a learnt key: the label of what it is."""
        return self.value(unescaped(unescaped(text)))

    def _label(self, value: Secret) -> str:
        return label(describe(value, core_of(value), b"", self._fingerprint_key, set()))

    def _shape(self, match: re.Match[str]) -> str:
        return match["label"] or self.value(match[0])

    def _announced(self, match: re.Match[str]) -> str:
        if match.groupdict().get("label"):
            return match[0]
        value = match["value"]
        if len(value) >= _ANNOUNCED_FROM and value.isascii() and _DIGIT.search(value):
            self.learn(core_of(Secret(value.encode())))
        return match["name"] + self.value(value)

    def _masked_word(self, match: re.Match[str]) -> str:
        return self.value(match[0]) if is_a_remnant(match) else match[0]

    def _scheme(self, match: re.Match[str]) -> str:
        if match["label"] or not is_announced_by_scheme(match):
            return match[0]
        return match["name"] + self.value(match["value"])


def prefixed_keys(text: str) -> list[tuple[int, int]]:
    """Where keys with a documented prefix stand in a text, in order and apart."""
    if not glance.may_be_shaped(text):
        return []
    return [
        match.span("key")
        for match in _SHAPES.finditer(text)
        if match["key"] and classify(core_of(Secret(match["key"].encode("latin-1"))))[1] is not None
    ]


def is_plain(text: str) -> bool:
    """Whether a text consists of words in which no key has room."""
    return len(text) < PIECE or all(
        _PLAIN.fullmatch(word) is not None or is_public(word.encode("latin-1", "replace"))
        for word in _JOINTS.split(text)
    )


def is_a_remnant(match: re.Match[str]) -> bool:
    """Whether a `_MASKED_WORD` is what a provider's mask left of a key."""
    word = match[0]
    remains = _MASK.sub("", word)
    if remains == word or not remains.strip("*-_"):
        return False
    # An ellipsis also joins the words of a sentence.
    return "***" in word or _REMAINS.fullmatch(remains) is not None


def is_announced_by_scheme(match: re.Match[str]) -> bool:
    """Whether the word after a scheme's name (`_SCHEME`) is a credential."""
    scheme, value = match["scheme"].lower(), match["value"]
    if not (scheme == "basic" and _is_user_and_password(value)):
        # "invalid bearer token", `Bearer realm=`, "basic authentication": words, not keys.
        if _WORD.fullmatch(value):
            return False
        if scheme != "bearer" and len(value) < 20 and not _DIGIT.search(value):
            return False
    return True


def _is_user_and_password(text: str) -> bool:
    """Whether `text` is what Basic sends: base64 of user, colon, password (RFC 7617 2)."""
    try:
        return b":" in b64decode(text, validate=True)
    except ValueError:
        return False


def is_masked_placeholder(text: str) -> str | None:
    """The placeholder of which `text` is a masked echo: all that it shows is public."""
    mask = _MASK.search(text)
    if mask is None or mask.start() < 5:
        return None
    head, tail = text[: mask.start()], text[mask.end() :]
    return next((p for p in PLACEHOLDERS if p.startswith(head) and p.endswith(tail)), None)
