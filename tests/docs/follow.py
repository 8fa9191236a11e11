"""README.md line by line, by somebody who has nothing: `python -m tests.docs.follow` (root).

A fresh clone in a directory of its own (no ../shared), a new HOME, a shell of its own.  What needs
the package index (`make demo`, pipx, uv) runs where the machine has it; all else on the lab's host
that owns the bridge, where `./run-agent.sh` makes one call.  Each line runs as it is printed; a
remark `# ends with N` says how it ends, and what never ends by itself is interrupted as a person
would.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.docs.pages import ROOT
from tests.live.runner import Stack, stack

#: What brings something from the package index.
INSTALLS: Final = ("make ", "pipx ", "uv ")
#: What the shell of whoever reads on begins with.
ACTIVATE: Final = ". .venv/bin/activate"
#: What goes on until Ctrl-C.
ENDLESS: Final = ('sudo "$(command -v inspector)" watch', "tcpdump ")
#: What it says when it listens.
_LISTENS: Final = ("capturing ", "listening on ")
_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#: Variables by which pip and uv find the package index, and trust it.
_OF_THE_INDEX: Final = ("PIP_", "UV_", "SSL_CERT_")
#: Ctrl-C, and the report of what came until then.
_INTERRUPTED: Final = (0, 130)

_BLOCK: Final = re.compile(r"^```(console|python)\n(.*?)^```", re.DOTALL | re.MULTILINE)
_ENDS_WITH: Final = re.compile(r"\s+# ends with (\d+)$")
_REMARK: Final = re.compile(r"\s{2,}#.*$")


@dataclass(frozen=True, slots=True)
class Line:
    """One command as it is printed, and how it ends."""

    command: str
    ends_with: tuple[int, ...]

    @property
    def installs(self) -> bool:
        return self.command.startswith(INSTALLS)

    @property
    def is_endless(self) -> bool:
        return self.command.startswith(ENDLESS)


@dataclass(frozen=True, slots=True)
class Followed:
    """What became of a line."""

    line: Line
    status: int
    seconds: float
    said: str

    @property
    def is_as_printed(self) -> bool:
        return self.status in self.line.ends_with and "Traceback" not in self.said


def lines(page: str) -> Iterator[Line]:
    """The commands of the console blocks, and each block of Python as one."""
    for kind, block in _BLOCK.findall(page):
        if kind == "python":
            yield Line(f"python3 -c {shlex.quote(block)}", (0,))
            continue
        for line in re.sub(r"\\\n\s*", "", block).splitlines():
            if not line.startswith("$ "):
                continue
            told = _ENDS_WITH.search(line)
            ends = (0,) if told is None else (int(told[1]),)
            command = _REMARK.sub("", _ENDS_WITH.sub("", line[2:])).strip()
            yield Line(command, _INTERRUPTED if command.startswith(ENDLESS) else ends)


class FreshRoot:
    """A clone with nothing beside it, and a HOME that was never used."""

    def __init__(self, place: Path, running: Stack) -> None:
        self.clone = self.clone_in(place)
        self.home = place / "home"
        self._stack = running
        self.home.mkdir(parents=True)
        subprocess.run(["git", "clone", "-q", ROOT, self.clone], check=True)
        self._agent()
        for name in ("summary", "output"):
            (self.home / name).touch()

    @staticmethod
    def clone_in(place: Path) -> Path:
        """Where the clone is, with nothing beside it."""
        return place / "somewhere" / "inspector"

    def follow(self, line: Line) -> Followed:
        """Run one line in a shell that has gone through the first block."""
        activate = "" if line.installs else f"{ACTIVATE}\n"
        argv = ["bash", "--noprofile", "--norc", "-o", "pipefail", "-c", activate + line.command]
        if not line.installs:
            argv = self._stack.network.bridge.argv(argv)
        begun = time.monotonic()
        if line.is_endless:
            status, said = self._interrupted(argv)
        else:
            done = subprocess.run(argv, timeout=900, **self._where())  # type: ignore[call-overload]
            status, said = done.returncode, done.stdout
        return Followed(line, status, time.monotonic() - begun, said)

    def _interrupted(self, argv: Sequence[str]) -> tuple[int, str]:
        """Ctrl-C goes to all of a terminal's programs."""
        with subprocess.Popen(argv, start_new_session=True, **self._where()) as process:  # type: ignore[call-overload]
            said = _until(process.stdout, *_LISTENS)
            subprocess.run([self.clone / "run-agent.sh"], check=True, **self._where())  # type: ignore[call-overload]
            if "watch" in argv[-1]:
                said += _until(process.stdout, "POST /v1/messages")
            os.killpg(process.pid, signal.SIGINT)
            rest, _ = process.communicate(timeout=120)
            return process.returncode, said + rest

    def _where(self) -> dict[str, object]:
        kept = {name: each for name, each in os.environ.items() if name.startswith(_OF_THE_INDEX)}
        return {
            "cwd": self.clone,
            "env": {
                **kept,
                "HOME": str(self.home),
                "PATH": f"{self.home}/tools/bin:{_PATH}",
                "LANG": "C.UTF-8",
                "UV_TOOL_BIN_DIR": str(self.home / "uv"),  # the other way is tried as well
                "GH_TOKEN": "LABONLY-token",
                "GITHUB_STEP_SUMMARY": str(self.home / "summary"),
                "GITHUB_OUTPUT": str(self.home / "output"),
            },
            "stdin": subprocess.DEVNULL,
            "stdout": subprocess.PIPE,
            "stderr": subprocess.STDOUT,
            "text": True,
        }

    def _agent(self) -> None:
        """What README.md calls ./run-agent.sh."""
        path = self.clone / "run-agent.sh"
        path.write_text(f"#!/bin/sh\nexec {shlex.join(self._stack.curl())}\n")
        path.chmod(0o755)

    def tools(self) -> None:
        """pipx and uv, which whoever reads on has."""
        own = self.home / "tools"
        subprocess.run(["python3", "-m", "venv", own], check=True)
        pip = [own / "bin" / "python", "-m", "pip", "install", "-q", "pipx", "uv"]
        subprocess.run(pip, check=True, **self._where())  # type: ignore[call-overload]


def _until(out: Iterable[str], *marks: str) -> str:
    """What is said until a line has one of some marks, that line included."""
    said = []
    for line in out:
        said.append(line)
        if any(mark in line for mark in marks):
            break
    return "".join(said)


def follow(place: Path) -> Iterator[Followed]:
    """All lines of README.md, in their order."""
    with stack() as running:
        root = FreshRoot(place, running)
        root.tools()
        told = list(lines((root.clone / "README.md").read_text(encoding="utf-8")))
        # The picture stands above the command that makes it possible.
        told.sort(key=lambda line: not line.command.startswith("make demo"))
        for line in told:
            if line.command != ACTIVATE:  # which each shell begins with
                yield root.follow(line)


def main() -> int:
    """Print what became of each line; 1 when one is not as printed."""
    place = Path(sys.argv[1])
    wrong = 0
    for each in follow(place):
        wrong += not each.is_as_printed
        mark = "ok " if each.is_as_printed else "BAD"
        told = f"{mark} {each.status:3} {each.seconds:6.1f} s  {each.line.command[:120]}"
        print(told, flush=True)
        if not each.is_as_printed:
            print(each.said, flush=True)
    shutil.rmtree(place)
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
