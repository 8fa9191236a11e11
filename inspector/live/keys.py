"""TLS secrets of running programs, from the probes in them into the one keystore."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from typing import Final

from inspector.decryption.keystore import Keystore
from inspector.linux.ebpf.keys import KeyPrograms, SessionSecret
from inspector.live.calibration import RANDOMS_LIMIT, Calibration
from inspector.live.prober import Probed, Prober
from inspector.model.capture import KeyMaterial
from inspector.model.live import HookCount


class KernelKeys:
    """The session's keys (`session.SecretSource`), from eBPF."""

    def __init__(self, programs: KeyPrograms, prober: Prober) -> None:
        self.store = Keystore(expects=True, on_lack=self.read, is_probed=True)
        self._programs = programs
        self._prober = prober
        self._pids: set[int] = set()
        #: By the number of the probe.
        self._calibrations: dict[int, Calibration] = {}
        #: ClientHellos that went by before the first secret of a build came.
        self._recent: deque[bytes] = deque(maxlen=RANDOMS_LIMIT)

    def fileno(self) -> int:
        return self._programs.fileno()

    def read(self) -> None:
        """Take the secrets that came since the last call; never waits."""
        self._add(self._programs.secrets())
        randoms = self.store.take_awaited()
        for each in self._programs.unplaced():
            if (known := self._calibrations.get(each.probe)) is None:
                known = self._calibrations[each.probe] = Calibration()
                self._add(known.hello(self._recent))
            self._add(known.take(each))
        self._recent.extend(randoms)
        for known in self._calibrations.values():
            self._add(known.hello(randoms))

    def _add(self, secrets: Iterable[SessionSecret]) -> None:
        for each in secrets:
            self._pids.add(each.pid)
            self.store.add(each.label, each.random, each.secret, "ebpf")

    @property
    def fact(self) -> KeyMaterial:
        """What the report says of them."""
        return KeyMaterial((), 0, self.store.lines, 0, len(self._pids))

    def probes(self) -> Sequence[HookCount]:
        """The probes, how often each ran, and the files that have none."""
        self._prober.read()
        counted = self._programs.statistics()
        found = [self._counted(each, counted.hits) for each in self._prober.files]
        lost = "secrets found no room: their tunnels were not read" if counted.lost else None
        return [*found, HookCount("secrets", counted.sent, counted.lost, lost)]

    def _counted(self, found: Probed, hits: Sequence[int]) -> HookCount:
        user = "" if found.program == found.file else f" of {found.program}"
        if found.probe is None:
            return HookCount(f"{found.file}{user}", 0, note=f"no keys: {found.because}")
        count = hits[found.probe]
        name = f"{found.function} in {found.file}{user}"
        known = self._calibrations.get(found.probe)
        if known is not None and known.offset is not None:
            return HookCount(f"{name} (client's random learnt: {known.offset:#x})", count)
        return HookCount(name, count, note=UNPLACED if found.is_unplaced and count else None)

    def notes(self) -> Sequence[str]:
        """What else to know, each a sentence."""
        self._prober.read()
        told = []
        if self._prober.trouble:
            told.append(f"{self._prober.trouble}: programs that came after that were not probed")
        if not any(each.probe is not None for each in self._prober.files):
            told.append(NOTHING)
        return told

    def close(self) -> None:
        """End the prober, and its probes with it."""
        self._prober.close()
        self._programs.close()


#: Of a probe whose secrets belong to sessions that were not recognised.
UNPLACED: Final = (
    "no keys: it is a build that is not known, and the ClientHello of none of its sessions was seen"
)
#: Of a capture that could have had keys, and had no place to take them from.
NOTHING: Final = "--keys: no program with OpenSSL that can be probed was seen on the bridge"
