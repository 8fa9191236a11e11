"""What a text announces as a secret: what stands behind `API_KEY=`, `"password":`, `--token`.

It is hidden whatever it looks like, but for words that say something of a key (`words.SAID`):
`token: expired` announces nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from inspector.regex import regex
from inspector.secrets.grammar import Span
from inspector.secrets.words import SAID, TECHNICAL

#: The last part of a name that announces a secret.
_NAME: Final = (
    r"(?:api|access|secret|private|account|master|service|shared|signing|encryption|auth|app"
    r"|subscription|license|session|client|webhook)[ _.\-]?key(?:s|[ _.\-]?id)?"
    r"|key|keys|token|secrets?|passw(?:or)?d|passphrase|passcode|pwd|pass|credentials?|cred"
    r"|auth|authorization|login|signature|sig|cookies?|session(?:[ _.\-]?id)?|sid|jwt|otp|pin|pat"
    r"|bearer|dsn|connection[ _.\-]?string"
)
#: What may stand between the name and what joins it to its value.
_BETWEEN: Final = (
    r"(?: (?:provided|given|supplied|sent|received|used|specified|value|header|was|is|id|name))"
    r"{0,2}"
)
_JOINT: Final = r"[\"'`)\]*]{0,3}(?:\s{0,3}(?::=|=>|==?|:)\s{0,3}|\s{1,3}(?=[\"'`]))[\"'`(\[*]{0,3}"
_ANNOUNCED: Final = regex(
    rf"(?<![A-Za-z])(?:[A-Za-z0-9][\w.\-]{{0,48}}?[_.\-]|[\w]{{0,24}}?(?=(?-i:[A-Z])))?"
    rf"(?:{_NAME}){_BETWEEN}{_JOINT}",
    re.IGNORECASE | re.ASCII,
)
#: `curl -u user:password`, `--api-key VALUE`, and a password behind its name (`.netrc`).
_OPTION: Final = regex(
    rf"(?<![\w\-])(?:-u|--user|--[\w\-]{{0,32}}?(?:{_NAME}))[ =]{{1,2}}[\"']?"
    r"|(?<![\w\-])(?:login|password|passwd|pwd|passphrase)\s{1,2}(?![\"'`])",
    re.IGNORECASE | re.ASCII,
)
#: A scheme stands in front of its credential (RFC 9110 11.4).
_SCHEME: Final = regex(r"(?:bearer|basic|token|digest|apikey)\s{1,3}", re.IGNORECASE)
_VALUE: Final = regex(r"[^\x00-\x20\x7f\"'`<>,;&()\[\]{}|]+")
_USER: Final = regex(r"(?<=//)[^/\s\x00@\"'<>]{1,256}(?=@)")
_PART: Final = regex(r"[A-Za-z]+|[^A-Za-z_.\-]+")
_END: Final = ".:!?*"


def announced(text: str) -> Iterator[Span]:
    """Where announced secrets stand in a text that was undone (`writings`)."""
    for match in _USER.finditer(text):
        yield match.span()
    for pattern, needed in ((_ANNOUNCED, ":=\"'`"), (_OPTION, " =\t\n\r\f\v")):
        # Most names and words have none of them, and both patterns are long to compile.
        if not any(sign in text for sign in needed):
            continue
        for match in pattern.finditer(text):
            at = match.end()
            scheme = _SCHEME.match(text, at)
            if scheme:
                at = scheme.end()
            value = _VALUE.match(text, at)
            if value is None:
                continue
            stop = at + len(value[0].rstrip(_END))
            if at < stop and not _says_something(text[at:stop]):
                yield at, stop


def _says_something(value: str) -> bool:
    """Whether a value is a word about a key, or a name made of such words (`OPENAI_API_KEY`)."""
    low = value.lower()
    if low in SAID:
        return True
    parts = _PART.findall(low)
    return len(parts) > 1 and all(part in SAID or part in TECHNICAL for part in parts)
