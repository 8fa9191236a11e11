"""The schema: one record a table, the same in Parquet, in JSON Lines and on its page."""

from __future__ import annotations

import pytest

from inspector.fleet.arrow import arrow_schema
from inspector.fleet.tables import TABLES, empty_row
from tools.docs import fleet_tables


def test_the_page_of_the_tables_is_that_of_the_records() -> None:
    assert fleet_tables.PAGE.read_text(encoding="utf-8") == fleet_tables.page(), (
        "run: python -m tools.docs.fleet_tables"
    )


@pytest.mark.parametrize("table", TABLES)
def test_an_empty_row_has_the_columns_of_its_record(table: str) -> None:
    assert list(empty_row(TABLES[table])) == list(TABLES[table].__dataclass_fields__)


@pytest.mark.parametrize("table", TABLES)
def test_every_column_of_parquet_is_a_field(table: str) -> None:
    assert arrow_schema(TABLES[table]).names == list(TABLES[table].__dataclass_fields__)


def test_every_row_names_its_run() -> None:
    assert all("key" in kind.__dataclass_fields__ for kind in TABLES.values())
