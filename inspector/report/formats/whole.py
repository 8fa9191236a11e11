"""A whole report as JSON, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from inspector.fact import Fact, replace
from inspector.model.report import CONCLUSIONS, READABLE_MAJORS, SCHEMA, Report
from inspector.regex import regex
from inspector.report.formats.json import pieces, to_plain
from inspector.report.formats.loading import NotAReport, Notes, load
from inspector.report.formats.stable import stable_part

__all__ = [
    "NotAReport", "ReadReport", "as_dict", "as_json", "from_dict", "read_dict", "stable_part",
]  # fmt: skip

#: MAJOR, and the MINOR that formats before 2 did not state.
_FORMAT: Final = regex(r"inspector\.report/([1-9][0-9]{0,8})(?:\.(?:0|[1-9][0-9]{0,8}))?")


def as_dict(report: Report) -> dict[str, Any]:
    """The report as dicts, lists and scalars, as its JSON reads."""
    return to_plain(report, several_files=len(report.captures) > 1)


def as_json(report: Report) -> bytes:
    """The report as UTF-8 JSON, one list item a line."""
    return b"".join(pieces(report))


class ReadReport(Fact):
    """A report that was read, and what of it this version does not know."""

    report: Report
    unknown: tuple[tuple[str, str], ...]
    """(enumeration, member) of open enumerations: taken as they stand, and known nowhere."""


def from_dict(plain: Mapping[str, Any]) -> Report:
    """The report that `as_dict` or a JSON parser gave; see `read_dict`."""
    return read_dict(plain).report


def read_dict(plain: Mapping[str, Any]) -> ReadReport:
    """The report that `as_dict` or a JSON parser gave, of any readable MAJOR and any MINOR.

    Names that this version does not know are passed over, as the format may grow.  A report in
    which a section of `CONCLUSIONS` is absent has no `hypotheses`: what it does not tell was
    never looked for.  What comes of it is a report of the present format.  Raises `NotAReport`
    for anything else.
    """
    _check_format(plain)
    notes = Notes()
    report = replace(load(Report, plain, notes=notes), schema=SCHEMA)
    if not all(name in plain for name in CONCLUSIONS):
        report = replace(report, hypotheses=())
    added = {("Provider", row.name) for row in report.topology.added}
    added |= {
        ("CredentialKind", kind) for row in report.topology.added for kind, _ in row.key_prefixes
    }
    return ReadReport(report, tuple(each for each in notes.unknown if each not in added))


def _check_format(plain: object) -> None:
    """Raise `NotAReport` if a version is stated that cannot be read."""
    if not isinstance(plain, Mapping):
        raise NotAReport("$ is no object")
    stated = plain.get("schema", SCHEMA)
    match = _FORMAT.fullmatch(stated) if isinstance(stated, str) else None
    if match is None:
        raise NotAReport(f"$.schema is not {SCHEMA}, or another version of it")
    if int(match[1]) not in READABLE_MAJORS:
        majors = " and ".join(map(str, READABLE_MAJORS))
        raise NotAReport(f"$.schema is of version {match[1]}, and this program reads {majors}")
