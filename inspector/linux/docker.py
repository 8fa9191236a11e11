"""Docker's networks and containers, by a few requests over its socket.

The `docker` package brings requests, urllib3 and half a second of import for
what http.client does.  Nothing here fails a capture: no engine, no answer in time
or a strange one is a reason in `trouble`, and addresses stand alone.  Who may ask
an engine is as good as root: during a capture that is `live.broker` alone.

Source: Docker Engine API, GET /networks, GET /containers/json and GET /events.
"""

from __future__ import annotations

import http.client
import json
import os
import socket
from collections.abc import Mapping
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Any, Final, TypeAlias

from inspector.fact import Fact

IPNetwork: TypeAlias = IPv4Network | IPv6Network

_SOCKETS: Final = ("/var/run/docker.sock", "/run/docker.sock")
#: Seconds for each step of an answer.
TIMEOUT: Final = 2.0
_LARGEST: Final = 16 << 20
_BRIDGE_NAME: Final = "com.docker.network.bridge.name"


class Container(Fact):
    """A running container: its name without the slash, its id of 64 hex digits, its labels."""

    name: str
    id: str
    labels: Mapping[str, str]


class DockerNetwork(Fact):
    """A network of the driver "bridge", and the name of its device on the engine's host."""

    name: str
    id: str
    device: str
    subnets: tuple[IPNetwork, ...]
    internal: bool


class DockerView:
    """What the engine says, each time it is asked."""

    def __init__(self, path: str, timeout: float = TIMEOUT) -> None:
        self.path = path
        self._connection = _UnixConnection(path, timeout)
        #: Why the last question has no answer; empty when it has one.
        self.trouble = ""

    @classmethod
    def open(cls, path: str | None = None, *, timeout: float = TIMEOUT) -> DockerView:
        """A connection to the engine at `path`, or where DOCKER_HOST or the usual places say."""
        view = cls(path or _usual_path(os.environ), timeout)
        view._ask("/_ping")
        return view

    @property
    def answers(self) -> bool:
        """Whether the last question was answered."""
        return not self.trouble

    def networks(self) -> list[DockerNetwork]:
        """All bridge networks; none when the engine does not answer."""
        return [found for each in self._list("/networks") if (found := _network(each)) is not None]

    def containers(self, network: str | None = None) -> dict[str, Container]:
        """Running containers by address, of one network (by id) or of all.

        Two networks may use one address for two containers: name one.
        """
        found: dict[str, Container] = {}
        for each in self._list("/containers/json"):
            container = Container(_name(each), _text(each.get("Id")), _texts(each.get("Labels")))
            settings = _dict(_dict(each.get("NetworkSettings")).get("Networks"))
            for attached in map(_dict, settings.values()):
                if network is not None and attached.get("NetworkID") != network:
                    continue
                for key in ("IPAddress", "GlobalIPv6Address"):
                    if address := _address(attached.get(key)):
                        found[address] = container
        return found

    def names(self) -> dict[str, str]:
        """Names by id of all containers, those that have ended and those without an address too."""
        listed = self._list("/containers/json?all=1")
        return {_text(each.get("Id")): name for each in listed if (name := _name(each))}

    def close(self) -> None:
        self._connection.close()

    def _list(self, path: str) -> list[dict[str, Any]]:
        answer = self._ask(path)
        if answer is None:
            return []
        try:
            decoded = json.loads(answer)
        except ValueError:
            decoded = None
        if not isinstance(decoded, list):
            self.trouble = f"what answers at {self.path} is no Docker engine"
            return []
        return [each for each in decoded if isinstance(each, dict)]

    def _ask(self, path: str) -> bytes | None:
        # A kept connection may have been closed by its other end: then once more.
        for attempt in (1, 2):
            fresh = self._connection.sock is None
            try:
                self._connection.request("GET", path, headers={"Host": "docker"})
                response = self._connection.getresponse()
                body = response.read(_LARGEST)
                if response.read(1):
                    raise http.client.HTTPException("its answer is too long")
            except (OSError, http.client.HTTPException, ValueError) as error:
                self._connection.close()
                if attempt == 2 or fresh:
                    self.trouble = _reason(self.path, error)
                    return None
                continue
            self.trouble = ""
            if response.status != 200:
                self.trouble = f"{self.path} answers {response.status} to {path}"
                return None
            return body
        return None


class Events:
    """Names by id as the engine tells of containers, from the moment it is opened.

    So a container that lives for less than a second has its name too.  Asked in
    HTTP/1.0, an engine answers with one JSON object a line until it ends.
    """

    #: A longer line is no event; of what comes at once, as much is read.
    _LONGEST: Final = 1 << 18
    _REQUEST: Final = (
        b"GET /events?filters=%7B%22type%22%3A%5B%22container%22%5D%7D HTTP/1.0\r\n"
        b"Host: docker\r\n\r\n"
    )

    def __init__(self, channel: socket.socket) -> None:
        self._channel = channel
        self._rest = b""
        self._in_head = True

    @classmethod
    def open(cls, path: str, timeout: float = TIMEOUT) -> Events | None:
        """Listen to the engine at `path`; None where it cannot be asked."""
        connection = _UnixConnection(path, timeout)
        try:
            connection.connect()
            channel: socket.socket = connection.sock
            channel.sendall(cls._REQUEST)
            channel.setblocking(False)
        except OSError:
            connection.close()
            return None
        return cls(channel)

    def fileno(self) -> int:
        """Readable when the engine has told something, or ended."""
        return self._channel.fileno()

    def read(self) -> dict[str, str] | None:
        """The names told since the last call; None when there will be no more.  Never waits."""
        try:
            data = self._channel.recv(self._LONGEST)
        except BlockingIOError:
            return {}
        except OSError:
            return None
        if not data:
            return None
        *lines, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > self._LONGEST:
            return None
        found: dict[str, str] = {}
        for line in lines:
            if self._in_head:
                self._in_head = bool(line.strip())
                continue
            found.update(_told(line))
        return found

    def close(self) -> None:
        self._channel.close()


def _told(line: bytes) -> dict[str, str]:
    """The container that an event is about, if it is about one."""
    try:
        actor = _dict(_dict(json.loads(line)).get("Actor"))
    except (ValueError, RecursionError):
        return {}
    identity, name = _text(actor.get("ID")), _text(_dict(actor.get("Attributes")).get("name"))
    return {identity: name} if identity and name else {}


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("docker", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        channel = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        channel.settimeout(self.timeout)
        try:
            channel.connect(self._path)
        except BaseException:
            channel.close()
            raise
        self.sock = channel


def _usual_path(environ: Mapping[str, str]) -> str:
    told = environ.get("DOCKER_HOST", "")
    if told.startswith("unix://"):
        return told.removeprefix("unix://")
    places = list(_SOCKETS)
    if runtime := environ.get("XDG_RUNTIME_DIR"):
        places.append(f"{runtime}/docker.sock")
    return next((place for place in places if Path(place).exists()), _SOCKETS[0])


def _reason(path: str, error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return f"no Docker engine here ({path} is not there)"
    if isinstance(error, PermissionError):
        return f"{path} may not be opened by this user"
    if isinstance(error, TimeoutError):
        return f"the Docker engine at {path} does not answer in time"
    detail = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return f"the Docker engine at {path} cannot be asked: {detail}"


def _network(each: Mapping[str, Any]) -> DockerNetwork | None:
    identity = _text(each.get("Id"))
    if each.get("Driver") != "bridge" or not identity:
        return None
    subnets = []
    for config in _dict(each.get("IPAM")).get("Config") or ():
        try:
            subnets.append(ip_network(_text(_dict(config).get("Subnet"))))
        except ValueError:
            continue
    device = _text(_dict(each.get("Options")).get(_BRIDGE_NAME))
    return DockerNetwork(
        name=_text(each.get("Name")),
        id=identity,
        device=device or f"br-{identity[:12]}",
        subnets=tuple(subnets),
        internal=each.get("Internal") is True,
    )


def _name(each: Mapping[str, Any]) -> str:
    names = each.get("Names")
    first = names[0] if isinstance(names, list) and names else ""
    return _text(first).removeprefix("/")


def _address(value: object) -> str | None:
    try:
        return str(ip_address(_text(value)))
    except ValueError:
        return None


def _dict(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _texts(value: object) -> dict[str, str]:
    return {key: text for key, text in _dict(value).items() if isinstance(text, str)}
