"""The audit of a redacted copy against what was captured.

It shares nothing with the writer but the vault and the decoder of frames.  It
knows packets and sequence numbers, and no protocol.  Of each packet length, time
and link type have to be those of the input; each byte has to be the input's, or
one that masks are made of; and nowhere may a piece (twelve bytes) of a credential
that the vault knows stand: in a packet, in any writing; across the packets of a
direction, by their sequence numbers.  What fails is blanked in its place and
counted.  A file is never refused: whoever has it can read it.

One look at each batch of packets, and at a packet only where something is in it, so the
work is that of the file's length; memory is bounded (`sequences`).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Container, Iterable
from typing import Final

from inspector.fact import Changing, Fact
from inspector.flows.tcp import SYN
from inspector.redaction.comparison import difference
from inspector.redaction.frames import FrameReader, Place
from inspector.redaction.said import Sayings
from inspector.redaction.sequences import Sequences, Stretch
from inspector.redaction.strands import Strand, parted, strands
from inspector.redaction.usual import UsualSegments, usual_segments
from inspector.secrets.echoes import echoes
from inspector.secrets.vault import Vault
from inspector.wire import Batch

#: Packets with IP fragments whose datagram may still be completed.
FRAGMENTS: Final = 8192

#: Stands between texts that are looked at together; in no writing it is left out.
_BETWEEN: Final = b"\xff"


class Audited(Changing):
    """What the audit found, and blanked where it could.

    `keys`: stretches in which a piece of a credential stood.  `foreign`: stretches that were
    neither captured nor a mask.  `unlike`: packets of other length, time or link type than the
    input's, or that one of the two files lacks.  `compared`: the input was there to compare with.
    `finished`: every packet was looked at.
    """

    keys: int = 0
    foreign: int = 0
    unlike: int = 0
    compared: bool = False
    finished: bool = False

    @property
    def blanked(self) -> int:
        """Stretches that were blanked."""
        return self.keys + self.foreign

    @property
    def told(self) -> tuple[str, ...]:
        """What there is to say of it to whoever made the copy; nothing, mostly."""
        counted = {
            "places that held a credential": self.keys,
            "places that were neither captured nor a mask": self.foreign,
        }
        lines = [f"the audit blanked {count} {what}" for what, count in counted.items() if count]
        if not self.compared:
            lines.append("audited without the input, which is read but once: for credentials alone")
        if self.unlike:
            lines.append(
                f"the audit found {self.unlike} packets whose length or time is not that of the"
                " input, or that one of the two lacks: please report this"
            )
        return tuple(lines)

    @property
    def sentence(self) -> str:
        """For whoever reads the file's comment."""
        how = "against its source" if self.compared else "without its source"
        how = how if self.finished else "in part"
        many = f"{self.blanked} place{'s' * (self.blanked != 1)} blanked"
        return f"audited {how}, {many}" + f", {self.unlike} packets unlike it" * bool(self.unlike)


class _Other(Fact):
    """The segment that a packet of another than a usual frame completes, and its parts."""

    first: int
    key: bytes
    sequence: int
    flags: int
    parts: list[Stretch]


class Audit:
    """Looks at the packets of a copy in order, and says which bytes are to be blanked."""

    def __init__(self, vault: Vault, recoded: Container[int] = ()) -> None:
        self.found = Audited()
        self._vault = vault
        self._recoded = recoded
        self._sequences = Sequences(vault)
        self._frames = FrameReader()
        self._sayings = Sayings()
        #: Packets that brought a fragment: where they stand, and their bytes.
        self._fragments: OrderedDict[int, tuple[int, bytes]] = OrderedDict()

    def look(
        self, batch: Batch, place: int, number: int, captured: Iterable[Batch] | None = None
    ) -> list[range]:
        """The places of a batch's bytes, and of earlier ones, that must not stay.

        `place` is where `batch.data` stands; places count from wherever it does.  `number` is
        that of its first packet.  `captured` are its packets as they were, as many as there
        are; None: they are not here to compare with.
        """
        hidden: list[range] = []
        if captured is not None:
            hidden = self._compared(batch, number, captured)
        if self._vault:
            if hidden:
                data = bytearray(batch.data)
                for one in hidden:
                    data[one.start : one.stop] = b"x" * len(one)
                batch = Batch(bytes(data), batch.records, batch.link_type, batch.first_packet)
            usual = usual_segments(batch)
            hidden += self._inside(batch, usual)
        hidden = [range(place + one.start, place + one.stop) for one in hidden]
        if self._vault:
            across = self._across(batch, usual, place, number)
            self.found.keys += len(across)
            hidden += across
        return hidden

    def _compared(self, batch: Batch, number: int, captured: Iterable[Batch]) -> list[range]:
        """Where in a batch bytes stand that were not captured and are no mask's."""
        hidden: list[range] = []
        begin = 0
        for source in captured:
            end = begin + len(source.records)
            found = difference(batch.part(begin, end), source, number + begin, self._recoded)
            hidden += found.hidden
            self.found.unlike += found.unlike
            self.found.foreign += found.foreign
            begin = end
        return hidden

    def _inside(self, batch: Batch, usual: UsualSegments) -> list[range]:
        """Where in a batch keys stand within packets."""
        data, vault = batch.data, self._vault
        # The headers of usual frames have no text: only as it is a key can stand in their numbers.
        new = self._sayings.new(batch, usual, vault.generation)
        if not (vault.finds(data) or echoes(vault, _BETWEEN.join(new))):
            self._sayings.remember(new)
            return []
        hidden = [
            range(at + start, at + stop)
            for _, at, size, _ in batch.records
            for start, stop in echoes(vault, data[at : at + size])
        ]
        self.found.keys += len(hidden)
        return hidden

    def _across(self, batch: Batch, usual: UsualSegments, place: int, number: int) -> list[range]:
        """Where keys stand across packets."""
        sequences = self._sequences
        found = strands(batch.data, usual)
        others = [
            other
            for index in usual.others
            if (other := self._unusual(batch, index, place, number)) is not None
        ]
        if not others:
            for strand in found:
                sequences.follow(strand, place)
            return sequences.found()
        # What a direction says is laid in the order of its packets, of whatever kind they are.
        breaks: dict[bytes, list[int]] = {}
        for other in others:
            breaks.setdefault(other.key, []).append(other.first)
        said_by_all: list[Strand | _Other] = [*others, *parted(found, breaks)]
        for said in sorted(said_by_all, key=lambda said: said.first):
            if isinstance(said, Strand):
                sequences.follow(said, place)
            else:
                sequences.look(said.key, said.sequence, said.flags, said.parts)
        return sequences.found()

    def _unusual(self, batch: Batch, index: int, place: int, number: int) -> _Other | None:
        """What any other packet brings; None: nothing."""
        at, begin, size, wire = batch.records[index]
        frame = batch.data[begin : begin + size]
        place, number = place + begin, number + index
        reading = self._frames.read(batch.link_type, frame, wire, at, number)
        if reading.reason == "fragment":
            self._fragments[number] = place, frame
            if len(self._fragments) > FRAGMENTS:
                self._fragments.popitem(last=False)
        segment = reading.segment
        if segment is None or not reading.places:
            return None
        if segment.start == segment.end and not (segment.flags & SYN or reading.settled):
            return None  # it has no byte, begins nothing, and no fragment waits for it
        own = {number: (place, frame)}
        parts = [self._stretch(own, one) for one in reading.places]
        for settled in reading.settled:
            self._fragments.pop(settled, None)
        known = [part for part in parts if part is not None]
        return _Other(index, segment.key, segment.seq, segment.flags, known)

    def _stretch(self, own: dict[int, tuple[int, bytes]], one: Place) -> Stretch | None:
        known = own.get(one.number) or self._fragments.get(one.number)
        if known is None:
            return None
        place, frame = known
        return Stretch(one.offset, frame[one.start : one.stop], place + one.start)
