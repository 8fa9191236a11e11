"""TLS secrets of running programs, from the probes in them into the one keystore."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from inspector.decryption.keystore import Keystore
from inspector.linux.ebpf.keys import KeyPrograms
from inspector.live.prober import Probed, Prober
from inspector.model.capture import KeyMaterial
from inspector.model.live import HookCount


class KernelKeys:
    """The session's keys (`session.SecretSource`), from eBPF."""

    def __init__(self, programs: KeyPrograms, prober: Prober) -> None:
        self.store = Keystore(expects=True)
        self._programs = programs
        self._prober = prober
        self._pids: set[int] = set()

    def fileno(self) -> int:
        return self._programs.fileno()

    def read(self) -> None:
        """Take the secrets that came since the last call; never waits."""
        for each in self._programs.secrets():
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
        found = [_counted(each, counted.hits) for each in self._prober.files]
        lost = "secrets found no room: their tunnels were not read" if counted.lost else None
        return [*found, HookCount("secrets", counted.sent, counted.lost, lost)]

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


#: Of a capture that could have had keys, and had no place to take them from.
NOTHING: Final = "--keys: no program with OpenSSL that can be probed was seen on the bridge"


def _counted(found: Probed, hits: Sequence[int]) -> HookCount:
    user = "" if found.program == found.file else f" of {found.program}"
    if found.probe is None:
        return HookCount(f"{found.file}{user}", 0, note=f"no keys: {found.because}")
    return HookCount(f"{found.function} in {found.file}{user}", hits[found.probe])
