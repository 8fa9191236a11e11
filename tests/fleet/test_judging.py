"""Each row says what `analyze` says of that capture."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import orjson
import pytest

from inspector import as_json, inspect
from inspector.fleet.discovery import FoundRun, discover
from inspector.fleet.judging import judged
from inspector.options import Options
from tests.fleet.analyzed import calls_add_up, expected, seen
from tests.fleet.runs import CAPTURES, SETTINGS, golden

GOLDENS: Final = sorted(path.name for path in CAPTURES.iterdir() if path.is_dir())
SAMPLE: Final = ("agent-holds-real-key", "h4-401-inside-tunnel", "squid-denied", "websocket-cut")


def found(place: Path) -> FoundRun:
    [run] = discover([str(place)])
    return run


def tables(run: FoundRun) -> dict[str, list[dict[str, Any]]]:
    told: dict[str, Any] = orjson.loads(judged(run, SETTINGS).line)
    return dict(told["tables"])


def check(name: str) -> None:
    wanted = expected(inspect(CAPTURES / name, options=SETTINGS.options))
    rows = tables(found(CAPTURES / name))
    assert seen(rows, wanted) == wanted
    assert calls_add_up(rows["runs"][0], rows["exchanges"])


@pytest.mark.parametrize("name", SAMPLE)
def test_the_rows_of_a_run_are_its_report(name: str) -> None:
    check(name)


@pytest.mark.long
@pytest.mark.parametrize("name", sorted(set(GOLDENS) - set(SAMPLE)))
def test_the_rows_of_every_golden_capture_are_its_report(name: str) -> None:
    check(name)


def test_a_report_that_was_stored_gives_the_rows_of_its_capture(tmp_path: Path) -> None:
    name = "h4-401-inside-tunnel"
    (tmp_path / "report.json").write_bytes(
        as_json(inspect(CAPTURES / name, options=SETTINGS.options))
    )
    of_report, of_capture = tables(found(tmp_path)), tables(found(CAPTURES / name))
    differ = ("key", "run", "source", "kind", "files", "bytes", "inputs", "stamp")
    for table in of_capture:
        for row in (*of_report[table], *of_capture[table]):
            for column in differ:
                row.pop(column, None)
    assert of_report == of_capture


def test_a_report_is_judged_by_whoever_wrote_it(tmp_path: Path) -> None:
    (tmp_path / "report.json").write_bytes(
        as_json(inspect(CAPTURES / "healthy-json"))
        .replace(b'"version":"0.1.0"', b'"version":"9.9.9"')
        .replace(b"inspector.report/2.2", b"inspector.report/2.1")
    )
    [run] = tables(found(tmp_path))["runs"]
    assert run["judged_by"].startswith("9.9.9")
    assert run["report_schema"] == "inspector.report/2.1"


def test_a_key_that_somebody_wrote_into_a_report_is_not_told(tmp_path: Path) -> None:
    key = (
        b"sk-ant-api03-LABONLYLABONLYLABONLYLABONLYLABONLYLABONLYLABONLYLABONLYLABONLYLABONLYLABON"
    )
    told = as_json(inspect(CAPTURES / "squid-denied"))
    (tmp_path / "report.json").write_bytes(told.replace(b"api.anthropic.com", key))
    line = judged(found(tmp_path), SETTINGS).line
    assert b"LABONLY" not in line


FAILURES: Final = {
    "not-a-capture": ("capture.pcap", b"no capture at all, but long enough to be one"),
    "not-a-report": ("report.json", b'{"schema": "something else"}'),
    "no-tcp": ("capture.pcap", None),
}


@pytest.mark.parametrize("failure", FAILURES)
def test_what_cannot_be_judged_is_a_row_with_its_reason(failure: str, tmp_path: Path) -> None:
    name, data = FAILURES[failure]
    if data is None:
        data = (CAPTURES / "healthy-json" / "capture.pcapng").read_bytes()
        settings = replace(SETTINGS, options=Options(scope="subnet", subnet="10.9.8.0/24"))
    else:
        settings = SETTINGS
    (tmp_path / name).write_bytes(data)
    told = judged(found(tmp_path), settings)
    [run] = orjson.loads(told.line)["tables"]["runs"]
    assert (told.failure, run["failure"]) == (failure, failure)
    assert run["error"]
    assert str(tmp_path) not in run["error"]


def test_a_damaged_capture_is_judged_as_far_as_it_goes(tmp_path: Path) -> None:
    place = golden("h4-401-inside-tunnel", tmp_path / "a", only=["capture.pcapng"])
    data = (place / "capture.pcapng").read_bytes()
    (place / "capture.pcapng").write_bytes(data[: len(data) // 2])
    [run] = tables(found(place))["runs"]
    assert (run["failure"], run["completeness"]) == (None, "incomplete")
    assert "file-cut" in run["unread"]
    assert not run["proves_absence"]
