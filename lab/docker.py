"""The firewall's network on Docker: the same lab, its hosts are containers.

::

    awf-agent      172.30.0.20 ─┐
    awf-api-proxy  172.30.0.30 ─┼─ network awf-net, bridge fw-bridge or br-<id>
    awf-squid      172.30.0.10 ─┘
                   203.0.113.1 ─── 203.0.113.10 .20 .30 .40, network inspector-lab-world

`DockerNetwork` is a `Network` to everything that runs on it.  Both networks are internal: no
packet leaves.  A container idles; the lab's programs are started into its namespaces and control
groups, where ``docker top`` shows them, with the exit status and signals of a child (which
``docker exec`` does not give).  They have all of root's capabilities, which the firewall's
containers have not.
"""

from __future__ import annotations

import contextlib
import json
import secrets
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lab import docker_engine, docker_image, network, recorder
from lab.clients.agent import CACHE
from lab.docker_engine import Engine, EngineError, why_not_docker
from lab.network import REFUSES, RESOLVER, SILENT, STATE, WORLD, Host, Network
from lab.processes import LabError, Process, find
from lab.recorder import BRIDGE

FIREWALL: Final = "awf-net"
OUTSIDE: Final = "inspector-lab-world"
#: Host → name of its container.
CONTAINERS: Final = {
    "agent": "awf-agent",
    "api-proxy": "awf-api-proxy",
    "squid": "awf-squid",
    "world": OUTSIDE,
}
_ADDRESSES: Final = {
    "agent": "172.30.0.20",
    "api-proxy": "172.30.0.30",
    "squid": "172.30.0.10",
    "world": WORLD["api.anthropic.com"],
}
#: All that a lab has in an engine carries it, with a value of that lab alone: its number is
#: given to another when it is gone.
_LABEL: Final = "inspector-lab"
#: Where a lab keeps the value, in its directory.
_VALUE: Final = "docker-label"

#: Run inside: waits for a program that ends in its own time when the group is told to end.
_WAIT: Final = 'cd "$1" 2>/dev/null; shift; trap : TERM INT; "$@"; exit $?'


@dataclass(frozen=True, slots=True, kw_only=True)
class Container(Host):
    """A host that is a container; its ``namespace`` is the container's name."""

    engine: Engine
    #: Its first process, by this machine's id.
    pid: int
    #: Its control groups, one a hierarchy.
    groups: tuple[Path, ...]

    def argv(self, command: Sequence[str | Path]) -> list[str]:
        """The command line that runs ``command`` in the container, a child of this one.

        It joins the control groups, then the namespaces; the working directory is the same.
        """
        join = "".join(f"echo $$ >{shlex.quote(f'{path}/cgroup.procs')}; " for path in self.groups)
        enter = f"{find('nsenter') or 'nsenter'} --target {self.pid} --no-fork"
        spaces = "--mount --uts --ipc --net --pid --cgroup"
        script = f'{join}exec {enter} {spaces} sh -c {shlex.quote(_WAIT)} sh "$PWD" "$@"'
        return ["sh", "-c", script, "sh", *map(str, command)]

    def by_hand(self, command: Sequence[str | Path]) -> list[str]:
        """``docker exec``: into the same container, without the programs' signals."""
        return self.engine.argv("exec", self.namespace, *command)

    def pids(self) -> list[int]:
        """All processes in the container."""
        return docker_engine.members(self.groups[0])


@dataclass(frozen=True, slots=True)
class Machine(Host):
    """The machine itself, where its own engine has made the bridge."""

    def argv(self, command: Sequence[str | Path]) -> list[str]:
        """The command, ended with the lab's owner: no namespace tells later that it was ours."""
        return [find("setpriv") or "setpriv", "--pdeathsig", "KILL", *map(str, command)]

    def pids(self) -> list[int]:
        """Not the lab's to know."""
        return []


class DockerNetwork(Network):
    """One lab on Docker, as long as the ``with`` block runs.

    ``named_bridge``: the bridge is ``fw-bridge``; without it Docker names it ``br-<id>``.
    ``use_machines``: where the machine's engine answers, the containers are in it, and only one
    such lab can run; else, and always with False, the lab starts an engine of its own.

    :raises EngineError: there is no engine, and none can be started.
    :raises LabError: the engine refuses, for instance because one of the names is taken.
    """

    def __init__(self, *, named_bridge: bool = True, use_machines: bool = True) -> None:
        super().__init__()
        self.named_bridge = named_bridge
        self.use_machines = use_machines
        self.engine: Engine | None = None
        #: The value of the label on all that is this lab's.
        self.label = ""

    def close(self) -> None:
        """End every program, remove containers, networks, image and engine.  Twice is once."""
        if self._lock is None:
            return
        # At once: an engine that is asked waits for containers that do not listen.
        for host in self.hosts.values():
            for process in host._started:
                process.kill()
        try:
            if self.engine is not None and not self.engine.own:
                _remove(self.engine, [self.label])
        finally:
            super().close()
        _remove_groups()

    def _build(self) -> None:
        if reason := why_not_docker():
            raise EngineError(reason)
        _remove_groups(self.id)
        self.label = f"{self.id}-{secrets.token_hex(4)}"
        (self.directory / _VALUE).write_text(self.label)
        self.engine = self._engine()
        self._networks(self.engine)
        self._containers(self.engine)
        self._outside()

    def _engine(self) -> Engine:
        if self.use_machines and docker_engine.answers():
            self.bridge = self.hosts["bridge"] = Machine("bridge", "", "172.30.0.1")
            engine = Engine(None)
            _remove(engine, _left_by_dead_labs(engine))
            return engine
        namespace = f"lab{self.id}-bridge"
        self.bridge = self.hosts["bridge"] = Host("bridge", namespace, "172.30.0.1")
        network.run_ip("netns", "add", namespace)
        network.run_ip("-n", namespace, "link", "set", "lo", "up")
        place = self.directory / "docker"
        engine = docker_engine.start(self.id, network.NAMED / namespace, STATE, place)
        if engine.process is not None:
            self.bridge._started.append(engine.process)
        return engine

    def _networks(self, docker: Engine) -> None:
        named = [f"--opt=com.docker.network.bridge.name={BRIDGE}"] if self.named_bridge else []
        create = ("network", "create", "--internal", f"--label={_LABEL}={self.label}")
        inside = ("--subnet=172.30.0.0/24", "--gateway=172.30.0.1")
        identity = docker(*create, *inside, *named, FIREWALL)
        docker(*create, "--subnet=203.0.113.0/24", "--gateway=203.0.113.254", OUTSIDE)
        self.device = BRIDGE if self.named_bridge else f"br-{identity[:12]}"

    def _containers(self, docker: Engine) -> None:
        image = f"{_LABEL}:{self.id}"
        docker(
            *("import", "--change", f"LABEL {_LABEL}={self.label}", "-", image),
            input=docker_image.archive(),
        )
        CACHE.mkdir(parents=True, exist_ok=True)
        volumes = [f"--volume={path}:{path}:ro" for path in docker_image.mounts(CACHE)]
        volumes.append(f"--volume={self.directory}:{self.directory}")
        for name, container in CONTAINERS.items():
            place = OUTSIDE if name == "world" else FIREWALL
            docker(
                *("create", f"--name={container}", f"--hostname={container}"),
                *(f"--network={place}", f"--ip={_ADDRESSES[name]}", *volumes),
                *(f"--label={_LABEL}={self.label}", image, "sleep", "infinity"),
            )
        # With it from the start, eth0 is on the bridge: Docker orders them by name of the network.
        docker("network", "connect", "--ip=203.0.113.1", OUTSIDE, CONTAINERS["squid"])
        docker("start", *CONTAINERS.values())
        for name, container in CONTAINERS.items():
            identity = docker("inspect", "--format", "{{.Id}}", container)
            groups = tuple(docker_engine.groups(identity))
            (pid,) = docker_engine.members(groups[0])
            self.hosts[name] = Container(
                name, container, _ADDRESSES[name], engine=docker, pid=pid, groups=groups
            )
        self.agent = self.hosts["agent"]
        self.api_proxy = self.hosts["api-proxy"]
        self.squid = self.hosts["squid"]
        self.world = self.hosts["world"]

    def _outside(self) -> None:
        """The world's other addresses, and Squid's way to the silent one."""
        addresses = (*WORLD.values(), RESOLVER, REFUSES)
        self._batch("world", [f"addr replace {address}/24 dev eth0" for address in addresses])
        egress = _device(self.squid, "203.0.113.1")
        silent = f"neigh add {SILENT} lladdr 02:42:cb:00:71:63 dev {egress} nud permanent"
        self._batch("squid", [silent])

    def _batch(self, name: str, commands: Sequence[str]) -> None:
        self.hosts[name].run(["ip", "-batch", "-"], input="\n".join(commands))

    def _port(self, host: Host) -> str:
        """The bridge's end of a container's cable."""
        device = _device(host, host.address)
        index = host.run(["cat", f"/sys/class/net/{device}/iflink"]).stdout.strip()
        links = json.loads(self.bridge.run(["ip", "-json", "link"]).stdout)
        return next(str(link["ifname"]) for link in links if link["ifindex"] == int(index))

    def unplug(self, host: Host) -> None:
        """Take a host off the bridge, as a removed container: its peers meet silence."""
        self.bridge.run(["ip", "link", "set", self._port(host), "down"])

    def plug(self, host: Host) -> None:
        """Undo `unplug`."""
        self.bridge.run(["ip", "link", "set", self._port(host), "up"])

    def capture(
        self, path: Path, *, any_interface: bool = False, snaplen: int | None = None
    ) -> contextlib.AbstractContextManager[Process]:
        """Record what crosses the bridge into a pcapng file; see `recorder.recording`."""
        if any_interface:
            raise LabError("on Docker the bridge is recorded, not every interface")
        return recorder.recording(self.bridge, path, interface=self.device, snaplen=snaplen)


def _device(host: Host, address: str) -> str:
    """The interface that has an address."""
    found = json.loads(host.run(["ip", "-json", "addr", "show", "to", address]).stdout)
    return next(str(link["ifname"]) for link in found if link)


# --- what labs leave ---------------------------------------------------------------------------


def clean() -> None:
    """Remove what killed labs left in the machine's engine and in the tree of control groups."""
    _remove_groups()
    if find("docker") and docker_engine.answers():
        engine = Engine(None)
        _remove(engine, _left_by_dead_labs(engine))


def _remove_groups(claimed: str = "") -> None:
    """Those of labs that are gone; ``claimed`` is a new one's number, not in use yet."""
    with network.registry():
        docker_engine.remove_groups(network.labs().keys() - {claimed})


def _left_by_dead_labs(docker: Engine) -> list[str]:
    """Labels of things whose lab's owner is gone."""
    form = f'{{{{.Label "{_LABEL}"}}}}'
    listed = [
        docker("ps", "--all", "--filter", f"label={_LABEL}", "--format", form),
        docker("network", "ls", "--filter", f"label={_LABEL}", "--format", form),
    ]
    living = {_label_of(identity) for identity, alive in network.labs().items() if alive}
    return sorted(set("\n".join(listed).split()) - living)


def _label_of(identity: str) -> str:
    """That of a living lab; one that is not on Docker has none."""
    try:
        return (STATE / identity / _VALUE).read_text()
    except FileNotFoundError:
        return ""


def _remove(docker: Engine, values: Sequence[str]) -> None:
    for value in values:
        label = f"label={_LABEL}={value}"
        for listing, removal in (
            (("ps", "--all", "--quiet"), ("rm", "--force", "--volumes")),
            (("network", "ls", "--quiet"), ("network", "rm")),
            (("images", "--quiet"), ("rmi", "--force")),
        ):
            if found := docker(*listing, "--filter", label).split():
                docker(*removal, *found)
