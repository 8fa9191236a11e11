"""Exchanges as flat rows, and the database that reads them."""

from __future__ import annotations

import io
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pytest

from inspector import inspect
from inspector.artifacts import write_artifacts
from inspector.model.network import Process
from inspector.model.report import Report
from inspector.options import Options
from inspector.report.formats.rows import COLUMNS, write_rows
from tools.docs import artifacts as docs

ROOT = Path(__file__).parent.parent.parent
CAPTURES = ROOT / "captures"
OPENED = CAPTURES / "h4-401-inside-tunnel"
KEYS = Options(finds_keys=True)
KINDS: dict[str, type | tuple[type, ...]] = {
    "text": str,
    "time": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
}


def rows_of(report: Report) -> list[dict[str, Any]]:
    out = io.BytesIO()
    write_rows(report, out)
    return [json.loads(line) for line in out.getvalue().splitlines()]


@pytest.mark.parametrize("name", ["h4-401-inside-tunnel", "websocket", "mid-stream-start"])
def test_every_row_has_every_column_and_each_cell_is_of_its_kind(name: str) -> None:
    rows = rows_of(inspect(CAPTURES / name, options=KEYS))
    assert rows
    for row in rows:
        assert list(row) == [column.name for column in COLUMNS]
        for column in COLUMNS:
            cell = row[column.name]
            assert cell is None or isinstance(cell, KINDS[column.kind]), column.name


def test_each_column_is_filled_by_some_report(report: Report) -> None:
    filled = {name for row in rows_of(report) for name, cell in row.items() if cell is not None}
    for name in ("h4-401-inside-tunnel", "healthy-sse"):
        for row in rows_of(inspect(CAPTURES / name, options=KEYS)):
            filled |= {column for column, cell in row.items() if cell is not None}
    assert {column.name for column in COLUMNS} - filled == {"recovered_by", "process", "container"}


def test_a_live_captures_process_stands_in_the_rows_of_its_connection() -> None:
    report = inspect(CAPTURES / "healthy-json")
    [call] = report.exchanges[:1]
    who = Process(pid=7, comm="curl", container="awf-agent")
    known = tuple(
        replace(each, client_process=who if each.id == call.connection else None)
        for each in report.connections
    )
    row, *others = rows_of(replace(report, connections=known))
    assert (row["process"], row["container"]) == ("curl", "awf-agent")
    assert all(other["process"] is None for other in others)


def test_all_legs_of_a_call_share_it_and_the_call_has_its_tunnel() -> None:
    rows = {row["id"]: row for row in rows_of(inspect(OPENED, options=KEYS))}
    assert (rows["e1"]["call"], rows["e2"]["call"]) == ("e1", "e1")
    assert (rows["e1"]["carried_by"], rows["e1"]["answered_by"]) == ("t1", "upstream")
    assert (rows["e2"]["tunnel"], rows["e2"]["carried_by"]) == ("t1", None)
    assert rows["e1"]["auth_headers"] == "x-api-key"
    assert rows["e1"]["auth_kinds"] == "placeholder"


def test_a_leg_through_the_forward_proxy_is_of_its_call() -> None:
    rows = rows_of(inspect(CAPTURES / "through-squid-absolute"))
    relayed = [row for row in rows if row["call"] != row["id"]]
    assert relayed
    assert all(row["call"] in {other["id"] for other in rows} for row in relayed)


def test_what_is_not_known_is_null() -> None:
    report = inspect(CAPTURES / "healthy-json")
    exchange = replace(report.exchanges[0], timing=None)
    [unasked] = rows_of(replace(report, exchanges=(replace(exchange, request=None),)))
    assert unasked["method"] is unasked["auth_headers"] is unasked["last_byte_ms"] is None
    [unanswered] = rows_of(replace(report, exchanges=(replace(exchange, response=None),)))
    assert unanswered["status"] is unanswered["answered_at"] is unanswered["first_byte_ms"] is None


def test_duckdb_reads_the_file_as_the_page_says(tmp_path: Path) -> None:
    report = inspect(CAPTURES / "issue-1527")
    write_artifacts(report, tmp_path, names=["exchanges.jsonl"]).complain()
    page = docs.PAGE.read_text(encoding="utf-8")
    [query] = re.findall(r"```sql\n(.*?)```", page, re.DOTALL)
    with duckdb.connect() as database:
        found = database.execute(
            query.replace("exchanges.jsonl", str(tmp_path / "exchanges.jsonl"))
        ).fetchall()
        described = database.execute(
            f"describe select * from '{tmp_path / 'exchanges.jsonl'}'"
        ).fetchall()
    failed = [e for e in report.exchanges if e.response is None or e.response.status >= 400]
    assert found
    assert sum(row[3] for row in found) == len(failed)
    types = {name: kind for name, kind, *_ in described}
    assert types["started_at"].startswith("TIMESTAMP")
    assert types["client_port"] == "BIGINT"


def test_the_page_of_artifacts_is_made_from_the_tables() -> None:
    page = docs.PAGE.read_text(encoding="utf-8")
    assert page == docs.artifacts_page(), "run: python -m tools.docs.artifacts"
