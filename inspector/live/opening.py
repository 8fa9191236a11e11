"""The ladder: everything that needs privilege is opened here, before it is given up.

Each rung that is missing is said with what the report lacks for it and how to
get it, and the next lower one is used: eBPF filter, classic filter, none;
processes, addresses alone; containers, none.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Final, Literal, Protocol

from inspector.errors import CannotCapture
from inspector.fact import Fact
from inspector.linux.bridge import BridgeFinder, BridgeFound
from inspector.linux.ebpf import filter as ebpf_filter
from inspector.linux.ebpf.attribution import Attribution
from inspector.linux.ebpf.cutter import Cutter
from inspector.linux.ebpf.keys import KeyPrograms
from inspector.linux.ebpf.loader import BpfError
from inspector.linux.filters import ClassicFilter, SocketFilter
from inspector.linux.follow import Follower
from inspector.linux.namespaces import locate_namespace
from inspector.linux.neighbours import Neighbours
from inspector.linux.packet_socket import NoSuchInterface
from inspector.linux.ring import BLOCK_SIZE, BLOCKS, Ring
from inspector.live.attribution import ContainerNames, KernelAttribution
from inspector.live.broker import Broker
from inspector.live.keys import KernelKeys
from inspector.live.prober import Prober
from inspector.live.source import Source
from inspector.model.live import Rung

_MIB: Final = 1 << 20


class Closable(Protocol):
    """Anything that can be given back."""

    def close(self) -> None: ...


class Wanted(Fact, kw_only=True):
    """What a user asks of a live capture.

    `runs_command`: a command runs that may itself make the bridge.
    `interfaces` empty: a bridge of each of `subnets` is looked for.  `everything`: of
    any subnet (`--scope all`).  `full`: tunnels are kept whole; else those
    through `tunnel_ports` are cut, and TLS that goes out directly.  `keys`: TLS
    secrets are taken from the programs on the bridge; then tunnels are received whole, and cut
    in the file.  `writes`: there is a file.
    """

    subnets: tuple[IPv4Network | IPv6Network, ...]
    interfaces: tuple[str, ...] = ()
    netns: str | None = None
    everything: bool = False
    full: bool = False
    tunnel_ports: tuple[int, ...] = ()
    wait: bool = False
    runs_command: bool = False
    keys: bool = False
    writes: bool = False


@dataclass(slots=True)
class Opened:
    """What a session is made of; `close` gives it all back."""

    sources: list[Ring] = field(default_factory=list)
    attribution: KernelAttribution | None = None
    keys: KernelKeys | None = None
    #: Where tunnels are read whole and the file cuts them.
    cutters: dict[Source, Cutter] = field(default_factory=dict)
    finder: Follower | None = None
    #: None where no engine answers.
    broker: Broker | None = None
    rungs: list[Rung] = field(default_factory=list)
    _held: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)

    def close(self) -> None:
        """Close all of it, the last first.  Idempotent."""
        self._held.close()

    def hold(self, thing: Closable) -> None:
        """Close this too, when the time comes."""
        self._held.callback(thing.close)

    def awaited(self) -> Sequence[str]:
        """What is listened for and was never there so far."""
        return [] if self.finder is None else self.finder.awaited()

    @property
    def lost(self) -> Sequence[Rung]:
        """The rungs that were wanted and are not to be had."""
        return [rung for rung in self.rungs if rung.state == "lost"]


def open_everything(wanted: Wanted, broker: Broker, tell: Callable[[str], None]) -> Opened:
    """Open rings and what else there is.  Raises `CannotCapture` when not even a ring is.

    `broker` is asked for what Docker knows.  `tell` is told later on of
    interfaces that come.
    """
    opened = Opened()
    try:
        netns = None if wanted.netns is None else locate_namespace(wanted.netns)
        opened.broker = _docker(broker, opened)
        _rings(wanted, netns, opened, tell)
        opened.attribution = _attribution(opened)
        if wanted.keys:
            opened.keys = _keys(wanted, netns, opened)
            if wanted.writes and not wanted.full:
                _cutters(wanted, opened)
    except BaseException:
        opened.close()
        raise
    return opened


def _docker(broker: Broker, opened: Opened) -> Broker | None:
    path, trouble = broker.engine()
    if trouble:
        opened.rungs.append(
            Rung(
                "containers",
                "lost",
                f"{trouble}; containers have no names",
                "start the capture where the engine runs, or tell it with DOCKER_HOST",
            )
        )
        broker.close()
        return None
    told = f"Docker answers at {path}, to a process of its own"
    opened.rungs.append(Rung("containers", "working", told))
    return broker


def _rings(
    wanted: Wanted,
    netns: Path | None,
    opened: Opened,
    tell: Callable[[str], None],
) -> None:
    """A ring for each interface, and one that waits where there is none yet."""
    filter = _filter(wanted, opened)
    follows = wanted.wait or wanted.runs_command
    names: list[tuple[str | None, str | BridgeFinder]]
    names = [(name, name) for name in dict.fromkeys(wanted.interfaces)]
    because = ""
    if not names:
        found = list(_bridges(wanted, netns, opened, follows=follows))
        names = [(None if each is None else each.name, finder) for each, finder in found]
        because = "; ".join(f"{each.name}: {each.because}" for each, _ in found if each)
    for name, _ in names:
        try:
            ring = Ring.open(name, netns=netns, filter=filter)
        except NoSuchInterface:
            if not follows:
                raise
            ring = Ring.open(None, netns=netns, filter=filter)
        opened.sources.append(ring)
        opened.hold(ring)
    if follows:
        opened.finder = Follower(
            opened.sources,
            [what for _, what in names],
            netns=netns,
            on_bound=lambda ring, because: tell(f"listening on {ring.interface}: {because}"),
        )
        opened.hold(opened.finder)
    opened.rungs.insert(0, _ring_rung(opened.sources, because))


def _bridges(
    wanted: Wanted, netns: Path | None, opened: Opened, *, follows: bool
) -> Iterator[tuple[BridgeFound | None, BridgeFinder]]:
    """The bridges of each subnet, each bridge once; None: of that one none is there yet."""
    taken: set[int] = set()
    for subnet in wanted.subnets:
        finder = BridgeFinder(subnet, docker=opened.broker, netns=netns)
        opened.hold(finder)
        bridges = finder.look() if follows else (finder.find(),)
        if not bridges:
            yield None, finder
        for bridge in bridges:
            if bridge.index not in taken:
                yield bridge, finder
        taken |= {bridge.index for bridge in bridges}


def _ring_rung(sources: Sequence[Ring], because: str) -> Rung:
    told = because or ", ".join(source.interface or "waiting" for source in sources)
    size = BLOCK_SIZE * BLOCKS // _MIB
    return Rung("ring", "working", f"{told}; {size} MiB, promiscuous, whole frames")


def _filter(wanted: Wanted, opened: Opened) -> SocketFilter | None:
    networks = () if wanted.everything else wanted.subnets
    trouble: BpfError | None = None
    if not (wanted.full or wanted.keys):
        try:
            program = ebpf_filter.EbpfFilter.load(networks, wanted.tunnel_ports)
        except BpfError as error:
            trouble = error
        else:
            opened.hold(program)
            opened.rungs.append(Rung("filter", "working", f"eBPF: {program.text}"))
            return program
    lost = "" if trouble is None else f"{trouble.culprit}; tunnels are kept whole. "
    if wanted.everything:
        filter, told = None, "every packet is kept"
    else:
        filter = ClassicFilter.for_subnets(networks)
        told = f"classic BPF: {filter.text}"
    if trouble is not None:
        opened.rungs.append(Rung("filter", "lost", lost + told, trouble.next_step))
    else:
        state: Literal["not wanted", "working"] = "not wanted" if filter is None else "working"
        opened.rungs.append(Rung("filter", state, told))
    return filter


def _cutters(wanted: Wanted, opened: Opened) -> None:
    """Have the file cut what is received whole, by the program that cuts at a ring elsewhere."""
    try:
        for source in opened.sources:
            opened.cutters[source] = cutter = Cutter.start(wanted.tunnel_ports)
            opened.hold(cutter)
    except BpfError as error:
        opened.cutters.clear()
        detail = f"{error.culprit}; tunnels stand whole in the file"
        opened.rungs.append(Rung("cuts", "lost", detail, error.next_step))
        return
    told = "eBPF: tunnels are read whole, and cut in the file behind their handshake"
    opened.rungs.append(Rung("cuts", "working", told))


def _attribution(opened: Opened) -> KernelAttribution | None:
    broker = opened.broker
    try:
        programs = Attribution.start(
            None if broker is None else ContainerNames(broker.container_name)
        )
    except BpfError as error:
        opened.rungs.append(
            Rung(
                "attribution",
                "lost",
                f"{error.culprit}; clients are known by address and user agent alone",
                error.next_step,
            )
        )
        return None
    found = KernelAttribution(programs)
    opened.hold(found)
    opened.rungs.append(
        Rung("attribution", "working", "eBPF: the processes of connections in every namespace")
    )
    return found


def _keys(wanted: Wanted, netns: Path | None, opened: Opened) -> KernelKeys | None:
    try:
        subnets = () if wanted.everything else wanted.subnets
        neighbours = Neighbours(names=wanted.interfaces, subnets=subnets, netns=netns)
        with contextlib.closing(neighbours):
            programs = KeyPrograms.start(neighbours.own)
            opened.hold(programs)
            prober = Prober.start(programs, neighbours)
    except (BpfError, CannotCapture) as error:
        detail = f"{error.culprit}; what is inside TLS is not read"
        opened.rungs.append(Rung("keys", "lost", detail, error.next_step))
        return None
    found = KernelKeys(programs, prober)
    opened.hold(found)
    if prober.trouble:
        detail = f"{prober.trouble}; what is inside TLS is not read"
        opened.rungs.append(Rung("keys", "lost", detail, "report this with the kernel's version"))
        return None
    told = "eBPF: the TLS secrets of programs on the bridge, in memory alone"
    opened.rungs.append(Rung("keys", "working", told))
    return found
