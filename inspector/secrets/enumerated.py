"""Grammars of strings in bodies: enumerated words and names of models.

What is drawn at random from letters of both cases, or from letters and digits, has
none of these forms; one lower-case word of up to 16 letters has, and is looked for
among the keys that were met.
"""

from __future__ import annotations

import re
from typing import Final

from inspector.regex import regex
from inspector.secrets.pieces import is_in_pieces

#: A word of one case with a short number, capitalised words in one, or a number.
_WORD: Final = "|".join((
    r"[a-z]{1,16}[0-9]{0,3}", r"[A-Z]{1,16}[0-9]{0,3}", r"(?:[A-Z][a-z]{1,14}){1,4}",
    r"[a-z]{1,12}(?:[A-Z][a-z]{1,12}){1,3}", r"[0-9]{1,4}",
))  # fmt: skip
#: `invalid_request_error`, `RESOURCE_EXHAUSTED`, `OperationNotSupported`,
#: `response.output_text.delta`, `429`.
WORDS: Final = regex(rf"(?=.{{1,64}}\Z)(?:{_WORD})(?:[_.\-/ ](?:{_WORD})){{0,7}}")

_MODEL_WORD: Final = "|".join((
    r"[A-Za-z]{1,16}[0-9]{0,4}", r"[0-9]{1,8}[a-z]{0,2}", r"[0-9]{1,3}x[0-9]{1,3}b",
    r"v[0-9]{1,2}p[0-9]{1,2}",
))  # fmt: skip
#: `claude-sonnet-4-5-20250929`, `gpt-4o`, `models/gemini-2.5-pro`, `llama-v3p1-405b`.
MODEL: Final = regex(rf"(?=.{{1,100}}\Z)(?:{_MODEL_WORD})(?:[\-._:/@](?:{_MODEL_WORD})){{0,11}}")


def is_of(grammar: re.Pattern[str], text: str) -> bool:
    """Whether a text has the form that a grammar of these gives it, and is no key in pieces."""
    return grammar.fullmatch(text) is not None and not is_in_pieces(text)
