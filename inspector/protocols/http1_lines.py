"""Field lines of heads (RFC 9112 5): nearly all of them came before, on other messages.

A line that is clean is read once.  Only lines are kept in which no key can stand: those of headers
whose values may be shown (`secrets.grants`), with a value that may.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from operator import itemgetter
from typing import Final, TypeAlias

from inspector.fact import Fact
from inspector.protocols.extent import FieldPlace
from inspector.protocols.messages import Field
from inspector.secrets.grammar import Span, hidden_in_host
from inspector.secrets.grants import GRANTS

#: RFC 9110 5.6.2, as a class of characters.
TOKEN: Final = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]"
#: Field lines that are kept with what was read of them, and bytes of the longest: together they
#: bound their memory to 2 MB.
LINES: Final = 4096
LONGEST_LINE: Final = 128

_CLEAN: Final = re.compile(rb"(" + TOKEN + rb"++):([^\x00-\x08\x0a-\x1f\x7f]*+)")

#: What may not be shown of a value, by the name of its header in lower case.
_SHOWN: Final[Mapping[bytes, Callable[[str], list[Span]]]] = {
    name: grant.grammar.hidden for name, grant in GRANTS.items()
} | {b"host": hidden_in_host}
# A named tuple's own constructor costs a call more.
_new: Final = tuple.__new__

#: The name of a field in lower case, and the field.
_Read: TypeAlias = tuple[bytes, Field]


class FieldBlock(Fact):
    """What a block of field lines says.

    `named`: the first field of each name, by the name in lower case (RFC 9110 5.1).  `repeats`: a
    name comes more than once.  `odd`: where the fields stand in the block; None if
    `extent.FieldLines` can tell by itself.
    """

    fields: tuple[Field, ...]
    named: Mapping[bytes, Field]
    repeats: bool
    odd: tuple[FieldPlace, ...] | None = None


class _Lines(dict[bytes, "_Read | None"]):
    """What each line says; None: it is not clean."""

    def __missing__(self, line: bytes) -> _Read | None:
        match = _CLEAN.fullmatch(line)
        if match is None:
            return None
        groups = match.groups()
        folded = groups[0].lower()
        read = folded, _new(Field, groups)
        if folded in _SHOWN and len(line) <= LONGEST_LINE:
            hidden = _SHOWN[folded](groups[1].decode("latin-1"))
            if not hidden:
                if len(self) >= LINES:
                    self.clear()
                self[line] = read
        return read


_FIELD: Final = itemgetter(1)
_KNOWN: Final = _Lines()
_read: Final = _KNOWN.__getitem__


def clean_lines(lines: list[bytes]) -> FieldBlock | None:
    """What lines say that have lost their line ends; None: one of them is not clean."""
    read = [*map(_read, lines)]
    if not all(read):
        return None
    known: list[_Read] = read  # type: ignore[assignment]
    named = dict(known)
    repeats = len(named) < len(known)
    if repeats:
        named = dict(known[::-1])
    return FieldBlock(tuple(map(_FIELD, known)), named, repeats)


def clean_block(block: bytes) -> FieldBlock | None:
    """A block of clean lines, with the empty one that ends it, if any; None: it is none."""
    lines = block.split(b"\r\n")
    if lines.pop():
        return None
    if lines and not lines[-1]:
        lines.pop()
    return clean_lines(lines)
