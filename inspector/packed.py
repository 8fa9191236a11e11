"""A list whose length hardly shows in memory: finished records, packed block by block.

A capture of a gigabyte holds thousands of exchanges.  As objects each takes
about 4 KB; packed with its neighbours, with which it shares almost everything,
it takes 110 bytes (measured on `benchmarks/`' mixed workload).  So memory is
bounded by what is open, not by what is over.  To pack an exchange takes 5 us,
and each look at it 3 us again: a list that is short stays as it is.
The records must hold no `Secret`: those refuse to be packed.
"""

from __future__ import annotations

import pickle
import zlib
from array import array
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from math import isqrt
from operator import itemgetter
from typing import Any, Final, Generic, TypeVar, overload

from msgspec import Struct

T = TypeVar("T")

#: Records packed together.
BLOCK: Final = 64
#: The first blocks of a list are never packed: 1,024 records, some 3 MB of exchanges.
LOOSE: Final = 16
#: Unpacked blocks kept for the next look, some 250 KB each: the order of numbers jumps between
#: neighbouring blocks, and diagnosis looks at each call from several sides (measured on 1 GB of
#: the mixed workload: 4 blocks made it unpack each of them fifteen times).  More save nothing
#: in a long list, which is looked at from its beginning again and again (48 took 8 MB more).
_KEPT: Final = 16


#: Reads back what `append` packed: our own bytes, which never left the memory.
unpack: Final = pickle.loads
#: Deflated without a checksum, for the same reason; and how many bytes blocks mostly are.
_RAW: Final = -zlib.MAX_WBITS
_SIZE: Final = 1 << 15


class _Reducers(dict[type, Callable[[Any], Any]]):
    """How each class of records says what it is: without a look for it in each record."""

    def __missing__(self, kind: type) -> Callable[[Any], Any]:
        if not issubclass(kind, Struct):
            raise KeyError(kind)
        reducer: Callable[[Any], Any] = kind.__reduce__
        self[kind] = reducer
        return reducer


_REDUCERS: Final = _Reducers()


class _Parts(list[bytes]):
    """What is written to, as a pickler wants it."""

    write = list.append


def _packed(records: list[Any]) -> bytes:
    out = _Parts()
    pickler = pickle.Pickler(out, 5)
    pickler.dispatch_table = _REDUCERS
    pickler.dump(records)
    return zlib.compress(b"".join(out), 1, _RAW)


class Alike(Sequence[T], Generic[T]):
    """Equal to any sequence with equal items, as a tuple would be to a tuple."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence):
            return NotImplemented
        return len(self) == len(other) and all(
            mine == theirs for mine, theirs in zip(self, other, strict=True)
        )

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return repr(tuple(self))


class PackedList(Alike[T]):
    """A sequence that only grows at its end; its first `loose` blocks stay unpacked."""

    __slots__ = ("_blocks", "_length", "_loose", "_open", "_unpacked")

    def __init__(self, items: Iterable[T] = (), *, loose: int = LOOSE) -> None:
        self._loose = loose
        self._blocks: list[bytes | list[T]] = []
        self._open: list[T] = []
        self._unpacked: OrderedDict[int, list[T]] = OrderedDict()
        self._length = 0
        for item in items:
            self.append(item)

    def append(self, item: T) -> None:
        """Add a record; it must not be changed any more."""
        self._open.append(item)
        self._length += 1
        if len(self._open) == BLOCK:
            is_loose = len(self._blocks) < self._loose
            self._blocks.append(self._open if is_loose else _packed(self._open))
            self._open = []

    def clear(self) -> None:
        """Forget everything."""
        self._blocks.clear()
        self._open.clear()
        self._unpacked.clear()
        self._length = 0

    def forget(self, number: int) -> None:
        """Give up the records of a block, which nobody is going to look at."""
        if number < len(self._blocks):
            self._blocks[number] = b""
            self._unpacked.pop(number, None)

    def __len__(self) -> int:
        return self._length

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[T, ...]: ...
    def __getitem__(self, index: int | slice) -> T | tuple[T, ...]:
        if isinstance(index, slice):
            return tuple(self[position] for position in range(*index.indices(self._length)))
        if index < 0:
            index += self._length
        if not 0 <= index < self._length:
            raise IndexError(index)
        return self.block(index // BLOCK)[index % BLOCK]

    def __iter__(self) -> Iterator[T]:
        for number in range(len(self._blocks)):
            yield from self.block(number)
        yield from self._open

    def block(self, number: int) -> list[T]:
        """The records of a block, which are not to be changed."""
        if number == len(self._blocks):
            return self._open
        held = self._blocks[number]
        if isinstance(held, list):
            return held
        block = self._unpacked.get(number)
        if block is None:
            block = unpack(zlib.decompress(held, _RAW, _SIZE))
            self._unpacked[number] = block
            if len(self._unpacked) > _KEPT:
                self._unpacked.popitem(last=False)
        else:
            self._unpacked.move_to_end(number)
        return block


def arranged(archive: PackedList[T], order: Sequence[int]) -> tuple[PackedList[T], Sequence[int]]:
    """Records and the places at which they stand in `order`; both are new where that pays.

    Where records ended in quite another order than they began, each look at the next one
    would unpack a block: then they are sorted once, by way of parts that fit into memory.
    """
    if unpackings(order) <= 2 * (len(order) // BLOCK + 1):
        return archive, order
    ranks = array("q", bytes(8 * len(order)))
    for rank, place in enumerate(order):
        ranks[place] = rank
    # As many records in a part as parts have open ones, so that both stay small.
    size = max(_KEPT * BLOCK, isqrt(BLOCK * len(order)))
    parts: list[PackedList[tuple[int, T]]] = [
        PackedList(loose=0) for _ in range(-(-len(order) // size))
    ]
    for place, record in enumerate(archive):
        parts[ranks[place] // size].append((ranks[place], record))
    found: PackedList[T] = PackedList()
    for number, part in enumerate(parts):
        for _, record in sorted(part, key=itemgetter(0)):
            found.append(record)
        parts[number] = PackedList(loose=0)
    return found, range(len(found))


def unpackings(order: Iterable[int], loose: int = LOOSE) -> int:
    """How many blocks one look at all records in `order` would unpack."""
    count, at = 0, -1
    kept: OrderedDict[int, None] = OrderedDict()
    for place in order:
        number = place // BLOCK
        if number == at or number < loose:
            continue
        at = number
        if number in kept:
            kept.move_to_end(number)
            continue
        count += 1
        kept[number] = None
        if len(kept) > _KEPT:
            kept.popitem(last=False)
    return count


def drained(archive: PackedList[T], order: Sequence[int]) -> Iterator[T]:
    """All records in `order`, each once.  Blocks that were taken are forgotten on the way.

    So what is made of the records takes the place of the records, and not more.
    """
    left = Counter([place // BLOCK for place in order])
    at = -1
    block: list[T] = []
    for place in order:
        number = place // BLOCK
        if number != at:  # its neighbour is mostly of the same block
            at, block = number, archive.block(number)
        yield block[place % BLOCK]
        left[number] -= 1
        if not left[number]:
            archive.forget(number)
    archive.clear()


class Reordered(Sequence[T], Generic[T]):
    """Records of an archive in an order of their own."""

    __slots__ = ("_order", "_source")

    def __init__(self, source: Sequence[T], order: Sequence[int]) -> None:
        self._source = source
        self._order = order

    def __len__(self) -> int:
        return len(self._order)

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[T, ...]: ...
    def __getitem__(self, index: int | slice) -> T | tuple[T, ...]:
        if isinstance(index, slice):
            return tuple(self._source[place] for place in self._order[index])
        return self._source[self._order[index]]

    def __iter__(self) -> Iterator[T]:
        return (self._source[place] for place in self._order)


class Amended(Alike[T]):
    """Records of an archive as `amend` gives each; they stay packed as they are."""

    __slots__ = ("_amend", "_source")

    def __init__(self, source: Sequence[T], amend: Callable[[T], T]) -> None:
        self._source = source
        self._amend = amend

    def __len__(self) -> int:
        return len(self._source)

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[T, ...]: ...
    def __getitem__(self, index: int | slice) -> T | tuple[T, ...]:
        if isinstance(index, slice):
            return tuple(map(self._amend, self._source[index]))
        return self._amend(self._source[index])

    def __iter__(self) -> Iterator[T]:
        return map(self._amend, self._source)


class Overheard(Sequence[T], Generic[T]):
    """Records that somebody else hears of, each as the first walk through all comes to it.

    So two that want to see all of them once have them unpacked once.
    """

    __slots__ = ("_source", "_tell")

    def __init__(self, source: Sequence[T], tell: Callable[[T], None]) -> None:
        self._source = source
        self._tell: Callable[[T], None] | None = tell

    def __len__(self) -> int:
        return len(self._source)

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[T]: ...
    def __getitem__(self, index: int | slice) -> T | Sequence[T]:
        return self._source[index]

    def __iter__(self) -> Iterator[T]:
        tell, self._tell = self._tell, None
        return iter(self._source) if tell is None else _told(self._source, tell)


def _told(source: Iterable[T], tell: Callable[[T], None]) -> Iterator[T]:
    for record in source:
        tell(record)
        yield record
