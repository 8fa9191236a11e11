"""The network of the firewall in namespaces: one bridge, four hosts, and an outside world.

::

    lab1-agent      172.30.0.20 ─┐
    lab1-api-proxy  172.30.0.30 ─┼─ fw-bridge 172.30.0.1 (in lab1-bridge)
    lab1-squid      172.30.0.10 ─┘
                    203.0.113.1 ─── 203.0.113.10 .20 .30 .40 .50 (in lab1-world)

With ``one_network`` the world is plugged into the bridge and Squid's upstream connections cross
it too.  With ``ipv6`` the hosts on the bridge have fd00:172:30::/64 as well and are addressed by
it; the world stays IPv4.

Nothing is made in the machine's own network namespace: each veth pair is born inside.  What a
lab owns is named after it (namespaces, /run/inspector-lab/<id>), and its directory is locked as
long as its owner lives: the next start removes what a killed owner left, and leaves a living
neighbour alone.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from lab import recorder
from lab.processes import LabError, Process, environment, find, until, why_not
from lab.recorder import BRIDGE

SQUID_PORT = 3128

#: Where the world answers, by API host.
WORLD = {
    "api.anthropic.com": "203.0.113.10",
    "api.openai.com": "203.0.113.20",
    "api.githubcopilot.com": "203.0.113.30",
    "generativelanguage.googleapis.com": "203.0.113.40",
    "bedrock-runtime.us-east-1.amazonaws.com": "203.0.113.50",
}
#: Who answers Squid's DNS queries (see ``resolver``).
RESOLVER = "203.0.113.53"
#: Nothing listens here: a connection is refused (ECONNREFUSED, 111).
REFUSES = "203.0.113.97"
#: Nobody answers ARP for it: no route to host (EHOSTUNREACH, 113) after some 3 s.
ABSENT = "203.0.113.98"
#: Packets to it vanish: a connection times out (ETIMEDOUT, 110, or Squid's own limit).
SILENT = "203.0.113.99"

#: Host name → last part of its addresses on the bridge.
_ON_BRIDGE = {"agent": 20, "api-proxy": 30, "squid": 10}
_NAMES = ("bridge", *_ON_BRIDGE, "world")

STATE = Path("/run/inspector-lab")
#: Where iproute2 keeps named namespaces.
NAMED = Path("/run/netns")
#: Where a Squid that was killed leaves its segments, named after its lab.
_SHARED_MEMORY = Path("/dev/shm")


@dataclass(frozen=True, slots=True)
class Host:
    """One host of the lab: a network namespace with an address."""

    name: str
    namespace: str
    #: The address that others on the bridge use; for the world its first.
    address: str
    _started: list[Process] = field(default_factory=list, repr=False, compare=False)

    def argv(self, command: Sequence[str | Path]) -> list[str]:
        """The command line that runs ``command`` on this host.

        ``ip netns exec`` becomes the program itself (same pid), with a /sys of this namespace.
        """
        return [_ip(), "netns", "exec", self.namespace, *map(str, command)]

    def by_hand(self, command: Sequence[str | Path]) -> list[str]:
        """The same for a person to type."""
        return ["ip", "netns", "exec", self.namespace, *map(str, command)]

    def run(
        self,
        command: Sequence[str | Path],
        *,
        env: Mapping[str, str] | None = None,
        timeout: float = 60.0,
        check: bool = True,
        input: str | None = None,
        cwd: Path | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Run a program to its end and return what it said.

        :raises LabError: it failed (unless ``check`` is off) or did not end in time.
        """
        try:
            done = subprocess.run(
                self.argv(command),
                env=environment(env),
                timeout=timeout,
                input=input,
                stdin=subprocess.DEVNULL if input is None else None,
                capture_output=True,
                text=True,
                errors="replace",
                cwd=cwd,
            )
        except subprocess.TimeoutExpired:
            raise LabError(f"{command[0]} on {self.name} did not end in {timeout:g} s") from None
        if check and done.returncode:
            raise LabError(
                f"{command[0]} on {self.name} ended with status {done.returncode}:\n"
                f"{done.stdout}{done.stderr}"
            )
        return done

    def start(
        self,
        command: Sequence[str | Path],
        *,
        log: Path,
        env: Mapping[str, str] | None = None,
        ready: str | int | Callable[[], bool] | None = None,
        timeout: float = 15.0,
        cwd: Path | None = None,
    ) -> Process:
        """Start a program that runs until stopped, or until the lab ends.

        ``ready`` (see `Process.wait_ready`): a text in its log, a TCP port, a condition.

        :raises LabError: it was not ready in time.
        """
        name = f"{Path(command[0]).name} on {self.name}"
        process = Process(self.argv(command), log=log, env=env, cwd=cwd, name=name)
        self._started.append(process)
        if ready is not None:
            try:
                process.wait_ready(ready, timeout=timeout)
            except BaseException:
                process.kill()
                raise
        return process

    def pids(self) -> list[int]:
        """All processes on this host."""
        return _pids(self.namespace)


class Network:
    """One lab's network, as long as the ``with`` block runs.

    ``directory`` is its own place for files (mode 0755, also for programs that drop root),
    removed at the end.

    :raises LabError: no root, no iproute2, or the kernel refuses.
    """

    def __init__(self, *, one_network: bool = False, ipv6: bool = False) -> None:
        self.one_network = one_network
        self.ipv6 = ipv6
        self.id = ""
        self.directory = STATE
        #: The bridge's name on the host ``bridge``.
        self.device = BRIDGE
        self.hosts: dict[str, Host] = {}
        self._lock: int | None = None

    def __enter__(self) -> Self:
        if reason := why_not():
            raise LabError(reason)
        with registry():
            sweep()
            self.id, self.directory, self._lock = _claim()
        try:
            self._build()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End every program, remove the namespaces and the directory.  Twice is once."""
        if self._lock is None:
            return
        processes = [process for host in self.hosts.values() for process in host._started]
        for process in processes:
            process.terminate()
        for process in processes:
            process.stop()
        with registry():
            _remove(self.directory)
        os.close(self._lock)
        self._lock = None

    def _build(self) -> None:
        prefix = "fd00:172:30::" if self.ipv6 else "172.30.0."
        addresses = {"bridge": f"{prefix}1", "world": WORLD["api.anthropic.com"]} | {
            name: f"{prefix}{last}" for name, last in _ON_BRIDGE.items()
        }
        self.hosts = {name: Host(name, f"lab{self.id}-{name}", addresses[name]) for name in _NAMES}
        self.bridge = self.hosts["bridge"]
        self.agent = self.hosts["agent"]
        self.api_proxy = self.hosts["api-proxy"]
        self.squid = self.hosts["squid"]
        self.world = self.hosts["world"]
        for host in self.hosts.values():
            run_ip("netns", "add", host.namespace)
            run_ip("-n", host.namespace, "link", "set", "lo", "up")
        # Direct egress is refused as the firewall's host does: by the gateway, not by silence.
        self.bridge.run(["sh", "-c", "echo 1 >/proc/sys/net/ipv4/ip_forward"])
        self._batch("bridge", _bridge_commands(ipv6=self.ipv6))
        for name, last in _ON_BRIDGE.items():
            self._plug_in(name, mac=f"02:42:ac:1e:00:{last:02x}")
            self._batch(name, _host_commands(last, ipv6=self.ipv6))
        if self.one_network:
            self._plug_in("world", mac="02:42:cb:00:71:0a")
            self._batch("squid", ["route add 203.0.113.0/24 dev eth0 src 172.30.0.10"])
            self._batch("world", _world_commands("172.30.0.0/24"))
        else:
            self._cable()
            self._batch("squid", ["addr add 203.0.113.1/24 dev eth1", "link set eth1 up"])
            self._batch("world", _world_commands())
        egress = "eth0" if self.one_network else "eth1"
        self._batch(
            "squid",
            [f"neigh add {SILENT} lladdr 02:42:cb:00:71:63 dev {egress} nud permanent"],
        )

    def _plug_in(self, name: str, *, mac: str) -> None:
        """A veth pair: eth0 on the host, a port named after the host on the bridge."""
        namespace, port = self.hosts[name].namespace, f"veth-{name}"
        run_ip(
            *f"link add {port} netns {self.bridge.namespace}".split(),
            *f"type veth peer name eth0 address {mac} netns {namespace}".split(),
        )
        self._batch("bridge", [f"link set {port} master {BRIDGE} up"])

    def _cable(self) -> None:
        """Squid's second leg, straight to the world."""
        run_ip(
            *f"link add eth1 address 02:42:cb:00:71:01 netns {self.squid.namespace}".split(),
            *["type", "veth", "peer", "name", "eth0", "address", "02:42:cb:00:71:0a"],
            *f"netns {self.world.namespace}".split(),
        )

    def _batch(self, name: str, commands: Sequence[str]) -> None:
        run_ip("-n", self.hosts[name].namespace, "-batch", "-", input="\n".join(commands))

    def unplug(self, host: Host) -> None:
        """Take a host off the bridge, as a removed container: its peers meet silence."""
        self._batch("bridge", [f"link set veth-{host.name} down"])

    def plug(self, host: Host) -> None:
        """Undo `unplug`."""
        self._batch("bridge", [f"link set veth-{host.name} up"])

    def capture(
        self, path: Path, *, any_interface: bool = False, snaplen: int | None = None
    ) -> contextlib.AbstractContextManager[Process]:
        """Record what crosses the bridge into a pcapng file; see `recorder.recording`."""
        return recorder.recording(
            self.bridge, path, interface="any" if any_interface else BRIDGE, snaplen=snaplen
        )


def _bridge_commands(*, ipv6: bool) -> list[str]:
    return [
        # No forwarding delay: ports pass frames at once.
        f"link add {BRIDGE} address 02:42:ac:1e:00:01 type bridge stp_state 0 forward_delay 0",
        *_addresses(1, BRIDGE, ipv6=ipv6),
        f"link set {BRIDGE} up",
    ]


def _host_commands(last: int, *, ipv6: bool) -> list[str]:
    return [
        *_addresses(last, "eth0", ipv6=ipv6),
        "link set eth0 up",
        "route add default via 172.30.0.1",
    ]


def _addresses(last: int, device: str, *, ipv6: bool) -> list[str]:
    commands = [f"addr add 172.30.0.{last}/24 dev {device}"]
    if ipv6:
        # nodad: usable at once, without the second of duplicate detection.
        commands.append(f"addr add fd00:172:30::{last}/64 dev {device} nodad")
    return commands


def _world_commands(*routes: str) -> list[str]:
    return [
        *(f"addr add {address}/24 dev eth0" for address in (*WORLD.values(), RESOLVER, REFUSES)),
        "link set eth0 up",
        *(f"route add {route} dev eth0" for route in routes),
    ]


# --- one lab's belongings ---------------------------------------------------


@contextlib.contextmanager
def registry() -> Iterator[None]:
    """One start or removal at a time, machine-wide."""
    STATE.mkdir(mode=0o755, exist_ok=True)
    with (STATE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _claim() -> tuple[str, Path, int]:
    """The first free number, its directory, and the lock that says its owner lives."""
    number = 1
    while (STATE / str(number)).exists() or any(NAMED.glob(f"lab{number}-*")):
        number += 1
    directory = STATE / str(number)
    directory.mkdir(mode=0o755)
    directory.chmod(0o755)
    lock = os.open(directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)
    os.write(lock, f"{os.getpid()}\n".encode())
    return str(number), directory, lock


def labs() -> dict[str, bool]:
    """The labs of this machine by id, and whether their owner lives."""
    found = {}
    for directory in sorted(STATE.glob("[0-9]*")):
        try:
            with (directory / "lock").open("r+") as lock:
                # Shared: who looks at the same time must not be taken for its owner.
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
                found[directory.name] = False
        except BlockingIOError:
            found[directory.name] = True
        except FileNotFoundError:
            found[directory.name] = False
    return found


def clean() -> list[str]:
    """Remove what killed labs left; their ids."""
    if reason := why_not():
        raise LabError(reason)
    with registry():
        return sweep()


def sweep() -> list[str]:
    """`clean` for who holds the registry."""
    dead = [identity for identity, alive in labs().items() if not alive]
    for identity in dead:
        _remove(STATE / identity)
    return dead


def _remove(directory: Path) -> None:
    """End all processes of one lab, delete what is named after it, its directory last."""
    namespaces = [path.name for path in NAMED.glob(f"lab{directory.name}-*")]
    for namespace in namespaces:
        _end_all(namespace)
        run_ip("netns", "delete", namespace)
    for segment in _SHARED_MEMORY.glob(f"lab{directory.name}-*"):
        segment.unlink(missing_ok=True)
    shutil.rmtree(directory, ignore_errors=True)


def _end_all(namespace: str) -> None:
    """Programs in a namespace, also those that left their group: none may outlive it."""

    def nobody() -> bool:
        pids = _pids(namespace)
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return not pids

    until(nobody, f"the processes in {namespace} to end")


def _pids(namespace: str) -> list[int]:
    return [int(pid) for pid in run_ip("netns", "pids", namespace).split()]


def _ip() -> str:
    return find("ip") or "ip"


def run_ip(*arguments: str, input: str | None = None) -> str:
    """Run ``ip`` in the machine's own namespace; what it says."""
    done = subprocess.run([_ip(), *arguments], input=input, capture_output=True, text=True)
    if done.returncode:
        raise LabError(f"ip {' '.join(arguments)}: {done.stderr.strip()}\n{input or ''}")
    return done.stdout
