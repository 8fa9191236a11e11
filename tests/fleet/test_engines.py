"""Cells: what happens to a run that kills, stops or eats the process that judges it."""

from __future__ import annotations

import sys
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final

import pytest

from inspector.fleet.batch import Keeper
from inspector.fleet.cell import Cell, RunTask
from inspector.fleet.discovery import FoundRun, discover
from inspector.fleet.engines import local, tasks
from inspector.fleet.judging import Judged
from inspector.fleet.settings import FleetSettings
from tests.fleet.runs import CAPTURES, SETTINGS, golden, judge, rows

#: A child like the real one, in which the name of a run says what befalls it.
_CHILD: Final = """
import os, signal, sys, time
from inspector.fleet import cell
from inspector.fleet.judging import judged

def befallen(run, settings, known):
    if "killer" in run.run:
        os.kill(os.getpid(), signal.SIGKILL)
    if "once" in run.run and not os.path.exists(sys.argv[1]):
        open(sys.argv[1], "x").close()
        os.kill(os.getpid(), signal.SIGKILL)
    if "sleeper" in run.run:
        time.sleep(600)
    if "glutton" in run.run:
        bytearray(settings.memory_limit)
    return judged(run, settings, known)

cell.main(befallen)
"""


def found(tmp_path: Path, *names: str) -> list[FoundRun]:
    for name in names:
        golden("pre-flight", tmp_path / "runs" / name, only=["capture.pcapng"])
    return list(discover([str(tmp_path / "runs")]))


def told(tmp_path: Path, settings: FleetSettings, *names: str) -> dict[str, str | None]:
    command = (sys.executable, "-c", _CHILD, str(tmp_path / "was here"))
    runs = found(tmp_path, *names)
    with Keeper(settings, partial(Cell, command=command)) as keeper:
        answers: list[Judged] = list(keeper.judged(map(RunTask, runs)))
    assert [answer.key for answer in answers] == [run.key for run in runs]
    assert not any(b"(not shown)" in answer.line for answer in answers)  # these words are ours
    return {run.run: answer.failure for run, answer in zip(runs, answers, strict=True)}


def test_a_run_that_kills_its_worker_twice_is_a_row_and_its_neighbours_are_judged(
    tmp_path: Path,
) -> None:
    assert told(tmp_path, SETTINGS, "a", "killer", "once", "z") == {
        "a": None,
        "killer": "worker-died",
        "once": None,
        "z": None,
    }


def test_a_run_that_passes_a_limit_is_a_row(tmp_path: Path) -> None:
    settings = replace(SETTINGS, time_limit=20.0, memory_limit=256 << 20)
    assert told(tmp_path, settings, "a", "glutton", "z") == {
        "a": None,
        "glutton": "memory-limit",
        "z": None,
    }


def test_a_run_that_takes_too_long_is_a_row(tmp_path: Path) -> None:
    settings = replace(SETTINGS, time_limit=0.2)
    answers = told(tmp_path, settings, "sleeper")
    assert answers == {"sleeper": "time-limit"}


def test_two_processes_give_the_rows_of_none(tmp_path: Path) -> None:
    found(tmp_path, "a", "b", "c")
    _, here = judge(tmp_path / "runs", tmp_path / "here")
    tally, there = judge(tmp_path / "runs", tmp_path / "there", engine=partial(local, jobs=2))
    assert tally.judged == 3
    assert rows(there) == rows(here)


def test_an_engine_that_is_left_ends_its_processes(tmp_path: Path) -> None:
    questions = map(RunTask, found(tmp_path, *"abcd"))
    cells: list[Cell] = []

    def make(settings: FleetSettings) -> Cell:
        cells.append(Cell(settings))
        return cells[-1]

    answers = local(questions, SETTINGS, jobs=1, make_cell=make)
    next(answers)
    answers.close()  # type: ignore[attr-defined]
    assert all(cell.has_ended for cell in cells)


def test_whoever_is_left_waits_for_no_run(tmp_path: Path) -> None:
    runs = found(tmp_path, "a", "sleeper")
    command = (sys.executable, "-c", _CHILD, str(tmp_path / "was here"))
    settings = replace(SETTINGS, time_limit=3600.0)
    make = partial(Cell, command=command)
    answers = local(map(RunTask, runs), settings, jobs=1, make_cell=make)
    next(answers)
    answers.close()  # type: ignore[attr-defined]  # would wait for an hour


def test_a_question_longer_than_a_pipe_holds_up_nobody(tmp_path: Path) -> None:
    run = found(tmp_path, "a")[0]
    long = replace(run, labels={f"n{number}": 200 * "x" for number in range(1000)})
    with Keeper(SETTINGS) as keeper:
        answers = list(keeper.judged([RunTask(long), RunTask(long), RunTask(long)]))
    assert [answer.failure for answer in answers] == [None, None, None]


def test_a_task_of_a_cluster_ends_at_so_many_runs_or_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = next(discover([str(CAPTURES / "pre-flight")]))
    monkeypatch.setattr("inspector.fleet.engines.TASK_RUNS", 3)
    assert [len(task) for task in tasks([RunTask(run)] * 7)] == [3, 3, 1]
    monkeypatch.setattr("inspector.fleet.engines.TASK_BYTES", run.size)
    assert [len(task) for task in tasks([RunTask(run)] * 2)] == [1, 1]
