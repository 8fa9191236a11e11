"""Write captures/demo/capture.pcapng: six short stories on the firewall's bridge.

    python -m tools.make_demo_capture [PATH]

Made with scapy, the same bytes each time.  captures/demo/README.md tells the
stories; every key is a public placeholder or plainly made up.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from scapy.layers.inet import IP, TCP
from scapy.layers.l2 import ARP, Ether
from scapy.utils import PcapNgWriter

from benchmarks import content

TARGET: Final = Path(__file__).parent.parent / "captures" / "demo" / "capture.pcapng"

AGENT, API_PROXY, SQUID = "172.30.0.20", "172.30.0.30", "172.30.0.10"
START: Final = Decimal("1770026400")  # 2026-02-02 10:00:00 UTC
MSS: Final = 1448

PLACEHOLDER: Final = content.PLACEHOLDER
CLAUDE: Final = "claude-cli/2.1.88 (external, cli)"
PYTHON_SDK: Final = "Anthropic/Python 0.84.0"
CODEX: Final = "codex_cli_rs/0.98.0"

DENIED_PAGE: Final = (
    b"<!DOCTYPE html><html><head><title>ERROR: The requested URL could not be retrieved</title>"
    b"</head><body><p>Access Denied.</p></body></html>\n"
)
DENIED: Final = (
    b"HTTP/1.1 403 Forbidden\r\nServer: squid/5.7\r\nMime-Version: 1.0\r\n"
    b"Content-Type: text/html;charset=utf-8\r\nContent-Length: %d\r\n"
    b"X-Squid-Error: ERR_ACCESS_DENIED 0\r\nConnection: keep-alive\r\n\r\n" % len(DENIED_PAGE)
) + DENIED_PAGE


class Demo:
    """The packets of all stories, each with its time in seconds from the start."""

    def __init__(self) -> None:
        self.rng = random.Random(1527)
        self.noise = self.rng.randbytes(20_000)
        self.packets: list[Any] = []

    def add(self, at: Decimal, packet: Any) -> None:
        packet.time = START + at
        self.packets.append(packet)

    def tunnel(self, opener: str, port: int, authority: str, at: Decimal) -> Connection:
        """A CONNECT that Squid grants, and a TLS 1.3 handshake that works."""
        tunnel = Connection(self, opener, SQUID, (port, 3128), at)
        tunnel.open()
        tunnel.send(True, connect(authority))
        tunnel.wait("0.003").send(False, content.ESTABLISHED)
        tunnel.send(True, content.client_hello(authority.partition(":")[0], self.rng))
        tunnel.wait("0.021").send(False, content.server_flight(self.rng))
        tunnel.send(True, content.client_finished(self.rng))
        return tunnel

    def relay(
        self, agent: Connection, tunnel: Connection, size: int, answer: Sequence[bytes], pace: str
    ) -> None:
        """A request of `size` bytes through `tunnel`; its answer back on both hops."""
        tunnel.send(True, content.encrypted(size, self.noise))
        tunnel.wait("0.412")
        for part in answer:
            tunnel.wait(pace).send(False, content.encrypted(len(part), self.noise))
            agent.now = tunnel.now + Decimal("0.002")
            agent.send(False, part)
        tunnel.send(True, content.close_notify(self.noise))
        tunnel.close()


class Connection:
    """One TCP connection that tells its packets to the demo, in its own time."""

    def __init__(
        self, demo: Demo, client: str, server: str, ports: tuple[int, int], at: Decimal
    ) -> None:
        self.demo = demo
        self.now = at
        self.addresses = (server, client)
        self.ports = ports[::-1]
        self.sent = [demo.rng.getrandbits(32), demo.rng.getrandbits(32)]
        self.idents = [demo.rng.getrandbits(15), demo.rng.getrandbits(15)]

    def wait(self, seconds: str) -> Connection:
        self.now += Decimal(seconds)
        return self

    def packet(self, up: bool, flags: str, data: bytes = b"") -> None:
        down = not up
        self.idents[up] += 1
        ip = IP(src=self.addresses[up], dst=self.addresses[down], id=self.idents[up], flags="DF")
        tcp = TCP(
            sport=self.ports[up],
            dport=self.ports[down],
            flags=flags,
            seq=self.sent[up] % 2**32,
            ack=self.sent[down] % 2**32 if "A" in flags else 0,
            window=502,
        )
        macs = {"src": mac(self.addresses[up]), "dst": mac(self.addresses[down])}
        self.demo.add(self.now, Ether(**macs) / ip / tcp / data)
        self.sent[up] += len(data) + ("S" in flags or "F" in flags)
        self.now += Decimal("0.00004")

    def open(self) -> None:
        self.packet(True, "S")
        self.packet(False, "SA")
        self.packet(True, "A")

    def refused(self) -> None:
        self.packet(True, "S")
        self.packet(False, "RA")

    def send(self, up: bool, data: bytes) -> None:
        """The data in superframes of ten segments, each acknowledged."""
        for start in range(0, len(data), 10 * MSS):
            self.packet(up, "PA", data[start : start + 10 * MSS])
            self.packet(not up, "A")

    def close(self, by_client: bool = True) -> None:
        self.packet(by_client, "FA")
        self.packet(not by_client, "FA")
        self.packet(by_client, "A")


def mac(address: str) -> str:
    """The MAC that Docker derives from an address."""
    return "02:42:" + ":".join(f"{int(part):02x}" for part in address.split("."))


def connect(authority: str) -> bytes:
    """The API proxy's CONNECT request."""
    return (
        f"CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\nProxy-Connection: close\r\n\r\n"
    ).encode()


def post(port: int, target: str, agent: str, auth: Sequence[str], size: int, *more: str) -> bytes:
    """A JSON request of `size` body bytes to the API proxy."""
    body = b'{"model":"claude-sonnet-4-5","stream":true,"messages":[{"role":"user","content":"'
    body += b"x" * (size - len(body) - 4) + b'"}]}'
    lines = [
        f"POST {target} HTTP/1.1",
        f"host: {API_PROXY}:{port}",
        f"user-agent: {agent}",
        *auth,
        *more,
        "content-type: application/json",
        f"content-length: {len(body)}",
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def arp(demo: Demo) -> None:
    """The agent finds the API proxy."""
    ask = ARP(op=1, hwsrc=mac(AGENT), psrc=AGENT, pdst=API_PROXY)
    tell = ARP(op=2, hwsrc=mac(API_PROXY), psrc=API_PROXY, hwdst=mac(AGENT), pdst=AGENT)
    demo.add(Decimal(0), Ether(src=mac(AGENT), dst="ff:ff:ff:ff:ff:ff") / ask)
    demo.add(Decimal("0.00001"), Ether(src=mac(API_PROXY), dst=mac(AGENT)) / tell)


def healthy(demo: Demo) -> None:
    """A health check, answered by the proxy itself."""
    check = Connection(demo, AGENT, API_PROXY, (41000, 10000), Decimal("0.1"))
    check.open()
    check.send(True, content.HEALTH)
    check.wait("0.002").send(False, content.HEALTHY)
    check.close()


def refused_key(demo: Demo) -> None:
    """Claude Code sends both headers; Squid's 200 is a tunnel, the API's answer a 401."""
    auth = [f"x-api-key: {PLACEHOLDER}", f"authorization: Bearer {PLACEHOLDER}"]
    more = ["anthropic-version: 2023-06-01", "anthropic-beta: claude-code-20250219"]
    request = post(10001, "/v1/messages?beta=true", CLAUDE, auth, 90_000, *more)
    error = content.api_error("authentication_error", "invalid x-api-key")
    agent = Connection(demo, AGENT, API_PROXY, (41010, 10001), Decimal(1))
    agent.open()
    agent.send(True, request)
    tunnel = demo.tunnel(API_PROXY, 46010, "api.anthropic.com:443", agent.now + Decimal("0.005"))
    answer = [content.whole_response("401 Unauthorized", error)]
    demo.relay(agent, tunnel, len(request), answer, "0")
    agent.wait("5").close(by_client=False)


def streams(demo: Demo) -> None:
    """A Python program streams twice: one answer ends as it should, one is cut."""
    auth = ["Authorization: Bearer placeholder-token-for-credential-isolation"]
    more = ["anthropic-version: 2023-06-01", "x-stainless-retry-count: 0"]
    request = post(10001, "/v1/messages", PYTHON_SDK, auth, 2_400, *more)
    deltas = content.deltas(24, demo.rng)
    whole = [content.STREAM_HEAD, *content.STREAM_START, *deltas, *content.STREAM_END]
    cut = [content.STREAM_HEAD, *content.STREAM_START, *deltas[:6]]
    for number, answer in enumerate(([*whole, content.LAST_CHUNK], cut)):
        agent = Connection(demo, AGENT, API_PROXY, (41020 + number, 10001), Decimal(8 + 4 * number))
        agent.open()
        agent.send(True, request)
        tunnel = demo.tunnel(
            API_PROXY, 46020 + number, "api.anthropic.com:443", agent.now + Decimal("0.005")
        )
        demo.relay(agent, tunnel, len(request), answer, "0.035")
        agent.close(by_client=answer is not cut)


def denied(demo: Demo) -> None:
    """Squid denies the domain, and the proxy relays Squid's page as if the API had said it."""
    auth = ["Authorization: Bearer sk-placeholder-for-api-proxy"]
    request = post(10000, "/v1/responses", CODEX, auth, 5_000)
    agent = Connection(demo, AGENT, API_PROXY, (41030, 10000), Decimal(17))
    agent.open()
    agent.send(True, request)
    tunnel = Connection(demo, API_PROXY, SQUID, (46030, 3128), agent.now + Decimal("0.005"))
    tunnel.open()
    tunnel.send(True, connect("api.openai.com:443"))
    tunnel.wait("0.001").send(False, DENIED)
    tunnel.close(by_client=False)
    agent.now = tunnel.now + Decimal("0.002")
    agent.send(False, DENIED)
    agent.wait("5").close(by_client=False)


def bypass(demo: Demo) -> None:
    """The agent opens a tunnel of its own: no call of the API proxy is in it."""
    tunnel = demo.tunnel(AGENT, 41040, "api.github.com:443", Decimal(24))
    tunnel.send(True, content.encrypted(700, demo.noise))
    tunnel.wait("0.120").send(False, content.encrypted(5200, demo.noise))
    tunnel.send(True, content.close_notify(demo.noise))
    tunnel.close()


def nobody_listens(demo: Demo) -> None:
    """A Gemini client knocks at a port that the proxy did not open, three times."""
    for attempt in range(3):
        at = Decimal(26) + attempt
        Connection(demo, AGENT, API_PROXY, (41050 + attempt, 10003), at).refused()


def main(path: Path = TARGET) -> None:
    """Write the capture to `path`."""
    demo = Demo()
    for story in (arp, healthy, refused_key, streams, denied, bypass, nobody_listens):
        story(demo)
    demo.packets.sort(key=lambda packet: packet.time)
    path.parent.mkdir(parents=True, exist_ok=True)
    with PcapNgWriter(str(path)) as writer:
        for packet in demo.packets:
            writer.write(packet)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
