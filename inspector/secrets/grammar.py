"""Grammars of values: which words of a text are granted, and where the others stand.

A text is items (between white space, commas, semicolons, brackets, quotes), an item is words
joined by punctuation.  A grammar says what a word may be.  Of an item everything from its first
word that is none to its last one is hidden, so that no key is shown in the pieces that happen to
look like words.  A word is too short, or too plain, to be a key by itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Final, TypeAlias

from inspector.regex import regex
from inspector.secrets.pieces import pieces_of_chance
from inspector.secrets.remembered import Whole

#: (start, stop) in a text.
Span: TypeAlias = tuple[int, int]

#: What stands in a redacted copy for hidden text, of any length; a report hides it again.
MASK: Final = regex(r"\xbf|[xX]{2,}[0-9]{0,8}")
#: Text that is too short for any secret, whatever its name is.
_SHORT: Final = regex(r"[ -~]{1,3}")
_ITEM: Final = regex(r"[^\x00-\x20\x7f,;()\"]+")
_WORD: Final = regex(r"(?:[^!#$&'*+\-./:<=>?@\[\\\]^_`{|}~%]|%(?![2-3][0-9A-Fa-f]))+")
#: Percent-encoded punctuation joins words as punctuation does.
_JOINT: Final = regex(r"%(?:2[0-9A-Fa-f]|3[A-Fa-f])")

#: Runs that are an id or a key though their pieces may look like words: a UUID, hexadecimal.
_ID: Final = regex(
    r"(?<![0-9A-Za-z])(?:[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}"
    r"|(?=[0-9a-fA-F]*[0-9])(?=[0-9a-fA-F]*[a-fA-F])[0-9a-fA-F]{12,})(?![0-9A-Za-z])"
)

#: The longest value that is looked at; none that is known is half as long.
LONGEST: Final = 2048

#: A host (RFC 3986 3.2.2); `\0` stands where something else was found.
_HOST: Final = regex(r"\s*(?:\[[0-9A-Fa-f:.]*(?:%[\w.\-]+)?\]|[\w.\-\x00]*)", re.ASCII)
#: What follows one: a port (RFC 3986 3.2.3).
_PORT: Final = regex(r"(?::[0-9]{0,5})?\s*")

# -- what a word may be ------------------------------------------------------------------

#: A word of a language, or a program's: `claude`, `CPython`, `OpenAI`, `GitHubCopilotChat`, `MISS`.
#: One that is long enough for a piece of a key is built as words are: capitals begin its parts,
#: and four consonants stand together in few ways (measured: of 20 letters by chance one in some
#: ten thousand is built so, of 20 small letters one in thirty).
_PILED: Final = (
    r"(?!(?i:.*(?!bscr|nscr|nstr|ngth|ghts|ckgr|ndpr|mpts|rsts|wsgl)[b-df-hj-np-tv-xz]{4}))"
)
WORD: Final = (
    r"(?=.{1,11}\Z)(?:[A-Z]{0,5}[a-z]{1,11}(?:[A-Z]{1,4}[a-z]{2,8}){0,2}[A-Z]{0,3}|[A-Z]{1,11})"
    r"[0-9]{0,4}"
    rf"|(?=.{{12,24}}\Z){_PILED}(?:[A-Z]{{0,5}}[a-z]{{2,20}}"
    r"|[A-Z]?[a-z]{2,18}(?:[A-Z][a-z]{2,18}){1,3}[A-Z]{0,3})[0-9]{0,4}"
)
#: A number with a unit or a stage: `4o`, `v1beta`, `x64`, `600ms`, `1m`.
VERSION: Final = (
    r"(?:v|x|o|h|r|rc)?[0-9]{1,5}(?:alpha|beta|dev|post|pre|rc|ms|[abckmosh])?[0-9]{0,2}"
)
NUMBER: Final = r"[0-9]{1,16}"
DATE: Final = (
    r"Mon|Tue|Wed|Thu|Fri|Sat|Sun|Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec"
    r"|Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday|GMT|UTC|Z"
    r"|[0-9]{1,4}|[0-9]{2}T[0-9]{2}|[0-9]{1,9}Z|[0-9]{8}(?:T[0-9]{6}Z)?|[0-9]{10}|[0-9]{13}"
)


@cache
def _form(form: str) -> re.Pattern[str]:
    """Compiled when a word is judged by it: a run meets few of all the headers there are."""
    return regex(form)


class ValueGrammar:
    """What each word of a value may be.

    `forms` are patterns, one of which must match a whole word; `listed` are words by name, in
    any case.
    """

    __slots__ = ("_forms", "_listed", "_whole")

    def __init__(self, *forms: str, listed: Iterable[str] = ()) -> None:
        # Each by itself: half of the grammars share `WORD`, which is long.
        self._forms = tuple(map(_form, forms))
        self._listed = frozenset(word.lower() for word in listed)
        self._whole = Whole()

    def grants(self, word: str) -> bool:
        """Whether a word may be shown."""
        if MASK.fullmatch(word):
            return False
        if word.lower() in self._listed:
            return True
        return any(form.fullmatch(word) for form in self._forms)

    def hidden(self, text: str) -> list[Span]:
        """Where what may not be shown of a text stands, in order and apart."""
        if text in self._whole:
            return []
        if len(text) > LONGEST:
            return [(0, len(text))]
        found: list[Span] = []
        for start, stop in _items(text):
            words = [*_words(text, start, stop)]
            bad = [(at, end) for at, end in words if not self.grants(text[at:end])]
            bad += (match.span() for match in _ID.finditer(text, start, stop))
            bad += pieces_of_chance(text, words)
            if bad:
                found.append((min(at for at, _ in bad), max(at for _, at in bad)))
        if not found:
            self._whole.add(text)
        return found


def hidden_in_host(text: str) -> list[Span]:
    """Where what may not be shown of an authority stands; of what is none nothing is shown."""
    start = text.rfind("@") + 1  # what stands before it is user information
    host = _HOST.match(text, start)
    stop = start if host is None else host.end()
    if is_short(text) or _PORT.fullmatch(text, stop):
        return HOSTS.hidden(text)
    if text[stop : stop + 1] != ":":
        return [(0, len(text))]
    # The host is one, and what follows is no port.
    return [*HOSTS.hidden(text[:stop]), (stop + 1, len(text))]


def merged(spans: Iterable[Span]) -> list[Span]:
    """The same places in order, overlapping and neighbouring ones as one."""
    found: list[Span] = []
    for start, stop in sorted(spans):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(stop, found[-1][1]))
        else:
            found.append((start, stop))
    return found


def is_short(text: str) -> bool:
    """Whether a value is too short to be a secret, and no mask."""
    return _SHORT.fullmatch(text) is not None and MASK.fullmatch(text) is None


def _items(text: str) -> Iterator[Span]:
    return (match.span() for match in _ITEM.finditer(text))


def _words(text: str, start: int, stop: int) -> Iterator[Span]:
    """The words of an item."""
    item = text[start:stop]
    if "%" in item:
        item = _JOINT.sub("///", item)
    for match in _WORD.finditer(item):
        yield start + match.start(), start + match.end()


#: Nothing may be shown: a name that no table has.
NOTHING: Final = ValueGrammar()
NUMBERS: Final = ValueGrammar(NUMBER, listed=("not", "given"))  # `NOT_GIVEN`: the SDKs' word
DATES: Final = ValueGrammar(DATE)
SWITCHES: Final = ValueGrammar(listed=("true", "false", "yes", "no", "on", "off", "0", "1", "none"))
#: Programs and their versions (RFC 9110 10.1.5), and what they say of where they run.
PRODUCTS: Final = ValueGrammar(WORD, VERSION)
#: Model names, features, dated versions: `claude-sonnet-4-5-20250929`, `context-1m-2025-08-07`.
NAMES: Final = ValueGrammar(WORD, VERSION, r"20[0-9]{6}")
#: Hosts, addresses and ports among other text.
HOSTS: Final = ValueGrammar(WORD, r"[0-9]{1,5}", r"[0-9a-fA-F]{1,4}", r"xn")
#: Media types and their parameters (RFC 9110 8.3.1); a boundary is chance.
MEDIA: Final = ValueGrammar(WORD, r"[0-9]{1,3}", r"UTF|iso|mp4|vnd|x|h264")
