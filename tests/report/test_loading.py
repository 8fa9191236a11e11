from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from inspector.model.report import Report
from inspector.report.formats.loading import NotAReport
from inspector.report.formats.whole import from_dict

Spoil = Callable[[dict[str, Any]], object]


def test_names_of_a_later_version_are_passed_over(report: Report, example: dict[str, Any]) -> None:
    example["later"] = [{"id": "x1"}]
    example["exchanges"][0]["request"]["process"] = "node"
    assert from_dict(example) == report


def test_a_field_with_a_default_may_be_missing(example: dict[str, Any]) -> None:
    del example["connections"][0]["zero_windows"]
    assert from_dict(example).connections[0].zero_windows == 0


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda r: r.pop("clients"), r"\$\.clients is missing"),
        (lambda r: r.update(schema="other/1"), r"\$\.schema is not inspector.report/2"),
        (lambda r: r.update(tunnels={}), r"\$\.tunnels is no list"),
        (lambda r: r.update(topology=[]), r"\$\.topology is no object"),
        (lambda r: r["topology"].update(providers=[]), r"\$\.topology\.providers is no object"),
        (lambda r: r["topology"].update(scope="moon"), r"scope is none of subnet, all"),
        (lambda r: r["exchanges"][0].update(id=None), r"\$\.exchanges\[0\]\.id is null"),
        (lambda r: r["exchanges"][0].update(id=7), r"\$\.exchanges\[0\]\.id is no str"),
        (lambda r: r["connections"][0].update(packet=True), r"packet is no packet number"),
        (lambda r: r["connections"][0].update(packet="x:1"), r"packet is no packet number"),
        (lambda r: r["connections"][0].update(opened_at="today"), r"is no RFC 3339 time"),
        (
            lambda r: r["connections"][0].update(opened_at="2026-02-30T00:00:00Z"),
            r"is no date of the calendar",
        ),
        (
            lambda r: r["exchanges"][0]["request"].update(headers=[["a", "b", "c"]]),
            r"headers\[0\] is no list of 2",
        ),
    ],
)
def test_what_does_not_fit_is_named_by_its_path(
    example: dict[str, Any], spoil: Spoil, said: str
) -> None:
    spoil(example)
    with pytest.raises(NotAReport, match=said):
        from_dict(example)


def test_an_array_is_no_report() -> None:
    with pytest.raises(NotAReport, match=r"\$ is no object"):
        from_dict([])  # type: ignore[arg-type]
