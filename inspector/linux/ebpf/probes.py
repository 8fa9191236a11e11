"""What this machine can do for the programs: yes, no, or could not tell, and what it takes."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Final, Literal, TypeAlias

from inspector.fact import Fact
from inspector.linux.ebpf import loader
from inspector.linux.ebpf.loader import BpfError, library

Answer: TypeAlias = Literal["yes", "no", "could not tell"]

#: Bits of a capability set, include/uapi/linux/capability.h.
CAPABILITIES: Final = {"CAP_NET_ADMIN": 12, "CAP_SYS_ADMIN": 21, "CAP_PERFMON": 38, "CAP_BPF": 39}
_STATUS: Final = Path("/proc/self/status")
_LOCKDOWN: Final = Path("/sys/kernel/security/lockdown")


class Probe(Fact):
    """One need: `kernel` is the first version that has it, `remedy` what to do for a no."""

    name: str
    answer: Answer
    kernel: str
    remedy: str


@functools.cache
def _btf() -> bytes:
    return loader.BTF.read_bytes()


def has_tracepoint(name: str) -> bool:
    """Whether the kernel's BTF describes a tracepoint, so that a program can be attached."""
    try:
        return b"\0btf_trace_" + name.encode() + b"\0" in _btf()
    except OSError:
        return False


def _library() -> Answer:
    try:
        library()
    except BpfError:
        return "no"
    return "yes"


def _has_btf() -> Answer:
    return "yes" if loader.BTF.exists() else "no"


def holds(capability: str) -> bool:
    """Whether this process has a capability of `CAPABILITIES`.  Raises OSError, ValueError."""
    lines = _STATUS.read_text().splitlines()
    (held,) = (int(line.split()[1], 16) for line in lines if line.startswith("CapEff:"))
    return bool(held >> CAPABILITIES[capability] & 1)


def _privileges() -> Answer:
    try:
        enough = holds("CAP_SYS_ADMIN") or (holds("CAP_BPF") and holds("CAP_PERFMON"))
    except (OSError, ValueError):
        return "could not tell"
    return "yes" if enough else "no"


def _lockdown() -> Answer:
    try:
        return "no" if "[confidentiality]" in _LOCKDOWN.read_text() else "yes"
    except FileNotFoundError:
        return "yes"  # a kernel without lockdown, or securityfs, locks nothing
    except OSError:
        return "could not tell"


def _tracepoint(name: str) -> Callable[[], Answer]:
    def ask() -> Answer:
        if not loader.BTF.exists():
            return "could not tell"
        return "yes" if has_tracepoint(name) else "no"

    return ask


_PROBES: Final[tuple[tuple[str, Callable[[], Answer], str, str], ...]] = (
    ("libbpf.so.1", _library, "any", "apt-get install libbpf1"),
    ("kernel BTF", _has_btf, "5.4", "a kernel with CONFIG_DEBUG_INFO_BTF"),
    ("CAP_BPF and CAP_PERFMON", _privileges, "5.8", "run as root"),
    ("no confidentiality lockdown", _lockdown, "5.4", "boot with lockdown=integrity"),
    ("inet_sock_set_state", _tracepoint("inet_sock_set_state"), "5.12", "a newer kernel"),
    (
        "sock_recv_length",
        _tracepoint("sock_recv_length"),
        "6.3",
        "a newer kernel; until then servers are known by who listens",
    ),
    ("sock_send_length", _tracepoint("sock_send_length"), "6.3", "a newer kernel"),
)


def available() -> tuple[Probe, ...]:
    """Ask everything; needs no privilege, and changes nothing."""
    return tuple(Probe(name, ask(), kernel, remedy) for name, ask, kernel, remedy in _PROBES)
