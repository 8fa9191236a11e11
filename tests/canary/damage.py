"""Talks as a bad network, a bad client or a bad capture would have them."""

from __future__ import annotations

import random
import re
from typing import Final

from tests.canary.wire import Lost, Talk

#: What one byte around a key may become, or get for a neighbour.
NASTY: Final = (
    *(bytes([byte]) for byte in b"\0\t\n\r\x1b\x7f\x80\xff A0\"#%&'*-./:;<=>?@\\_"),
    *(b"\r\n", b"\r\n\r\n", b"://", b"//", b"...", b"***", b"%2", b"\xe2\x80\xa6"),
    *(b"Bearer ", b"Basic ", b"key=", b"<empty>", b" HTTP/1.1\r\n"),
)


def in_pieces(talk: Talk, size: int, lost: float, rng: random.Random) -> Talk:
    """The same bytes in segments of `size`, of which the share `lost` was not captured."""
    said: list[tuple[bool, bytes | Lost]] = []
    for up, data in talk.said:
        if isinstance(data, Lost):
            said.append((up, data))
            continue
        for at in range(0, len(data), size):
            piece = data[at : at + size]
            said.append((up, Lost(piece) if rng.random() < lost else piece))
    return Talk(said, talk.server, talk.client, talk.closes, talk.comments)


def damaged(talk: Talk, key: bytes, rng: random.Random) -> Talk:
    """One byte before or behind `key` changed, lost or added; the key itself stays whole."""
    said = [
        (up, _damage(data, key, rng) if isinstance(data, bytes) and key in data else data)
        for up, data in talk.said
    ]
    return Talk(said, talk.server, talk.client, talk.closes, talk.comments)


def _damage(data: bytes, key: bytes, rng: random.Random) -> bytes:
    whole = {at + inside for at in _places(data, key) for inside in range(1, len(key))}
    places = [at for at in range(len(data) + 1) if at not in whole]
    if rng.random() < 0.5:  # nearby is where it matters
        start = data.index(key)
        places = [at for at in places if start - 4 <= at <= start + len(key)]
    at = rng.choice(places)
    new = rng.choice((b"", *NASTY))
    keeps = at == len(data) or data.startswith(key, at) or rng.random() < 0.3
    return data[:at] + new + data[at + (not keeps) :]


def _places(data: bytes, key: bytes) -> list[int]:
    """Where `key` begins in `data`."""
    return [found.start() for found in re.finditer(re.escape(key), data)]
