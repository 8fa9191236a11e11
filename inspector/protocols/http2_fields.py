"""Header blocks of HTTP/2 to fields (HPACK, RFC 7541), also where the table's start is unknown.

A block refers to a table that the blocks before it built.  Where some of these were not captured,
what a reference meant is not known, but what is spelt out or stands in the static table is: those
fields are told, and that others are missing is told as well.
"""

from __future__ import annotations

from typing import Final

from hpack import Decoder, hpack, table
from hpack.exceptions import HPACKError, InvalidTableIndex
from hpack.table import HeaderTable

from inspector.fact import Fact
from inspector.protocols.messages import Field

# It logs each field that it decodes, value and all, at the level of debugging.
hpack.log.disabled = table.log.disabled = True

#: Bytes of the fields of one block, decoded, 32 for each field: a bomb's limit.
LIST_LIMIT: Final = 128 << 10
#: The largest table that is kept, whatever an end allows (4,096 without a setting).
TABLE_LIMIT: Final = 256 << 10

#: Stands where a reference led to what is not known.
_UNKNOWN: Final = b""


class BlockFields(Fact):
    """What a block said, in its order (`pairs`).  `is_whole`: no field is missing from it.

    `pseudo`: the parts of a start line by their names, `fields` all others.
    """

    pairs: list[tuple[bytes, bytes]]
    pseudo: dict[bytes, bytes]
    fields: tuple[Field, ...]
    is_whole: bool


class _Table(HeaderTable):
    """A table whose oldest entries may be unknown."""

    def __init__(self) -> None:
        super().__init__()
        self.lacks_start = False

    def get_by_index(self, index: int) -> tuple[bytes, bytes]:
        try:
            return super().get_by_index(index)
        except InvalidTableIndex:
            if not self.lacks_start or index < 1:
                raise
            return _UNKNOWN, _UNKNOWN


class FieldReader:
    """Reads the blocks of one direction in their order.  `midstream`: not from the first on."""

    def __init__(self, *, midstream: bool = False) -> None:
        self._decoder = self._new()
        self._table.lacks_start = midstream

    def _new(self) -> Decoder:
        decoder = Decoder(max_header_list_size=LIST_LIMIT)
        # What the other end allows comes in its own SETTINGS, which may be behind, or lost.
        decoder.max_allowed_table_size = TABLE_LIMIT
        self._table = decoder.header_table = _Table()
        return decoder

    def lose(self) -> None:
        """A block was not read: what references meant from here on is not known."""
        self._decoder = self._new()
        self._table.lacks_start = True

    def read(self, block: bytes) -> BlockFields | None:
        """The fields of the next block; None, and `lose`, for what is no block."""
        try:
            found = list(self._decoder.decode(block, raw=True))
        except (HPACKError, IndexError, ValueError):
            self.lose()
            return None
        pairs = [(bytes(name), bytes(value)) for name, value in found]
        return of_pairs(pairs)


def of_pairs(pairs: list[tuple[bytes, bytes]]) -> BlockFields:
    """BlockFields by their names; one without a name is missing."""
    pseudo: dict[bytes, bytes] = {}
    fields: list[Field] = []
    is_whole = True
    for name, value in pairs:
        if not name:
            is_whole = False
        elif name.startswith(b":"):
            pseudo.setdefault(name, value)
        else:
            fields.append(Field(name, value))
    return BlockFields(pairs, pseudo, tuple(fields), is_whole)
