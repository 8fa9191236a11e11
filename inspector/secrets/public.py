"""Words that are no secret, wherever they stand.

A client may send anything as a key: `x-api-key: application/json`.  Taken for a
secret, it would blank content types, hosts and error types in the whole report,
and so hide what the report is about.  So nothing is learnt that consists of the
words of the protocols, of documented prefixes and placeholders, or is a host, an
address or a date.
"""

from __future__ import annotations

from typing import Final

from inspector.regex import regex
from inspector.secrets.constants import PLACEHOLDERS, PREFIXES
from inspector.secrets.free_text import hidden
from inspector.secrets.positions import (
    CREDENTIAL_HEADERS,
    RESPONSE_HEADERS,
    SCHEMES,
    SECRET_QUERY,
    STEERING_HEADERS,
    URL_HEADERS,
)

_TOKEN: Final = regex(rb"[a-z0-9]+")

_PROTOCOLS: Final = """
    a accept access agent ai alive allow amz an and any api application apis as authenticate
    authentication basic be bearer beta body br by bytes cache charset chunked claude client close
    code codex com compatible completions complete connect connection content control copilot
    credential credentials css date deflate delete deny denied dev disabled enabled encoding end
    err error event exceeded expired expires explorer false first for forbidden form forwarded from
    gateway gemini generative get github githubusercontent go google googleapis gpt gzip head
    header headers hier host html http https httponly id identity image img in incorrect info
    inspector invalid io is isolation javascript json keep key keys lab language last length limit
    limited link local localhost location max message messages method missing model models moved
    net no none not null oauth oauth2 oauth2accesstoken octet octocat of ok on openai options or org
    origin overloaded parameter password patch path permission ping placeholder plain png policy
    post private proxy public put query rate realtime reason refused request requests required
    reset response responses result robots same samesite sdk secret secure server service session
    set sse start state status stop store strict stream streaming subscription success tcp test
    text timeout to token tokens too tools true tunnel txt type undefined unauthorized unavailable
    unknown unsupported upgrade url urlencoded usage use user usercontent username utf v1 v1beta v2
    value version via was websocket with www xml you your anthropic
"""

WORDS: Final[frozenset[bytes]] = frozenset(
    _TOKEN.findall(
        "\n".join(
            (
                _PROTOCOLS,
                *PLACEHOLDERS,
                *(prefix for _, prefix in PREFIXES),
                *SECRET_QUERY,
                *(
                    name.decode()
                    for table in (
                        CREDENTIAL_HEADERS,
                        RESPONSE_HEADERS,
                        SCHEMES,
                        STEERING_HEADERS,
                        URL_HEADERS,
                    )
                    for name in table
                ),
            )
        )
        .lower()
        .encode()
    )
)
#: Words of which a part is still public, each on a line of its own: there a part is looked for.
_LONG: Final = b"\n%b\n" % b"\n".join(sorted(word for word in WORDS if len(word) > 2))
#: Digits of the longest number that is no part of a key.
_DIGITS: Final = 4
#: Numbers of so many digits beside words, or alone (a date): more may be a key.
_NUMBERS: Final = (6, 3)

_HOST: Final = regex(
    rb"\.?(?:[a-z](?:[a-z\-]{0,30}[a-z])?[0-9]{0,3}\.){1,5}"
    rb"(?:ai|app|cloud|com|de|dev|eu|example|internal|invalid|io|local|net|org|test|us)(?::[0-9]{1,5})?"
)
_ADDRESS: Final = regex(rb"(?:[0-9]{1,3}\.){3}[0-9]{1,3}(?::[0-9]{1,5})?")
#: Words of which no pass phrase has as many: those that are drawn by dice have six or seven.
_SENTENCE: Final = 9
#: What fills: dots, stars and masks.
_DISTINCT: Final = 3

#: What redaction leaves of a key, or a part of that.
_MASK: Final = regex(rb"[\w\-.]{0,20}?([xX0])\1{3,}+[xX0.\s]*+[0-9]{0,8}+[\w]?=*")


def is_mask(text: bytes) -> bool:
    """Whether a text has the form of a redacted key, or of a part of one."""
    return _MASK.fullmatch(text) is not None


def is_prose(text: bytes) -> bool:
    """Whether a value is a text of so many words, all of which a report shows anyway.

    Such as an error of the API, sent as a key: learnt, it would blank every such error.
    """
    return text.count(b" ") >= _SENTENCE - 1 and not hidden(text.decode("latin-1"))


def is_words(text: bytes) -> bool:
    """Whether a whole value consists of words of the protocols or of prefixes alone: no key does.

    `application/json`, `sk-ant-`; a version may stand beside them.
    """
    tokens = _TOKEN.findall(text.lower())
    numbers = 0
    for token in tokens:
        if token.isdigit() and len(token) <= _DIGITS:
            numbers += 1
        elif token not in WORDS:
            return False  # of a key the first of its own tokens says it
    return text.isascii() and numbers < len(tokens) and numbers <= _NUMBERS[0]


def is_public(text: bytes) -> bool:
    """Whether a text says nothing but what everyone knows.

    Of the words at its ends a part is enough: it may be cut out of a text.
    """
    low = text.lower()
    if len(set(low)) < _DISTINCT:
        return True
    if b"." in low and (_HOST.fullmatch(low) or _ADDRESS.fullmatch(low)):
        return True
    tokens = _TOKEN.findall(low)
    numbers = 0
    for index, token in enumerate(tokens):
        if token in WORDS:
            continue
        if token.isdigit() and len(token) <= _DIGITS:
            numbers += 1
            continue
        first, last = index == 0, index == len(tokens) - 1
        if not (
            (first and token + b"\n" in _LONG)
            or (last and b"\n" + token in _LONG)
            or (first and last and token in _LONG)
        ):
            return False
    return numbers <= _NUMBERS[numbers == len(tokens)] and low.isascii()
