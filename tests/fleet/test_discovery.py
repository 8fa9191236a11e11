"""What a run is: a table of folders, and what is found in them."""

from __future__ import annotations

import errno
import os
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from inspector.fleet.discovery import FoundRun, discover, together
from inspector.fleet.files import NoSuchPath
from inspector.fleet.judging import judged
from inspector.fleet.run_ids import NotAPattern, PathPattern
from tests.fleet.runs import SETTINGS


def laid(place: Path, *names: str) -> Path:
    for name in names:
        path = place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())
    return place


def told(run: FoundRun) -> tuple[str, list[str]]:
    return run.run, [file.name for file in run.files]


#: Files of a folder -> the runs, each with the files that are read for it.
FOLDERS: Final = {
    "one folder is a run, logs beside it": (
        ("a/capture.pcap", "a/access.log", "a/notes.txt", "a/api-proxy-logs/out.jsonl"),
        [("a", ["capture.pcap", "access.log", "api-proxy-logs/out.jsonl"])],
    ),
    "a report comes before its copy": (
        ("a/report.json", "a/capture.redacted.pcapng", "a/access.log"),
        [("a", ["report.json"])],
    ),
    "capture.* comes before other captures": (
        ("a/capture.pcapng", "a/other.pcap"),
        [("a", ["capture.pcapng"])],
    ),
    "files of a ring are one run": (
        ("a/x-00001.pcapng", "a/x-00002.pcapng", "a/x.log"),
        [("a", ["x-00001.pcapng", "x-00002.pcapng", "x.log"])],
    ),
    "two bridges are one run": (
        ("a/fw-bridge.pcap", "a/br-0123456789ab.pcap"),
        [("a", ["br-0123456789ab.pcap", "fw-bridge.pcap"])],
    ),
    "a redacted copy stands back for its original": (
        ("a/x.pcap", "a/x.redacted.pcapng", "b/y.redacted.pcapng"),
        [("a", ["x.pcap"]), ("b", ["y.redacted.pcapng"])],
    ),
    "different captures are runs of their own, and the logs are nobody's": (
        ("a/monday.pcap", "a/tuesday.pcap", "a/access.log"),
        [("a/monday.pcap", ["monday.pcap"]), ("a/tuesday.pcap", ["tuesday.pcap"])],
    ),
    "folders below folders": (
        ("x/1/capture.pcap", "x/2/capture.pcap", "y/notes.txt"),
        [("x/1", ["capture.pcap"]), ("x/2", ["capture.pcap"])],
    ),
}


@pytest.mark.parametrize(("names", "expected"), FOLDERS.values(), ids=FOLDERS)
def test_a_run_is(
    names: tuple[str, ...], expected: list[tuple[str, list[str]]], tmp_path: Path
) -> None:
    assert [told(run) for run in discover([str(laid(tmp_path, *names))])] == expected


@pytest.mark.parametrize(("names", "expected"), FOLDERS.values(), ids=FOLDERS)
def test_a_zip_is_a_folder(
    names: tuple[str, ...], expected: list[tuple[str, list[str]]], tmp_path: Path
) -> None:
    with zipfile.ZipFile(tmp_path / "artifact.zip", "w") as archive:
        for name in names:
            archive.writestr(name, name)
    found = [told(run) for run in discover([str(tmp_path)])]
    assert found == [(f"artifact.zip/{run}", files) for run, files in expected]


@pytest.mark.parametrize(
    "ring",
    [
        ("x.pcap", "x.pcap1", "x.pcap2"),
        ("x_00001_20261129101500.pcapng", "x_00002_20261129101530.pcapng"),
        ("x-00001.pcapng.gz", "x-00002.pcapng"),
        ("x-fw-bridge.pcap", "x-awf-ext.pcap", "x-awf-ext.pcap1"),
    ],
    ids=["tcpdump", "dumpcap", "inspector", "interfaces, one a ring"],
)
def test_names_of_one_capture(ring: tuple[str, ...]) -> None:
    assert together(ring) == [sorted(ring)]


def test_a_run_named_twice_is_found_once(tmp_path: Path) -> None:
    place = laid(tmp_path, "a/capture.pcap")
    assert len(list(discover([str(place), str(place / "a"), str(place / "*")]))) == 1


def test_a_file_that_is_named_is_a_run_by_itself(tmp_path: Path) -> None:
    place = laid(tmp_path, "a/monday.pcap", "a/access.log", "b/told.json")
    runs = discover([str(place / "a" / "monday.pcap"), str(place / "b" / "told.json")])
    assert [(told(run), run.report is not None) for run in runs] == [
        (("monday.pcap", ["monday.pcap"]), False),
        (("told.json", ["told.json"]), True),
    ]


def test_a_damaged_zip_is_a_run_with_its_trouble(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(b"PK\3\4 and no more")
    [run] = discover([str(tmp_path)])
    assert run.trouble == "BadZipFile in the zip: nothing in it was read"


def test_a_folder_that_cannot_be_entered_is_a_run_with_its_trouble(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = laid(tmp_path, "a/capture.pcap", "b/capture.pcap", "c/capture.pcap")
    scandir = os.scandir

    def entered(path: str) -> Iterator[os.DirEntry[str]]:
        if Path(path).name == "b":
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", entered)
    found = {run.run: run for run in discover([str(place)])}
    assert {name: run.trouble for name, run in found.items()} == {
        "a": None,
        "b": "Permission denied",
        "c": None,
    }
    assert judged(found["b"], SETTINGS).failure == "unreadable"


def test_files_that_are_gone_before_they_are_looked_at_keep_nobody_from_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = laid(tmp_path, "a/capture.pcap", "b/capture.pcap")
    stat = Path.stat

    def looked_at(path: Path, **how: Any) -> os.stat_result:
        if path.parent.name == "a" and not how:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return stat(path, **how)

    monkeypatch.setattr(Path, "stat", looked_at)
    assert [run.trouble for run in discover([str(place)])] == ["Permission denied", None]


def test_what_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(NoSuchPath, match="neither there nor a pattern"):
        list(discover([str(tmp_path / "absent*")]))


def test_the_tables_themselves_are_no_runs(tmp_path: Path) -> None:
    place = laid(tmp_path, "a/capture.pcap", "out/report.json")
    assert [run.run for run in discover([str(place)], leave_out=place / "out")] == ["a"]


# -- names ----------------------------------------------------------------------------


def test_a_pattern_names_runs_and_labels_them() -> None:
    pattern = PathPattern("{repository}/{run}/attempt-{run_attempt}")
    path = "octo/agents/19283746501/attempt-2/bridge"
    assert pattern.read(path) == (
        "19283746501",
        {"repository": "octo/agents", "run_attempt": "2"},
    )
    assert pattern.read("octo/agents/19283746501/other") == (None, {})


@pytest.mark.parametrize("text", ["runs/*", "{run}/{run}", "{repository}"])
def test_a_pattern_without_one_run_is_refused(text: str) -> None:
    with pytest.raises(NotAPattern):
        PathPattern(text)


def test_what_may_be_a_key_in_a_path_is_not_shown(tmp_path: Path) -> None:
    key = "sk-ant-api03-LABONLYLABONLY0123456789abcdef"
    place = laid(tmp_path, f"{key}/capture.pcap")
    [run] = discover([str(place)], PathPattern("{run}"))
    assert "LABONLY" not in run.run + run.source + repr(run)
