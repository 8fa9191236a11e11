"""A ladder as a sequence diagram in Mermaid, which GitHub and GitLab draw in Markdown.

Captured text is data in it: whatever is no letter, digit or plain mark is written as an entity code
of Mermaid (`#35;`), so that no text ends a message, a line or the block, or is taken for markup.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from inspector.regex import regex
from inspector.report.drawing import Drawing, DrawnStep
from inspector.report.page import words

#: Steps of one diagram; a call that was tried often has more.
STEPS: Final = 30

_ACTIVE: Final = regex(r"[^A-Za-z0-9 .,/=+()\-?_']")


def sequence(ladder: Drawing) -> str:
    """The diagram, each statement on a line."""
    return "".join(f"{line}\n" for line in _lines(ladder))


def _lines(ladder: Drawing) -> Iterator[str]:
    yield "sequenceDiagram"
    names = {lane: f"l{number}" for number, lane in enumerate(ladder.lanes)}
    for lane, name in names.items():
        yield f"    participant {name} as {_text(f'{lane.title} {lane.place}')}"
    begun = next((step.at for step in ladder.steps if step.at is not None), 0)
    for number, step in enumerate(ladder.steps[:STEPS]):
        source, target = names[step.source], names[step.target]
        yield f"    {source}{_arrow(step)}{target}: {_text(_said(step, begun))}"
        if number == ladder.broke:
            ends = ",".join(sorted({source, target}))
            yield f"    Note over {ends}: {_text('here it broke' + _because(step))}"
    if len(ladder.steps) > STEPS:
        yield f"    Note over l0: {_text(words.count(len(ladder.steps) - STEPS, 'more step'))}"


def _arrow(step: DrawnStep) -> str:
    """Dotted: not seen on the bridge, or nobody knows; a cross: it failed."""
    if step.tone == "unknown":
        return "-->>"
    return "-x" if step.tone == "bad" else "->>"


def _said(step: DrawnStep, begun: int) -> str:
    time = "" if step.at is None else f" (+{max(0, step.at - begun) / 1e6:.1f} ms)"
    return f"{step.text}{time}"


def _because(step: DrawnStep) -> str:
    return f": {step.note}" if step.note else ""


def _text(text: str) -> str:
    return _ACTIVE.sub(lambda found: f"#{ord(found[0])};", text)
