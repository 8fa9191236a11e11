"""What was read or written of a header field before: they repeat on thousands of requests."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Generic, NamedTuple, NoReturn, TypeVar

#: Entries a memo holds before it starts anew, and the longest value it keeps:
#: together they bound its memory to a few MiB, whatever the capture holds.
ENTRIES: Final = 4096
VALUE: Final = 1024

T = TypeVar("T")


class Memo(Generic[T]):
    """A bounded dict for values that repeat on thousands of requests.

    Its keys are header fields with their secrets, so it shows nothing of itself.
    """

    __slots__ = ("_entries",)

    def __init__(self) -> None:
        self._entries: dict[tuple[bytes, bytes], T] = {}

    def get(self, field: tuple[bytes, bytes]) -> T | None:
        return self._entries.get(field)

    def lacking(self, fields: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        """Those of the fields that it does not hold: mostly none of a head's."""
        entries = self._entries
        return [field for field in fields if field not in entries]

    def put(self, field: tuple[bytes, bytes], answer: T) -> T:
        if len(field[1]) <= VALUE:
            if len(self._entries) >= ENTRIES:
                self._entries.clear()
            self._entries[field] = answer
        return answer

    def __repr__(self) -> str:
        return f"<Memo {len(self._entries)} entries>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Memo holds credentials: it is not serialised")


class Written(NamedTuple):
    """A text without the keys that were known when the vault had this generation."""

    generation: int
    name: str
    value: str
