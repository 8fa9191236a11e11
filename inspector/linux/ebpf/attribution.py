"""Which process holds which end of a TCP connection, in every network namespace.

Measured (Linux 6.18), and the reason for what attribution.bpf.c does:

* `inet_sock_set_state` fires for the sockets of all namespaces;
* a connecting process is the current task at CLOSE -> SYN_SENT, when its port
  is not chosen yet; its addresses are whole at SYN_SENT -> ESTABLISHED;
* at SYN_RECV -> ESTABLISHED the current task is the *client's*, every time.  The
  process at the passive end is the first that receives from or sends on the
  connection (`sock_recv_length`, `sock_send_length`, Linux 6.3); of a
  connection that closed before, whoever called `listen`;
* executable and control groups are read in the kernel, at that moment: a
  process that ended since is known, and the capture needs no privilege for it.

An end is keyed by its network namespace too, since two can hold one address.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from struct import Struct
from typing import Final, Literal, Self, TypeAlias

from inspector.fact import Fact, replace
from inspector.linux.ebpf import probes
from inspector.linux.ebpf.containers import container_id
from inspector.linux.ebpf.events import (
    CLOSE,
    ESTABLISHED,
    LISTEN,
    SYN_RECV,
    SYN_SENT,
    Holder,
    ProcessEvent,
    SocketEvent,
    read_event,
    read_existing,
)
from inspector.linux.ebpf.loader import BpfObject
from inspector.model.network import Endpoint, Process

ContainerName: TypeAlias = Callable[[str], str | None]
SocketSide: TypeAlias = Literal["client", "server", "unknown"]
How: TypeAlias = Literal["connect", "receive", "listen", "open before", "not known"]

#: Half-known sockets that wait for their other half; older ones are given up, counted.
WAITING: Final = 65_536

#: Program -> its hook, in the order of the kernel's counters.
PROGRAMS: Final[dict[str, str]] = {
    "on_state": "inet_sock_set_state",
    "on_receive": "sock_recv_length",
    "on_send": "sock_send_length",
}
_COUNTERS: Final = Struct(f"<{len(PROGRAMS)}QQQ")
_ANY: Final = ("0.0.0.0", "::")
#: By so much two readings of what lies between two clocks may differ for the readings' sake.
SLEWED_NS: Final = 1_000_000


def utc_offset() -> int:
    """What lies between CLOCK_MONOTONIC and UTC: as good as two readings are close, of three."""
    found = []
    for _ in range(3):
        before, now, after = time.monotonic_ns(), time.time_ns(), time.monotonic_ns()
        found.append((after - before, now - (before + after) // 2))
    return min(found)[1]


class ConnectionEnd(Fact):
    """One end of a TCP connection or of an attempt, and the process that holds it.

    `at` is when it was established (refused, found), in ns UTC.  `how` tells by
    which of its calls the process is known; `side` is unknown for a connection
    that was open before.  `refused`: an attempt that came to nothing.
    """

    netns: int
    local: Endpoint
    remote: Endpoint
    side: SocketSide
    process: Process | None
    how: How
    at: int
    refused: bool = False


class AttributionStatistics(Fact):
    """How far to trust the rest.  A hook with no hit never fired; one absent is not attached."""

    hits: dict[str, int]
    lost_events: int
    map_full: int
    given_up: int


class Attribution:
    """The programs in the kernel and what they told; `start` needs privilege, the rest none."""

    def __init__(
        self, bpf: BpfObject, attached: Iterable[str], container_name: ContainerName | None
    ) -> None:
        self._bpf = bpf
        self._attached = tuple(attached)
        self._ring = bpf.ring_buffer("events")
        self._counters = bpf.variables()
        self._joiner = Joiner(container_name)
        self._last: AttributionStatistics | None = None

    @classmethod
    def start(cls, container_name: ContainerName | None = None) -> Self:
        """Load and attach the programs, then look at what is open already.

        `container_name` gives a container's name by its id.  Raises `BpfError`.
        """
        bpf = BpfObject("attribution")
        try:
            there = [name for name, hook in PROGRAMS.items() if probes.has_tracepoint(hook)]
            for name in PROGRAMS.keys() - set(there) - {"on_state"}:
                bpf.leave_out(name)
            bpf.load()
            for name in there:
                bpf.attach(name)
            attribution = cls(bpf, there, container_name)
            attribution._joiner.existing(bpf.iterate(bpf.attach("existing")))
        except BaseException:
            bpf.close()
            raise
        return attribution

    def fileno(self) -> int:
        """Readable when `poll` has something."""
        return self._ring.fileno()

    def poll(self) -> list[ConnectionEnd]:
        """The ends that became known since the last call; never waits."""
        self._joiner.set_clock()
        for data in self._ring.read():
            self._joiner.event(read_event(data))
        return self._joiner.take()

    def finish(self) -> list[ConnectionEnd]:
        """Resolve the ends that their own process never touched, by who listens on the port."""
        known = self.poll()
        self._joiner.give_up_all()
        return known + self._joiner.take()

    def statistics(self) -> AttributionStatistics:
        """Totals so far; those at the end, once closed."""
        if self._last is not None:
            return self._last
        *hits, lost, full = _COUNTERS.unpack_from(self._counters)
        by_hook = dict(zip(PROGRAMS.values(), hits, strict=True))
        attached = {PROGRAMS[name] for name in self._attached}
        return AttributionStatistics(
            {hook: count for hook, count in by_hook.items() if hook in attached},
            lost,
            full,
            self._joiner.given_up,
        )

    def close(self) -> None:
        """Take the programs out of the kernel.  Idempotent."""
        if self._last is None:
            self._last = self.statistics()
            self._counters.close()
            self._bpf.close()


class Joiner:
    """Joins what a socket is with whose it is, by cookie; knows nothing of the kernel."""

    def __init__(
        self,
        container_name: ContainerName | None = None,
        offset: Callable[[], int] = utc_offset,
    ) -> None:
        self._container_name = container_name
        self._read_offset = offset
        self._offset = offset()
        self._holders: OrderedDict[int, Holder] = OrderedDict()
        self._accepted: OrderedDict[int, SocketEvent] = OrderedDict()
        self._listeners: dict[int, tuple[SocketEvent, Holder]] = {}
        self._known: list[ConnectionEnd] = []
        self.given_up = 0

    def set_clock(self) -> None:
        """The machine's clock may have been set, drifted or slept: packets have it as it is now."""
        offset = self._read_offset()
        if abs(offset - self._offset) > SLEWED_NS:
            self._offset = offset

    def take(self) -> list[ConnectionEnd]:
        """The ends that became known since the last call."""
        known, self._known = self._known, []
        return known

    def existing(self, data: bytes) -> None:
        """Sockets that were open at the start.  Of several holders the first is named."""
        seen: set[tuple[int, Endpoint, Endpoint]] = set()
        for socket, holder in sorted(read_existing(data), key=lambda found: found[1].pid):
            socket = self._stamped(socket)
            key = socket.netns, socket.local, socket.remote
            if key in seen or not socket.local.port:
                continue
            seen.add(key)
            if socket.after == LISTEN:
                # Without a cookie until somebody asks for one: any key of its own will do.
                self._listeners[socket.cookie or -len(seen)] = socket, holder
            elif socket.after != CLOSE:
                self._end(socket, "unknown", holder, "open before")

    def event(self, event: SocketEvent | ProcessEvent) -> None:
        """What the kernel told, in its order."""
        if isinstance(event, ProcessEvent):
            accepted = self._accepted.pop(event.cookie, None)
            if accepted is not None:
                self._end(accepted, "server", event.holder, "receive")
            else:
                self._holders[event.cookie] = event.holder
                if len(self._holders) > WAITING:
                    self._holders.popitem(last=False)
                    self.given_up += 1
            return
        event = self._stamped(event)
        change = event.before, event.after
        if event.before == SYN_SENT:
            holder = self._holders.pop(event.cookie, None)
            how: How = "connect" if holder else "not known"
            self._end(event, "client", holder, how, refused=event.after == CLOSE)
        elif event.after == LISTEN:
            holder = self._holders.pop(event.cookie, None)
            if holder is not None:
                self._listeners[event.cookie] = event, holder
        elif change == (LISTEN, CLOSE):
            self._stop_listening(event)
        elif change == (SYN_RECV, ESTABLISHED):
            self._accepted[event.cookie] = event
            if len(self._accepted) > WAITING:
                _, oldest = self._accepted.popitem(last=False)
                self._by_listener(oldest)
                self.given_up += 1
        elif event.after == CLOSE:
            accepted = self._accepted.pop(event.cookie, None)
            if accepted is not None:
                self._by_listener(accepted)

    def give_up_all(self) -> None:
        """Nothing more is told: what waits is its listener's."""
        while self._accepted:
            self._by_listener(self._accepted.popitem(last=False)[1])

    def _stop_listening(self, event: SocketEvent) -> None:
        if self._listeners.pop(event.cookie, None) is None:
            for cookie, (listener, _) in list(self._listeners.items()):
                if (listener.netns, listener.local) == (event.netns, event.local):
                    del self._listeners[cookie]

    def _stamped(self, event: SocketEvent) -> SocketEvent:
        """The event by the clock that packets are stamped with."""
        return replace(event, at=event.at + self._offset)

    def _by_listener(self, accepted: SocketEvent) -> None:
        holders = {
            listener.local.ip: holder
            for listener, holder in self._listeners.values()
            if listener.netns == accepted.netns and listener.local.port == accepted.local.port
        }
        for address in (accepted.local.ip, *_ANY):
            if address in holders:
                self._end(accepted, "server", holders[address], "listen")
                return
        self._end(accepted, "server", None, "not known")

    def _end(
        self,
        socket: SocketEvent,
        side: SocketSide,
        holder: Holder | None,
        how: How,
        *,
        refused: bool = False,
    ) -> None:
        process = None if holder is None else self._process(holder, socket.netns)
        self._known.append(
            ConnectionEnd(
                socket.netns,
                socket.local,
                socket.remote,
                side,
                process,
                how,
                socket.at,
                refused,
            )
        )

    def _process(self, holder: Holder, netns: int) -> Process:
        process = Process(pid=holder.pid, comm=holder.comm, exe=holder.exe, netns=netns)
        container = container_id(holder.groups, holder.pid)
        if container is None:
            return process
        name = self._container_name(container) if self._container_name else None
        return replace(process, container_id=container, container=name)
