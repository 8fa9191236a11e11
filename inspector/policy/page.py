"""A judgement as a page for people, and as plain values for JSON."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from rich.console import RenderableType
from rich.text import Text

from inspector.errors import ExitCode
from inspector.model.report import Report
from inspector.policy.judge import Judgement, Remark
from inspector.report.page import words
from inspector.report.page.escape import clipped
from inspector.report.page.layout import STYLES, printed, table
from inspector.report.page.verdicts import where
from inspector.report.page.view import View

_VERDICTS: Final = {
    ExitCode.DONE: ("KEPT", "complete"),
    ExitCode.BROKEN: ("BROKEN", "incomplete"),
    ExitCode.NOT_PROVEN: ("NOT PROVEN", "unknown"),
}


_NOTHING: Final = "nothing was judged: no call to an API is in the capture"


def page(judgement: Judgement, report: Report, *, width: int = 80, color: bool = False) -> str:
    """One line for the verdict, and one for each reason.  All captured text is escaped."""
    return printed(_blocks(judgement, report), width=width, color=color)


def _blocks(judgement: Judgement, report: Report) -> Iterator[RenderableType]:
    word, style = _VERDICTS[judgement.exit_code]
    title = Text(f"policy {clipped(judgement.policy, words.CELL)}: ")
    title.append(word, STYLES[style])
    if judgement.about_nothing:
        title.append(f"   {_NOTHING}", STYLES["unknown"])
    yield title
    grid = table("", "", "", header=False)
    for kind, look, of, said in _rows(judgement, View(report)):
        grid.add_row(Text(f"  {kind}", STYLES[look]), of, said)
    if grid.row_count:
        yield grid


def _rows(judgement: Judgement, view: View) -> Iterator[tuple[str, str, str, str]]:
    for finding in judgement.findings:
        title = clipped(finding.title, words.MESSAGE)
        code = f"{clipped(finding.code, words.CELL)} x{finding.count}"
        yield finding.severity, "bad", code, f"{title} ({where(view, finding)})"
    for remark in judgement.broken:
        yield "broken", "bad", remark.provider, _told(remark, "found ")
    for remark in judgement.doubts:
        yield "not proven", "unknown", remark.provider, _told(remark, "")
    if judgement.out_of_scope:
        many = words.count(judgement.out_of_scope, "connection")
        yield "left out", "default", "scope", f"{many} of other networks (--scope all judges them)"
    for kind, ignores in (("ignored", judgement.ignored), ("expired", judgement.expired)):
        for ignore in ignores:
            reason = clipped(ignore.reason, words.MESSAGE)
            until = "until" if kind == "ignored" else "since"
            code = clipped(ignore.code, words.CELL)
            yield kind, "default", code, f"{until} {ignore.expires.isoformat()}: {reason}"


def _told(remark: Remark, verb: str) -> str:
    place = f" ({words.some(remark.where)})" if remark.where else ""
    expected = clipped(remark.expected, words.MESSAGE)
    return f"expected {expected}; {verb}{clipped(remark.found, words.MESSAGE)}{place}"


def plain(judgement: Judgement) -> dict[str, Any]:
    """The judgement for JSON; findings by their code, as the report has the rest."""

    def remarks(items: tuple[Remark, ...]) -> list[dict[str, Any]]:
        return [
            {
                "provider": remark.provider,
                "expected": remark.expected,
                "found": remark.found,
                "where": list(remark.where),
            }
            for remark in items
        ]

    return {
        "policy": judgement.policy,
        "verdict": _VERDICTS[judgement.exit_code][0].lower(),
        "exit_code": judgement.exit_code,
        "fail_on": judgement.fail_on,
        "calls": judgement.calls,
        "out_of_scope": judgement.out_of_scope,
        "nothing_judged": _NOTHING if judgement.about_nothing else None,
        "findings": [
            {"code": f.code, "severity": f.severity, "count": f.count} for f in judgement.findings
        ],
        "broken": remarks(judgement.broken),
        "not_proven": remarks(judgement.doubts),
        "ignored": [i.code for i in judgement.ignored],
        "expired": [i.code for i in judgement.expired],
    }
