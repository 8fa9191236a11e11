"""A runner of GitHub Actions, as far as the Action meets it.

Steps of `action.yml` and of a workflow run as the runner runs them: each a shell of its own, as a
user who is not root and may call the real sudo, with files for its outputs and its summary.  The
user and sudo's rule exist in a mount namespace of each step alone: nothing of the machine is
changed.  Everything happens on the lab's host that has the bridge.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml

from tests.live.runner import ROOT, Stack

UID: Final = 61001
ACTION: Final = ROOT / "action.yml"

#: Variables by which pip finds the package index, and trusts it.
_OF_THE_INDEX: Final = ("PIP_", "SSL_CERT_")

#: Runs as root in a mount namespace of its own: the user, sudo's rule, a way to the interpreter.
_ENTER: Final = """
set -eu
own=$1 uid=$2 opened=$3; shift 3
{ cat /etc/passwd; echo "runner:*:$uid:$uid::$own/home:/bin/sh"; } > "$own/passwd"
{ cat /etc/group; echo "runner:x:$uid:"; } > "$own/group"
mkdir -p "$own/sudoers.d" "$own/kept"
echo "runner ALL=(ALL) NOPASSWD: ALL" > "$own/sudoers.d/runner"
chmod 440 "$own/sudoers.d/runner"
mount --bind "$own/passwd" /etc/passwd
mount --bind "$own/group" /etc/group
mount --bind "$own/sudoers.d" /etc/sudoers.d
# An interpreter below a home that is closed to others: the way to it is opened, the home is not.
closed=$opened
while [ "$closed" != / ] && [ "$(stat -c %A "$closed" | cut -c 10)" = x ]; do
    closed=$(dirname "$closed")
done
if [ "$closed" != / ]; then
    mount --bind "$opened" "$own/kept"
    mount -t tmpfs -o mode=755 opened "$closed"
    mkdir -p "$opened"
    mount --bind "$own/kept" "$opened"
fi
exec setpriv --reuid "$uid" --regid "$uid" --clear-groups "$@"
"""


@dataclass(frozen=True, slots=True)
class Done:
    """What one step did."""

    status: int
    log: str
    outputs: Mapping[str, str]
    summary: str


@dataclass
class Job:
    """A job: a folder of its own, and the variables of its steps."""

    stack: Stack
    place: Path
    env: dict[str, str] = field(default_factory=dict)
    #: GITHUB_ACTION_PATH: where the runner has put the Action.
    action: Path = ROOT

    def __post_init__(self) -> None:
        for name in ("temp", "home", "work"):
            (self.place / name).mkdir()
            os.chown(self.place / name, UID, UID)
        self.env = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.place / "home"),
            "GITHUB_ACTIONS": "true",
            "GITHUB_REPOSITORY": "octo-org/agents",
            "GITHUB_RUN_ID": "1234567",
            "RUNNER_TEMP": str(self.place / "temp"),
            **{name: each for name, each in os.environ.items() if name.startswith(_OF_THE_INDEX)},
            **self.env,
        }

    @property
    def temp(self) -> Path:
        """RUNNER_TEMP."""
        return self.place / "temp"

    def step(
        self,
        script: str,
        env: Mapping[str, str] | None = None,
        shell: str = "bash",
        *,
        installs: bool = False,
    ) -> Done:
        """One `run:` step; the runner's own ways to call a shell.

        A runner has the bridge and the package index.  Here what `installs` runs where the machine
        has the index, all else on the lab's host that has the bridge.
        """
        number = len(list(self.place.glob("step-*")))
        own = self.place / f"step-{number}"
        own.mkdir()
        files = {name: own / name.lower() for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
        for path in (*files.values(), own / "script"):
            path.touch()
            os.chown(path, UID, UID)
        (own / "script").write_text(script)
        ways = {"bash": ["bash", "--noprofile", "--norc", "-eo", "pipefail"], "sh": ["sh", "-e"]}
        argv = [
            *("unshare", "--mount", "sh", "-c", _ENTER, "enter"),
            *(str(own), str(UID), sys.base_prefix),
            *(*ways[shell], str(own / "script")),
        ]
        done = subprocess.run(
            argv if installs else self.stack.network.bridge.argv(argv),
            env={**self.env, **{name: str(path) for name, path in files.items()}, **(env or {})},
            cwd=self.place / "work",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=400,
        )
        return Done(
            done.returncode,
            done.stdout,
            dict(line.split("=", 1) for line in files["GITHUB_OUTPUT"].read_text().splitlines()),
            files["GITHUB_STEP_SUMMARY"].read_text(),
        )

    def uses(self, **inputs: str) -> Used:
        """A step that `uses:` the Action, with the inputs of `with:`."""
        action = yaml.safe_load(ACTION.read_text())
        told = {name.replace("_", "-"): value for name, value in inputs.items()}
        assert told.keys() <= action["inputs"].keys()
        context = _Context(
            inputs={name: str(each["default"]) for name, each in action["inputs"].items()} | told,
            temp=str(self.temp),
        )
        used = Used()
        for step in action["runs"]["steps"]:
            if not context.runs(step.get("if"), failed=used.status != 0):
                continue
            if "uses" in step:
                used.uploaded = self._read_all(context.text(step["with"]["path"]))
                used.artifact = context.text(step["with"]["name"])
                continue
            env = {name: context.text(value) for name, value in step.get("env", {}).items()}
            done = self.step(
                step["run"],
                {**env, "GITHUB_ACTION_PATH": str(self.action)},
                step["shell"],
                installs=step["id"] == "prepare",
            )
            context.steps[step["id"]] = done.outputs
            used.log += done.log
            used.summary += done.summary
            used.status = used.status or done.status
        used.outputs = {
            name: context.text(each["value"]) for name, each in action["outputs"].items()
        }
        return used

    def _read_all(self, folder: str) -> dict[str, bytes]:
        """What upload-artifact reads: as the runner's user, without sudo."""
        if not Path(folder).exists():
            return {}
        found = self.step(f"find {folder} -type f -exec sha256sum {{}} + | sort -k 2")
        assert found.status == 0, found.log
        names = [line.split(maxsplit=1)[1] for line in found.log.splitlines()]
        return {Path(name).name: Path(name).read_bytes() for name in names}


@dataclass
class Used:
    """What a step that uses the Action did, its inner steps together."""

    status: int = 0
    log: str = ""
    summary: str = ""
    outputs: Mapping[str, str] = field(default_factory=dict)
    uploaded: Mapping[str, bytes] | None = None
    artifact: str = ""


@dataclass
class _Context:
    """What `${{ }}` is evaluated in: the few forms that `action.yml` has, and no others."""

    inputs: Mapping[str, str]
    temp: str
    steps: dict[str, Mapping[str, str]] = field(default_factory=dict)

    def text(self, template: Any) -> str:
        return re.sub(r"\$\{\{ *(.*?) *\}\}", lambda found: self._value(found[1]), str(template))

    def runs(self, condition: str | None, *, failed: bool) -> bool:
        """Whether a step runs: without a condition only after success."""
        if condition is None:
            return not failed
        told = condition.removeprefix("${{").removesuffix("}}")
        assert "always()" in told, "a condition of another kind needs the runner's `success()`"
        return all(self._holds(part.strip()) for part in told.split("&&"))

    def _holds(self, part: str) -> bool:
        if part == "always()":
            return True
        left, operator, right = re.fullmatch(r"(\S+) (==|!=) '(.*)'", part).groups()  # type: ignore[union-attr]
        return (self._value(left) == right) == (operator == "==")

    def _value(self, name: str) -> str:
        if name == "github.job":
            return "agent"
        kind, _, rest = name.partition(".")
        if kind == "inputs":
            return self.text(self.inputs[rest])
        step, _, output = rest.partition(".outputs.")
        assert kind == "steps", name
        return self.steps.get(step, {}).get(output, "")
