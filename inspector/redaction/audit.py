"""The audit of a redacted copy against what was captured.

It shares nothing with the writer but the vault and the decoder of frames.  It
knows packets and sequence numbers, and no protocol.  Of each packet length, time
and link type have to be those of the input; each byte has to be the input's, or
one that masks are made of; and nowhere may a piece (twelve bytes) of a credential
that the vault knows stand: in a packet, in any writing; across the packets of a
direction, by their sequence numbers.  What fails is blanked in its place and
counted.  A file is never refused: whoever has it can read it.

One look at each packet, so the work is that of the file's length; memory is
bounded (`sequences`).
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Container
from dataclasses import dataclass
from typing import Final, NamedTuple

from inspector.flows.tcp import SYN
from inspector.redaction.frames import FrameReader, Place
from inspector.redaction.sequences import Sequences, Stretch
from inspector.secrets.echoes import echoes
from inspector.secrets.vault import Vault

#: What masks are made of: fillers (`x`, `X` for AWS, `0` among hex digits, 0xBF for what is no
#: ASCII), the digits that tell equal values, and their hex digits where a value is percent-encoded.
MASK_BYTES: Final = b"xX0123456789\xbfBF"

#: Packets with IP fragments whose datagram may still be completed.
FRAGMENTS: Final = 8192

_IS_MASK: Final = bytes(0 if byte in MASK_BYTES else 0xFF for byte in range(256))
#: Long masks say nothing.
_FILL: Final = re.compile(rb"x{16,}")
_DIFFERS: Final = bytes((0, *(255 * b"\xff")))


class Packet(NamedTuple):
    """A packet of a file: its time in ns, its length on the wire, its link type, its bytes."""

    at: int
    wire: int
    link: int
    frame: bytes


@dataclass(slots=True)
class Audited:
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


class Audit:
    """Looks at the packets of a copy in order, and says which bytes are to be blanked."""

    def __init__(self, vault: Vault, recoded: Container[int] = ()) -> None:
        self.found = Audited()
        self._vault = vault
        self._recoded = recoded
        self._near = True
        self._sequences = Sequences(vault)
        self._frames = FrameReader()
        #: Packets that brought a fragment: where they stand, and their bytes.
        self._fragments: OrderedDict[int, tuple[int, bytes]] = OrderedDict()

    def begin(self, data: bytes) -> None:
        """The next packets stand in `data`, which is looked at as a whole: few have a key."""
        self._near = bool(self._vault) and bool(echoes(self._vault, _FILL.sub(b"\0", data)))

    def packet(
        self, packet: Packet, place: int, number: int, source: Packet | None = None
    ) -> list[range]:
        """The places of a packet's bytes, and of earlier ones, that must not stay.

        `place` is where the packet's bytes stand; places count from wherever it does.
        `source` is the packet as it was captured; None: it is not here to compare with.
        """
        frame = packet.frame
        bad: list[tuple[int, int]] = []
        if source is not None:
            bad = self._compared(packet, source, number)
        for start, stop in bad:
            frame = frame[:start] + b"x" * (stop - start) + frame[stop:]
        if not self._vault:
            return [range(place + start, place + stop) for start, stop in bad]
        pieces = echoes(self._vault, frame) if self._near else []
        hidden = [range(place + start, place + stop) for start, stop in (*bad, *pieces)]
        across = self._across(packet, frame, place, number)
        self.found.keys += len(pieces) + bool(across)
        return hidden + across

    def _compared(self, packet: Packet, source: Packet, number: int) -> list[tuple[int, int]]:
        """Where bytes stand that were not captured and are no mask's."""
        if packet[:3] != source[:3] or len(packet.frame) != len(source.frame):
            self.found.unlike += 1
        if len(packet.frame) != len(source.frame):
            return [(0, len(packet.frame))]
        bad = [] if number in self._recoded else foreign(packet.frame, source.frame)
        self.found.foreign += len(bad)
        return bad

    def _across(self, packet: Packet, frame: bytes, place: int, number: int) -> list[range]:
        reading = self._frames.read(packet.link, frame, packet.wire, packet.at, number)
        if reading.reason == "fragment":
            self._fragments[number] = place, frame
            if len(self._fragments) > FRAGMENTS:
                self._fragments.popitem(last=False)
        segment = reading.segment
        if segment is None or not reading.places:
            return []
        if segment.start == segment.end and not (segment.flags & SYN or reading.settled):
            return []  # it has no byte, begins nothing, and no fragment waits for it
        own = {number: (place, frame)}
        parts = [self._stretch(own, one) for one in reading.places]
        for settled in reading.settled:
            self._fragments.pop(settled, None)
        known = [part for part in parts if part is not None]
        return self._sequences.look(segment.key, segment.seq, segment.flags, known)

    def _stretch(self, own: dict[int, tuple[int, bytes]], one: Place) -> Stretch | None:
        known = own.get(one.number) or self._fragments.get(one.number)
        if known is None:
            return None
        place, frame = known
        return Stretch(one.offset, frame[one.start : one.stop], place + one.start)


def foreign(copy: bytes, source: bytes) -> list[tuple[int, int]]:
    """Where two texts of one length differ by a byte that no mask has."""
    if copy == source:
        return []
    size = len(copy)
    unlike = int.from_bytes(copy, "big") ^ int.from_bytes(source, "big")
    changed = int.from_bytes(unlike.to_bytes(size, "big").translate(_DIFFERS), "big")
    bad = changed & int.from_bytes(copy.translate(_IS_MASK), "big")
    if not bad:
        return []
    flags = bad.to_bytes(size, "big")
    found: list[tuple[int, int]] = []
    at = flags.find(b"\xff")
    while at >= 0:
        stop = flags.find(b"\0", at)
        stop = size if stop < 0 else stop
        found.append((at, stop))
        at = flags.find(b"\xff", stop)
    return found
