"""Which strings of a JSON body may stand in a copy that others read, and in what form.

A grant is the name of a member and a grammar of its value; there is no grant
for a name alone.  The grammars are those of enumerated words and of model names
(`secrets/enumerated.py`).

Sources: the API references of Anthropic, OpenAI, Google and Azure, and what
`protocols/api.py` reads of their bodies.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from inspector.fact import Fact
from inspector.regex import regex
from inspector.secrets.enumerated import MODEL, WORDS


class StringGrant(Fact):
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
    "error_code": StringGrant(WORDS, "an error's kind (Mistral, gateways)"),
    "errorcode": StringGrant(WORDS, "an error's kind (Apigee)"),
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

#: A name of a member that may stand: an identifier, as APIs and schemas write them, whose parts
#: are words as those of a header's name are (`free_text.hidden_in_name`).
NAME: Final = regex(r"[A-Za-z_$@][A-Za-z0-9_$@.\-]{0,39}")
#: The name of an event in a stream.
EVENT: Final = WORDS
