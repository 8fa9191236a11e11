"""What is hidden of a text beside the keys in it: all that `secrets` does not grant.

The report writes labels and a redacted copy masks, so both ask here which stretches
stay: keys, which have labels and masks of their own, and placeholders, which are public.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final, TypeAlias

from inspector.credentials.kinds import LABEL
from inspector.regex import regex
from inspector.secrets import grants, labels
from inspector.secrets.constants import PLACEHOLDER, PLACEHOLDERS
from inspector.secrets.grammar import Span, is_short

#: Where what may not be shown of a text stands.
Hidden: TypeAlias = Callable[[str], list[Span]]

_PLACEHOLDERS: Final = regex(PLACEHOLDER)
_LABELS: Final = regex(f"{LABEL}|{PLACEHOLDER}")


def everything(text: str) -> list[Span]:
    """Nothing is granted, but what is too short to be anything; blanks around it are no part."""
    return [] if is_short(text.strip(" \t")) else [(0, len(text))]


def nothing(text: str) -> list[Span]:
    """Everything is granted."""
    return []


def of_header(folded: bytes, kept: frozenset[bytes]) -> Hidden:
    """What is hidden of the value of a header of this name; `kept` are names that a user added."""
    if folded in kept:
        return nothing
    grammar = grants.granted(folded)
    return everything if grammar is None else grammar.hidden


def folded_names(names: Iterable[str]) -> frozenset[bytes]:
    """Names of headers as they are compared."""
    return frozenset(name.strip().lower().encode("latin-1", "replace") for name in names)


def placeholders(text: str) -> list[Span]:
    """Where placeholders stand in a text."""
    if not any(each in text for each in PLACEHOLDERS):
        return []
    return [match.span() for match in _PLACEHOLDERS.finditer(text)]


def _labels(text: str) -> list[Span]:
    """Where labels and placeholders stand in a text."""
    return [match.span() for match in _LABELS.finditer(text)]


def outside(text: str, kept: list[Span], hidden: Hidden) -> list[Span]:
    """What is hidden of a text outside of the stretches that stay."""
    view = text
    for start, stop in kept:
        view = view[:start] + "\0" * (stop - start) + view[stop:]
    found: list[Span] = []
    for start, stop in hidden(view):
        at = start
        while at < stop:
            while at < stop and view[at] == "\0":
                at += 1
            end = view.find("\0", at, stop) if kept else stop
            end = stop if end < 0 else end
            if at < end:
                found.append((at, end))
            at = end
    return found


def written(text: str, hidden: Hidden, key: bytes) -> str:
    """A text without keys (they are labels in it) as it may be shown: what is hidden is labels."""
    kept = placeholders(text) if "<" not in text else _labels(text)
    for start, stop in reversed(outside(text, kept, hidden)):
        text = text[:start] + labels.label(text[start:stop], key) + text[stop:]
    return text
