"""What the tables of a directory hold, and that nothing is read or lost twice."""

from __future__ import annotations

import dataclasses
import errno
import os
import shutil
import typing
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

import orjson
import pytest

from inspector.fleet.cell import RunTask
from inspector.fleet.engines import Engine
from inspector.fleet.forms import Change, LinesForm
from inspector.fleet.journal import JOURNAL
from inspector.fleet.judging import Judged
from inspector.fleet.settings import FleetSettings
from inspector.fleet.store import InUse, NotAFleet, Store
from inspector.fleet.summary import summarise
from inspector.fleet.tables import TABLES
from tests.fleet.runs import SETTINGS, aged, golden, here, judge, rows

TWO = ("healthy-json", "squid-denied")


@pytest.fixture
def place(tmp_path: Path) -> Path:
    for name in TWO:
        golden(name, tmp_path / "runs" / name, only=["capture.pcapng", "access.log"])
    return tmp_path / "runs"


def test_a_second_invocation_opens_no_file(place: Path, tmp_path: Path) -> None:
    first, store = judge(place, tmp_path / "out")
    before = rows(store)
    again, store = judge(place, tmp_path / "out")
    assert (first.judged, again.judged, again.unread) == (2, 0, 2)
    assert rows(store) == before


def test_files_with_another_time_and_the_same_bytes_are_read_and_not_judged(
    place: Path, tmp_path: Path
) -> None:
    judge(place, tmp_path / "out")
    (place / "squid-denied" / "capture.pcapng").touch()
    again, _ = judge(place, tmp_path / "out")
    assert (again.judged, again.unchanged, again.unread) == (0, 1, 1)


def test_what_could_not_be_read_is_tried_again(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk or a store that gave an error may give the bytes the next time."""

    def refused(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    with monkeypatch.context() as closed:
        closed.setattr("inspector.fleet.judging.inspect_captures", refused)
        outturn, store = judge(place, tmp_path / "out")
    assert outturn.failures == {"unreadable": 2}
    assert {row["error"] for row in rows(store)} == {"Permission denied"}
    again, store = judge(place, tmp_path / "out")
    assert (again.judged, again.failures) == (2, {})
    assert judge(place, tmp_path / "out")[0].unread == 2


def test_a_run_that_changed_replaces_its_rows(place: Path, tmp_path: Path) -> None:
    judge(place, tmp_path / "out")
    changed = place / "squid-denied" / "capture.pcapng"
    shutil.copyfile(place / "healthy-json" / "capture.pcapng", changed)
    again, store = judge(place, tmp_path / "out")
    assert again.judged == 1
    assert [row["denied"] for row in rows(store)] == [[], []]
    assert {row["key"] for row in rows(store, "exchanges")} == {row["key"] for row in rows(store)}


def test_a_run_whose_day_changed_is_in_one_day_alone(place: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    _, store = judge(place, out)
    days = store.days()
    broken = place / "squid-denied" / "capture.pcapng"
    broken.write_bytes(b"nothing that anybody could read")
    again, store = judge(place, out)
    assert again.failures == {"not-a-capture": 1}
    assert len(rows(store)) == 2
    assert len(store.days()) == len(days) + 1
    assert not rows(store, "findings") or {r["key"] for r in rows(store, "findings")} <= {
        row["key"] for row in rows(store) if row["failure"] is None
    }


def test_other_options_judge_anew_and_other_limits_do_not(place: Path, tmp_path: Path) -> None:
    judge(place, tmp_path / "out")
    slower = replace(SETTINGS, time_limit=5.0).sealed()
    other = replace(SETTINGS, options=replace(SETTINGS.options, scope="all")).sealed()
    assert judge(place, tmp_path / "out", settings=slower)[0].judged == 0
    assert judge(place, tmp_path / "out", settings=other)[0].judged == 2


def test_another_key_judges_anew_unless_keys_are_drawn(place: Path, tmp_path: Path) -> None:
    def keyed(key: bytes, *, drawn: bool) -> FleetSettings:
        options = replace(SETTINGS.options, fingerprint_key=key)
        return replace(SETTINGS, options=options, draws_key=drawn).sealed()

    for drawn, judged in ((False, 2), (True, 0)):
        out = tmp_path / f"out-{drawn}"
        judge(place, out, settings=keyed(32 * b"a", drawn=drawn))
        again, _ = judge(place, out, settings=keyed(32 * b"b", drawn=drawn))
        assert again.judged == judged


def test_rejudge_judges_everything(place: Path, tmp_path: Path) -> None:
    judge(place, tmp_path / "out")
    again, store = judge(place, tmp_path / "out", rejudge=True)
    assert (again.judged, len(rows(store))) == (2, 2)


def test_whoever_was_killed_left_a_journal_that_is_taken_in(place: Path, tmp_path: Path) -> None:
    _, store = judge(place, tmp_path / "whole")
    lines: list[bytes] = []

    def noted(questions: Iterable[RunTask], settings: FleetSettings) -> Iterator[Judged]:
        for told in here(questions, settings):
            lines.append(told.line)
            yield told

    judge(place, tmp_path / "out", engine=noted)
    out = tmp_path / "killed"
    Store.opened(out, "jsonl")
    (out / JOURNAL).mkdir()
    (out / JOURNAL / "1.jsonl").write_bytes(b"\n".join(lines) + b'\n{"key": "cut in its mid')
    again, taken = judge(place, out)
    assert again.judged == 0
    assert not (out / JOURNAL).exists()
    for table in TABLES:
        assert rows(taken, table) == rows(store, table)


class Killed(BaseException):
    """Whoever is killed tidies nothing."""


@pytest.mark.parametrize("writes", range(6))
def test_whoever_is_killed_between_two_tables_leaves_no_row_behind(
    writes: int, place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run that moves to another day is written in two days: all of it, or all of it again."""
    judge(place, tmp_path / "out")
    broken = place / "squid-denied" / "capture.pcapng"
    broken.write_bytes(b"nothing that anybody could read")
    aged(broken)
    left = iter(range(writes))

    def write(self: LinesForm, out: BinaryIO, change: Change) -> int:
        if next(left, None) is None:
            raise Killed
        return write_all(self, out, change)

    write_all = LinesForm.write
    monkeypatch.setattr(LinesForm, "write", write)
    with pytest.raises(Killed):
        judge(place, tmp_path / "out")
    monkeypatch.undo()
    taken = Store.opened(tmp_path / "out")
    assert not (tmp_path / "out" / JOURNAL).exists()
    _, store = judge(place, tmp_path / "whole")
    for table in TABLES:
        assert rows(taken, table) == rows(store, table)


def test_one_invocation_writes_at_a_time_and_others_read(place: Path, tmp_path: Path) -> None:
    def engine(questions: Iterable[RunTask], settings: FleetSettings) -> Iterator[Judged]:
        for number, told in enumerate(here(questions, settings)):
            yield told
            if not number:
                with pytest.raises(InUse, match="Another invocation writes"):
                    judge(place, tmp_path / "out")
                reader = Store.opened(tmp_path / "out")
                assert (reader.lags, rows(reader)) == (True, [])  # it is in the journal

    outturn, store = judge(place, tmp_path / "out", engine=engine)
    assert (outturn.judged, len(rows(store)), store.lags) == (2, 2, False)


def test_whoever_leaves_in_the_middle_leaves_what_was_judged(place: Path, tmp_path: Path) -> None:
    def engine(questions: Iterable[RunTask], settings: FleetSettings) -> Iterator[Judged]:
        yield next(iter(here(questions, settings)))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        judge(place, tmp_path / "out", engine=engine)
    assert len(rows(Store.opened(tmp_path / "out"))) == 1
    assert judge(place, tmp_path / "out")[0].judged == 1


def test_parquet_holds_what_json_lines_hold(place: Path, tmp_path: Path) -> None:
    _, lines = judge(place, tmp_path / "lines", form="jsonl")
    _, parquet = judge(place, tmp_path / "parquet", form="parquet")
    for table in TABLES:
        assert rows(parquet, table) == rows(lines, table)
    for table in TABLES:
        assert rows(Store.opened(tmp_path / "parquet"), table) == rows(lines, table)


def test_parquet_replaces_rows_as_json_lines_do(place: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    judge(place, out, form="parquet")
    again, store = judge(place, out, form="parquet", rejudge=True)
    assert (again.judged, len(rows(store))) == (2, 2)


@pytest.mark.parametrize("form", ["jsonl", "parquet"])
def test_tables_of_an_earlier_minor_are_read_and_go_on(
    form: str, place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A column that came later is empty in what was written before."""
    late = ("worst", "denied", "statuses", "real_keys", "proves_absence")
    with monkeypatch.context() as before:
        kinds = {**TABLES, "runs": without(TABLES["runs"], late)}
        before.setattr("inspector.fleet.store.TABLES", kinds)
        judge(place, tmp_path / "out", form=form, engine=earlier(late))
    store = Store.opened(tmp_path / "out")
    empty: tuple[object, ...] = (None, [], {}, 0, False)
    for row in store.rows("runs"):
        assert tuple(row[name] for name in late) == empty
    assert summarise(store).whole.runs == 2
    (place / "squid-denied" / "capture.pcapng").write_bytes(b"changed into no capture at all")
    judge(place, tmp_path / "out", form=form)
    [kept] = [row for row in rows(store) if row["failure"] is None]
    assert tuple(kept[name] for name in late) == empty


def without(kind: type, names: Iterable[str]) -> type:
    """A record without some of its fields."""
    hints = typing.get_type_hints(kind, include_extras=True)
    return dataclasses.make_dataclass(
        kind.__name__, [(name, hint) for name, hint in hints.items() if name not in names]
    )


def earlier(late: Iterable[str]) -> Engine:
    """An engine whose rows of runs lack some columns."""

    def engine(questions: Iterable[RunTask], settings: FleetSettings) -> Iterator[Judged]:
        for told in here(questions, settings):
            line = orjson.loads(told.line)
            for row in line["tables"]["runs"]:
                for name in late:
                    del row[name]
            yield replace(told, line=orjson.dumps(line))

    return engine


def test_what_is_no_fleet_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "fleet.json").write_text(
        '{"schema": "inspector.fleet-tables/2.0", "form": "jsonl"}'
    )
    with pytest.raises(NotAFleet, match=r"holds no tables of inspector.fleet-tables/1\."):
        Store.opened(tmp_path)


def test_only_the_user_can_read_the_tables(place: Path, tmp_path: Path) -> None:
    judge(place, tmp_path / "out")
    modes = {path.stat().st_mode & 0o077 for path in (tmp_path / "out").rglob("*")}
    assert modes == {0}


def test_a_file_of_this_very_moment_is_read_again(place: Path, tmp_path: Path) -> None:
    (place / "squid-denied" / "access.log").touch()
    _, store = judge(place, tmp_path / "out")
    assert sorted(bool(row["stamp"]) for row in rows(store)) == [False, True]
    aged(place / "squid-denied" / "access.log")
