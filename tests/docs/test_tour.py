"""A newcomer's tour: from a red run to its cause, its exchange and its packets, by what is printed.

Nobody who takes it knows more than the page before says: each command is the one that the page
names, with the file in the place of FILE.
"""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from inspector.report.files import NAMES
from tests.docs.pages import ROOT

#: From a red run to the packets of what went wrong.
AT_MOST = 5

#: What was recorded -> the code of its cause, and what the page of its exchange tells.
RUNS = {
    "issue-1527": ("proxy-died", "no answer"),
    "h4-401-inside-tunnel": ("upstream-rejected-credential", "401"),
    "squid-denied": ("squid-denied", "X-Squid-Error"),
    "h3-upstream-cut": ("stream-cut", "not whole"),
}


class Newcomer:
    """Types commands, counts them, and reads what was printed."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.typed: list[str] = []

    def types(self, line: str, **env: str) -> subprocess.CompletedProcess[str]:
        """What became of a command."""
        self.typed.append(line)
        program, *arguments = shlex.split(line)
        assert program == "inspector"
        return subprocess.run(
            [sys.executable, "-m", "inspector", *arguments],
            cwd=self.place,
            env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "COLUMNS": "100", **env},
            capture_output=True,
            text=True,
            timeout=120,
        )


@pytest.fixture(params=RUNS)
def run(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, Newcomer]:
    """A capture as a runner has it, without truth and expectation beside it."""
    name = str(request.param)
    (tmp_path / "run").mkdir()
    for path in (ROOT / "captures" / name).iterdir():
        if path.suffix in (".pcapng", ".log", ".jsonl"):
            shutil.copy(path, tmp_path / "run")
    return name, Newcomer(tmp_path)


def offered(page: str, verb: str) -> str:
    """The command that a page names."""
    found = re.search(rf"inspector {verb} [\w. -]*?(?=,|$)", page, re.MULTILINE)
    assert found is not None, page
    return found[0]


def test_from_a_red_run_to_the_cause_its_exchange_its_packets_and_the_artifact(
    run: tuple[str, Newcomer],
) -> None:
    name, newcomer = run
    code, told = RUNS[name]
    output = newcomer.place / "output"
    output.touch()

    # 1. The run is red, and its folder is what the workflow attaches.
    red = newcomer.types(
        "inspector analyze --fail-on error -o artifact run",
        GITHUB_ACTIONS="true",
        GITHUB_OUTPUT=str(output),
    )
    assert red.returncode == 3, red.stderr
    assert f"CAUSE  {code}" in red.stdout
    assert f"root-cause={code}\n" in output.read_text()
    [attached] = re.findall(r"^report-dir=(.*)$", output.read_text(), re.MULTILINE)
    artifact = newcomer.place / attached
    assert {path.name for path in artifact.iterdir()} == {*NAMES, "capture.redacted.pcapng"}
    shutil.rmtree(newcomer.place / "run")  # whoever reads on has the artifact alone

    # 2. What does that mean, and what is to be done?
    meaning = newcomer.types(offered(red.stdout, "explain"))
    assert (meaning.returncode, meaning.stdout.split()[0]) == (0, code)
    assert "Next:" in meaning.stdout

    # 3. The exchange that the cause is about.
    show = offered(red.stdout, "show").replace("FILE", attached)
    exchange = newcomer.types(show)
    assert exchange.returncode == 0, exchange.stderr
    assert exchange.stdout.startswith(show.split()[-1])
    assert f"CAUSE  {code}" in exchange.stdout
    assert told in exchange.stdout

    # 4. Its packets, in a file of their own.
    [extract] = re.findall(r"--extract \S+", exchange.stdout)
    packets = newcomer.types(f"{show} {extract.replace('OUT', 'one')}")
    assert packets.returncode == 0, packets.stderr

    # 5. They are of that exchange alone.
    alone = newcomer.types("inspector analyze -v one.pcapng")
    assert alone.returncode == 0, alone.stderr
    asked = exchange.stdout.splitlines()[0].split()[1:3]
    assert " ".join(asked) in " ".join(alone.stdout.split())
    counted = re.search(r"(\d+) packets? of", packets.stderr)
    assert counted is not None
    assert f"{counted[1]} packets" in alone.stdout.splitlines()[0]
    assert len(newcomer.typed) <= AT_MOST
