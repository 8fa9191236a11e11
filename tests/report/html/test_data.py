"""What the page's script is given: all of a report that it draws, compactly."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from inspector import inspect
from inspector.model.report import Report
from inspector.options import Options
from inspector.report.html import data as data_module
from inspector.report.html.data import FIELDS, TEXT, Pool, page_data, script_safe
from inspector.report.page.view import View
from tests.report.html.pages import rows_of

CAPTURES = Path(__file__).parent.parent.parent.parent / "captures"


@pytest.fixture(scope="module")
def opened() -> Report:
    return inspect(CAPTURES / "h4-401-inside-tunnel", options=Options(finds_keys=True))


def test_every_exchange_and_tunnel_has_a_row_of_named_columns(opened: Report) -> None:
    data = page_data(View(opened))
    assert len(rows_of(data, "exchanges")) == len(opened.exchanges)
    assert len(rows_of(data, "tunnels")) == len(opened.tunnels)
    for ladder in rows_of(data, "ladders"):
        for step in ladder["steps"]:
            assert len(step) == len(data["columns"]["steps"])


def test_headers_are_those_of_the_report_in_their_order(opened: Report) -> None:
    data = page_data(View(opened))
    row = rows_of(data, "exchanges")[1]
    texts = [data["texts"][number] for number in row["sent"]]
    assert opened.exchanges[1].request is not None
    assert texts == [part for field in opened.exchanges[1].request.headers for part in field]
    assert [data["texts"][n] for n in row["authNames"]] == ["x-api-key"]


def test_times_are_microseconds_after_the_captures_beginning(opened: Report) -> None:
    data = page_data(View(opened))
    [first, *_] = rows_of(data, "exchanges")
    assert opened.captures[0].started_at is not None
    assert opened.exchanges[0].request is not None
    after = opened.exchanges[0].request.started_at - opened.captures[0].started_at
    assert first["sentAt"] == after // 1000


def test_a_text_is_held_once_cut_and_escaped() -> None:
    pool = Pool()
    assert pool("same") == pool("same") == 0
    assert pool(None) is None
    assert pool("x\x1b\u202e") == 1
    assert pool("y" * 9 * TEXT) == 2
    assert pool.texts[:2] == ["same", r"x\x1b\u202e"]
    assert len(pool.texts[2]) == TEXT


def test_a_message_of_a_thousand_fields_gives_the_first_ones(opened: Report) -> None:
    exchange = opened.exchanges[0]
    assert exchange.request is not None
    request = replace(exchange.request, headers=(("a", "b"),) * 1000)
    data = page_data(View(replace(opened, exchanges=(replace(exchange, request=request),))))
    assert len(rows_of(data, "exchanges")[0]["sent"]) == 2 * FIELDS


def test_what_does_not_fit_on_a_page_is_counted(
    opened: Report, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(data_module, "SHOWN", 3)
    data = page_data(View(opened))
    assert (len(data["exchanges"]), data["left"]["exchanges"]) == (3, 5)
    assert (len(data["tunnels"]), data["left"]["tunnels"]) == (3, 1)
    assert len(data["ladders"]) == 3


def test_json_in_a_script_has_no_angle_bracket_and_reads_the_same() -> None:
    data = {"a": "</script><!-- <script>", "b": "\u2028<"}
    text = script_safe(data)
    assert "<" not in text
    assert json.loads(text) == data


def test_an_exchange_costs_less_than_a_kilobyte_where_headers_repeat() -> None:
    report = inspect(CAPTURES / "keep-alive-50")
    data = script_safe(page_data(View(report)))
    assert len(data) < 1000 * len(report.exchanges)
