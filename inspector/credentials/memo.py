"""What was read or written of a header field before: they repeat on thousands of requests."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import blake2b
from typing import Final, Generic, NamedTuple, NoReturn, TypeVar

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
    (BLAKE2b of 16 bytes; made in 1 us).
    """

    __slots__ = ("_entries", "_keyed")

    def __init__(self, key: bytes) -> None:
        self._entries: dict[bytes, T] = {}
        self._keyed = blake2b(key=key[:_LONGEST_KEY], digest_size=_DIGEST)

    def get(self, field: tuple[bytes, bytes]) -> T | None:
        return self._entries.get(self._digest(field))

    def lacking(self, fields: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        """Those of the fields that it does not hold: mostly none of a head's."""
        entries, digest = self._entries, self._digest
        return [field for field in fields if digest(field) not in entries]

    def put(self, field: tuple[bytes, bytes], answer: T) -> T:
        if len(field[1]) <= VALUE:
            if len(self._entries) >= ENTRIES:
                self._entries.clear()
            self._entries[self._digest(field)] = answer
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


class Written(NamedTuple):
    """A text without the keys that were known when the vault had this generation.

    `epoch`: as long as the vault's is this one, no key in it was learnt since; -1: that is not
    known.
    """

    generation: int
    epoch: int
    name: str
    value: str


class PlainFields:
    """Fields that the report shows as they are, so that nothing of them has to be hidden here.

    A field is one by its bytes, and as long as no key with a word of it is learnt: `epoch` is the
    vault's (`Vault.epoch`).  They are most of every head, and are met in a tenth of the time that
    the digest for a memo takes.
    """

    __slots__ = ("_epoch", "_shown")

    def __init__(self) -> None:
        self._epoch = -1
        self._shown: dict[tuple[bytes, bytes], tuple[str, str]] = {}

    def at(self, epoch: int) -> Mapping[tuple[bytes, bytes], tuple[str, str]]:
        """Those that are plain in this epoch, by field: its name and value as text."""
        if epoch != self._epoch:
            self._shown.clear()
            self._epoch = epoch
        return self._shown

    def put(self, field: tuple[bytes, bytes], written: Written) -> None:
        """Keep a field that was written, if what was written is what was sent."""
        name, raw = field
        if (
            written.epoch == self._epoch
            and written.value.encode("latin-1", "replace") == raw.strip(b" \t")
            and written.name.encode("latin-1", "replace") == name
        ):
            if len(self._shown) >= ENTRIES:
                self._shown.clear()
            self._shown[field] = (written.name, written.value)

    def __repr__(self) -> str:
        return f"<PlainFields {len(self._shown)}>"
