"""Whether `sudo` stands between this process and a runner's variables, and how to keep them.

sudo's `env_reset` (sudoers(5), on by default) leaves a program neither GITHUB_ACTIONS nor the names
of the files that the runner reads, so the program cannot know that a runner is waiting for it.
sudo's own process still shows the environment that it was started with.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

#: What the program takes from a runner: that it is one, its files, and the labels of a report.
VARIABLES: Final = (
    "GITHUB_ACTIONS",
    "GITHUB_STEP_SUMMARY",
    "GITHUB_OUTPUT",
    "GITHUB_REPOSITORY",
    "GITHUB_RUN_ID",
    "GITHUB_RUN_ATTEMPT",
    "GITHUB_SHA",
)

#: How far up it is looked: sudo, its monitor, a wrapper or two, the step's shell.
_GENERATIONS: Final = 6
_ON_A_RUNNER: Final = b"GITHUB_ACTIONS=true"


def dropped_by_sudo(
    environ: Mapping[str, str] = os.environ, proc: Path = Path("/proc"), pid: str = "self"
) -> bool:
    """Whether a runner started the `sudo` that started this, and its variables are not here.

    False where the ancestors' environments may not be read (proc(5): only root may read sudo's).
    """
    if "SUDO_UID" not in environ or "GITHUB_ACTIONS" in environ:
        return False
    return any(_ON_A_RUNNER in variables for variables in _of_ancestors(proc, pid))


def remedy(command: str) -> str:
    """The command line that lets the variables pass; `command` is one of the program's commands."""
    return f'sudo --preserve-env={",".join(VARIABLES)} "$(command -v inspector)" {command} ...'


def _of_ancestors(proc: Path, pid: str) -> Iterator[list[bytes]]:
    """The environment with which each ancestor was started, the parent's first."""
    try:
        for _ in range(_GENERATIONS):
            # The name in brackets may hold anything, brackets too; the parent's id follows it.
            pid = (proc / pid / "stat").read_text(errors="replace").rpartition(")")[2].split()[1]
            if pid == "0":
                return
            yield (proc / pid / "environ").read_bytes().split(b"\0")
    except (OSError, IndexError):
        return
