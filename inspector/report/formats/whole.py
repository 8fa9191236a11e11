"""A whole report as JSON, and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from inspector.model.report import CONCLUSIONS, SCHEMA, Report
from inspector.report.formats.json import pieces, to_plain
from inspector.report.formats.loading import NotAReport, load
from inspector.report.formats.stable import stable_part

__all__ = ["NotAReport", "as_dict", "as_json", "from_dict", "stable_part"]


def as_dict(report: Report) -> dict[str, Any]:
    """The report as dicts, lists and scalars, as its JSON reads."""
    return to_plain(report, several_files=len(report.captures) > 1)


def as_json(report: Report) -> bytes:
    """The report as UTF-8 JSON, one list item a line."""
    return b"".join(pieces(report))


def from_dict(plain: Mapping[str, Any]) -> Report:
    """The report that `as_dict` or a JSON parser gave.

    Names that this version does not know are passed over, as the format may grow.  A report in
    which a section of `CONCLUSIONS` is absent has no `hypotheses`: what it does not tell was
    never looked for.  Raises `NotAReport` for anything else.
    """
    report = load(Report, plain)
    if report.schema != SCHEMA:
        raise NotAReport(f"$.schema is not {SCHEMA}")
    if not all(name in plain for name in CONCLUSIONS):
        report = replace(report, hypotheses=())
    return report
