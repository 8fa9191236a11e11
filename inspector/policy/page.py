"""A judgement as a page for people."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from rich.console import RenderableType
from rich.text import Text

from inspector.errors import ExitCode, plain_parts
from inspector.model.report import Report
from inspector.policy.hearing import Remark
from inspector.policy.judge import Judgement
from inspector.policy.model import Ignore
from inspector.report.page import words
from inspector.report.page.escape import clipped
from inspector.report.page.layout import STYLES, printed, table
from inspector.report.page.verdicts import where
from inspector.report.page.view import View

#: What each verdict is called, and how it looks.
VERDICTS: Final = {
    ExitCode.DONE: ("KEPT", "complete"),
    ExitCode.BROKEN: ("BROKEN", "incomplete"),
    ExitCode.NOT_PROVEN: ("NOT PROVEN", "unknown"),
}
NOTHING: Final = "nothing was judged: no call to an API is in the capture"


def page(
    judgement: Judgement, report: Report, *, of: str = "", width: int = 80, color: bool = False
) -> str:
    """One line for the verdict, and one for each reason.  All captured text is escaped.

    `of` names the run, where several are judged.
    """
    return printed(_blocks(judgement, report, of), width=width, color=color)


def _blocks(judgement: Judgement, report: Report, of: str) -> Iterator[RenderableType]:
    word, style = VERDICTS[judgement.verdict]
    run = f"{clipped(of, words.CELL)}: " if of else ""
    title = Text(f"{run}policy {clipped(judgement.policy, words.CELL)}: ")
    title.append(word, STYLES[style])
    if judgement.exit_code is not judgement.verdict:
        title.append("   the policy lets this pass", STYLES["unknown"])
    if judgement.about_nothing:
        title.append(f"   {NOTHING}", STYLES["unknown"])
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
        yield "broken", "bad", _named(remark), told(remark, "found ")
    if judgement.when_not_proven != "pass":
        for remark in judgement.doubts:
            yield "not proven", "unknown", _named(remark), told(remark, "")
    for remark in judgement.remarked:
        yield remark.level, "default", _named(remark), told(remark, "found ")
    if judgement.out_of_scope:
        many = words.count(judgement.out_of_scope, "connection")
        yield "left out", "default", "scope", f"{many} of other networks (--scope all judges them)"
    for kind, verb, ignores in (
        ("ignored", "until", judgement.ignored),
        ("expired", "since", judgement.expired),
    ):
        for ignore in ignores:
            yield kind, "default", clipped(ignore.of, words.CELL), _why(ignore, verb)


def _why(ignore: Ignore, verb: str) -> str:
    reason = clipped(plain_parts(ignore.reason), words.MESSAGE)
    return reason if ignore.expires is None else f"{verb} {ignore.expires.isoformat()}: {reason}"


def _named(remark: Remark) -> str:
    return clipped(remark.name, words.CELL) if remark.name else remark.provider


def told(remark: Remark, verb: str) -> str:
    """What was expected and what is there, in escaped text; `verb` stands before the latter."""
    place = f" ({words.some(remark.where)})" if remark.where else ""
    expected = clipped(remark.expected, words.MESSAGE)
    return f"expected {expected}; {verb}{clipped(remark.found, words.MESSAGE)}{place}"
