"""The agent's side of a scenario: runs the client programs and keeps their log.

Every method makes one program's calls and appends its rows (`lab.clients`)
to the log.  Node's packages are installed once into a cache directory.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from lab.clients.curl import curl_argv, curl_row
from lab.network import Host

HERE: Final = Path(__file__).resolve().parent
CACHE: Final = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "inspector-lab"
PATIENCE: Final = 60.0
_PROBE: Final = """
import socket, sys
with socket.create_connection((sys.argv[1], int(sys.argv[2]))) as probe:
    print("%s:%s" % probe.getsockname()[:2])
"""

Header = tuple[str, str]


class Agent:
    """Client programs on one host, one log for all of them."""

    def __init__(self, host: Host, log: Path, *, ca: Path | None = None) -> None:
        self.host = host
        self.log = log
        self.ca = ca
        self._writing = threading.Lock()
        log.touch()

    def curl(
        self,
        url: str,
        headers: Sequence[Header],
        body: str = "",
        *,
        options: Sequence[str] = (),
        program: str = "curl",
    ) -> dict[str, Any]:
        """One request by curl; its row of the log."""
        trust = ["--cacert", str(self.ca)] if self.ca and url.startswith("https:") else []
        argv = curl_argv(url, headers, body, [*trust, *options])
        done = self.host.run(argv, timeout=PATIENCE, check=False)
        row = curl_row(program, url, headers, body, argv, done)
        self._append([row])
        return row

    def plain(self, url: str, headers: Sequence[Header], body: str = "", **spec: Any) -> None:
        """`plain.py` with that specification."""
        spec |= {"url": url, "headers": list(headers), "body": body}
        if self.ca:
            spec["ca"] = str(self.ca)
        self._python("plain.py", spec)

    def python_sdk(self, sdk: str, **spec: Any) -> None:
        """The `anthropic` or `openai` Python SDK."""
        self._python("python_sdk.py", {"sdk": sdk, **spec})

    def node_sdk(self, **spec: Any) -> None:
        """`@anthropic-ai/sdk` under Node."""
        self._node("sdk.mjs", spec)

    def undici(self, url: str, headers: Sequence[Header], body: str, **spec: Any) -> None:
        """Undici with a ProxyAgent."""
        self._node("undici.mjs", {"url": url, "headers": list(headers), "body": body, **spec})

    def probe(self, address: str, port: int) -> None:
        """Connect and close without a byte, as the firewall's pre-flight check does."""
        command = [sys.executable, "-ISc", _PROBE, address, str(port)]
        place = self.host.run(command, timeout=PATIENCE).stdout.strip()
        row = {"event": "client_call", "program": "probe", "n": 1, "client": place}
        row |= {"server": f"{address}:{port}", "via": "direct", "method": None, "target": ""}
        row |= {"header_names": None, "user_agent": None, "auth": [], "status": None}
        row |= {"body_bytes": 0, "response_finished": False, "error": None}
        self._append([row | {"started_at": time.time()}])

    def at_once(self, *calls: Callable[[], object]) -> None:
        """All calls in parallel; ends when the last has ended."""
        with ThreadPoolExecutor(len(calls)) as pool:
            for call in [pool.submit(call) for call in calls]:
                call.result()

    def _python(self, program: str, spec: dict[str, Any]) -> None:
        self._run([sys.executable, str(HERE / program), json.dumps(spec)], {})

    def _node(self, program: str, spec: dict[str, Any]) -> None:
        command = ["node", str(HERE / program), json.dumps(spec)]
        self._run(command, {"LAB_NODE_MODULES": str(node_modules())})

    def _run(self, argv: Sequence[str], env: Mapping[str, str]) -> None:
        done = self.host.run(argv, env=env, timeout=PATIENCE)
        rows = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
        if not rows:
            raise RuntimeError(f"{argv[1]} made no request: {done.stderr[-2000:]}")
        self._append(rows)

    def _append(self, rows: Sequence[dict[str, Any]]) -> None:
        with self._writing, self.log.open("a") as log:
            log.writelines(json.dumps(row) + "\n" for row in rows)


def node_modules() -> Path:
    """The folder with Node's packages, installed on first use beside its lock's digest."""
    lock = (HERE / "package-lock.json").read_bytes()
    place = CACHE / f"node-{sha256(lock).hexdigest()[:12]}"
    if not (place / ".ready").exists():
        place.mkdir(parents=True, exist_ok=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(HERE / name, place / name)
        command = ["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"]
        subprocess.run(command, cwd=place, check=True, capture_output=True, timeout=300)
        (place / ".ready").touch()
    return place
