"""The formats of what a command prints: one table, from which each takes what it can write."""

from __future__ import annotations

from typing import Final

from inspector.fact import Fact


class Format(Fact):
    """A format, by the name that `--format` takes."""

    name: str
    #: It can be written once, when everything is known.
    at_the_end: bool
    #: It can be written exchange by exchange, while a capture goes on.
    as_it_goes: bool


#: The first one is the default of every command.
FORMATS: Final = (
    Format("terminal", at_the_end=True, as_it_goes=True),
    Format("json", at_the_end=True, as_it_goes=False),
    Format("jsonl", at_the_end=False, as_it_goes=True),
)

#: What a command may offer: those that show a report, one verdict, a capture that goes on.
ALL: Final = tuple(each.name for each in FORMATS)
AT_THE_END: Final = tuple(each.name for each in FORMATS if each.at_the_end)
AS_IT_GOES: Final = tuple(each.name for each in FORMATS if each.as_it_goes)
