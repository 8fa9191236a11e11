"""Bodies that are blank in a redacted copy, and the marks that say what was found in them.

A body is taken for blank when every captured byte of it is the mask's.  Where a mark
speaks of it, the mark's facts stand in the place of what its reader would make of `x`s;
where none does and the file is a copy, nothing is said of it, and it counts as unread.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from typing import Final

from inspector.exchanges import marks
from inspector.exchanges.marks import BlankStretch, BlockHead, BodyFacts, Copied
from inspector.model.capture import Fault
from inspector.model.http import ApiError, EventStream, PageAuthor, Usage
from inspector.model.network import Endpoint
from inspector.protocols.messages import MessageEnd
from inspector.wire import Segment

#: Stretches of bodies that are kept until their message is read.
WAITING: Final = 1 << 16

_Key = tuple[Endpoint, Endpoint, int]


#: What a blank body is made of: the mask, and the names of Squid's errors, which stay in it.
_BLANK: Final = b"xABCDEFGHIJKLMNOPQRSTUVWXYZ_"
#: So many first bytes tell of nearly every other body that it is not blank.
_TELLING: Final = 16


def is_mask(pieces: Iterable[Segment]) -> bool:
    """Whether nothing stands in these bytes that a blank body has not."""
    for _, _, data in pieces:
        if data[:_TELLING].translate(None, _BLANK) or data[_TELLING:].translate(None, _BLANK):
            return False
    return True


class Marks:
    """The marks of all files of a capture, each used once, in the order of its messages."""

    def __init__(self) -> None:
        self._stretches: dict[_Key, deque[BlankStretch]] = {}
        self._heads: dict[_Key, deque[BlankStretch]] = {}
        self._count = 0
        #: Which files say that they are copies, by index, and what these keep.
        self.copies: dict[int, Copied] = {}
        #: Marks that could not be kept.
        self.overflow = False

    def note(self, text: bytes, file_index: int) -> None:
        """A block of a file; one that is not of the form is passed over."""
        told = marks.read(text, file_index)
        if isinstance(told, Copied):
            self.copies[file_index] = told
        elif told is not None and (told.facts is not None or told.key is not None or told.head):
            if self._count >= WAITING:
                self.overflow = True
                return
            self._count += 1
            key = (told.source, told.destination, told.at)
            known = self._heads if told.head else self._stretches
            known.setdefault(key, deque()).append(told)

    def take(self, source: Endpoint, destination: Endpoint, at: int) -> BlankStretch | None:
        """The next stretch of a message from `source` that began at this time."""
        return self._taken(self._stretches, (source, destination, at))

    def head_of(self, source: Endpoint, destination: Endpoint, at: int) -> BlockHead:
        """What stood in the next header block that began at this time, if a mark has it."""
        found = self._taken(self._heads, (source, destination, at))
        return () if found is None else found.head

    def _taken(self, known: dict[_Key, deque[BlankStretch]], key: _Key) -> BlankStretch | None:
        waiting = known.get(key)
        if not waiting:
            return None
        self._count -= 1
        found = waiting.popleft()
        if not waiting:
            del known[key]
        return found

    def body_of(self, source: Endpoint, destination: Endpoint, at: int) -> MarkedBody | None:
        """What the mark of a message's body says of it, if there is one."""
        stretch = self.take(source, destination, at)
        return None if stretch is None else MarkedBody(stretch.facts)

    def key_of(self, source: Endpoint, destination: Endpoint, at: int) -> str | None:
        """The prefix of the key that a request held whose body is masked, if a mark has one."""
        found = self.take(source, destination, at)
        return None if found is None else found.key


class MarkedBody:
    """A body of whose reading a mark tells (implements `response_bodies.ResponseReader`).

    `facts` None: none does.
    """

    def __init__(self, facts: BodyFacts | None) -> None:
        self.stream: EventStream | None = None
        self.api_error: ApiError | None = None
        self.model: str | None = None
        self.usage: Usage | None = None
        self.stop_reason: str | None = None
        self.looks_like: str | None = None
        self.page: PageAuthor | None = None
        self.faults: list[Fault] = []
        self.decoded = 0 if facts is None else facts.decoded
        if facts is not None:
            self.stream, self.api_error = facts.stream, facts.api_error
            self.model, self.usage = facts.model, facts.usage
            self.stop_reason, self.looks_like = facts.stop_reason, facts.looks_like
            self.faults, self.page = list(facts.faults), facts.page

    def feed(self, pieces: Sequence[Segment]) -> None:
        """What follows is blank, too."""

    def gap(self, missing: int, packet: int) -> None:
        """See `feed`."""

    def finish(self, end: MessageEnd) -> None:
        """All is said."""
