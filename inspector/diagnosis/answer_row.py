"""What a row of the table of known answers is, and the names of documents that several rows cite.

The first row that matches an answer is its own, so that what is narrow stands before what is wide.
A row without a document behind it names the program whose answer it is.  Patterns match type, code
and message of the error, folded to lower case and joined by single spaces; `.{0,N}` bounds what
may stand between two words of one sentence.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Final

from inspector.fact import Fact
from inspector.model.conclusions import FindingCode


class Answer(Fact):
    """Words that are known, and what follows from them."""

    #: Whose words they are.
    of: str
    #: The finding that they make.
    code: FindingCode
    #: Found in type, code and message of the error: a pattern.
    says: str
    #: What they mean, as a sentence.
    meaning: str
    #: What to do.  Names in braces are those of `answers.FIELDS`.
    advice: str
    #: Where this is documented, or was seen.
    source: str
    #: With which statuses; empty: with any.
    statuses: frozenset[int] = frozenset()
    #: What else it could be, as a sentence.
    or_else: str = ""

    def is_found(self, words: str) -> bool:
        """Whether type, code and message of an error are these words."""
        return _pattern(self.says).search(words) is not None


@cache
def _pattern(says: str) -> re.Pattern[str]:
    """Compiled when a call failed: most captures need none of them."""
    return re.compile(says)


OPENAI: Final = "platform.openai.com/docs/guides/error-codes"
ANTHROPIC: Final = "docs.claude.com/en/api/errors"
GEMINI: Final = "ai.google.dev/gemini-api/docs/troubleshooting"
GOOGLE: Final = "cloud.google.com/apis/docs/system-parameters, google.rpc.ErrorInfo reasons"
AZURE: Final = "learn.microsoft.com/azure/ai-services/openai/reference"
AWS: Final = "docs.aws.amazon.com/bedrock/latest/APIReference/CommonErrors.html"
BEDROCK: Final = "docs.aws.amazon.com/bedrock/latest/userguide/troubleshooting-api-error-codes.html"
COPILOT: Final = "api.githubcopilot.com, as public issues of its clients quote it"
ROUTER: Final = "openrouter.ai/docs/api-reference/errors"
COHERE: Final = "docs.cohere.com/reference/errors"
XAI: Final = "docs.x.ai/docs/key-information/debugging"


def row(
    of: str,
    code: FindingCode,
    says: str,
    meaning: str,
    advice: str,
    source: str,
    statuses: tuple[int, ...] = (),
    or_else: str = "",
) -> Answer:
    """Return a row; `says` is a pattern, and its fields are those of `Answer`."""
    return Answer(of, code, says, meaning, advice, source, frozenset(statuses), or_else)
