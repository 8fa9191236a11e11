"""A gateway where agents expect the API proxy: nginx or HAProxy at its address and port.

Behind it, on the same host and so on no bridge, stands the API proxy stand-in with its tunnels: on
the wire the gateway is the API proxy.  What it answers by itself (a limit of its own, nobody to
connect to) is in its own words.

Debian's programs; where they are not installed, an unpacked one can be named (`LAB_NGINX`,
`LAB_HAPROXY`: `apt-get download nginx`, `dpkg-deb -x`).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from lab.network import Host
from lab.processes import LabError, Process, find

#: The stand-in's ports are so much higher behind a gateway.
HIGHER: Final = 10_000
#: The variable that names a program which is not installed.
VARIABLES: Final[Mapping[str, str]] = {"nginx": "LAB_NGINX", "haproxy": "LAB_HAPROXY"}


def program(kind: str) -> str | None:
    """The gateway's program, or None where there is none."""
    return os.environ.get(VARIABLES[kind]) or find(kind)


def why_not_gateway(kind: str) -> str | None:
    """The reason why there can be no such gateway here; None where it can run."""
    if program(kind) is not None:
        return None
    return f"no {kind}: install it, or name one in {VARIABLES[kind]}"


def start(host: Host, kind: str, port: int, directory: Path, limits: Mapping[str, str]) -> Process:
    """Start it on the API proxy's host, in front of the stand-in's port.

    ``limits``: directives of its own, as `{"proxy_read_timeout": "2s"}`; of HAProxy `server` is
    the address of who is behind it.

    :raises LabError: there is no such program, or it did not start.
    """
    if reason := why_not_gateway(kind):
        raise LabError(reason)
    found = program(kind)
    assert found is not None
    directory.mkdir(parents=True, exist_ok=True)
    config = directory / f"{kind}.conf"
    config.write_text(_CONFIGURATIONS[kind](host.address, port, directory, limits))
    arguments: Mapping[str, list[str | Path]] = {
        "nginx": ["-c", config, "-p", directory],
        "haproxy": ["-db", "-f", config],
    }
    return host.start([found, *arguments[kind]], log=directory / f"{kind}.log", ready=port)


def _nginx(address: str, port: int, directory: Path, limits: Mapping[str, str]) -> str:
    places = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    temporary = "\n".join(f"  {name}_temp_path {directory}/{name};" for name in places)
    more = "\n".join(f"    {name} {value};" for name, value in limits.items())
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


def _haproxy(address: str, port: int, directory: Path, limits: Mapping[str, str]) -> str:
    del directory
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


_CONFIGURATIONS: Final[Mapping[str, Callable[[str, int, Path, Mapping[str, str]], str]]] = {
    "nginx": _nginx,
    "haproxy": _haproxy,
}
