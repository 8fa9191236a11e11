"""Records a scenario: runs the lab, and writes its folder in `captures/`.

`Lab` is what a scenario's function gets: the running programs and the calls
that its clients can make.  All files are written by the programs themselves or
follow from their logs (`truth.py`); nothing is taken from the packets.
"""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from lab import clients as client_programs
from lab import gateways, index, proxy, squid, upstream
from lab.blocks import tidy
from lab.clients.agent import Agent, Header
from lab.docker import DockerNetwork
from lab.expected import expected
from lab.network import SQUID_PORT, Network
from lab.processes import LabError, find
from lab.scenarios import Scenario, catalogue
from lab.toml import dumps
from lab.truth import Logs, truth

CAPTURES: Final = index.CAPTURES
CAPTURE: Final = "capture.pcapng"
LIMIT: Final = 1_500_000
#: Where the stand-in's code would be in a container: stack traces name no machine's folders.
_HOME: Final = str(Path(__file__).resolve().parent)

MESSAGE: Final = {
    "model": "claude-lab-1",
    "max_tokens": 64,
    "messages": [{"role": "user", "content": "Say hello to the lab."}],
}
CHAT: Final = {
    "model": "gpt-lab-1",
    "messages": [{"role": "user", "content": "Say hello to the lab."}],
}
#: The upstream answers at once and streams fast: what a reader should see is the order.
PACE: Final[Mapping[str, Mapping[str, Any]]] = {"*": {"first_byte": 0.02, "pace": 0.005}}
#: States of /proc/net/tcp that are not over: all but closed, TIME-WAIT and LISTEN.
_OVER: Final = {"06", "07", "0A"}


def message(*, stream: bool = False, **more: Any) -> str:
    """The body of a call to Anthropic's Messages API."""
    return json.dumps({**MESSAGE, "stream": stream, **more})


def chat(*, stream: bool = False) -> str:
    """The body of a call to OpenAI's Chat Completions API."""
    return json.dumps({**CHAT, "stream": stream})


@dataclass
class Lab:
    """A running lab, as a scenario's function sees it."""

    scenario: Scenario
    network: Network
    directory: Path
    agent: Agent
    squid: squid.Squid
    upstream: upstream.Upstream
    proxy: proxy.Proxy
    #: Begins the capture of a scenario that says itself when (`capture="late"`).
    begin_capture: Callable[[], None]

    @property
    def squid_place(self) -> str:
        """Squid's ip:port."""
        return _place(self.network.squid.address, SQUID_PORT)

    def api(self, provider: str = "anthropic") -> str:
        """Base URL of a provider on the API proxy."""
        return f"http://{_place(self.network.api_proxy.address, proxy.PORTS[provider])}"

    def host(self, provider: str = "anthropic") -> str:
        """The Host header of that base URL."""
        return self.api(provider).removeprefix("http://")

    def anthropic(
        self, *headers: Header, stream: bool = False, path: str = "/v1/messages", **curl: Any
    ) -> None:
        """A call by curl; without headers of its own it sends `x-api-key` with the placeholder."""
        sent = headers or (("x-api-key", client_programs.ANTHROPIC_PLACEHOLDER),)
        version: tuple[Header, ...] = (("anthropic-version", "2023-06-01"),)
        if any(name == "anthropic-version" for name, _ in sent):
            version = ()
        self.agent.curl(
            self.api() + path,
            [*sent, *version, ("content-type", "application/json")],
            curl.pop("body", None) or message(stream=stream),
            **curl,
        )

    def openai(self, *, stream: bool = False) -> None:
        """A chat completion by curl."""
        headers = [("Authorization", f"Bearer {client_programs.OPENAI_PLACEHOLDER}")]
        url = f"{self.api('openai')}/v1/chat/completions"
        headers.append(("Content-Type", "application/json"))
        self.agent.curl(url, headers, chat(stream=stream))

    def claude_code(self, *auth: Header, **spec: Any) -> None:
        """Calls as Claude Code 2.1.88 makes them: the path, the order and the case of headers."""
        headers: list[Header] = [
            ("host", self.host()),
            ("connection", "keep-alive"),
            ("Accept", "application/json"),
            ("X-Stainless-Retry-Count", "0"),
            ("X-Stainless-Timeout", "600"),
            ("X-Stainless-Lang", "js"),
            ("X-Stainless-Runtime", "node"),
            ("anthropic-dangerous-direct-browser-access", "true"),
            ("anthropic-version", spec.pop("version", "2023-06-01")),
            *auth,
            ("x-app", "cli"),
            ("User-Agent", "claude-cli/2.1.88 (external, cli)"),
            ("content-type", "application/json"),
            ("anthropic-beta", "claude-code-20250219,interleaved-thinking-2025-05-14"),
            ("accept-language", "*"),
            ("sec-fetch-mode", "cors"),
            ("accept-encoding", spec.pop("accept_encoding", "identity")),
        ]
        path = spec.pop("path", "/v1/messages?beta=true")
        body = message(stream=spec.pop("stream", True))
        self.agent.plain(self.api() + path, headers, body, program="claude-code", **spec)

    def set_upstream(self, switches: Mapping[str, Mapping[str, Any]]) -> None:
        """Change the upstream's behaviour while it runs."""
        self.upstream.behave(switches)

    def wait_until_quiet(self, timeout: float = 20.0) -> None:
        """Until no connection of any host on the bridge is open any more."""
        deadline = time.monotonic() + timeout
        while _open_connections(self.network):
            if time.monotonic() > deadline:
                raise LabError(f"connections still open after {timeout:g} s")
            time.sleep(0.02)


def record(name: str, into: Path = CAPTURES, *, docker: bool = False) -> Path:
    """Record one scenario anew; its folder, which replaces the one that was there.

    ``docker``: in containers (`lab.docker`).

    :raises LabError: there can be no such lab here, or something in it went wrong.
    """
    scenario = catalogue()[name]
    with _network(scenario, docker=docker) as network:
        place = network.directory / "run"
        place.mkdir(mode=0o755)
        logs = _run(scenario, network, place)
        folder = _write(scenario, place, logs, into / name)
    if into == CAPTURES:
        index.write()
    return folder


def _network(scenario: Scenario, *, docker: bool) -> Network:
    if not docker:
        return Network(one_network=scenario.one_network, ipv6=scenario.ipv6)
    if scenario.one_network or scenario.ipv6 or scenario.any_interface:
        raise LabError(f"{scenario.name}: on Docker there is one layout, recorded on its bridge")
    return DockerNetwork()


def _run(scenario: Scenario, network: Network, place: Path) -> Logs:
    capture = place / CAPTURE
    return play(
        scenario,
        network,
        place,
        lambda: network.capture(capture, any_interface=scenario.any_interface),
    )


def play(
    scenario: Scenario,
    network: Network,
    place: Path,
    recording: Callable[[], contextlib.AbstractContextManager[object]],
) -> Logs:
    """Run a scenario's programs and clients with something that records; what they logged.

    ``recording`` is entered when the scenario says, and left before the programs end.
    """
    with contextlib.ExitStack() as recorders, _programs(scenario, network, place) as start:

        def begin() -> None:
            recorders.enter_context(recording())

        if scenario.capture == "start":
            begin()
        lab = start(begin)
        scenario.play(lab)
        if scenario.settle:
            lab.wait_until_quiet()
        recorders.close()
        # What is still open ends with its programs; Squid writes a line for each.
        lab.proxy.process.stop()
        lab.squid.process.stop()
    return Logs.read(place / "clients.jsonl", lab.proxy.log, lab.upstream.log, lab.squid.access_log)


@contextlib.contextmanager
def _programs(
    scenario: Scenario, network: Network, place: Path
) -> Iterator[Callable[[Callable[[], None]], Lab]]:
    """Squid and the upstream at once; the API proxy and the agent when asked."""
    api = upstream.start(
        network, directory=place / "upstream", behaviour={**PACE, **scenario.upstream}
    )
    gateway = squid.start(network, **scenario.squid)

    def start(begin_capture: Callable[[], None]) -> Lab:
        held: dict[str, str | None] = {**proxy.KEYS, **scenario.keys}
        port = proxy.PORTS["anthropic"]
        stand_in = proxy.start(
            network,
            directory=place / "proxy",
            keys={name: key for name, key in held.items() if key is not None},
            faults=scenario.proxy,
            generation=scenario.generation,
            ca=api.authority.root if scenario.trusts else None,
            probes=scenario.probes,
            ports={port: port + gateways.HIGHER} if scenario.gateway else None,
            targets=scenario.targets,
        )
        if scenario.gateway:
            gateways.start(
                network,
                scenario.gateway,
                port,
                place / "gateway",
                scenario.limits,
                key=held["anthropic"] or "",
                ca=api.authority.root,
            )
        agent = Agent(network.agent, place / "clients.jsonl", ca=api.authority.root)
        return Lab(scenario, network, place, agent, gateway, api, stand_in, begin_capture)

    yield start


def _write(scenario: Scenario, place: Path, logs: Logs, folder: Path) -> Path:
    """The scenario's folder, complete or not at all."""
    fresh = folder.with_name(folder.name + ".new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    tidy(place / CAPTURE, fresh / CAPTURE, lose=scenario.lose)
    if (size := (fresh / CAPTURE).stat().st_size) > LIMIT:
        raise LabError(f"{scenario.name}: the capture has {size} bytes, {LIMIT} are allowed")
    squid_log = place.parent / "squid" / "access.log"
    _copy_text(squid_log, fresh / "access.log")
    if scenario.gateway not in gateways.ALONE:
        _copy_text(place / "proxy" / "api-proxy.jsonl", fresh / "api-proxy.jsonl")
    if scenario.keep_keys:
        _keys(place, fresh / "keys.log")
    statement = describe(scenario, versions())
    story = truth(frame(scenario), logs, gateway_alone=scenario.gateway in gateways.ALONE)
    (fresh / "scenario.toml").write_text(dumps(statement))
    (fresh / "truth.json").write_text(json.dumps(story, indent=1) + "\n")
    (fresh / "expected.json").write_text(json.dumps(expected(statement, story), indent=1) + "\n")
    shutil.rmtree(folder, ignore_errors=True)
    fresh.rename(folder)
    return folder


def _keys(place: Path, path: Path) -> None:
    """The TLS secrets of every tunnel, from whichever end told them; none: no file."""
    lines: dict[str, None] = {}
    for log in sorted(place.glob("*/*keys.log")):
        lines |= dict.fromkeys(line for line in log.read_text().splitlines() if line[:1] != "#")
    if lines:
        path.write_text("".join(f"{line}\n" for line in lines))


def describe(scenario: Scenario, recorded_with: Mapping[str, str]) -> dict[str, Any]:
    """What `scenario.toml` says."""
    expect = {name: value for name, value in asdict(scenario.expect).items() if value is not None}
    undecided = [name for name, value in asdict(scenario.expect).items() if value is None]
    if scenario.expect.root_cause is None:
        undecided.remove("root_cause")
    return {
        "name": scenario.name,
        "title": scenario.title,
        "what": scenario.what,
        "wrong": scenario.wrong,
        "learn": scenario.learn,
        "made_by": f"python -m lab record {scenario.name}",
        "expect": {**expect, "undecided": undecided, "findings": _findings(scenario)},
        "report": {
            "verdict": scenario.verdict,
            "ended_by": scenario.ended_by,
            "handshake": scenario.handshake,
            "partial": scenario.partial,
            "oddities": dict(scenario.oddities),
            **({"verdicts": dict(scenario.verdicts)} if scenario.verdicts else {}),
            **({} if scenario.stream is None else {"stream": dict(scenario.stream)}),
        },
        "lab": {
            "one_network": scenario.one_network,
            "ipv6": scenario.ipv6,
            "any_interface": scenario.any_interface,
            "api_proxy": scenario.generation,
            "start_up_calls": scenario.probes and scenario.generation == "new",
            "settled": scenario.settle,
            "proxy": dict(scenario.proxy),
            **({"gateway": scenario.gateway} if scenario.gateway else {}),
            **({"targets": dict(scenario.targets)} if scenario.targets else {}),
            "upstream": {host: dict(switches) for host, switches in scenario.upstream.items()},
        },
        "recorded_with": dict(recorded_with),
    }


def _findings(scenario: Scenario) -> list[str]:
    cause = scenario.expect.root_cause
    return [*([] if cause is None or scenario.is_noted else [cause]), *scenario.findings]


def frame(scenario: Scenario) -> dict[str, Any]:
    """What `truth.json` states of the scenario itself."""
    held = {**proxy.KEYS, **scenario.keys}
    return {
        "scenario": scenario.name,
        "what": scenario.what,
        "root_cause": scenario.wrong,
        "expect": asdict(scenario.expect),
        "api_proxy": scenario.generation,
        "secrets": {f"{provider}_key_in_proxy": key for provider, key in held.items()},
    }


def versions() -> dict[str, str]:
    """The programs that took part."""
    commands = {
        "squid": ("squid", "--version"),
        "node": ("node", "--version"),
        "curl": ("curl", "--version"),
        "dumpcap": ("dumpcap", "--version"),
    }
    found = {}
    for name, (program, *arguments) in commands.items():
        command = [find(program) or program, *arguments]
        said = subprocess.run(command, capture_output=True, text=True).stdout
        number = re.search(r"\d+(\.\d+)+", said)
        found[name] = number[0] if number else "unknown"
    return found


def _copy_text(source: Path, target: Path) -> None:
    """A log without this machine's folders in it; an empty one is left out."""
    text = source.read_text() if source.exists() else ""
    if text:
        target.write_text(text.replace(_HOME, "/app"))


def _place(address: str, port: int) -> str:
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def _open_connections(network: Network) -> int:
    count = 0
    for host in (network.agent, network.api_proxy, network.squid):
        table = host.run(["cat", "/proc/net/tcp", "/proc/net/tcp6"], check=False).stdout
        for line in table.splitlines():
            fields = line.split()
            if fields[0].endswith(":") and fields[3] not in _OVER:
                count += 1
    return count
