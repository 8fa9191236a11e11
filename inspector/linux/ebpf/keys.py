"""The programs that take the secrets of TLS sessions where a program hands them to its key log.

Two processes use them, forked from the one that loaded them.  The parser reads what comes out
(`secrets`, `statistics`) and may do no more.  The prober alone attaches probes to files, and lets
network namespaces in: without that no secret leaves the kernel.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from struct import Struct, pack
from typing import Final, Self

from inspector.executables.key_log import KeyLogSite, Layout
from inspector.fact import Fact
from inspector.linux.ebpf import probes
from inspector.linux.ebpf.loader import BpfObject, RingBuffer
from inspector.secret import Secret

#: Probes at most: files that have OpenSSL in them.
PROBES: Final = 64

#: Hooks that tell that a process is there; without one of them it is told later.
_HOOKS: Final = {"on_exec": "sched_process_exec", "on_state": "inet_sock_set_state"}
_COUNTERS: Final = Struct(f"<{PROBES}Q4Q")
_SECRET: Final = Struct("<QIII4x40s32s64s")
_PRESENCE: Final = Struct("<IIQ")
#: Bytes of a session's structure that come with a secret of a build that is not known.
_WINDOW: Final = 1024
_IS_UNPLACED: Final = 1 << 38
_COOKIE: Final = Struct("<Q")
_YES: Final = b"\1"


class SessionSecret(Fact):
    """A secret that a program handed to its key log: a line of one."""

    pid: int
    probe: int
    label: str
    random: bytes
    secret: Secret


class UnplacedSecret(Fact):
    """The same of a build of which it is not known where in `window` the client's random is."""

    pid: int
    probe: int
    label: str
    secret: Secret
    window: Secret

    def placed(self, offset: int) -> SessionSecret:
        """With the random that stands there."""
        random = self.window.reveal()[offset : offset + 32]
        return SessionSecret(self.pid, self.probe, self.label, random, self.secret)


class Presence(Fact):
    """A process that is there, its network namespace by inode and by cookie."""

    pid: int
    netns: int
    cookie: int


class KeyStatistics(Fact):
    """How often each probe ran on the bridge, and what became of it; `elsewhere`: all others."""

    hits: tuple[int, ...]
    elsewhere: int
    sent: int
    unreadable: int
    lost: int


class KeyPrograms:
    """Loaded and, but for the probes, attached; `start` needs privilege.  Raises `BpfError`."""

    def __init__(self, bpf: BpfObject) -> None:
        self._bpf = bpf
        self._counters = bpf.variables()
        self._secrets = bpf.ring_buffer("secrets")
        self._unplaced = bpf.ring_buffer("unplaced")
        self._last: KeyStatistics | None = None

    @classmethod
    def start(cls, own: int) -> Self:
        """`own` is the cookie of a namespace whose processes are never told, 0 for none."""
        bpf = BpfObject("keys")
        try:
            bpf.configure(pack("<Q", own))
            there = [name for name, hook in _HOOKS.items() if probes.has_tracepoint(hook)]
            for name in _HOOKS.keys() - set(there):
                bpf.leave_out(name)
            bpf.load()
            for name in there:
                bpf.attach(name)
            return cls(bpf)
        except BaseException:
            bpf.close()
            raise

    # -- the parser's ------------------------------------------------------------

    def fileno(self) -> int:
        """Readable when there are secrets."""
        return self._secrets.fileno()

    def secrets(self) -> Iterator[SessionSecret]:
        """Those that came since the last call; never waits."""
        for data in self._secrets.read():
            _, pid, probe, length, label, random, secret = _SECRET.unpack(data)
            yield SessionSecret(pid, probe, _named(label), random, Secret(secret[:length]))

    def unplaced(self) -> Iterator[UnplacedSecret]:
        """The same of builds that have to be calibrated."""
        for data in self._unplaced.read():
            _, pid, probe, length, label, _, secret = _SECRET.unpack_from(data)
            window = Secret(bytes(data[_SECRET.size : _SECRET.size + _WINDOW]))
            yield UnplacedSecret(pid, probe, _named(label), Secret(secret[:length]), window)

    def statistics(self) -> KeyStatistics:
        """Totals so far; those at the end, once closed."""
        if self._last is not None:
            return self._last
        *hits, elsewhere, sent, unreadable, lost = _COUNTERS.unpack_from(self._counters)
        return KeyStatistics(tuple(hits), elsewhere, sent, unreadable, lost)

    def close(self) -> None:
        """Take them out of the kernel; probes go with the process that attached them."""
        if self._last is None:
            self._last = self.statistics()
            self._counters.close()
            self._bpf.close()

    def give_away(self) -> None:
        """The prober is forked: here nobody attaches a probe or lets a namespace in any more."""
        nothing = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
        for descriptor in self.descriptors():
            os.dup2(nothing, descriptor, inheritable=False)  # libbpf will close these numbers
        os.close(nothing)

    # -- the prober's ------------------------------------------------------------

    def descriptors(self) -> frozenset[int]:
        """What the prober has to keep open."""
        maps = [self._bpf.map(name, 8, 1).fd for name in ("presences", "namespaces")]
        programs = [self._bpf.program_fd(name) for name in ("on_secret", "existing")]
        return frozenset((*maps, *programs))

    def presences(self) -> RingBuffer:
        """Who came: `read_presence` of each event."""
        return self._bpf.ring_buffer("presences")

    def existing(self) -> list[Presence]:
        """Who is there."""
        data = self._bpf.iterate(self._bpf.attach("existing"))
        size = len(data) - len(data) % _PRESENCE.size
        return [Presence(*each) for each in _PRESENCE.iter_unpack(data[:size])]

    def let_in(self, cookie: int) -> None:
        """Let the secrets of a namespace's tasks leave the kernel from now on."""
        self._bpf.map("namespaces", _COOKIE.size, 1)[_COOKIE.pack(cookie)] = _YES

    def attach(self, path: str, site: KeyLogSite, probe: int) -> None:
        """Put the probe of this number into a file.  Raises `BpfError`."""
        cookie = _packed(site.layout, probe)
        self._bpf.attach_to_code("on_secret", path, site.offset, cookie)


def _packed(layout: Layout, probe: int) -> int:
    """As keys.bpf.c unpacks it."""
    return (
        layout.label
        | layout.secret << 3
        | layout.length << 6
        | layout.random << 9
        | (_IS_UNPLACED if layout.random_offset is None else layout.random_offset << 16)
        | probe << 32
    )


def _named(label: bytes) -> str:
    return label.partition(b"\0")[0].decode("latin-1")


def read_presence(data: bytes) -> Presence:
    """One event of the ring buffer."""
    return Presence(*_PRESENCE.unpack(data))
