"""Which strings of a JSON body may stand in a copy that others read, and in what form.

A grant is the name of a member and a grammar of its value; there is no grant
for a name alone.  The grammars are those of enumerated words and of model names.
What is drawn at random from letters of both cases, or from letters and digits, has
none of these forms; one lower-case word of up to 16 letters has, and is looked for
among the keys that were met.

Sources: the API references of Anthropic, OpenAI, Google and Azure, and what
`protocols/api.py` reads of their bodies.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, NamedTuple

#: A word of one case with a short number, capitalised words in one, or a number.
_WORD: Final = "|".join((
    r"[a-z]{1,16}[0-9]{0,3}", r"[A-Z]{1,16}[0-9]{0,3}", r"(?:[A-Z][a-z]{1,14}){1,4}",
    r"[a-z]{1,12}(?:[A-Z][a-z]{1,12}){1,3}", r"[0-9]{1,4}",
))  # fmt: skip
#: `invalid_request_error`, `RESOURCE_EXHAUSTED`, `OperationNotSupported`,
#: `response.output_text.delta`, `429`.
WORDS: Final = re.compile(rf"(?=.{{1,64}}\Z)(?:{_WORD})(?:[_.\-/ ](?:{_WORD})){{0,7}}")

_MODEL_WORD: Final = "|".join((
    r"[A-Za-z]{1,16}[0-9]{0,4}", r"[0-9]{1,8}[a-z]{0,2}", r"[0-9]{1,3}x[0-9]{1,3}b",
    r"v[0-9]{1,2}p[0-9]{1,2}",
))  # fmt: skip
#: `claude-sonnet-4-5-20250929`, `gpt-4o`, `models/gemini-2.5-pro`, `llama-v3p1-405b`.
MODEL: Final = re.compile(
    rf"(?=.{{1,100}}\Z)(?:{_MODEL_WORD})(?:[\-._:/@](?:{_MODEL_WORD})){{0,11}}"
)


class StringGrant(NamedTuple):
    """The grammar that a member's string must have whole, and why it is kept."""

    grammar: re.Pattern[str]
    why: str


#: Name of the member -> its grant.
STRINGS: Final[Mapping[str, StringGrant]] = {
    "code": StringGrant(WORDS, "tells an error's kind (OpenAI, Azure)"),
    "error_type": StringGrant(WORDS, "tells an error's kind"),
    "event": StringGrant(WORDS, "names an event"),
    "finishReason": StringGrant(WORDS, "why an answer stopped (Gemini)"),
    "finish_reason": StringGrant(WORDS, "why an answer stopped (Chat Completions)"),
    "model": StringGrant(MODEL, "which model was asked or answered"),
    "modelVersion": StringGrant(MODEL, "which model answered (Gemini)"),
    "object": StringGrant(WORDS, "names the kind of a document (OpenAI)"),
    "reason": StringGrant(WORDS, "why an answer is incomplete, an error's kind (Gemini)"),
    "role": StringGrant(WORDS, "who speaks"),
    "service_tier": StringGrant(WORDS, "how a call was ranked"),
    "status": StringGrant(WORDS, "how far a response is, an error's kind (Gemini)"),
    "stop_reason": StringGrant(WORDS, "why an answer stopped (Messages)"),
    "type": StringGrant(WORDS, "names the kind of a document, event, block or error"),
}

#: Where the text of an error stands, as names from the outermost: always ...
ERROR_TEXTS: Final[frozenset[tuple[str, ...]]] = frozenset({
    ("error",), ("error", "message"), ("response", "error"), ("response", "error", "message"),
})  # fmt: skip
#: ... and in a document that is an error by its status, its event or its own word.
BARE_ERROR_TEXTS: Final[frozenset[tuple[str, ...]]] = frozenset({
    ("message",), ("detail",), ("details",), ("error_description",),
})  # fmt: skip

#: A name of a member that may stand: an identifier, as APIs and schemas write them.
NAME: Final = re.compile(r"[A-Za-z_$@][A-Za-z0-9_$@.\-]{0,39}")
#: The name of an event in a stream.
EVENT: Final = WORDS
