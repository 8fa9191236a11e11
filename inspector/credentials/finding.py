"""Keys in free text, by their shape and by what announces them.

Text has no positions, so this judges by shape: the documented prefixes, words
that announce a credential (`Authorization:`, `?key=`, `Bearer`), user
information in URLs, and the masked echoes of providers (OpenAI's 401 body
repeats the first eight and last four characters of the key it was sent).  It
errs towards hiding: a wrongly hidden word costs less than a shown key.

`PASSES` is the table that both renderers go through: the report's (`scrubbing`)
and the redacted copy's (`masking`).
"""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Callable
from typing import Final

from inspector.credentials import prefilter as glance
from inspector.credentials.kinds import LABEL, classify, core_of
from inspector.fact import Fact
from inspector.regex import regex
from inspector.secret import Secret
from inspector.secrets.constants import PLACEHOLDERS

#: What a provider leaves in the place of what it hides.
MASK: Final = regex(r"\*{3,}|\.{3,}|\u2026|\u2022{3,}")

# A key's characters, as they stand in text: a dot or an ellipsis belongs to it
# only when more of it follows, otherwise it ends the sentence.
_TAIL: Final = r"(?:[\w\-*\u2022~+/=]|[.\u2026]+(?=[\w\-*\u2022]))"

_SHAPES: Final = regex(
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
_ANNOUNCED: Final = regex(
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

_USERINFO: Final = regex(r"(?P<name>://)(?P<value>[^/\s@?#<>\"']+)(?=@)")

_SCHEME: Final = regex(
    rf"(?P<label>{LABEL})"
    r"|(?P<name>(?P<scheme>bearer|basic|token)(?:\s+|%20|\+))(?P<value>[^\s\"'<>,;&\\]{6,})",
    re.IGNORECASE | re.ASCII,
)
_WORD: Final = regex(r"[A-Za-z]{1,19}(?:[_-][A-Za-z]{1,12}){0,2}[.:!?)]*|[A-Za-z_]+=")
_DIGIT: Final = regex(r"[0-9]")

# The look-behind keeps this linear in runs of dots.
_MASKED_WORD: Final = regex(r"(?:[A-Za-z0-9_\-*\u2022]|(?<!\.)(?:\.{3,}|\u2026)(?=[A-Za-z0-9]))+")
#: What a mask left of a key: letters with digits or inner capitals, not a word.
_REMAINS: Final = regex(r"(?=.*[0-9]|.+[A-Z])(?=.*[a-z0-9])(?=.*[A-Za-z]).{4,}")


_ESCAPE: Final = regex(r"%([0-9A-Fa-f]{2})")


def unescaped(text: str) -> str:
    """Percent-encoding undone (RFC 3986 2.1), each byte as its Latin-1 character.

    urllib's takes apart at every percent sign, of which binary bytes have many.
    """
    return _ESCAPE.sub(lambda match: chr(int(match[1], 16)), text) if "%" in text else text


def is_a_remnant(match: re.Match[str]) -> bool:
    """Whether a `_MASKED_WORD` is what a provider's mask left of a key."""
    word = match[0]
    remains = MASK.sub("", word)
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
    mask = MASK.search(text)
    if mask is None or mask.start() < 5:
        return None
    head, tail = text[: mask.start()], text[mask.end() :]
    return next((p for p in PLACEHOLDERS if p.startswith(head) and p.endswith(tail)), None)


def prefixed_keys(text: str) -> list[tuple[int, int]]:
    """Where keys with a documented prefix stand in a text, in order and apart."""
    if not glance.may_be_shaped(text):
        return []
    return [
        match.span("key")
        for match in _SHAPES.finditer(text)
        if match["key"] and classify(core_of(Secret(match["key"].encode("latin-1"))))[1] is not None
    ]


class Pass(Fact):
    """One look through a text.

    `may_find` is a glance at the text: without it there is no match.  The key is the `group` of
    a match of `pattern` of which `is_key` holds.  `announces`: a word in front tells that the
    group is a credential, whatever it looks like, so that it may be learnt.
    """

    pattern: re.Pattern[str]
    group: str | int
    may_find: Callable[[str], bool]
    is_key: Callable[[re.Match[str]], bool] = lambda match: True
    announces: bool = False

    def finds(self, match: re.Match[str]) -> bool:
        """Whether a match holds a key; labels of keys are none."""
        return not match.groupdict().get("label") and self.is_key(match)


#: In this order: what a later one would find is mostly found by then.
PASSES: Final = (
    Pass(_USERINFO, "value", lambda text: "://" in text, announces=True),
    Pass(_ANNOUNCED, "value", lambda text: glance.may_be_announced(text.lower()), announces=True),
    Pass(_SHAPES, "key", glance.may_be_shaped),
    Pass(
        _MASKED_WORD,
        0,
        lambda text: glance.may_hold_a_mask(text) and MASK.search(text) is not None,
        is_a_remnant,
    ),
    Pass(
        _SCHEME,
        "value",
        lambda text: glance.may_name_a_scheme(text.lower()),
        is_announced_by_scheme,
    ),
)
