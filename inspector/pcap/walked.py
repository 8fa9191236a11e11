"""The compiled core's walk of a capture file's records, in front of the pure one.

What it leaves (a record that is not whole, odd, or of another kind) the pure walk takes, which
specifies both.
"""

from __future__ import annotations

import ctypes
from typing import Any, Final

from inspector.native.functions import Core
from inspector.native.layout import FileWalk
from inspector.native.library import loaded
from inspector.wire import PackedRecords

#: Records that one call of the core may give.
_ROOM: Final = 4096
_RECORD: Final = 32


class CoreWalk:
    """Walks with the compiled core as long as it can; where there is none, nothing is taken.

    `how` says of what file the records are, and is set by the walker: see `struct walk`.
    """

    def __init__(self, function: str) -> None:
        core = loaded().core
        self._walk: Any = getattr(core, function) if core else None
        self._out = (ctypes.c_char * (_ROOM * _RECORD))() if core else b""
        self._view = memoryview(self._out)
        self.how = FileWalk()
        self._pointer = ctypes.pointer(self.how)

    def __bool__(self) -> bool:
        return self._walk is not None

    def take(self, data: bytes, at: int, records: PackedRecords) -> int:
        """Put the records from `at` on behind those there are; where the first not taken begins."""
        self.how.at = at
        count = _ROOM
        while count == _ROOM:
            count = self._walk(self._pointer, data, len(data), self._out, _ROOM)
            records.packed.frombytes(self._view[: count * _RECORD])
        return self.how.at


def span(records: PackedRecords, before: int) -> tuple[int, int, bool]:
    """The earliest and the latest time (of one at least), and whether none goes back.

    The first is held against `before`.
    """
    core: Core | None = loaded().core
    if core is None:
        times = records.times
        ordered = times[0] >= before and list(times) == sorted(times)
        return min(times), max(times), ordered
    earliest, latest = ctypes.c_int64(), ctypes.c_int64()
    place, count = records.packed.buffer_info()
    ordered = core.span(place, count >> 2, before, ctypes.byref(earliest), ctypes.byref(latest))
    return earliest.value, latest.value, bool(ordered)
