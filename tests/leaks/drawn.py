"""Captures drawn by hypothesis for any key, and all that is left of one, offline and live."""

from __future__ import annotations

import io
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from hypothesis import strategies as st

from inspector.capture_files import inspect_captures
from inspector.model.network import Process
from inspector.pcap.reader import open_captures
from inspector.redaction import LIVE, Redactor, redact_into
from tests.canary.damage import damaged, in_pieces
from tests.canary.outputs import OPTIONS, live_lines, rendered
from tests.canary.plants import CUSTOM_HEADER, POSITIONS, TEXTS, UNSHOWN, asked, get
from tests.canary.wire import Description, Talk, capture
from tests.leaks.artifacts import without_fingerprints
from tests.leaks.cases import ANNOUNCED, DAMAGES, ECHOES, NAMES, QUERIES, SHAPES, WRITINGS
from tests.leaks.views import is_leaked

Plant = Callable[[bytes], Talk]
Harm = Callable[[Talk, bytes, random.Random], Talk]


def _header(name: bytes) -> Plant:
    return lambda key: asked(name + b": " + key)


def _query(name: bytes) -> Plant:
    return lambda key: get(b"/v1/models?a=1&" + name + b"=" + key)


def _of_case(harm: Callable[[Talk, bytes], Talk]) -> Harm:
    return lambda talk, key, chance: harm(talk, key)


def _in_pieces(lost: float) -> Harm:
    return lambda talk, key, chance: in_pieces(talk, chance.randrange(2, 60), lost, chance)


#: Where a key is sent: in a position, in a text, in a body, under a name that says secret.
PLACES: Final[dict[str, Plant]] = {
    **POSITIONS,
    **{f"text: {name}": plant for name, plant in TEXTS.items()},
    **{f"unshown: {name}": plant for name, plant in UNSHOWN.items()},
    **{f"header {name.decode()}": _header(name) for name in NAMES},
    **{f"query {name.decode()}": _query(name) for name in QUERIES},
}
#: What happens to the talk of a place.
HARMS: Final[dict[str, Harm]] = {
    **{name: _of_case(harm) for name, harm in DAMAGES.items()},
    "in pieces of chance": _in_pieces(0),
    "in pieces, some lost": _in_pieces(0.1),
    "a byte beside it": damaged,
}
#: How an echo writes it.  Not without its last letter: where what follows happens to begin with
#: that one, it is hidden with the key.
ECHOED: Final = sorted(set(WRITINGS) - {"without its ends", "first part"})
#: Outputs that wrap a fingerprint in their lines: keys are looked for in them, no difference.
_WRAPPED: Final = frozenset({"narrow page", "page in colour"})


@dataclass(frozen=True)
class Drawn:
    """One capture for any key."""

    places: tuple[str, ...]
    echo: str
    writing: str
    frame: bytes
    harm: str
    seed: int
    shape: str

    def built(self, key: bytes) -> bytes:
        """The capture with this key in it."""
        talks = []
        for number, place in enumerate(self.places):
            chance = random.Random(self.seed + number)
            talk = PLACES[place](key)
            talks.append(HARMS[self.harm](talk, key, chance) if _holds(talk, key) else talk)
        written = self.frame % WRITINGS[self.writing](key)
        talks.insert(self.seed % (len(talks) + 1), ECHOES[self.echo](written))
        return capture(talks, Description())


def _holds(talk: Talk, key: bytes) -> bool:
    return any(isinstance(data, bytes) and key in data for _, data in talk.said)


drawn: Final = st.builds(
    Drawn,
    st.lists(st.sampled_from(sorted(PLACES)), min_size=1, max_size=2).map(tuple),
    st.sampled_from(sorted(ECHOES)),
    st.sampled_from(ECHOED),
    st.sampled_from((b"%s", *ANNOUNCED)),
    st.sampled_from(sorted(HARMS)),
    st.integers(0, 1 << 16),
    st.sampled_from(sorted(SHAPES)),
)


def left_of(data: bytes, folder: Path) -> dict[str, bytes]:
    """All that is left of a capture, by name."""
    path = folder / "drawn.pcapng"
    path.write_bytes(data)
    report = inspect_captures([path], OPTIONS)
    made = {told.name: told.data for told in rendered(report)}
    made["lines"] = live_lines(path, Process(pid=1, comm="lab", container="lab"))
    out = io.BytesIO()
    summary = redact_into(path, out, auth_headers=[CUSTOM_HEADER])
    made["copy"] = out.getvalue()
    made["messages"] = repr(summary).encode()
    made["live copy"] = b"".join(_live(path))
    return made


def _live(path: Path) -> Iterator[bytes]:
    """A copy that is written while packets come, one by one, and not read for keys before."""
    redactor = Redactor(auth_headers=[CUSTOM_HEADER], limits=LIVE)
    [reader] = open_captures([path])
    for batch in reader:
        for at in range(len(batch.records)):
            for ready in redactor.feed(batch.part(at, at + 1)):
                yield ready.data + repr((ready.comments, ready.marks)).encode()
    for ready in redactor.finish():
        yield ready.data + repr((ready.comments, ready.marks)).encode()


def told_apart(one: dict[str, bytes], other: dict[str, bytes]) -> set[str]:
    """The outputs that differ by more than fingerprints."""
    names = one.keys() - _WRAPPED
    return {
        name
        for name in names
        if without_fingerprints(one[name]) != without_fingerprints(other[name])
    }


def leaking(secret: bytes, left: dict[str, bytes]) -> set[str]:
    """The outputs in which twelve bytes of the secret stand in any view."""
    return {name for name, data in left.items() if is_leaked([secret], data)}
