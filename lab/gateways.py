"""A gateway where agents expect the API proxy: at its address and port.

Behind nginx and HAProxy, on the same host and so on no bridge, stands the API proxy stand-in with
its tunnels: on the wire the gateway is the API proxy.  Envoy and litellm take its place altogether:
they ask the API themselves, through Squid.  What a gateway answers by itself (a limit of its own,
nobody to connect to) is in its own words.

Debian's nginx and HAProxy, PyPI's Envoy and litellm (requirements/gateways.txt); where a program is
not installed, one can be named (`LAB_NGINX`: `apt-get download nginx`, `dpkg-deb -x`; `LAB_ENVOY`).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lab import envoy, litellm
from lab.network import SQUID_PORT, WORLD, Network
from lab.processes import LabError, Process, find

#: The stand-in's ports are so much higher behind a gateway.
HIGHER: Final = 10_000
#: The variable that names a program which is not installed.
VARIABLES: Final[Mapping[str, str]] = {
    "nginx": "LAB_NGINX",
    "haproxy": "LAB_HAPROXY",
    "envoy": "LAB_ENVOY",
    "litellm": "LAB_LITELLM",
}
#: Those that need no stand-in behind them: they ask the API themselves.
ALONE: Final = frozenset({"envoy", "litellm"})
#: Where `make test-real` puts programs of PyPI's that are a gateway.
_PROGRAMS: Final = Path(__file__).resolve().parents[1] / ".gateways" / "bin"
_HOST: Final = "api.anthropic.com"


def program(kind: str) -> str | None:
    """The gateway's program, or None where there is none."""
    installed = _PROGRAMS / kind
    return (
        os.environ.get(VARIABLES[kind])
        or find(kind)
        or (str(installed) if installed.exists() else None)
    )


def why_not_gateway(kind: str) -> str | None:
    """The reason why there can be no such gateway here; None where it can run."""
    if program(kind) is not None:
        return None
    return f"no {kind}: install it, or name one in {VARIABLES[kind]}"


@dataclass(frozen=True, slots=True)
class Setting:
    """What a gateway's configuration is made of.

    `limits` are directives of its own, as `{"proxy_read_timeout": "2s"}`; of HAProxy `server` is
    the address of who is behind it.  `key` is its own key, `ca` whom it trusts.
    """

    address: str
    port: int
    squid: tuple[str, int]
    directory: Path
    limits: Mapping[str, str]
    key: str
    ca: Path


def start(
    network: Network,
    kind: str,
    port: int,
    directory: Path,
    limits: Mapping[str, str],
    *,
    key: str,
    ca: Path,
) -> Process:
    """Start it on the API proxy's host, in front of the stand-in's port or in its place.

    :raises LabError: there is no such program, or it did not start.
    """
    if reason := why_not_gateway(kind):
        raise LabError(reason)
    found = program(kind)
    assert found is not None
    directory.mkdir(parents=True, exist_ok=True)
    host = network.api_proxy
    squid = (network.squid.address, SQUID_PORT)
    setting = Setting(host.address, port, squid, directory, limits, key, ca)
    config = directory / f"{kind}.conf"
    if kind == "litellm":
        config = config.with_suffix(".yaml")
    elif kind == "envoy":
        config = config.with_suffix(".json")
    config.write_text(_CONFIGURATIONS[kind](setting))
    arguments: Mapping[str, list[str | Path]] = {
        "nginx": ["-c", config, "-p", directory],
        "haproxy": ["-db", "-f", config],
        "envoy": ["--disable-hot-restart", "--concurrency", "1", "-c", config],
        "litellm": ["--config", config, "--host", host.address, "--port", str(port)],
    }
    return host.start(
        [found, *arguments[kind]],
        log=directory / f"{kind}.log",
        env=litellm.environment(squid, ca) if kind == "litellm" else None,
        ready=port,
        # litellm reads a few hundred modules before it listens.
        timeout=90.0 if kind == "litellm" else 15.0,
        cwd=directory,
    )


def _envoy(setting: Setting) -> str:
    return envoy.configuration(
        (setting.address, setting.port),
        setting.squid,
        (_HOST, WORLD[_HOST]),
        setting.key,
        setting.ca,
        setting.limits,
    )


def _litellm(setting: Setting) -> str:
    return litellm.configuration(_HOST, setting.key, setting.limits)


def _nginx(setting: Setting) -> str:
    address, port, directory = setting.address, setting.port, setting.directory
    places = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    temporary = "\n".join(f"  {name}_temp_path {directory}/{name};" for name in places)
    more = "\n".join(f"    {name} {value};" for name, value in setting.limits.items())
    return f"""\
daemon off;
user root;
worker_processes 1;
pid {directory}/nginx.pid;
error_log {directory}/error.log;
events {{ }}
http {{
  access_log {directory}/access.log;
{temporary}
  server {{
    listen {address}:{port};
{more}
    location / {{
      proxy_pass http://{address}:{port + HIGHER};
      proxy_http_version 1.1;
      proxy_set_header Connection "";
    }}
  }}
}}
"""


def _haproxy(setting: Setting) -> str:
    address, port, limits = setting.address, setting.port, setting.limits
    behind = limits.get("server", f"{address}:{port + HIGHER}")
    times = {"connect": "1s", "client": "30s", "server": "30s"} | {
        name.removeprefix("timeout "): value
        for name, value in limits.items()
        if name.startswith("timeout ")
    }
    listed = "\n".join(f"  timeout {name} {value}" for name, value in times.items())
    return f"""\
defaults
  mode http
{listed}
listen gateway
  bind {address}:{port}
  server behind {behind}
"""


_CONFIGURATIONS: Final[Mapping[str, Callable[[Setting], str]]] = {
    "nginx": _nginx,
    "haproxy": _haproxy,
    "envoy": _envoy,
    "litellm": _litellm,
}
