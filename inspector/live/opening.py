"""The ladder: everything that needs privilege is opened here, before it is given up.

Each rung that is missing is said with what the report lacks for it and how to
get it, and the next lower one is used: eBPF filter, classic filter, none;
processes, addresses alone; containers, none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network
from typing import Final

from inspector.capture.filters import ClassicFilter, SocketFilter
from inspector.capture.namespaces import locate_namespace
from inspector.capture.ring import BLOCK_SIZE, BLOCKS, Ring
from inspector.live.run import Finder
from inspector.live.session import Attribution
from inspector.recording import Rung

_MIB: Final = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a user asks of a live capture.

    `runs_command`: a command runs that may itself make the bridge.
    `interfaces` empty: the bridge of `subnet` is looked for.  `everything`: no
    filter (`--scope all`).  `full`: tunnels are kept whole.
    """

    subnet: IPv4Network | IPv6Network
    interfaces: tuple[str, ...] = ()
    netns: str | None = None
    everything: bool = False
    full: bool = False
    wait: bool = False
    runs_command: bool = False


@dataclass(slots=True)
class Opened:
    """What a session is made of; `close` gives it all back."""

    sources: list[Ring] = field(default_factory=list)
    attribution: Attribution | None = None
    finder: Finder | None = None
    rungs: list[Rung] = field(default_factory=list)

    def close(self) -> None:
        for source in self.sources:
            source.close()
        if self.attribution is not None:
            self.attribution.close()

    @property
    def lost(self) -> Sequence[Rung]:
        return [rung for rung in self.rungs if rung.state == "lost"]


def open_everything(wanted: Wanted) -> Opened:
    """Open rings and what else there is.  Raises `CannotCapture` when not even a ring is."""
    opened = Opened()
    try:
        netns = None if wanted.netns is None else locate_namespace(wanted.netns)
        names = wanted.interfaces
        filter = _filter(wanted, opened)
        for name in names:
            opened.sources.append(Ring.open(name, netns=netns, filter=filter))
        opened.rungs.insert(0, _ring_rung(opened.sources))
    except BaseException:
        opened.close()
        raise
    return opened


def _ring_rung(sources: Sequence[Ring]) -> Rung:
    names = ", ".join(source.interface or "waiting" for source in sources)
    size = BLOCK_SIZE * BLOCKS // _MIB
    return Rung("ring", "working", f"{names}, {size} MiB each, promiscuous, whole frames")


def _filter(wanted: Wanted, opened: Opened) -> SocketFilter | None:
    if wanted.everything:
        opened.rungs.append(Rung("filter", "not wanted", "every packet is kept (--scope all)"))
        return None
    filter = ClassicFilter.for_subnets([wanted.subnet])
    opened.rungs.append(Rung("filter", "working", f"classic BPF: {filter.text}"))
    return filter
