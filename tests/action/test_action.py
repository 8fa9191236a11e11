"""The Action on a runner: real sudo with a reset environment, an agent that fails, the folder."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from inspector.cli.sudo import remedy
from inspector.report.files import CAPTURE, NAMES
from tests.action.runner import UID, Job
from tests.live.runner import ROOT, Stack, stack

pytestmark = pytest.mark.skipif(
    shutil.which("sudo") is None, reason="sudo is not installed (tools/system-packages test)"
)

FOLDER = {CAPTURE, *NAMES}


@pytest.fixture(scope="module")
def lab(lab_possible: None) -> Iterator[Stack]:
    with stack() as running:
        yield running


@pytest.fixture
def job(lab: Stack) -> Job:
    place = lab.place / f"job-{len(list(lab.place.glob('job-*')))}"
    place.mkdir(mode=0o755)
    return Job(lab, place)


@pytest.fixture
def program(job: Job) -> str:
    """The inspector of this checkout as a command of its own, outside of sudo's secure_path."""
    path = job.place / "bin" / "inspector"
    path.parent.mkdir()
    path.write_text(f'#!/bin/sh\nPYTHONPATH={ROOT} exec {sys.executable} -m inspector "$@"\n')
    path.chmod(0o755)
    return str(path)


def agent(lab: Stack) -> str:
    """A step as the firewall's own: sudo starts the agent on its host, and it fails."""
    return f"sudo -n {shlex.join(lab.curl())}\nexit 7\n"


def assert_left(folder: Path, uploaded: object) -> None:
    """The whole folder, for the runner's user, of a run that had one call."""
    # junit.xml is that of a policy.
    assert {path.name for path in folder.iterdir()} - {"junit.xml"} == FOLDER
    assert {path.stat().st_uid for path in folder.iterdir()} == {UID}
    assert uploaded == {path.name: path.read_bytes() for path in folder.iterdir()}
    report = json.loads((folder / "report.json").read_bytes())
    assert [each["response"]["status"] for each in report["exchanges"]] == [200]
    labels = report["provenance"]["labels"]
    assert labels["repository"] == "octo-org/agents"
    assert labels["run_id"] == "1234567"


def test_around_a_failing_agent_the_whole_folder_is_found(
    job: Job, lab: Stack, program: str
) -> None:
    started = job.uses(mode="start", inspector=program, options="-i fw-bridge")
    assert (started.status, started.uploaded) == (0, None), started.log
    assert "capturing fw-bridge" in started.log

    assert job.step("sudo -n env").log.count("GITHUB_") == 0, "sudo resets the environment"
    assert job.step(agent(lab)).status == 7

    stopped = job.uses(mode="stop", inspector=program, policy="awf")
    assert stopped.status == 0, stopped.log
    folder = Path(stopped.outputs["folder"])
    judged = stopped.uploaded or {}
    assert "check.json" in judged
    (folder / "check.json").unlink()
    assert_left(folder, {name: data for name, data in judged.items() if name != "check.json"})
    assert stopped.artifact == "inspector-agent"
    assert "1 call: 1 got 200" in stopped.log
    assert "1 call: 1 got 200" in stopped.summary
    assert stopped.outputs["capture"] == "complete"
    assert stopped.outputs["verdict"] == "kept"
    assert stopped.outputs["failed-calls"] == "0"
    assert not (job.temp / "inspector-state").exists()


def test_a_command_that_fails_has_its_own_environment_and_leaves_the_whole_folder(
    job: Job, lab: Stack, program: str
) -> None:
    job.env["AGENT_TOKEN"] = "made up 'LABONLY'\nof two lines"
    job.env["GITHUB_ENV"] = "/somewhere"
    told = job.temp / "told"
    script = (
        f'printf "%s" "$AGENT_TOKEN:$GITHUB_ENV:$HOME:$(id -un)" > {told}\n'
        f"ps -o args= -p $PPID >> {told}.parent\n{agent(lab)}"
    )
    used = job.uses(inspector=program, command=script, options="-i fw-bridge")
    assert used.status == 7, used.log
    assert told.read_text() == f"{job.env['AGENT_TOKEN']}:/somewhere:{job.env['HOME']}:runner"
    assert "LABONLY" not in Path(f"{told}.parent").read_text()
    assert_left(Path(used.outputs["folder"]), used.uploaded)
    assert used.outputs["failed-calls"] == "0"
    assert "1 call: 1 got 200" in used.summary
    assert sorted(path.name for path in job.temp.iterdir()) == ["inspector", "told", "told.parent"]


def test_what_is_in_an_input_is_never_run(job: Job, program: str) -> None:
    """It reaches the scripts as a variable, and is split at blanks alone."""
    mark = job.temp / "mark"
    used = job.uses(
        inspector=program, options=f"-i fw-bridge --label team=$(touch${{IFS}}{mark})", command=":"
    )
    assert not mark.exists(), used.log


@pytest.mark.parametrize(
    ("inputs", "sentence"),
    [
        ({"mode": "begin"}, "neither run, start nor stop"),
        ({"mode": "run"}, 'needs the input "command"'),
        ({"mode": "stop"}, "No capture was started"),
        ({"mode": "start", "options": "--no-such-option"}, "ended before it began"),
    ],
)
def test_a_step_that_cannot_do_its_work_fails_with_the_reason_as_an_annotation(
    job: Job, program: str, inputs: dict[str, str], sentence: str
) -> None:
    used = job.uses(inspector=program, **inputs)
    assert used.status == 1
    (line,) = (line for line in used.log.splitlines() if line.startswith("::"))
    assert line.startswith("::error title=inspector::")
    assert sentence in line
    assert list(job.temp.iterdir()) == [], "nothing is left behind"


def test_a_second_start_is_refused_and_the_first_goes_on(job: Job, program: str) -> None:
    first = job.uses(mode="start", inspector=program, options="-i fw-bridge")
    second = job.uses(mode="start", inspector=program, options="-i fw-bridge")
    assert (first.status, second.status) == (0, 1)
    assert "was started in this job already" in second.log
    stopped = job.uses(mode="stop", inspector=program)
    assert stopped.status == 4, "nothing was on the bridge"
    assert (stopped.uploaded or {}).keys() == FOLDER


def test_a_capture_waits_for_the_bridge_that_the_agents_step_makes(
    job: Job, lab: Stack, program: str
) -> None:
    started = job.uses(mode="start", inspector=program, options="-i not-yet")
    assert started.status == 0, started.log
    assert "not there yet" in started.log
    stopped = job.uses(mode="stop", inspector=program)
    assert "::error title=inspector%3A nothing-captured" in stopped.log
    assert stopped.outputs["capture"] == "unknown"


def test_plain_sudo_is_told_the_command_that_keeps_the_runners_variables_and_it_does(
    job: Job, lab: Stack, program: str
) -> None:
    job.env["PATH"] = f"{Path(program).parent}:{job.env['PATH']}"
    rest = f"-i fw-bridge -o {job.temp}/results -- true"
    lost = job.step(f'sudo -n "$(command -v inspector)" capture {rest}')
    (line,) = (line for line in lost.log.splitlines() if "sudo dropped" in line)
    assert line.endswith(remedy("capture"))
    assert (lost.summary, lost.outputs) == ("", {})

    kept = job.step(line.partition("To have them: ")[2].replace("...", rest))
    assert "sudo dropped" not in kept.log
    assert kept.outputs["report-dir"] == f"{job.temp}/results"
    assert kept.summary


@pytest.mark.long
def test_what_it_installs_by_itself_works_and_leaves_nothing_of_roots(job: Job, lab: Stack) -> None:
    """From a fresh clone, by pip; the runner has to be able to clean up what is left."""
    clone = job.place / "clone"
    subprocess.run(["git", "clone", "-q", ROOT, clone], check=True)
    for path in (clone, *clone.rglob("*")):
        os.chown(path, UID, UID, follow_symlinks=False)
    job.action = clone
    used = job.uses(command=agent(lab), options="-i fw-bridge")
    assert used.status == 7, used.log
    assert_left(Path(used.outputs["folder"]), used.uploaded)
    for place in (job.temp, clone):
        assert {path.lstat().st_uid for path in place.rglob("*")} == {UID}


def test_the_scripts_pass_shellcheck() -> None:
    found = shutil.which("shellcheck")
    if found is None:
        pytest.skip("shellcheck is not installed (tools/system-packages test)")
    scripts = [path for path in (ROOT / "action").iterdir() if path.name != "README.md"]
    scripts += [ROOT / "tools" / name for name in ("environment", "find-python", "lock")]
    done = subprocess.run(
        [found, "-x", *map(os.fspath, scripts)], cwd=ROOT, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == (0, "")
