"""Which segments of a request target are granted, and which values of its query.

A segment is known from the providers' references (`model.providers` and the words below), or is
a version or a short word, or follows `models` and has the form of a model's name.  One that is a
letter away from a known word says nothing that the word does not, and is the very fact a 404
turns on (`/v1/message`), so it is shown.  All others are hidden: Telegram and Slack take their
keys in the path.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from inspector.model.providers import PROVIDERS
from inspector.regex import regex
from inspector.secrets.grammar import (
    HOSTS,
    NAMES,
    SWITCHES,
    WORD,
    Span,
    ValueGrammar,
    hidden_in_host,
    is_short,
)

_OF_REFERENCES: Final = """
    agents api audio azure batches batch beta cached cachedcontents cancel chat client_secrets
    complete completions content contents conversations converse converse-stream count count_tokens
    deployments edits embeddings engines events evaluators fallback files fine_tuning generate
    generations healthz health input_items inference invoke invoke-with-response-stream items jobs
    list livez locations logs mcp messages metrics model models moderations openai operations
    organizations ping projects proxy publishers google anthropic readyz ready realtime reflect
    rerank responses results runs search sessions skills speech sse status submit_tool_outputs
    threads token tokens transcriptions translations tuned_models upload uploads usage user users
    vector_stores variations version versions workspaces graphql info favicon.ico robots.txt index
    debian dists main pool ubuntu simple pypi npm repos stable bookworm inrelease release packages
    login logout oauth authorize callback telemetry log statsig track internal copilot_internal
"""

_VERBS: Final = """
    generateContent streamGenerateContent countTokens embedContent batchEmbedContents predict
    rawPredict streamRawPredict batchGenerateContent generateAnswer asyncBatchEmbedContent
    predictLongRunning
"""

SEGMENTS: Final[frozenset[str]] = frozenset(
    (
        *_OF_REFERENCES.split(),
        *(part for row in PROVIDERS for prefix in row.path_prefixes for part in prefix.split("/")),
    )
) - {""}
_KNOWN: Final[frozenset[str]] = SEGMENTS | {verb.lower() for verb in _VERBS.split()}
#: Length -> the words in which one letter more or less is still told from chance.
_LONG: Final = {
    size: tuple(sorted(word for word in _KNOWN if len(word) == size)) for size in range(5, 34)
}
_VERSION: Final = regex(r"v[0-9]{1,2}(?:(?:alpha|beta|p)[0-9]{0,2})?")
#: Too little for a key: a short word in small letters.
_SHORT: Final = regex(r"[a-z]{1,8}")
#: What is followed by a name: of a model, of a deployment of one.
_NAMED: Final = frozenset({"models", "model", "deployments", "publishers", "engines"})
_NAME: Final = 80

#: The start of a target of any form (RFC 9112 3.2): its scheme, and its authority.
AUTHORITY: Final = regex(
    r"[ \t]*(?:(?P<scheme>[A-Za-z][A-Za-z0-9+.\-]*)://|//)?(?P<authority>[^/?#]*)"
)
#: Characters of no target (RFC 3986 2), but for those of a template that nobody filled in.
_NO_TARGET: Final = regex(r"[\x01-\x20\x7f\"<>\[\]\\^`|]")
_SEGMENT: Final = regex(r"[^/:]+")
_PARAMETER: Final = regex(r"[^&;]+")


def _is_near(word: str) -> bool:
    near = (len(word) - 1, len(word), len(word) + 1)
    return any(_one_edit(word, known) for size in near for known in _LONG.get(size, ()))


def _one_edit(one: str, other: str) -> bool:
    """Whether one letter was added, lost or changed, or two neighbours have changed places."""
    start = 0
    while start < min(len(one), len(other)) and one[start] == other[start]:
        start += 1
    a, b = one[start:], other[start:]
    return a[1:] == b[1:] or a[1:] == b or a == b[1:] or (a[1::-1] == b[:2] and a[2:] == b[2:])


def is_known(segment: str) -> bool:
    """Whether a segment is one of a reference or a letter away from it, a version, a short word."""
    low = segment.lower()
    if low in _KNOWN or _VERSION.fullmatch(low) or is_short(segment) or _SHORT.fullmatch(segment):
        return True
    return 4 <= len(low) <= 32 and low.isascii() and _is_near(low)


def segments_of(paths: Iterable[str]) -> frozenset[str]:
    """The segments of further known paths, such as those of a provider that a user adds."""
    return frozenset(part.lower() for path in paths for part in path.split("/"))


def hidden_in_path(text: str, more: frozenset[str] = frozenset()) -> list[Span]:
    """Where what may not be shown of a target without its query stands.

    Any form (RFC 9112 3.2): a path, a URL, an authority, `*`.  User information is the caller's;
    `more` are further segments that are known.
    """
    start = AUTHORITY.match(text)
    authority = start.span("authority") if start else (0, 0)
    found: list[Span] = []
    if start and start["scheme"]:
        at = start.start("scheme")
        found += ((at + first, at + last) for first, last in HOSTS.hidden(start["scheme"]))
    found += (
        (authority[0] + first, authority[0] + last)
        for first, last in hidden_in_host(text[slice(*authority)])
    )
    end = len(text)
    odd = _NO_TARGET.search(text, authority[1])
    if odd is not None:
        # What stands in no target may be anything: nothing is read from its segment on.
        text = text[: max(authority[1], *(text.rfind(mark, 0, odd.start()) + 1 for mark in "/:#"))]
    before = ""
    path, _, fragment = text.partition("#")
    for match in _SEGMENT.finditer(path, authority[1]):
        segment = match[0]
        if is_known(segment) or segment.lower() in more:
            before = segment.lower()
            continue
        if before in _NAMED and len(segment) <= _NAME:
            found += ((match.start() + a, match.start() + b) for a, b in NAMES.hidden(segment))
        else:
            found.append(match.span())
        before = ""
    # A fragment may carry what a query does (RFC 6749 4.2.2).
    for match in _PARAMETER.finditer(fragment):
        name, equals, value = match[0].partition("=")
        at = len(path) + 1 + match.start()
        hidden = hidden_in_parameter(name, value if equals else None)
        found += ((at + start, at + stop) for start, stop in hidden)
    return [*found, (len(text), end)] if odd is not None else found


# -- the query ------------------------------------------------------------------------------

_COUNT: Final = ValueGrammar(r"[0-9]{1,6}")
_DATED: Final = ValueGrammar(r"[0-9]{1,4}|preview|beta|alpha|v[0-9]{1,2}")

#: Parameter -> what its value may be.  Names are as sent, in lower case.
PARAMETERS: Final[dict[str, ValueGrammar]] = {
    # The providers' references: how an answer is written, and which version of an API.
    "alt": ValueGrammar(listed=("sse", "json", "media", "proto")),
    "api-version": _DATED,
    "beta": SWITCHES,
    "stream": SWITCHES,
    "prettyprint": SWITCHES,
    "model": NAMES,
    # Paging of lists.
    "limit": _COUNT,
    "page": _COUNT,
    "per_page": _COUNT,
    "page_size": _COUNT,
    "pagesize": _COUNT,
    "order": ValueGrammar(listed=("asc", "desc")),
}

_PARAMETER_NAME: Final = ValueGrammar(WORD, r"[A-Za-z]|256")


def hidden_in_parameter(name: str, value: str | None) -> list[Span]:
    """Where what may not be shown of `name=value` stands; None: there is no `=`."""
    found = _PARAMETER_NAME.hidden(name)
    if value and not is_short(value):
        at = len(name) + 1
        grammar = PARAMETERS.get(name.lower())
        spans = [(0, len(value))] if grammar is None else grammar.hidden(value)
        found += ((at + start, at + stop) for start, stop in spans)
    return found
