"""Debian's Squid, configured as the firewall configures its own.

The directives, and their order, follow what the firewall generates (its ``src/squid/``, August
2026).  Different are the places of files, the resolver (the lab's own in place of public ones)
and shorter time limits for what a scenario has to wait for.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import trustme

from lab import parent as parent_proxy
from lab import resolver
from lab.network import REFUSES, RESOLVER, SQUID_PORT, WORLD, Network
from lab.processes import LabError, Process, find, why_not

#: Who Squid runs as, on Debian.
USER = "proxy"
API_PROXY_PORTS = (10000, 10001, 10002, 10003, 10004)
WEB_PORTS = (80, 443)
#: The variable that names a Squid built with OpenSSL, unpacked beside the installed one.
OPENSSL: Final = "LAB_SQUID_OPENSSL"

_LOG_FORMATS = (
    # Time, client, Host, destination, version, method, status, decision, URL, user agent.
    "logformat detailed %ts.%03tu %>a:%>p %{Host}>h %<a:%<p %rv %rm %>Hs %Ss:%Sh %ru "
    '"%{User-Agent}>h"',
    # Its twin for machines; without User-Agent, since Squid escapes no JSON.
    'logformat audit {"_schema":"audit/v0.25.4","timestamp":"%{%Y-%m-%dT%H:%M:%S}tg.%03tuZ",'
    '"event":"http_access","client":"%>a","host":"%{Host}>h","dest":"%<a:%<p","method":"%rm",'
    '"status":%>Hs,"decision":"%Ss","url":"%ru"}',
)


@dataclass(frozen=True, slots=True)
class Squid:
    """A running Squid.  A line of its logs is written when a request or tunnel *ends*."""

    process: Process
    #: The firewall's space-separated format.
    access_log: Path
    #: The same as one JSON object a line.
    audit_jsonl: Path
    #: What Squid says of itself.
    cache_log: Path
    #: As clients on the bridge are told: ``http://172.30.0.10:3128``.
    url: str


def why_not_squid(*, peek: bool = False) -> str | None:
    """The reason why there can be no Squid here; None where it can run."""
    if peek and peeking() is None:
        return (
            f"no Squid with OpenSSL: name one in {OPENSSL} (apt-get download squid-openssl,"
            " dpkg-deb -x; it cannot be installed beside squid)"
        )
    return why_not("squid")


def peeking() -> str | None:
    """A Squid that can look at a ClientHello: Debian's squid-openssl; its squid has GnuTLS."""
    for program in (os.environ.get(OPENSSL), find("squid")):
        if program is not None:
            version = subprocess.run([program, "-v"], capture_output=True, text=True, check=False)
            if "--with-openssl" in version.stdout:
                return program
    return None


def start(
    network: Network,
    *,
    allow: Iterable[str] = tuple(WORLD),
    ports: Iterable[int] = (*WEB_PORTS, *API_PROXY_PORTS),
    hosts: Mapping[str, str | None] = WORLD,
    trust_api_proxy: bool = False,
    connect_timeout: int = 5,
    peek: bool = False,
    wants_credentials: bool = False,
    parent: int | None = None,
    directory: Path | None = None,
) -> Squid:
    """Start Squid on its host and wait until it listens.

    ``allow``: domains (and all below them) that clients may reach.  ``ports``: to which ports.
    ``hosts``: what names resolve to.  A name that is not here does not exist, one with None is
    never answered; one with ``network.REFUSES``, ``ABSENT`` or ``SILENT`` fails to connect.
    ``trust_api_proxy``: the newer firewall lets its API proxy go anywhere, the older applies
    ``allow`` to it as well.  ``connect_timeout``: seconds.  ``peek``: answer CONNECT at once, look
    at the ClientHello, and hold ``allow`` against its server name, as newer firewalls do.
    ``wants_credentials``: clients have to name themselves (Basic; any name is taken).  ``parent``:
    everything goes by another proxy, which answers with this status; 0: that is not there.
    ``directory``: for its files, default ``network.directory / "squid"``.

    :raises LabError: no squid, a directory that its user cannot enter, or it did not start.
    """
    if reason := why_not_squid(peek=peek):
        raise LabError(reason)
    directory = directory or network.directory / "squid"
    directory.mkdir(mode=0o755, parents=True, exist_ok=True)
    _check_reachable(directory)
    shutil.chown(directory, USER, USER)
    network.world.start(
        [sys.executable, "-I", resolver.__file__, RESOLVER, json.dumps(dict(hosts))],
        log=directory / "resolver.log",
        ready="answering",
    )
    if peek:
        # Demanded of a port that bumps, and never shown: nothing is decrypted.
        pem = trustme.CA().issue_cert("awf-squid").private_key_and_cert_chain_pem
        pem.write_to_path(str(directory / "bump.pem"))
        shutil.chown(directory / "bump.pem", USER, USER)
    config = directory / "squid.conf"
    config.write_text(
        configuration(
            directory,
            allow=allow,
            ports=ports,
            api_proxy=network.api_proxy.address,
            trust_api_proxy=trust_api_proxy,
            connect_timeout=connect_timeout,
            peek=peek,
            more=[
                *(_CREDENTIALS if wants_credentials else ()),
                *(() if parent is None else _parent(network, directory, parent)),
            ],
        )
    )
    process = network.squid.start(
        # -N: one process in the foreground.  -n: a name of its own for two labs at once.
        [
            (peeking() if peek else find("squid")) or "squid",
            "-N",
            "-n",
            f"lab{network.id}",
            "-f",
            config,
        ],
        log=directory / "squid.log",
        ready=SQUID_PORT,
    )
    host = network.squid.address
    return Squid(
        process=process,
        access_log=directory / "access.log",
        audit_jsonl=directory / "audit.jsonl",
        cache_log=directory / "cache.log",
        url=f"http://{f'[{host}]' if ':' in host else host}:{SQUID_PORT}",
    )


def configuration(
    directory: Path,
    *,
    allow: Iterable[str],
    ports: Iterable[int],
    api_proxy: str,
    trust_api_proxy: bool,
    connect_timeout: int,
    peek: bool = False,
    more: Iterable[str] = (),
) -> str:
    """The squid.conf, one directive a line; ``more`` stands before the rules on domains."""
    domains = " ".join(f".{name.lstrip('.')}" for name in allow)
    allowed = [f"acl allowed_domains dstdomain {domains}"] if domains else []
    trusted = [f"acl from_api_proxy src {api_proxy}", "http_access allow from_api_proxy"]
    if not trust_api_proxy:
        trusted = []
    listens, bumps = [f"http_port {SQUID_PORT}"], list[str]()
    if peek:
        listens, bumps = _peeking(directory, domains), ["http_access allow CONNECT localnet"]
    lines = [
        "pinger_enable off",
        f"pid_filename {directory}/squid.pid",
        *_LOG_FORMATS,
        f"access_log stdio:{directory}/access.log detailed",
        f"access_log stdio:{directory}/audit.jsonl audit",
        f"cache_log {directory}/cache.log",
        f"coredump_dir {directory}",
        f"cache_effective_user {USER}",
        f"cache_effective_group {USER}",
        "cache deny all",
        *listens,
        *allowed,
        "acl localnet src 172.16.0.0/12 fc00::/7",
        *(f"acl Safe_ports port {port}" for port in ports),
        "http_access deny !Safe_ports",
        "http_access deny CONNECT !Safe_ports",
        # Some clients come to the API proxy through Squid although NO_PROXY names it.
        f"acl to_api_proxy dst {api_proxy}",
        "http_access allow to_api_proxy",
        *more,
        *trusted,
        *bumps,
        # Bare addresses would go round the list of domains.
        r"acl bare_ipv4 dstdom_regex ^[0-9]+\.[0-9]+\.[0-9]+\.[0-9]+$",
        r"acl bare_ipv6 dstdom_regex ^\[?[0-9a-fA-F:]+\]?$",
        "http_access deny bare_ipv4",
        "http_access deny bare_ipv6",
        f"http_access deny {'!allowed_domains' if domains else 'all'}",
        "http_access allow localnet",
        "http_access deny all",
        "hosts_file none",
        f"dns_nameservers {RESOLVER}",
        "negative_dns_ttl 1 seconds",
        "dns_retransmit_interval 1 seconds",
        "dns_timeout 2 seconds",
        "forwarded_for delete",
        "via off",
        "cache_mem 64 MB",
        "maximum_object_size 0 KB",
        "read_timeout 30 minutes",
        f"connect_timeout {connect_timeout} seconds",
        "request_timeout 2 minutes",
        "persistent_request_timeout 2 minutes",
        "pconn_timeout 2 minutes",
        "client_lifetime 8 hours",
        "half_closed_clients on",
        "shutdown_lifetime 0 seconds",
        # The name in error pages; and no table for the million files that some machines allow.
        "visible_hostname awf-squid",
        "max_filedescriptors 4096",
    ]
    return "\n".join(lines) + "\n"


#: Debian's helper that takes any name and password: what is asked for is what matters.
_CREDENTIALS: Final = (
    "auth_param basic program /usr/lib/squid/basic_fake_auth",
    "auth_param basic realm lab",
    "acl named proxy_auth REQUIRED",
    "http_access deny !named",
)


def _parent(network: Network, directory: Path, status: int) -> list[str]:
    """Start the parent proxy, if it is to be there, and name it to Squid."""
    address = WORLD["api.anthropic.com"] if status else REFUSES
    if status:
        network.world.start(
            [sys.executable, "-I", parent_proxy.__file__, address, str(SQUID_PORT), str(status)],
            log=directory / "parent.log",
            ready="listening",
        )
    return [
        f"cache_peer {address} parent {SQUID_PORT} 0 no-query no-digest default",
        "never_direct allow all",
    ]


def _peeking(directory: Path, domains: str) -> list[str]:
    """Peek at the ClientHello, then splice what is allowed and end the rest."""
    return [
        f"http_port {SQUID_PORT} ssl-bump tls-cert={directory}/bump.pem"
        " generate-host-certificates=off",
        "acl step1 at_step SslBump1",
        f"acl allowed_names ssl::server_name {domains}",
        "ssl_bump peek step1",
        "ssl_bump splice allowed_names",
        "ssl_bump terminate all",
    ]


def _check_reachable(directory: Path) -> None:
    """Squid drops root before it opens its logs: others must be able to enter each folder."""
    for folder in (directory, *directory.resolve().parents):
        if not folder.stat().st_mode & 0o001:
            raise LabError(
                f"Squid's user {USER} cannot enter {folder}: "
                "use network.directory, and copy its logs from there"
            )
