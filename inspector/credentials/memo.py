"""What was read of a header field before: they repeat on thousands of requests."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import blake2b
from typing import Final, Generic, NoReturn, TypeVar

#: Entries a memo holds before it starts anew, and the longest value it keeps:
#: together they bound its memory to a few MiB, whatever the capture holds.
ENTRIES: Final = 4096
VALUE: Final = 1024

_DIGEST: Final = 16
_LONGEST_KEY: Final = 64

T = TypeVar("T")


class Memo(Generic[T]):
    """A bounded dict for values that repeat on thousands of requests.

    It holds no field, for a field may be a credential: a keyed digest stands for each
    (BLAKE2b of 16 bytes; made in 1 us).  `entries`: how many it holds.
    """

    __slots__ = ("_entries", "_keyed", "_limit")

    def __init__(self, key: bytes, entries: int = ENTRIES) -> None:
        self._entries: dict[bytes, T] = {}
        self._limit = entries
        self._keyed = blake2b(key=key[:_LONGEST_KEY], digest_size=_DIGEST)

    def get(self, field: tuple[bytes, bytes]) -> T | None:
        return self._entries.get(self._digest(field))

    def put(self, field: tuple[bytes, bytes], answer: T) -> T:
        if len(field[1]) <= VALUE:
            self._keep(self._digest(field), answer)
        return answer

    def once(self, field: tuple[bytes, bytes], make: Callable[[], T]) -> T:
        """What is kept for a field; what is made now, if nothing is."""
        if len(field[1]) > VALUE:
            return make()
        digest = self._digest(field)
        known = self._entries.get(digest)
        return self._keep(digest, make()) if known is None else known

    def _keep(self, digest: bytes, answer: T) -> T:
        if len(self._entries) >= self._limit:
            self._entries.clear()
        self._entries[digest] = answer
        return answer

    def clear(self) -> None:
        """Forget everything."""
        self._entries.clear()

    def _digest(self, field: tuple[bytes, bytes]) -> bytes:
        made = self._keyed.copy()
        made.update(b"%d:%s%s" % (len(field[0]), *field))
        return made.digest()

    def __repr__(self) -> str:
        return f"<Memo {len(self._entries)} entries>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Memo holds credentials: it is not serialised")
