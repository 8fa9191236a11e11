"""What this machine can do for a live capture, rung by rung of the ladder.

Each rung is tried or looked at, never guessed from a version, and answers yes,
no or could not tell, with what there is without it, the first kernel that has it,
and the remedy.  Nothing is changed, and nothing captured.
"""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Callable
from ipaddress import ip_network
from pathlib import Path
from typing import Final, Literal, TypeAlias

from inspector.errors import CannotCapture
from inspector.fact import Fact
from inspector.linux import seccomp
from inspector.linux.bridge import BridgeFinder, IPNetwork
from inspector.linux.classic_bpf import subnet_program
from inspector.linux.docker import DockerView
from inspector.linux.ebpf import filter as ebpf_filter
from inspector.linux.ebpf import probes as ebpf
from inspector.linux.ebpf.keys import KeyPrograms
from inspector.linux.ebpf.loader import BpfError
from inspector.linux.filters import ClassicFilter
from inspector.linux.namespaces import inside
from inspector.linux.ring import Ring
from inspector.native.library import SWITCH, loaded

Answer: TypeAlias = Literal["yes", "no", "could not tell"]

#: A quarter of an hour of a busy bridge, and a report.
_ENOUGH_DISK: Final = 1 << 30
_GIB: Final = 1 << 30
#: What the kernel shows where probes can be put into files.
_UPROBES: Final = Path("/sys/bus/event_source/devices/uprobe")


class Check(Fact):
    """One rung of what a live capture stands on."""

    name: str
    """What it is."""
    answer: Answer
    """Whether it is to be had here."""
    detail: str
    """What was found."""
    without: str
    """What is lost without it."""
    kernel: str
    """The first version of Linux that has it, or "any"."""
    remedy: str
    """How to get it; empty for a yes."""


class _Found(Fact):
    answer: Answer
    detail: str = ""
    remedy: str = ""


class Machine(Fact):
    """What to examine: the subnets to find, the namespace to look in, where to write."""

    subnets: tuple[IPNetwork, ...]
    netns: Path | None = None
    place: Path = Path()


def examine(machine: Machine) -> tuple[Check, ...]:
    """All checks, from the indispensable to the merely useful."""
    with_docker = DockerView.open()
    try:
        asked: list[tuple[str, Callable[[], _Found], str, str]] = [
            ("packet ring", lambda: _ring(machine), "no live capture", "4.20"),
            ("other network namespaces", _namespaces, "--netns does not work", "3.0"),
            ("eBPF filter", _ebpf_filter, "tunnels are kept whole: larger files", "5.8"),
            ("keys of running programs", _keys, "--keys does not work", "5.15"),
            ("classic filter", _classic, "every frame is copied", "2.2"),
            ("bridge", lambda: _bridge(machine, with_docker), "nothing to listen on", "any"),
            ("container names", lambda: _containers(with_docker), "addresses alone", "any"),
            ("seccomp", _seccomp, "the parser is held by its user's rights alone", "4.14"),
        ]
        checks = [
            Check(name, found.answer, found.detail, without, kernel, found.remedy)
            for name, ask, without, kernel in asked
            for found in (ask(),)
        ]
    finally:
        with_docker.close()
    checks += [
        Check(
            probe.name,
            probe.answer,
            "",
            "no process and container of a connection",
            probe.kernel,
            "" if probe.answer == "yes" else probe.remedy,
        )
        for probe in ebpf.available()
    ]
    for name, found, without in (
        ("compiled core", _core(), "the pure engine reads packets: the same, slower"),
        ("tshark", _tshark(), "no second opinion; nothing else needs it"),
        ("disk", _disk(machine.place), "a capture file that ends early"),
    ):
        checks.append(Check(name, found.answer, found.detail, without, "any", found.remedy))
    return tuple(checks)


def _ring(machine: Machine) -> _Found:
    page = os.sysconf("SC_PAGE_SIZE")
    try:
        with Ring.open(None, netns=machine.netns, block_size=16 * page, blocks=2):
            return _Found("yes", "AF_PACKET with TPACKET_V3")
    except CannotCapture as error:
        return _Found("no", error.culprit, error.next_step)


def _namespaces() -> _Found:
    try:
        inside(Path("/proc/self/ns/net"), lambda: None)
    except CannotCapture as error:
        return _Found("no", error.culprit, "run as root (it needs CAP_SYS_ADMIN)")
    return _Found("yes", "setns(2)")


def _ebpf_filter() -> _Found:
    try:
        ebpf_filter.EbpfFilter.load([ip_network("192.0.2.0/24")]).close()
    except BpfError as error:
        return _Found("no", error.culprit, error.next_step)
    return _Found("yes", "loaded, and unloaded")


def _keys() -> _Found:
    machine = os.uname().machine
    if machine != "x86_64":
        return _Found("no", f"no probe is written for {machine}", "capture on an x86-64 machine")
    if not _UPROBES.exists():
        return _Found("no", "this kernel has no uprobes", "a kernel with CONFIG_UPROBE_EVENTS")
    try:
        if not ebpf.holds("CAP_SYS_ADMIN"):
            return _Found("no", "probes need CAP_SYS_ADMIN", "run as root")
        KeyPrograms.start(0).close()
    except BpfError as error:
        return _Found("no", error.culprit, error.next_step)
    except (OSError, ValueError) as error:
        return _Found("could not tell", f"what this process may do: {error}", "run as root")
    return _Found("yes", "loaded, and unloaded")


def _classic() -> _Found:
    one, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with one, other:
        try:
            ClassicFilter(subnet_program([ip_network("192.0.2.0/24")]), "").attach(one)
        except OSError as error:
            return _Found("no", error.strerror or "", "a kernel with CONFIG_NET")
    return _Found("yes", "SO_ATTACH_FILTER")


def _bridge(machine: Machine, docker: DockerView) -> _Found:
    told = []
    for subnet in machine.subnets:
        try:
            with BridgeFinder(subnet, docker=docker, netns=machine.netns) as finder:
                found = finder.find()
        except CannotCapture as error:
            return _Found("no", error.culprit, error.next_step)
        if found.how == "own-address":
            return _Found("no", f"{found.name}: {found.because}", "run it on the containers' host")
        told.append(f"{found.name}: {found.because}")
    return _Found("yes", "; ".join(told))


def _containers(docker: DockerView) -> _Found:
    known = docker.containers()
    if docker.answers:
        names = len({container.id for container in known.values()})
        return _Found("yes", f"{names} running containers have an address")
    refused = "may not be opened" in docker.trouble
    remedy = "run as root" if refused else "none is needed where there is no Docker"
    return _Found("could not tell" if refused else "no", docker.trouble, remedy)


def _seccomp() -> _Found:
    if trouble := seccomp.why_not():
        return _Found("no", trouble, "a kernel with CONFIG_SECCOMP_FILTER, on x86_64 or aarch64")
    return _Found("yes", "the parser may neither connect, execute, trace nor change namespaces")


def _core() -> _Found:
    found = loaded()
    if found.core is None:
        return _Found("no", found.why_not, f"unset {SWITCH}, on x86_64 or aarch64")
    return _Found("yes", "it reads packets; the pure engine takes those that are rare")


def _tshark() -> _Found:
    if (found := shutil.which("tshark")) is not None:
        return _Found("yes", found)
    return _Found("no", "it is not in PATH", "apt-get install tshark")


def _disk(place: Path) -> _Found:
    try:
        free = shutil.disk_usage(place).free
        writable = os.access(place, os.W_OK)
    except OSError as error:
        return _Found("could not tell", f"{place}: {error.strerror}", "name another place")
    detail = f"{free / _GIB:.1f} GiB free in {place.resolve()}"
    if not writable:
        return _Found("no", f"{place.resolve()} cannot be written", "name another place with -w")
    if free < _ENOUGH_DISK:
        return _Found("no", detail, "make room, or limit the file with --max-size or --rotate")
    return _Found("yes", detail)
