"""The report as a page for people: the answer first, each number with where to look.

`render` gives text and touches no terminal.  Cells are rich `Text` objects,
never markup, and all captured text passes `escape.visible` before.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from rich.console import RenderableType
from rich.text import Text

from inspector.model.report import Report
from inspector.report.page import blocks, words
from inspector.report.page import tables as details
from inspector.report.page.clients import sent
from inspector.report.page.headline import counts, headline
from inspector.report.page.inside import inside
from inspector.report.page.layout import STYLES, printed
from inspector.report.page.tunnels import tunnel_rows
from inspector.report.page.verdicts import finding_rows, verdict_rows
from inspector.report.page.view import View
from inspector.report.selecting import Selection, select

#: Rows of one table on the first page.
ROWS: Final = 8
#: The same with -v: nobody reads more, and a run of days has a hundred thousand.
MOST_ROWS: Final = 500


def render(
    report: Report,
    *,
    width: int = 80,
    color: bool = False,
    verbosity: int = 0,
    limit: int | None = None,
    selection: Selection | None = None,
) -> str:
    """The page, at most `width` columns wide, with ANSI colours if `color`.

    Verbosity 0 is one screen; 1 adds every exchange, every tunnel and what is
    behind the conclusions.  `limit` is how many rows a table has at most, 0 for all; None: 8, and
    500 of a verbose page.  With a `selection` the page shows these calls alone, and says so; what
    it concludes is of the whole run.  The text holds no control character but line ends (and
    colours).
    """
    verbose = verbosity > 0
    usual = MOST_ROWS if verbose else ROWS
    rows = usual if limit is None else limit or None
    whole = View(report)
    if not selection:
        blocks = _blocks(whole, whole, width, verbose, rows)
    else:
        selected = select(report, selection)
        blocks = _blocks(
            whole, View(selected.report), width, verbose, rows, said=f"{selected.sentence}."
        )
    return printed(blocks, width=width, color=color)


def _blocks(
    whole: View, view: View, width: int, verbose: bool, rows: int | None, said: str = ""
) -> Iterable[RenderableType]:
    """The page of `view`, with what is concluded of the `whole`."""
    yield _title(whole, width)
    if said:
        yield Text(said, STYLES["unknown"])
    if view.copied is not None:
        yield Text(f"{view.copied}.")
    if view.merged is not None:
        yield Text(f"{view.merged}.")
    if view.apart is not None:
        yield Text(f"{view.apart}.")
    for note in view.about_logs:
        yield Text(f"{note}.", STYLES["unknown"])
    yield Text("-" * width, STYLES["rule"])
    yield from blocks.headline_block(headline(whole))
    yield from blocks.sent_blocks(sent(view), rows)
    tunnels = tunnel_rows(view)
    if tunnels:
        yield from blocks.tunnel_block(tunnels, rows)
    if not said or tunnels:
        yield from inside(view, rows)
    yield from details.direct_tls(view, rows)
    verdicts = verdict_rows(whole)
    if verdicts:
        yield from blocks.verdict_block(verdicts, further=verbose)
    findings = finding_rows(whole, "note" if verbose else "warning")
    if findings:
        yield from blocks.finding_block(findings, rows)
    explained = _explains_all(whole)
    if verbose or said or not explained:
        yield from details.failures(view, rows)
    if verbose:
        yield from _more(whole, view, rows)
    if verbose or not details.is_plain(whole):
        yield from details.capture(whole)
    yield from details.logs(whole)
    yield from details.live(whole, verbose=verbose)
    if not verbose:
        yield from _left_out(view)


def _more(whole: View, view: View, rows: int | None) -> Iterable[RenderableType]:
    if whole.report.root_cause is not None:
        yield Text(f"{counts(whole)}\n")
    yield from details.ruled_out(whole)
    yield from details.providers(view)
    if whole is view:
        yield from details.silent(view, rows)
    yield from details.every_tunnel(view, rows)
    yield from details.every_exchange(view, rows)
    yield from details.oddities(whole, rows)


def _explains_all(view: View) -> bool:
    """Whether the page's first block tells why every failed call failed."""
    cause = view.report.root_cause
    return cause is not None and cause.explains == cause.of


def _title(view: View, width: int) -> Text:
    report = view.report
    verdict = report.completeness.verdict
    length = view.length()
    parts = [] if length is None else [words.duration(length)]
    parts += [words.count(report.completeness.packets, "packet"), "capture "]
    facts = "".join(f"   {part}" for part in parts)
    free = width - len("inspector  " + facts + verdict)
    names = [capture.name for capture in report.captures]
    shown = f"{len(names)} files" if len(names) > 1 else "".join(names)
    line = Text("inspector", STYLES["title"])
    line.append(f"  {words.file_name(shown, max(free, 12))}{facts}", "default")
    line.append(verdict.upper(), STYLES[verdict])
    return line


def _left_out(view: View) -> Iterable[RenderableType]:
    """Nothing is left out in silence."""
    report = view.report
    notes = sum(finding.severity == "note" for finding in report.findings)
    wordless = [c for group in view.page.silent for c in group]
    silent = sum(not (c.bytes_up or c.bytes_down) for c in wordless)
    kinds = (
        (len(report.exchanges), "exchange"),
        (notes, "note"),
        (silent, "silent connection"),
        (len(wordless) - silent, "connection", " without HTTP or TLS"),
        (len(report.oddities), "kind", " of oddity"),
    )
    told = [words.count(number, noun) + "".join(of) for number, noun, *of in kinds if number]
    if told:
        yield Text(f"More with -v: {', '.join(told)}", STYLES["rule"])
