from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from inspector.cli.main import main
from inspector.fleet.judging import Judged
from inspector.fleet.store import Store
from inspector.fleet.tables import TABLES
from inspector.report.formats.json import dumps
from tests.fleet.many import make
from tests.fleet.runs import golden

from .test_main import ROOT

DENIED = "squid-denied"


def _fleet(*args: str) -> Result:
    return CliRunner().invoke(main, ["fleet", *args])


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tables of two runs, judged by a policy for one repository."""
    place = tmp_path_factory.mktemp("fleet")
    golden("healthy-json", place / "runs" / "octo" / "agents" / "7", only=["capture.pcapng"])
    golden(DENIED, place / "runs" / "octo" / "agents" / "8", only=["capture.pcapng"])
    result = _fleet(
        str(place / "runs"), "-o", str(place / "out"), "--run-id", "{repository}/{run}",
        "--policy", "octo/agents=awf", "--jobs", "1",
    )  # fmt: skip
    assert "2 runs were found: 2 judged" in result.stderr
    assert result.exit_code == 3  # the policy is broken
    return place


def test_without_path_the_page_of_the_tables_is_shown(fleet: Path) -> None:
    result = _fleet("-o", str(fleet / "out"), "--group-by", "repository")
    assert "BY REPOSITORY" in result.stdout
    assert "octo/agents  2" in result.stdout
    assert "POLICIES" in result.stdout


def test_the_same_as_json(fleet: Path) -> None:
    told = json.loads(_fleet("-o", str(fleet / "out"), "--format", "json").stdout)
    assert told["all"]["failed"] == {
        "hits": 1,
        "of": 2,
        "share": 0.5,
        "interval": pytest.approx([0.0945, 0.9055], abs=0.001),
    }
    assert told["policies"]["awf"] == {"kept": 1, "broken": 1}


def test_fail_on_is_the_exit_code_of_many_runs(fleet: Path) -> None:
    assert _fleet("-o", str(fleet / "out"), "--fail-on", "error").exit_code == 3


@pytest.mark.parametrize(
    ("by", "names"),
    [
        ("cause", {DENIED, "no call failed"}),
        ("client", {"curl/7.88.1", "Anthropic/Python"}),
        ("provider", {"anthropic", "openai"}),
        ("repository", {"octo/agents"}),
        ("week", {"2026-W48"}),
    ],
)
def test_runs_are_counted_by_what_is_asked_for(by: str, names: set[str], fleet: Path) -> None:
    out = str(fleet / "out")
    told = json.loads(_fleet("-o", out, "--group-by", by, "--format", "json").stdout)
    assert names <= {group["name"] for group in told["groups"]}
    assert sum(group["runs"] for group in told["groups"]) >= 2
    title = f"BY {by.upper()}"
    assert (title in _fleet("-o", out, "--group-by", by).stdout) == (by != "cause")


def test_since_a_day_counts_later_runs_and_tells_what_is_new(fleet: Path, tmp_path: Path) -> None:
    make(tmp_path / "runs", 9)
    judged = _fleet(str(tmp_path / "runs"), "-o", str(tmp_path / "out"), "--jobs", "1")
    assert "9 judged" in judged.stderr
    days = Store.opened(tmp_path / "out").days()
    result = _fleet("-o", str(tmp_path / "out"), "--since", days[3], "--format", "json")
    told = json.loads(result.stdout)
    assert told["runs_before"] >= 3
    assert told["all"]["runs"] + told["runs_before"] == 9
    assert all(new["first"] >= days[3] for new in told["new"])
    assert f"NEW SINCE {days[3]}" in _fleet("-o", str(tmp_path / "out"), "--since", days[3]).stdout
    later = _fleet("-o", str(tmp_path / "out"), "--since", "2999-01-01")
    assert "0 runs" in later.stdout


def test_a_run_is_called_what_the_pattern_says(fleet: Path) -> None:
    told = json.loads(_fleet("-o", str(fleet / "out"), "--format", "json").stdout)
    assert [named["run"] for named in told["failed"]] == ["8"]
    [run] = [row for row in Store.opened(fleet / "out").rows("runs") if row["run"] == "8"]
    assert run["labels"] == {"repository": "octo/agents"}


def test_what_is_judged_is_read_again_when_asked_for_alone(fleet: Path, tmp_path: Path) -> None:
    again = (
        str(fleet / "runs"), "-o", str(tmp_path / "out"), "--run-id", "{repository}/{run}",
        "--jobs", "1",
    )  # fmt: skip
    assert "2 judged" in _fleet(*again).stderr
    assert "0 judged, of which 0 could not be, and 2 that the tables" in _fleet(*again).stderr
    assert "2 judged" in _fleet(*again, "--rejudge").stderr
    assert "2 judged" in _fleet(*again, "--policy", "awf").stderr  # another judgement


def test_two_fleets_are_compared(fleet: Path) -> None:
    out = str(fleet / "out")
    result = CliRunner().invoke(main, ["compare", "--exit-code", out, out])
    assert (result.exit_code, result.stderr) == (0, "")
    assert f"cause        {DENIED}" in result.stdout
    told = CliRunner().invoke(main, ["compare", "--format", "json", out, out])
    assert {each["of"] for each in json.loads(told.stdout)["differences"]} >= {"cause", "finding"}


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "there are no tables in DIR yet"),
        (("--engine", "dask", "x"), "needs --scheduler"),
        (("--scheduler", "tcp://127.0.0.1:1", "x"), "is of --engine dask"),
        (("--memory-limit", "63MiB", "x"), "below 64 MiB"),
        (("absent",), "neither there nor a pattern"),
        (("--policy", "awf", "--policy", "awf", str(ROOT / "docs")), "given twice for all runs"),
    ],
)
def test_what_does_not_fit_is_said(arguments: tuple[str, ...], told: str, tmp_path: Path) -> None:
    result = _fleet("-o", str(tmp_path / "out"), "--jobs", "1", *arguments)
    assert result.exit_code == 2
    assert told in " ".join(result.stderr.split())


def test_where_there_is_no_run_there_is_nothing_to_analyse(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    result = _fleet(str(tmp_path / "empty"), "-o", str(tmp_path / "out"), "--jobs", "1")
    assert result.exit_code == 4
    assert "No run was found" in result.stderr


@pytest.mark.parametrize("asked", [("--policy", "awf"), ("--rejudge",), ("--run-id", "{run}")])
def test_what_is_for_judging_needs_the_runs(asked: tuple[str, ...], fleet: Path) -> None:
    result = _fleet("-o", str(fleet / "out"), *asked)
    assert result.exit_code == 2
    assert f"{asked[0]} is for what is judged" in " ".join(result.stderr.split())


@pytest.mark.parametrize("asked", [("--client", "curl"), ("--status", "4xx")])
def test_what_selects_calls_is_not_for_fleets(asked: tuple[str, ...], fleet: Path) -> None:
    out = str(fleet / "out")
    result = CliRunner().invoke(main, ["compare", out, out, *asked])
    assert result.exit_code == 2
    assert "all runs are compared" in " ".join(result.stderr.split())


def test_the_page_of_tables_into_which_another_invocation_writes_says_so(
    fleet: Path, tmp_path: Path
) -> None:
    shutil.copytree(fleet / "out", tmp_path / "out")
    store = Store.opened(tmp_path / "out")
    with store.writing():
        run = next(store.rows("runs"))
        line = dumps({"key": run["key"], "day": None, "tables": {name: [] for name in TABLES}})
        store.add(Judged(run["key"], None, None, line))
        result = _fleet("-o", str(tmp_path / "out"))
        assert "WHY RUNS FAILED" in result.stdout
        assert "Another invocation judges into DIR" in result.stderr
        again = _fleet(str(fleet / "runs"), "-o", str(tmp_path / "out"), "--jobs", "1")
        assert again.exit_code == 1
        assert "Another invocation writes into" in again.stderr


def test_tables_of_another_form_are_refused(fleet: Path, tmp_path: Path) -> None:
    shutil.copytree(fleet / "out", tmp_path / "out")
    result = _fleet("-o", str(tmp_path / "out"), "--tables", "jsonl")
    assert result.exit_code == 2
    assert "are parquet" in result.stderr


# -- analyze names it ---------------------------------------------------------------------


def _analyze(*args: str) -> Result:
    return CliRunner().invoke(main, ["analyze", *args])


def test_analyze_says_so_of_a_directory_with_unrelated_captures(tmp_path: Path) -> None:
    capture = ROOT / "captures" / "healthy-json" / "capture.pcapng"
    for name in ("monday.pcapng", "tuesday.pcapng"):
        shutil.copy(capture, tmp_path / name)
    result = _analyze(str(tmp_path))
    assert "holds 2 captures that do not look like one run" in result.stderr
    assert "inspector fleet judges each by itself" in result.stderr


def test_analyze_says_nothing_of_the_files_of_a_ring(tmp_path: Path) -> None:
    capture = ROOT / "captures" / "healthy-json" / "capture.pcapng"
    for name in ("x-00001.pcapng", "x-00002.pcapng"):
        shutil.copy(capture, tmp_path / name)
    assert _analyze(str(tmp_path)).stderr == ""


def test_analyze_names_it_where_runs_lie_below_a_directory(tmp_path: Path) -> None:
    golden("healthy-json", tmp_path / "a", only=["capture.pcapng"])
    result = _analyze(str(tmp_path))
    assert result.exit_code == 4
    assert "inspector fleet" in result.stderr
