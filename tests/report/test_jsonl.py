from __future__ import annotations

import io
import json
from dataclasses import replace
from typing import Any

from inspector.model.report import Report
from inspector.report.formats.jsonl import JsonLines


def _lines(out: io.BytesIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_each_line_says_what_it_holds_and_the_report_comes_last(
    report: Report, example: dict[str, Any]
) -> None:
    out = io.BytesIO()
    lines = JsonLines(out, several_files=False)
    for exchange in report.exchanges:
        lines.exchange(exchange)
    for tunnel in report.tunnels:
        lines.tunnel(tunnel)
    lines.finish(report)
    written = _lines(out)
    assert [line["exchange"] for line in written[:5]] == example["exchanges"]
    assert [line["tunnel"] for line in written[5:10]] == example["tunnels"]
    rest = {n: v for n, v in example.items() if n not in ("exchanges", "tunnels")}
    assert written[10:] == [{"report": rest}]


def test_what_was_learned_later_is_written_again_under_the_same_id(report: Report) -> None:
    out = io.BytesIO()
    lines = JsonLines(out, several_files=False)
    relaying = report.exchanges[3]
    lines.exchange(replace(relaying, relays=None))
    lines.exchange(report.exchanges[0])
    lines.finish(report)
    written = [line["exchange"] for line in _lines(out) if "exchange" in line]
    assert [(e["id"], e["relays"]) for e in written if e["id"] == "e4"] == [
        ("e4", None),
        ("e4", "e3"),
    ]
    assert sorted(e["id"] for e in written) == ["e1", "e2", "e3", "e4", "e4", "e5"]
