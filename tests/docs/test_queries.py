"""Each query that docs/fleet.md shows runs, and finds something."""

from __future__ import annotations

import re
from pathlib import Path

import duckdb
import pytest

from inspector.fleet.store import Store
from tests.docs.pages import text
from tests.fleet.runs import golden, judge

PAGE = "docs/fleet.md"
QUERIES = re.findall(r"```sql\n-- (.*?)\n(.*?)```", text(PAGE), re.DOTALL)
#: Runs in which there is something to find for each of them.
RUNS = ("healthy-json", "lost-packets", "squid-denied", "upgrade-refused")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("queries")
    for name in RUNS:
        golden(name, place / "runs" / name, only=["capture.pcapng"])
    judge(place / "runs", place / "fleet", form="parquet")
    return place


@pytest.mark.parametrize(("title", "query"), QUERIES, ids=[title for title, _ in QUERIES])
def test_a_query_on_the_page_finds_something(
    title: str, query: str, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(place)
    assert duckdb.connect().sql(query).fetchall(), title


def test_duckdb_counts_what_the_tables_hold(place: Path) -> None:
    runs = len(list(Store.opened(place / "fleet").rows("runs")))
    pattern = f"{place}/fleet/runs/*/*.parquet"
    query = "SELECT count(*) FROM read_parquet(?)"
    assert duckdb.connect().execute(query, [pattern]).fetchall() == [(runs,)]
