"""The lab's Squid does what the firewall's does, each answer as measured there (domain.md)."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab import squid
from lab.network import ABSENT, REFUSES, WORLD, Host, Network
from lab.processes import LabError, until
from lab.squid import Squid

ANTHROPIC = WORLD["api.anthropic.com"]
#: Asks Squid for a tunnel, or whatever the head says; prints its answer up to the body's start.
_ASK = """
import socket, sys
address, head = sys.argv[1:]
with socket.create_connection((address, 3128), 20) as stream:
    stream.sendall(head.encode())
    answer = b""
    while b"\\r\\n\\r\\n" not in answer and (data := stream.recv(65536)):
        answer += data
    print(answer.partition(b"\\r\\n\\r\\n")[0].decode())
"""
_LISTEN = """
import signal, socket, sys
server = socket.create_server((sys.argv[1], int(sys.argv[2])))
print("listening", flush=True)
while True:
    server.accept()[0].close()
"""


def listen(host: Host, address: str, port: int, log: Path) -> None:
    host.start([sys.executable, "-ISc", _LISTEN, address, str(port)], log=log, ready="listening")


def ask(host: Host, network: Network, head: str) -> list[str]:
    """The lines of the answer's head."""
    command = [sys.executable, "-ISc", _ASK, network.squid.address, head]
    return host.run(command).stdout.splitlines()


def tunnel(host: Host, network: Network, authority: str) -> list[str]:
    return ask(host, network, f"CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n\r\n")


@pytest.fixture(scope="module")
def gateway(network: Network) -> Iterator[Squid]:
    if reason := squid.why_not_squid():
        pytest.skip(reason)
    running = squid.start(
        network,
        allow=[*WORLD, "refuses.example", "absent.example", "unknown.example"],
        hosts={
            **WORLD,
            "github.com": REFUSES,
            "refuses.example": REFUSES,
            "absent.example": ABSENT,
        },
    )
    listen(network.world, ANTHROPIC, 443, network.directory / "world.log")
    listen(network.api_proxy, network.api_proxy.address, 10001, network.directory / "proxy.log")
    with running.process:
        yield running


def last_line(log: Path, *words: str) -> str:
    """The line of a request that has been answered: written when its connection is over."""

    def found() -> list[str]:
        return [
            line for line in log.read_text().splitlines() if all(word in line for word in words)
        ]

    until(lambda: bool(found()), f"a line with {words} in {log.name}")
    return found()[-1]


def test_an_allowed_tunnel_is_answered_by_one_line_without_headers(
    network: Network, gateway: Squid
) -> None:
    assert tunnel(network.api_proxy, network, "api.anthropic.com:443") == [
        "HTTP/1.1 200 Connection established"
    ]


@pytest.mark.parametrize(
    ("authority", "status", "error"),
    [
        ("github.com:443", "403 Forbidden", "ERR_ACCESS_DENIED 0"),
        ("api.anthropic.com:8443", "403 Forbidden", "ERR_ACCESS_DENIED 0"),
        (f"{ANTHROPIC}:443", "403 Forbidden", "ERR_ACCESS_DENIED 0"),
        ("refuses.example:443", "503 Service Unavailable", "ERR_CONNECT_FAIL 111"),
        ("absent.example:443", "503 Service Unavailable", "ERR_CONNECT_FAIL 113"),
        ("unknown.example:443", "500 Internal Server Error", "ERR_CANNOT_FORWARD 0"),
    ],
)
def test_a_tunnel_that_cannot_be_is_refused_with_squids_own_error(
    network: Network, gateway: Squid, authority: str, status: str, error: str
) -> None:
    first, *headers = tunnel(network.api_proxy, network, authority)

    assert first == f"HTTP/1.1 {status}"
    assert f"X-Squid-Error: {error}" in headers
    assert any(header.startswith("Content-Type: text/html") for header in headers)
    assert not any(header.startswith("Via:") for header in headers)


def test_the_agent_may_come_to_the_api_proxy_through_squid(
    network: Network, gateway: Squid
) -> None:
    authority = f"{network.api_proxy.address}:10001"

    assert tunnel(network.agent, network, authority) == ["HTTP/1.1 200 Connection established"]


def test_a_request_without_an_absolute_target_is_an_invalid_url(
    network: Network, gateway: Squid
) -> None:
    first, *headers = ask(network.agent, network, "GET /v1/messages HTTP/1.1\r\nHost: x\r\n\r\n")

    assert first == "HTTP/1.1 400 Bad Request"
    assert "X-Squid-Error: ERR_INVALID_URL 0" in headers


def test_both_logs_have_the_firewalls_formats(network: Network, gateway: Squid) -> None:
    tunnel(network.agent, network, "api.anthropic.com:443")

    line = last_line(gateway.access_log, "172.30.0.20", "api.anthropic.com")
    assert re.fullmatch(
        r"\d{10}\.\d{3} 172\.30\.0\.20:\d+ api\.anthropic\.com:443 203\.0\.113\.10:443 1\.1"
        r' CONNECT 200 TCP_TUNNEL:HIER_DIRECT api\.anthropic\.com:443 "-"',
        line,
    )
    twin = json.loads(last_line(gateway.audit_jsonl, "172.30.0.20", "api.anthropic.com"))
    assert twin.pop("timestamp").endswith("Z")
    assert twin == {
        "_schema": "audit/v0.25.4",
        "event": "http_access",
        "client": "172.30.0.20",
        "host": "api.anthropic.com:443",
        "dest": "203.0.113.10:443",
        "method": "CONNECT",
        "status": 200,
        "decision": "TCP_TUNNEL",
        "url": "api.anthropic.com:443",
    }


def test_a_denial_is_logged_without_a_destination(network: Network, gateway: Squid) -> None:
    tunnel(network.api_proxy, network, "github.com:443")

    line = last_line(gateway.access_log, " github.com:443 ")
    assert ' -:- 1.1 CONNECT 403 TCP_DENIED:HIER_NONE github.com:443 "-"' in line


def test_squid_does_not_run_as_root(gateway: Squid) -> None:
    status = Path(f"/proc/{gateway.process.pid}/status").read_text()

    assert not re.search(r"^Uid:\t0\s+0", status, re.MULTILINE)


def test_what_a_killed_squid_leaves_goes_with_the_lab(gateway: Squid) -> None:
    def segments() -> set[int]:
        return {path.stat().st_ino for path in Path("/dev/shm").glob(f"lab{network.id}-*")}

    with Network() as network:
        squid.start(network).process.kill()
        left = segments()

    assert left
    assert not left & segments()


def test_a_folder_that_squids_user_cannot_enter_is_named(
    network: Network, gateway: Squid, tmp_path: Path
) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)

    with pytest.raises(LabError, match=r"user proxy cannot enter .*: use network\.directory"):
        squid.start(network, directory=closed / "squid")


def test_a_configuration_that_allows_nothing_denies_every_domain() -> None:
    lines = squid.configuration(
        Path("/lab"),
        allow=(),
        ports=(443,),
        api_proxy="172.30.0.30",
        trust_api_proxy=False,
        connect_timeout=5,
    ).splitlines()

    assert "http_access deny all" in lines
    assert lines.index("http_access deny all") < lines.index("http_access allow localnet")
    assert not any("allowed_domains" in line for line in lines)


def test_a_trusted_api_proxy_is_let_through_before_the_list_of_domains() -> None:
    lines = squid.configuration(
        Path("/lab"),
        allow=("api.anthropic.com",),
        ports=(443,),
        api_proxy="172.30.0.30",
        trust_api_proxy=True,
        connect_timeout=5,
    ).splitlines()

    assert lines.index("http_access allow from_api_proxy") < lines.index(
        "http_access deny !allowed_domains"
    )


def test_a_squid_that_peeks_holds_the_list_against_the_server_name() -> None:
    lines = squid.configuration(
        Path("/lab"),
        allow=("api.anthropic.com",),
        ports=(443,),
        api_proxy="172.30.0.30",
        trust_api_proxy=False,
        connect_timeout=5,
        peek=True,
    ).splitlines()

    bumps = [line for line in lines if line.startswith("ssl_bump")]
    assert bumps == [
        "ssl_bump peek step1",
        "ssl_bump splice allowed_names",
        "ssl_bump terminate all",
    ]
    assert "acl allowed_names ssl::server_name .api.anthropic.com" in lines
    assert lines.index("http_access allow CONNECT localnet") < lines.index(
        "http_access deny !allowed_domains"
    )
