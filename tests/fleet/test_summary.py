"""What is counted over the tables, and of which runs."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any, Final

import pytest

from inspector.errors import ExitCode
from inspector.fleet.comparison import compare
from inspector.fleet.page import render
from inspector.fleet.rates import Rate
from inspector.fleet.store import Store
from inspector.fleet.summary import CANNOT_TELL, NONE_FAILED, summarise, week_of
from tests.fleet.runs import CAPTURES, golden, judge

#: A broken run, a healthy one, one that lost packets, one with a key, one that is no capture.
FIVE: Final = ("squid-denied", "healthy-json", "lost-packets", "agent-holds-real-key", "broken")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    place = tmp_path_factory.mktemp("five")
    for name in FIVE[:-1]:
        golden(name, place / "runs" / name, only=["capture.pcapng"])
    (place / "runs" / "broken").mkdir()
    (place / "runs" / "broken" / "capture.pcap").write_bytes(b"no capture, and yet called one")
    _, store = judge(place / "runs", place / "out")
    return store


def run(store: Store, name: str) -> dict[str, Any]:
    return next(row for row in store.rows("runs") if row["run"] == name)


def test_what_was_not_read_is_in_no_denominator(store: Store) -> None:
    told = summarise(store)
    could_tell = [row["run"] for row in store.rows("runs") if row["could_tell"]]
    assert told.whole.runs == 5
    assert told.whole.could_tell == len(could_tell)
    assert not {"broken", "lost-packets"} & set(could_tell)
    assert told.whole.failed == Rate(told.whole.with_cause, len(could_tell))
    assert told.failures == {"not-a-capture": 1}


def test_groups_name_what_cannot_be_told(store: Store) -> None:
    groups = summarise(store, group_by="cause").groups
    assert {name: group.runs for name, group in groups.items()} == {
        "squid-denied": 1,
        NONE_FAILED: 2,
        CANNOT_TELL: 1,
    }


@pytest.mark.parametrize("by", ["client", "provider", "repository", "week"])
def test_every_judged_run_is_in_a_group(by: Any, store: Store) -> None:
    groups = summarise(store, group_by=by).groups.values()
    assert sum(group.runs for group in groups) >= 4


def test_runs_with_keys_that_look_real_come_first(store: Store) -> None:
    told = summarise(store)
    assert [named.run for named in told.with_keys] == ["agent-holds-real-key"]
    page = render(told, "out", width=100)
    assert page.index("KEYS THAT LOOK REAL") < page.index("WHY RUNS FAILED")


def test_the_latest_runs_are_named_and_all_are_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("squid-denied", "h4-401-inside-tunnel"):
        golden(name, tmp_path / "runs" / name, only=["capture.pcapng"])
    _, store = judge(tmp_path / "runs", tmp_path / "out")
    found = sorted(store.rows("runs"), key=lambda row: str(row["day"]))
    monkeypatch.setattr("inspector.fleet.summary.NAMED", 1)
    told = summarise(store)
    assert told.whole.with_cause == 2
    assert [named.run for named in told.with_causes] == [found[-1]["run"]]
    assert "1 more row" in render(told, "out", width=100)


def test_new_is_what_no_run_before_the_date_had(store: Store) -> None:
    days = sorted(day for row in store.rows("runs") if (day := row["day"]))
    since = date.fromisoformat(days[-1])
    told = summarise(store, since=since)
    before = [row for row in store.rows("runs") if row["day"] and row["day"] < days[-1]]
    assert told.before == len(before)
    had = {code for row in before for code in row["findings"]}
    assert not had & {new.name for new in told.new if new.kind == "finding"}


def test_denials_are_by_host_and_port(store: Store) -> None:
    assert {host: one.runs for host, one in summarise(store).denied.items()} == dict.fromkeys(
        run(store, "squid-denied")["denied"], 1
    )


@pytest.mark.parametrize(
    ("level", "code"), [(None, 0), ("error", ExitCode.BROKEN), ("note", ExitCode.BROKEN)]
)
def test_fail_on_is_over_all_runs(level: Any, code: int, store: Store) -> None:
    assert summarise(store).exit_code(level) == code


def test_runs_that_cannot_prove_it_are_not_proven(tmp_path: Path) -> None:
    golden("healthy-json", tmp_path / "runs" / "a", only=["capture.pcapng"])
    (tmp_path / "runs" / "b").mkdir()
    (tmp_path / "runs" / "b" / "capture.pcap").write_bytes(b"no capture at all, I am afraid")
    _, store = judge(tmp_path / "runs", tmp_path / "out")
    assert summarise(store).exit_code("error") is ExitCode.NOT_PROVEN


@pytest.mark.parametrize(
    ("day", "week"),
    [("2026-11-29", "2026-W48"), ("2027-01-01", "2026-W53"), ("2024-12-30", "2025-W01")],
)
def test_a_week_is_that_of_iso_8601(day: str, week: str) -> None:
    assert week_of(day) == week


def test_a_comparison_counts_each_thing_where_it_could_be_seen(store: Store) -> None:
    found = {(each.of, each.name): each for each in compare(store, store)}
    denied = found["cause", "squid-denied"]
    assert denied.a == denied.b == Rate(1, summarise(store).whole.could_tell)
    assert not any(each.excludes_zero for each in found.values())
    left = compare(store, store, ["finding", "*/squid-denied"])
    assert "finding" not in {each.of for each in left}
    assert "squid-denied" not in {each.name for each in left}


def test_sets_that_differ_are_told_apart(tmp_path: Path) -> None:
    stores: list[Store] = []
    for name in ("healthy-json", "squid-denied"):
        for number in range(12):
            golden(name, tmp_path / name / str(number), only=["capture.pcapng"])
        stores.append(judge(tmp_path / name, tmp_path / f"out-{name}")[1])
    found = {(each.of, each.name): each for each in compare(stores[0], stores[1])}
    assert found["cause", "squid-denied"].excludes_zero
    assert found["cause", NONE_FAILED].interval is not None
    assert found["cause", NONE_FAILED].interval[1] < 0


def test_the_page_tells_nothing_of_captures_by_chance(store: Store) -> None:
    assert str(CAPTURES) not in render(summarise(store), "out", width=200, verbose=True)
