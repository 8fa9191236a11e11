"""Text of the wire that no list has: error messages, reasons, names.  Granted word by word.

A text is tokens between white space, quotes, brackets and the like; a token is words joined by
`-`, `_`, `.`, `/` and their kind.  A token is shown if each of its words is built as words of a
language are (`letters`), or is listed (`words`), or is a short number; or if it has a form of
its own: a time, an address, a version.  Everything else is hidden, and so is what the text
announces as a secret (`announced`).  A URL is read as a request target is (`paths`).

So what stays is safe whenever it is written: whatever key is learnt later, twelve bytes of it are
no words.  Text is read as it is meant (`writings`): a key that is written otherwise is no word.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import groupby, pairwise
from typing import Final, TypeAlias

from inspector.regex import regex
from inspector.secrets.announced import announced
from inspector.secrets.grammar import LONGEST, MASK, Span, merged
from inspector.secrets.letters import is_word
from inspector.secrets.paths import PARAMETERS, is_known
from inspector.secrets.remembered import remembers
from inspector.secrets.windows import PIECE
from inspector.secrets.words import TECHNICAL
from inspector.secrets.writings import undone

#: Between tokens.  Typographic quotes, dashes, dots and bullets are what other punctuation is.
_BETWEEN: Final = (
    r"\x00-\x20\x7f\x85\xa0\"'`()\[\]{}<>,;:=!?*|&#$^\xab\xbb"
    r"\u2010-\u2015\u2018-\u201f\u2022\u2026\u2039\u203a\u3001\u3002\uff08\uff09\uff0c\uff1a"
)
_TOKEN: Final = regex(rf"[^{_BETWEEN}]+")
_JOINTS: Final = "-_./+@%~\\"
_WORD: Final = regex(r"[A-Z]+(?![a-z])[0-9]*|[A-Z]?[a-z]+[0-9]*|[0-9]+[A-Za-z]{0,2}|[^A-Za-z0-9]")
_PIECE: Final = regex(r"[^-_./+@%~\\]+")
#: Words that are written together (`DeploymentNotFound`), each of so many letters at least.
_INNER: Final = 3
_TOGETHER: Final = 6

#: Tokens of a form of their own, as wholes.
_BORDER: Final = (rf"(?<![^{_BETWEEN}])(?<!=)", rf"(?![^{_BETWEEN}.]|=|\.[^{_BETWEEN}])")
_FORMS: Final = regex(
    _BORDER[0]
    + r"(?:"
    + "|".join((
        # RFC 3339, RFC 9110 5.6.7, what Squid and AWS write
        r"[12][0-9]{3}-[0-9]{2}-[0-9]{2}(?:[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]{1,9})?)?"
        r"(?:Z|[+-][0-9]{2}:?[0-9]{2})?)?",
        r"[12][0-9]{7}T[0-9]{6}Z?", r"20[0-9]{6}",
        r"[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?",
        # numbers, with a sign, a fraction, thousands, a unit; an epoch time
        r"[-+~]?[0-9]{1,10}(?:[.,][0-9]{1,6})?%?", r"1[0-9]{12}", r"[0-9]{1,3}(?:,[0-9]{3}){1,3}",
        r"[0-9]{1,7}(?:\.[0-9]{1,3})?(?:ms|us|ns|s|m|h|d|k|x|[kKMGT]i?[bB]?|b|th|st|nd|rd)",
        r"[0-9]{1,4}[-/][0-9]{1,4}",
        r"v?[0-9]{1,4}(?:\.[0-9]{1,5}){1,3}(?:-?(?:alpha|beta|rc|dev|post)\.?[0-9]{0,3})?",
        # addresses (RFC 4291 2.2), networks
        r"(?:[0-9]{1,3}\.){3}[0-9]{1,3}(?:/[0-9]{1,2}|:[0-9]{1,5})?",
        r"(?:[0-9a-f]{1,4}:){2,7}(?::?[0-9a-f]{1,4}){0,6}|::(?:[0-9a-f]{1,4}:){0,6}[0-9a-f]{1,4}",
        # products and the codes of OpenSSL's own errors (`ERR_LIB_SSL` is 0A)
        r"HTTP/[0-9](?:\.[0-9])?", r"0A[0-9A-F]{6}", r"0x[0-9a-fA-F]{1,8}",
        # devices that Docker makes: a bridge by its network's id, an end of a pair
        r"br-[0-9a-f]{12}", r"veth[0-9a-f]{7}",
        # Squid's and Node's errors
        r"ERR_[A-Z]{2,12}(?:_[A-Z0-9]{1,12}){0,6}",
    ))
    + r")"
    + _BORDER[1]
)  # fmt: skip

#: An id or a key in parts that may look like words or numbers one by one.
_ID: Final = regex(
    r"(?<![0-9A-Za-z])(?:[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}"
    r"|(?:[0-9a-fA-F]{2}[: \-]){5,}[0-9a-fA-F]{2}"
    r"|[0-9]{3,9}(?:[\s\-][0-9]{3,9}){2,}|[0-9]{6,}[\s\-][0-9]{6,}"
    r")(?![0-9A-Za-z])"
)
_URL: Final = regex(r"[A-Za-z][A-Za-z0-9+.\-]{1,15}://[^\x00-\x20\"'`<>\x7f]+")
_PARAMETER: Final = regex(r"([^&;=]*)(=?)([^&;]*)")


#: A word of so few letters is no key by itself, whatever it is; it is shown among others.
LONE: Final = 6
_SHORT: Final = 3
#: A part of a field's name (RFC 9110 5.1), or of what a malformed line has in its place.
_NAME_PART: Final = regex(r"[^\x00-\x20\x7f!-,\-./:-@\[-`{-~]+")
#: Parts of one name that nobody knows, each too short for a key: `x-amzn-bf-vk`.
_UNKNOWN: Final = 2
#: Parts with digits in one token: `gpt-4o-2024-08-06`.
_NUMBERED: Final = 5
_PART: Final = regex(
    r"[0-9]{1,4}|[vohrx]?[0-9]{1,3}(?:p[0-9]{1,2})?|[0-9]{1,4}(?:[abckmoshxT]|ms|kb|mb|gb|th|bit)"
    r"|20[0-9]{6}|[0-9]{1,2}x[0-9]{1,3}b|[a-z][0-9]{1,4}|rc[0-9]|[vV][0-9]{1,2}(?:alpha|beta)[0-9]{0,2}"
)

#: UTF-16, or letters one by one.
_ONE_BY_ONE: Final = regex(r"[^\x00](?:\x00[^\x00]){3,}\x00?")
#: What stands between white space, and what of it is a small word or a number.
_CHUNK: Final = regex(r"[^\x00-\x20]+")
_PLAIN: Final = regex(r"[A-Za-z]?[a-z]*|[0-9]+")
#: So many pieces of one length in a row are no sentence, if two of them are no plain words.
_PIECES: Final = 4
#: Lines without a blank, and what stands before the first and behind the last of them.
_LINES: Final = regex(r"[^\x00-\x20]+(?:\r?\n[^\x00-\x20]+)+")
#: Without white space: a password by rules (`i!/pnl;?A&U8g5`), or a sentence without its spaces.
_THICKET: Final = regex(r"[^\x00-\x20\x7f\"'`()\[\]{}<>]+")
_MARK: Final = regex(r"[!#$^*&;?|][^!#$^*&;?|]")

_GOOD, _LONE, _BAD = range(3)
#: (start, stop, judgement)
_Judged: TypeAlias = tuple[int, int, int]


@remembers
def hidden(text: str) -> list[Span]:
    """Where what may not be shown of a text stands, in order and apart."""
    if len(text) > 2 * LONGEST:
        return [(0, len(text))]
    meant = undone(text)
    return merged(meant.written(*_whole(meant.text, *span)) for span in _hidden(meant.text))


@remembers
def hidden_in_name(name: str) -> list[Span]:
    """Where what may not be shown of a field's name stands: from its first part that is no word on
    to the last one, since what stands between them is of the same key.

    One short part that nobody knows is shown, as in a text; of several none is.
    """
    parts = [(match.span(), match[0]) for match in _NAME_PART.finditer(name)]
    odd = [
        (span, part)
        for span, part in parts
        if MASK.fullmatch(part) or not (part.isascii() and _is_good_part(part))
    ]
    is_key = len(odd) > _UNKNOWN or any(len(part) > LONE or MASK.fullmatch(part) for _, part in odd)
    return [(odd[0][0][0], odd[-1][0][1])] if is_key else []


def _whole(text: str, start: int, stop: int) -> Span:
    """With the letters and digits beside it: they would be read as one word with its mask."""
    while start and text[start - 1].isascii() and text[start - 1].isalnum():
        start -= 1
    while stop < len(text) and text[stop].isascii() and text[stop].isalnum():
        stop += 1
    return start, stop


def _hidden(text: str) -> Iterator[Span]:
    """The same of a text that was undone; in no order, perhaps twice."""
    yield from announced(text)
    for pattern in (_ID, _ONE_BY_ONE):
        yield from (match.span() for match in pattern.finditer(text))
    yield from _pieces(text)
    yield from _wrapped(text)
    rest = text
    for match in _URL.finditer(text):
        stop = match.end() - (len(match[0]) - len(match[0].rstrip(".,;:!?)]}*")))
        yield from _hidden_in_url(text, match.start(), stop)
        rest = _taken(rest, match.start(), stop)
    tokens = _all_judged(rest)
    if all(judgement == _GOOD for *_, judgement in tokens):
        return  # most texts: whatever form of its own a token may have, it is granted
    for match in _FORMS.finditer(rest):
        rest = _taken(rest, *match.span())
    tokens = _all_judged(rest)
    yield from _groups(rest, tokens)
    yield from _thickets(rest, tokens)
    for number, (start, stop, judgement) in enumerate(tokens):
        if judgement == _BAD or (judgement == _LONE and _beside_hidden(tokens, number)):
            yield start, stop


def _beside_hidden(tokens: list[_Judged], number: int) -> bool:
    """Whether a token on either side is not granted by itself."""
    beside = tokens[max(0, number - 1) : number] + tokens[number + 1 : number + 2]
    return any(judgement != _GOOD for *_, judgement in beside)


def _groups(text: str, tokens: list[_Judged]) -> Iterator[Span]:
    """Where three tokens and more of one length and case stand together of which some are no words.

    So people write keys for people: `JBSW Y3DP EHPK 3PXP`.
    """
    first = 0
    for number in range(1, len(tokens) + 1):
        if number < len(tokens):
            (start, stop, _), (after, end, _) = tokens[number - 1], tokens[number]
            alike = text[start:stop].isupper() == text[after:end].isupper()
            if alike and stop - start == end - after and not text[stop:after].strip(" -\r\n"):
                continue
        group = tokens[first:number]
        first = number
        if len(group) > 2 and any(judgement != _GOOD for *_, judgement in group):
            yield group[0][0], group[-1][1]


def _pieces(text: str) -> Iterator[Span]:
    """Where a text was cut into pieces of one length, or into its letters."""
    run: list[re.Match[str]] = []
    for chunk in [*_CHUNK.finditer(text), None]:
        if chunk is not None and run and len(chunk[0]) == len(run[0][0]):
            run.append(chunk)
            continue
        if len(run) >= _PIECES:
            odd = sum(not _PLAIN.fullmatch(piece[0]) or _judged(piece[0]) != _GOOD for piece in run)
            size = len(run[0][0])
            if odd > 1 or size == 1 or (size >= _SHORT and 2 * _numbered(run) > len(run)):
                # The word before may be as long by chance, but not also on a line of its own.
                is_apart = text[run[0].end()] == " " and len(run[0][0]) > _SHORT
                first = is_apart and _judged(run[0][0]) == _GOOD
                yield run[first].start(), run[-1].end()
        run = [] if chunk is None else [chunk]


def _wrapped(text: str) -> Iterator[Span]:
    """Where a text was wrapped: lines of one length and a shorter one, each without a blank."""
    for match in _LINES.finditer(text):
        lines = _CHUNK.finditer(text, *match.span())
        alike = [list(group) for _, group in groupby(lines, lambda line: len(line[0]))]
        for group, behind in pairwise([*alike, []]):
            if len(group) > 1:
                rest = behind[:1] if behind and len(behind[0][0]) < len(group[0][0]) else []
                yield from _line_by_line(group + rest)


def _line_by_line(lines: Sequence[re.Match[str]]) -> Iterator[Span]:
    """All of a text that was wrapped, if it is long enough for a key and no words or numbers."""
    is_long = sum(len(line[0]) for line in lines) >= PIECE
    if is_long and _numbered(lines) and any(_judged(line[0]) != _GOOD for line in lines):
        yield lines[0].start(), lines[-1].end()


def _numbered(pieces: Sequence[re.Match[str]]) -> int:
    """How many of them have a digit."""
    return sum(any(char.isdigit() for char in piece[0]) for piece in pieces)


def _thickets(text: str, tokens: list[_Judged]) -> Iterator[Span]:
    """Where tokens stand together between marks as in no sentence, and some are no words."""
    for match in _THICKET.finditer(text):
        if _MARK.search(match[0]):
            inside = [item for item in tokens if match.start() <= item[0] < match.end()]
            if any(judgement != _GOOD for *_, judgement in inside):
                yield match.span()


def _taken(text: str, start: int, stop: int) -> str:
    """A text without a stretch that is decided, in whose place a good word stands."""
    return text[:start] + " " * (stop - start) + text[stop:]


def _tokens(text: str) -> Iterator[Span]:
    """The tokens, without the joints at their ends."""
    for match in _TOKEN.finditer(text):
        token = match[0]
        start = match.start() + len(token) - len(token.lstrip(_JOINTS))
        stop = match.start() + len(token.rstrip(_JOINTS))
        if start < stop:
            yield start, stop


def _all_judged(text: str) -> list[_Judged]:
    return [(*span, _judged(text[slice(*span)])) for span in _tokens(text)]


# -- one token ---------------------------------------------------------------------------


def _judged(token: str) -> int:
    """Whether a token is granted, is so among granted ones, or is hidden."""
    if len(token) <= _SHORT and token.isascii() and not MASK.fullmatch(token):
        return _GOOD if _is_good_part(token) else _LONE
    unknown = numbered = letters = 0
    for match in _PIECE.finditer(token):
        piece = match[0]
        if MASK.fullmatch(piece):
            return _BAD
        if any(char.isdigit() for char in piece):
            numbered += 1
        letters += sum(char.isalpha() for char in piece)
        if _is_good_part(piece):
            continue
        if len(piece) > LONE or not piece.isascii() or not _is_of_one_case(piece):
            return _BAD
        unknown += 1
    if numbered > _NUMBERED or (numbered > 1 and letters < _INNER) or unknown > 1:
        return _BAD
    return _LONE if unknown else _GOOD


def _is_of_one_case(piece: str) -> bool:
    return piece.isalpha() and (piece.islower() or piece.isupper() or piece.istitle())


def _is_good_part(piece: str) -> bool:
    """Whether what stands between two joints is a word, words written together, or a number."""
    low = piece.lower()
    if low in TECHNICAL or _PART.fullmatch(piece):
        return True
    if not piece.isascii():
        return False
    words = _WORD.findall(piece)
    if len(words) == 1:
        return _is_good_word(words[0])
    counted = sum(word[-1].isdigit() and word.lower() not in TECHNICAL for word in words)
    if len(words) > _TOGETHER or counted > 1:
        return False
    return any(len(word) > _INNER for word in words) and all(
        (len(word) >= _INNER and _is_good_word(word))
        or (len(word) > 1 and word.lower() in TECHNICAL)
        for word in words
    )


def _is_good_word(word: str) -> bool:
    """Whether letters, with a short number behind them, are a word."""
    low = word.lower()
    if low in TECHNICAL:
        return True
    name = low.rstrip("0123456789")
    digits = len(low) - len(name)
    if digits > 4 or not name.isalpha():
        return False
    return name in TECHNICAL or (len(name) > 2 and is_word(name))


# -- URLs ----------------------------------------------------------------------------------


def _hidden_in_url(text: str, start: int, stop: int) -> Iterator[Span]:
    """Of a URL's scheme and authority what is no word, of its path and query what is not known."""
    scheme = text.index("://", start) + 3
    if _judged(text[start : scheme - 3]) == _BAD:
        yield start, scheme - 3
    end = min(
        (at for at in (text.find(mark, scheme, stop) for mark in "/?#") if at >= 0), default=stop
    )
    host = text.rfind("@", scheme, end) + 1 or scheme
    for part in re.finditer(r"[^.:\[\]]+", text[host:end]):
        if _judged(part[0]) == _BAD and not _FORMS.fullmatch(text[host:end]):
            yield host + part.start(), host + part.end()
    query = next((at for at in range(end, stop) if text[at] in "?#"), stop)
    for part in re.finditer(r"[^/:]+", text[end:query]):
        if not is_known(part[0]) and _judged(part[0]) == _BAD:
            yield end + part.start(), end + part.end()
    for match in _PARAMETER.finditer(text, min(query + 1, stop), stop):
        name, equals, value = match[1], match[2], match[3]
        if name and _judged(name) == _BAD:
            yield match.span(1)
        if equals and len(value) > _SHORT:
            grammar = PARAMETERS.get(name.lower())
            if grammar is None:
                yield match.span(3)
            else:
                yield from (
                    (match.start(3) + a, match.start(3) + b) for a, b in grammar.hidden(value)
                )
