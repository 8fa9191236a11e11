"""The lab as a person uses it: ``python -m lab``."""

from __future__ import annotations

import json
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from lab.__main__ import PROGRAMS, main
from lab.processes import LabError, why_not
from lab.record import CAPTURES, Lab
from lab.scenarios import Scenario, catalogue
from tests.lab.test_network import REPOSITORY, without_namespaces

LAB = [sys.executable, "-m", "lab"]


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM])
def test_up_prints_a_request_that_works_and_leaves_nothing_when_told_to_end(
    tmp_path: Path, end: signal.Signals
) -> None:
    if reason := why_not(*PROGRAMS, "curl"):
        pytest.skip(reason)
    capture = tmp_path / "capture.pcapng"
    command = [*LAB, "up", "--capture", str(capture)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=REPOSITORY) as lab:
        try:
            assert lab.stdout is not None
            shown = []
            for line in lab.stdout:
                shown.append(line.strip())
                if line.startswith("Ctrl-C"):
                    break
            identity = re.findall(r"^lab (\d+):", shown[0])[0]
            request = shown[shown.index("A request as an agent makes it:") + 1]
            answer = subprocess.run(shlex.split(request), capture_output=True, text=True)
        finally:
            lab.send_signal(end)
        said = lab.stdout.read()

    assert json.loads(answer.stdout)["type"] == "message"
    assert said == "ended; nothing is left\n"
    assert lab.returncode == 0
    assert b"POST /v1/messages" in capture.read_bytes()
    without_namespaces(identity)


def test_a_scenario_that_fails_does_not_keep_the_others_from_their_turn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if reason := why_not(*PROGRAMS):
        pytest.skip(reason)

    def fail(lab: Lab) -> None:
        raise LabError(f"{lab.scenario.name} went wrong")

    known = catalogue()
    assert isinstance(known, dict)
    for name in ("first", "second"):
        spoilt = Scenario(name=name, title=name, what="", wrong="", learn="", play=fail)
        monkeypatch.setitem(known, name, spoilt)

    done = CliRunner().invoke(main, ["record", "first", "second"])

    assert done.output.splitlines() == ["first: first went wrong", "second: second went wrong"]
    assert isinstance(done.exception, LabError)
    assert str(done.exception) == "not recorded: first, second"
    assert not any((CAPTURES / name).exists() for name in ("first", "second"))


def test_list_names_each_scenario() -> None:
    shown = subprocess.run([*LAB, "list"], capture_output=True, text=True, cwd=REPOSITORY)

    assert shown.returncode == 0
    assert "h4-401-inside-tunnel" in [line.split()[0] for line in shown.stdout.splitlines()]


def test_an_unknown_scenario_is_named_with_the_way_to_the_known_ones() -> None:
    done = subprocess.run(
        [*LAB, "record", "no-such-scenario"], capture_output=True, text=True, cwd=REPOSITORY
    )

    assert done.returncode == 2
    assert "no-such-scenario: see `python -m lab list`" in done.stderr
