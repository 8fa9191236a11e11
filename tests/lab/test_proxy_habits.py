"""The API proxy stand-in behaves on the wire as the recordings of the real proxy do.

Each habit is read by the same code, with tshark and the TLS secrets, from a recording of the real
stack and from a lab capture of the same calls: the two must be equal.
"""

from __future__ import annotations

import json
import subprocess
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from lab import proxy, squid, upstream
from lab.network import Network
from lab.processes import find, until, why_not

AGENT, API_PROXY, SQUID = "172.30.0.20", "172.30.0.30", "172.30.0.10"
PLACEHOLDER = "sk-ant-placeholder-key-for-credential-isolation"
#: The call that curl made in the recordings.
QUESTION = {
    "model": "claude-sonnet-4-5-20250929",
    "max_tokens": 128,
    "messages": [{"role": "user", "content": "say something about ledgers"}],
}
#: A proxy that must not call anybody: its first port's /health is all that is asked.
NOBODY: dict[str, str] = {}

_FIELDS = (
    "frame.number",
    "tcp.stream",
    "ip.src",
    "tcp.srcport",
    "tcp.dstport",
    "tcp.flags.str",
    "tcp.len",
    "tcp.payload",
    "http.request.method",
    "http.request.line",
    "http.response.code",
    "http.response.line",
    "tls.handshake.type",
    "tls.handshake.extensions_alpn_str",
    "tls.handshake.extensions_server_name",
    "tls.handshake.extensions.supported_version",
    "tls.alert_message.desc",
)
_TO_SQUID, _CLIENT_HELLO, _SERVER_HELLO = "3128", "1", "2"
_LAST_CHUNK = b"0\r\n\r\n".hex()


# --- reading a capture ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Frame:
    """One TCP frame, as tshark tells it."""

    values: dict[str, list[str]]

    def __getitem__(self, name: str) -> str:
        return self.values[name][0] if self.values[name] else ""

    def headers(self, kind: str) -> list[tuple[str, str]]:
        """Names and values of an HTTP message's headers, in wire order and case."""
        lines = [line.removesuffix("\\r\\n") for line in self.values[f"http.{kind}.line"]]
        pairs = (line.partition(":") for line in lines if line)
        return [(name, value.strip()) for name, _, value in pairs]

    def names(self, kind: str) -> list[str]:
        return [name for name, _ in self.headers(kind)]

    @property
    def ends(self) -> bool:
        """Whether its sender says that it will send no more: close_notify, FIN or RST."""
        return bool(self["tls.alert_message.desc"]) or any(
            flag in self["tcp.flags.str"] for flag in "FR"
        )


@dataclass(frozen=True, slots=True)
class Recording:
    """A capture: its TCP connections, those to the API proxy and those to Squid."""

    calls: list[list[Frame]] = field(default_factory=list)
    tunnels: list[list[Frame]] = field(default_factory=list)


def read(capture: Path, keylog: Path | None = None) -> Recording:
    """The connections of a capture that were opened in it, in their order."""
    command = [find("tshark") or "tshark", "-n", "-r", str(capture)]
    command += ["-d", "tcp.port==3128,http", "-d", "tcp.port==10000-10004,http"]
    if keylog is not None and keylog.exists():
        command += ["-o", f"tls.keylog_file:{keylog}"]
    command += ["-Y", "tcp", "-T", "fields", "-E", "separator=/t", "-E", "aggregator=\x1f"]
    command += [part for name in _FIELDS for part in ("-e", name)]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    streams: defaultdict[str, list[Frame]] = defaultdict(list)
    for line in told.splitlines():
        columns = [value.split("\x1f") if value else [] for value in line.split("\t")]
        frame = Frame(dict(zip(_FIELDS, columns, strict=True)))
        streams[frame["tcp.stream"]].append(frame)
    recording = Recording()
    for frames in streams.values():
        if frames[0]["tcp.dstport"] == _TO_SQUID:
            recording.tunnels.append(frames)
        elif "10000" <= frames[0]["tcp.dstport"] <= "10004" and frames[0]["ip.src"] == AGENT:
            recording.calls.append(frames)
    return recording


def requests(frames: Iterable[Frame]) -> list[Frame]:
    return [frame for frame in frames if frame["http.request.method"]]


def responses(frames: Iterable[Frame]) -> list[Frame]:
    return [frame for frame in frames if frame["http.response.code"]]


def asked(recording: Recording) -> list[list[Frame]]:
    """Calls with a request in them: not the pre-flight check's empty connects."""
    return [call for call in recording.calls if requests(call)]


# --- the habits -------------------------------------------------------------------------------


def connect_request(recording: Recording) -> Any:
    """What a CONNECT carries, for each authority."""
    return {
        tuple((name, value) for name, value in requests(tunnel)[0].headers("request"))
        for tunnel in recording.tunnels
    }


def one_connect_a_tunnel(recording: Recording) -> Any:
    """How many CONNECTs, and calls after it, a connection to Squid carries."""
    return {
        tuple("CONNECT" if r["http.request.method"] == "CONNECT" else "call" for r in told)
        for told in map(requests, recording.tunnels)
    }


def tls_offer(recording: Recording) -> Any:
    """Whether ALPN is offered, whether the SNI is the CONNECT's host, and the version chosen."""
    told = set()
    for tunnel in recording.tunnels:
        authority = dict(requests(tunnel)[0].headers("request"))["Host"]
        by_type = {frame["tls.handshake.type"]: frame for frame in tunnel}
        hello, answer = by_type[_CLIENT_HELLO], by_type[_SERVER_HELLO]
        told.add(
            (
                hello["tls.handshake.extensions_alpn_str"],
                hello["tls.handshake.extensions_server_name"] == authority.removesuffix(":443"),
                answer["tls.handshake.extensions.supported_version"],
            )
        )
    return told


def headers_inside(recording: Recording) -> Any:
    """Names, order and case of the headers inside the tunnels of curl's calls."""
    inside = [requests(tunnel)[1] for tunnel in recording.tunnels]
    return {
        tuple(request.names("request"))
        for request in inside
        if "x-request-id" in request.names("request")
        and "curl" in dict(request.headers("request")).get("user-agent", "")
    }


def startup_calls(recording: Recording) -> Any:
    """Calls that no agent asked for: method and header names, sorted."""
    inside = [requests(tunnel)[1] for tunnel in recording.tunnels]
    return sorted(
        (request["http.request.method"], request.names("request"))
        for request in inside
        if "x-request-id" not in request.names("request")
    )


def request_id_returns(recording: Recording) -> Any:
    """Whether each id sent inside TLS comes back to the agent, as the first header."""
    inside = [requests(tunnel)[1].headers("request") for tunnel in recording.tunnels]
    sent = {dict(headers).get("x-request-id") for headers in inside} - {None}
    first = {r.headers("response")[0] for call in asked(recording) for r in responses(call)}
    return {name for name, _ in first}, {value for _, value in first} == sent


def case_of_relayed_names(recording: Recording) -> Any:
    """Whether names of relayed headers are in lower case."""
    return {
        name.islower()
        for call in asked(recording)
        for response in responses(call)
        for name in response.names("response")
    }


def who_ends_a_tunnel(recording: Recording) -> Any:
    """Who is first to say that it will send no more."""
    return {next(f["ip.src"] for f in tunnel if f.ends) for tunnel in recording.tunnels}


HEALTHY: tuple[Callable[[Recording], Any], ...] = (
    connect_request,
    one_connect_a_tunnel,
    tls_offer,
    headers_inside,
    startup_calls,
    request_id_returns,
    case_of_relayed_names,
    who_ends_a_tunnel,
)


def own_answer(recording: Recording) -> Any:
    """Status and headers of the answer the proxy makes itself on an unconfigured port."""
    told = [responses(call)[0] for call in asked(recording)]
    return {
        (response["http.response.code"], tuple(response.names("response")))
        for response in told
        if response["http.response.code"] == "403"
    }


def squids_error_page(recording: Recording) -> Any:
    """What the agent is given for a CONNECT that Squid denies, and what went to Squid then."""
    told = [responses(call)[0] for call in asked(recording)]
    relayed = {
        (
            response["http.response.code"],
            dict(response.headers("response"))["x-squid-error"],
            response.names("response")[0],
            all(name.islower() for name in response.names("response")),
            dict(response.headers("response"))["connection"],
        )
        for response in told
    }
    return relayed, {
        tuple(
            request["http.request.method"]
            for request in tunnel
            if request["ip.src"] == API_PROXY and int(request["tcp.len"])
        )
        for tunnel in recording.tunnels
    }


def death(recording: Recording) -> Any:
    """How the proxy's side of each connection ends: its flags, and the bytes it ever sent."""
    told = []
    for call in asked(recording):
        mine = [frame for frame in call if frame["ip.src"] == API_PROXY]
        flags = [flag for flag in "SFR" for frame in mine if flag in frame["tcp.flags.str"]]
        told.append(("asked", flags, sum(int(frame["tcp.len"]) for frame in mine)))
    last = [frame for frame in recording.calls[-1] if frame["ip.src"] == API_PROXY]
    told.append(("after", ["R"] if "R" in last[0]["tcp.flags.str"] else [], 0))
    return told, len(recording.tunnels)


def websocket(recording: Recording) -> Any:
    """The CONNECT of an upgrade, the request inside and the answers."""
    upgrades = [
        tunnel
        for tunnel in recording.tunnels
        if "Proxy-Connection" not in requests(tunnel)[0].names("request")
    ]
    inside = [requests(tunnel)[1] for tunnel in upgrades]
    return (
        {tuple(requests(tunnel)[0].headers("request")) for tunnel in upgrades},
        {tuple(request.names("request")) for request in inside},
        {responses(call)[0]["http.response.code"] for call in asked(recording)},
    )


def cut_stream(recording: Recording) -> Any:
    """A stream that the upstream cuts: whether the agent gets a last chunk, and who ends."""
    told = set()
    for call in asked(recording):
        data = [f["tcp.payload"] for f in call if f["ip.src"] == API_PROXY and f["tcp.payload"]]
        ender = next(frame["ip.src"] for frame in call if frame.ends)
        told.add((data[-1].endswith(_LAST_CHUNK), ender))
    return told


# --- making the same calls in the lab ---------------------------------------------------------

UPGRADE = (
    "GET /v1/responses HTTP/1.1",
    "authorization: Bearer sk-placeholder-for-api-proxy",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: bGFib25seWxhYm9ubHlsYQ==",
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits",
    "Host: 172.30.0.30:10000",
)
#: Upgrades, reads the head of the answer, sends one masked close frame, reads to the end.
_WEBSOCKET = """
import socket, sys
with socket.create_connection(("172.30.0.30", 10000), 10) as stream:
    stream.sendall(sys.argv[1].encode() + b"\\r\\n\\r\\n")
    stream.recv(65536)
    stream.sendall(b"\\x88\\x82\\0\\0\\0\\0\\x03\\xe8")
    while stream.recv(65536): pass
"""


def ask(network: Network, port: int = 10001, *, stream: bool = False) -> None:
    body = json.dumps(QUESTION | ({"stream": True} if stream else {}))
    headers = [f"x-api-key: {PLACEHOLDER}", "anthropic-version: 2023-06-01"]
    headers.append("content-type: application/json")
    fields = [part for header in headers for part in ("-H", header)]
    url = f"http://{API_PROXY}:{port}/v1/messages"
    network.agent.run(["curl", "-sS", "-m", "20", url, *fields, "-d", body], check=False)


@dataclass(frozen=True, slots=True)
class Lab:
    """A lab in which the proxy is started anew for each recording."""

    network: Network
    upstream: upstream.Upstream
    squid: squid.Squid

    def record(self, name: str, traffic: Callable[[], None], **settings: Any) -> Recording:
        """Start a proxy, record it from the first packet on, and read what was recorded."""
        directory = self.network.directory / name
        directory.mkdir()
        capture = directory / "capture.pcapng"
        with self.network.capture(capture):
            settings = {"ca": self.upstream.authority.root} | settings
            running = proxy.start(self.network, directory=directory, **settings)
            traffic()
            until(lambda: settled(running), "every call to be answered")
            running.process.stop()
        return read(capture, running.keylog)


def settled(running: proxy.Proxy) -> bool:
    """Whether each request was answered, or nobody is left to answer."""
    told = [row["event"] for row in running.records()]
    return not running.process.running or told.count("request") == told.count("answered")


@pytest.fixture(scope="module")
def lab(network: Network) -> Lab:
    if reason := why_not("node", "squid", "tshark", "curl"):
        pytest.skip(reason)
    quick = {"*": {"first_byte": 0.0, "pace": 0.005}}
    apis = upstream.start(network, directory=network.directory / "up", behaviour=quick)
    allowed = ("api.anthropic.com", "api.openai.com")
    return Lab(network, apis, squid.start(network, allow=allowed))


def two_keys() -> dict[str, str]:
    """The providers that the recordings had keys for."""
    return {name: proxy.KEYS[name] for name in ("anthropic", "openai")}


@pytest.fixture(scope="module")
def healthy(lab: Lab) -> Recording:
    return lab.record("healthy", lambda: ask(lab.network), keys=two_keys())


def real(folder: Path) -> Recording:
    return read(folder / "capture.pcapng", folder / "keys.log")


@pytest.fixture(scope="module")
def really_healthy(real_captures: Path) -> Recording:
    return real(real_captures / "01-ok-json")


@pytest.mark.parametrize("habit", HEALTHY, ids=lambda habit: habit.__name__)
def test_a_healthy_call_looks_like_the_recorded_one(
    habit: Callable[[Recording], Any], healthy: Recording, really_healthy: Recording
) -> None:
    assert habit(healthy) == habit(really_healthy)


def test_each_agent_request_has_a_tunnel_of_its_own(healthy: Recording) -> None:
    assert len(healthy.tunnels) == len(startup_calls(healthy)) + len(asked(healthy))


def test_the_older_generation_opens_no_tunnel_at_start_up(lab: Lab, real_captures: Path) -> None:
    recorded = lab.record("old", lambda: ask(lab.network), keys=two_keys(), generation="old")
    assert startup_calls(recorded) == startup_calls(real(real_captures / "01b-ok-json-v0.25.4"))
    assert len(recorded.tunnels) == 1
    assert headers_inside(recorded) == headers_inside(real(real_captures / "01b-ok-json-v0.25.4"))


def test_an_unconfigured_port_is_answered_by_the_proxy_itself(
    lab: Lab, real_captures: Path
) -> None:
    recorded = lab.record("no-key", lambda: ask(lab.network), keys=NOBODY)
    assert own_answer(recorded) == own_answer(real(real_captures / "09-not-configured-head"))
    assert recorded.tunnels == []


def test_the_older_generation_does_not_listen_without_a_key(lab: Lab) -> None:
    recorded = lab.record("deaf", lambda: ask(lab.network), keys=NOBODY, generation="old")
    assert [frame["tcp.flags.str"].count("R") for frame in recorded.calls[0]] == [0, 1]


def test_squids_refusal_is_relayed_as_if_it_were_the_apis_answer(
    lab: Lab, real_captures: Path
) -> None:
    copilot = {"copilot": proxy.COPILOT_KEY}
    recorded = lab.record("denied", lambda: ask(lab.network, 10002), keys=copilot)
    assert squids_error_page(recorded) == squids_error_page(real(real_captures / "07-connect-403"))


def test_a_newline_in_the_key_ends_the_proxy_without_a_byte(lab: Lab, real_captures: Path) -> None:
    def twice() -> None:
        ask(lab.network)
        ask(lab.network)

    keys = {"anthropic": proxy.ANTHROPIC_KEY + "\n"}
    recorded = lab.record("newline", twice, keys=keys, generation="old")
    assert death(recorded) == death(real(real_captures / "04-newline-curl"))


def test_a_newline_in_the_key_is_trimmed_by_the_newer_generation(lab: Lab) -> None:
    keys = {"anthropic": proxy.ANTHROPIC_KEY + "\n"}
    recorded = lab.record("trimmed", lambda: ask(lab.network), keys=keys)
    assert [responses(call)[0]["http.response.code"] for call in asked(recorded)] == ["200"]


def test_an_upgrade_takes_a_tunnel_of_another_kind(lab: Lab, real_captures: Path) -> None:
    def talk() -> None:
        lab.network.agent.run(["python3", "-ISc", _WEBSOCKET, "\r\n".join(UPGRADE)])

    recorded = lab.record("websocket", talk, keys=two_keys())
    assert websocket(recorded) == websocket(real(real_captures / "13-websocket"))


def test_a_whole_stream_has_a_last_chunk(lab: Lab, real_captures: Path) -> None:
    recorded = lab.record("stream", lambda: ask(lab.network, stream=True), keys=two_keys())
    assert (True, AGENT) in cut_stream(recorded)
    assert cut_stream(recorded) < cut_stream(real(real_captures / "02a-sse-plain"))


def test_a_stream_cut_upstream_is_cut_without_a_last_chunk(lab: Lab, real_captures: Path) -> None:
    quick = {"first_byte": 0.0, "pace": 0.01}
    lab.upstream.behave({"*": quick | {"stream": "cut"}})
    recorded = lab.record("cut", lambda: ask(lab.network, stream=True), keys=two_keys())
    lab.upstream.behave({"*": quick})
    assert cut_stream(recorded) == cut_stream(real(real_captures / "06-sse-close"))
