"""Where a build of OpenSSL keeps the client's random, learnt from the sessions that it makes.

Of such a build the kernel hands over the beginning of the session's structure with each secret.
On the bridge the session's ClientHello goes by, and has the random.  Where two labels of one
session, or two sessions, have it at the same place, that is the place.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from inspector.linux.ebpf.keys import SessionSecret, UnplacedSecret

#: Secrets of one build that wait until it is known where its random is.
WAITING_LIMIT: Final = 256
#: ClientHellos that are remembered to be looked for.
RANDOMS_LIMIT: Final = 4096
#: How often the place has to be met, each time with another label or session.
AGREE: Final = 2
_SIZE: Final = 32


class Calibration:
    """One build.  `offset`: where its sessions have the client's random; None: not yet known."""

    def __init__(self) -> None:
        self.offset: int | None = None
        self._randoms: dict[bytes, None] = {}
        self._waiting: list[UnplacedSecret] = []
        #: By place: the labels and sessions in which it was met.
        self._met: dict[int, set[tuple[str, bytes]]] = {}

    def take(self, secret: UnplacedSecret) -> Iterator[SessionSecret]:
        """A secret whose session is not known; those that are known with it."""
        if self.offset is not None:
            yield secret.placed(self.offset)
        elif len(self._waiting) < WAITING_LIMIT:
            self._waiting.append(secret)
            for random in self._randoms:
                self._look(secret, random)
            yield from self._settled()

    def hello(self, randoms: Iterable[bytes]) -> Iterator[SessionSecret]:
        """ClientHellos went by; the secrets that are known with them."""
        if self.offset is not None:
            return
        for random in randoms:
            self._randoms[random] = None
            if len(self._randoms) > RANDOMS_LIMIT:
                del self._randoms[next(iter(self._randoms))]
            for secret in self._waiting:
                self._look(secret, random)
        yield from self._settled()

    def _look(self, secret: UnplacedSecret, random: bytes) -> None:
        window = secret.window.reveal()
        at = window.find(random)
        while at >= 0:
            self._met.setdefault(at, set()).add((secret.label, random))
            at = window.find(random, at + 1)

    def _settled(self) -> Iterator[SessionSecret]:
        """What waited, if it is known by now where the random is."""
        agreed = [at for at, met in self._met.items() if len(met) >= AGREE]
        if not agreed:
            return
        self.offset = min(agreed)
        waiting, self._waiting = self._waiting, []
        self._randoms.clear()
        self._met.clear()
        yield from (secret.placed(self.offset) for secret in waiting)
