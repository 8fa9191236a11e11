"""The real program, started on the lab's bridge as a person or a script would."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from lab import proxy, squid, upstream
from lab.clients import ANTHROPIC_PLACEHOLDER
from lab.network import Network
from lab.processes import environment, until
from lab.record import PACE, message

ROOT = Path(__file__).parents[2]


@dataclass
class Stack:
    """A network with everything on it, and a place for files."""

    network: Network
    place: Path

    def curl(self, *, stream: bool = True) -> list[str]:
        """A call to the API by curl on the agent's host."""
        url = f"http://{self.network.api_proxy.address}:{proxy.PORTS['anthropic']}/v1/messages"
        headers = (
            f"x-api-key: {ANTHROPIC_PLACEHOLDER}",
            "anthropic-version: 2023-06-01",
            "content-type: application/json",
        )
        argv = ["curl", "-sS", "-o", "/dev/null", "--max-time", "20", url]
        for header in headers:
            argv += ["-H", header]
        return self.network.agent.argv([*argv, "-d", message(stream=stream)])

    def argv(self, *arguments: str | Path) -> list[str]:
        """The program on the host that owns the bridge."""
        command = [sys.executable, "-m", "inspector", *map(str, arguments)]
        return self.network.bridge.argv(command)

    def environ(self, extra: Mapping[str, str] | None = None) -> dict[str, str]:
        engine = getattr(self.network, "engine", None)
        docker = {"DOCKER_HOST": engine.address} if engine and engine.address else {}
        return environment({"PYTHONPATH": str(ROOT), **docker, **(extra or {})})

    def run(
        self, *arguments: str | Path, env: Mapping[str, str] | None = None, timeout: float = 60
    ) -> subprocess.CompletedProcess[str]:
        """Run it to its end."""
        return subprocess.run(
            self.argv(*arguments),
            env=self.environ(env),
            cwd=self.place,
            capture_output=True,
            stdin=subprocess.DEVNULL,
            text=True,
            timeout=timeout,
        )

    @contextmanager
    def running(
        self, *arguments: str | Path, prefix: Sequence[str] = ()
    ) -> Iterator[subprocess.Popen[str]]:
        """Run it until the block ends; the capture is on when the block begins."""
        ready = self.place / "ready"
        ready.unlink(missing_ok=True)
        command, *rest = map(str, arguments)
        with subprocess.Popen(
            [*prefix, *self.argv(command, "--ready-file", ready, *rest)],
            env=self.environ(),
            cwd=self.place,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            try:
                until(lambda: ready.exists() or process.poll() is not None, "the capture to run")
                yield process
            finally:
                process.kill()


@contextmanager
def stack() -> Iterator[Stack]:
    """Squid, upstream and API proxy on a fresh network."""
    with Network() as network:
        place = network.directory / "live"
        place.mkdir(mode=0o755)
        api = upstream.start(network, directory=place / "upstream", behaviour=PACE)
        squid.start(network)
        proxy.start(network, directory=place / "proxy", ca=api.authority.root)
        yield Stack(network, place)


def program(name: str) -> str:
    found = shutil.which(name)
    assert found, name
    return os.fspath(found)
