"""The report as Markdown, for the step summary of a GitHub Actions run.

Captured text is told in a page that others may look at with their rights:
every character that Markdown or HTML could act on becomes a reference
(CommonMark 6.2: a reference never takes the place of a structural symbol), and
stands in `<code>`, where GitHub makes neither links nor mentions.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import BinaryIO, Final

from inspector.model.report import Report
from inspector.regex import regex
from inspector.report.drawing import Drawings
from inspector.report.page import words
from inspector.report.page.clients import Sent, sent
from inspector.report.page.escape import clipped, defused, visible
from inspector.report.page.headline import counts, headline
from inspector.report.page.inside import inside_rows, reading
from inspector.report.page.mermaid import sequence
from inspector.report.page.numbers import provider_rows
from inspector.report.page.tunnels import tunnel_rows
from inspector.report.page.verdicts import finding_rows, told_together, verdict_rows
from inspector.report.page.view import View

#: Longest summary in bytes.  GitHub silently drops a step's summary beyond 1 MiB.
LIMIT: Final = 900_000

#: Rows of one table, and lines in one of its cells.
_ROWS: Final = 50
_LINES: Final = 8

#: What Markdown, HTML or GitHub's links to bare addresses (`http://`, `www.`) could act on.
_ACTIVE: Final = regex(
    r"[^A-Za-z0-9 ,;/=%\"'?().:+\-\u00a1-\U0010ffff]|:(?=//)|(?<=www)\.", re.IGNORECASE
)
_CUT: Final = "\n\n_The summary is cut here; report.json has all of it._\n"


def escaped(text: str) -> str:
    """`text` (of any origin) as Markdown that shows it and does nothing else."""
    return _ACTIVE.sub(_reference, visible(text))


def code(text: str) -> str:
    """The same in a fixed pitch, where GitHub makes no links and no mentions."""
    return "<br>".join(f"<code>{_ACTIVE.sub(_reference, line)}</code>" for line in _lines(text))


def render(report: Report, limit: int | None = None) -> str:
    """The summary: cause, verdicts, what was sent, tunnels, findings.

    At most `limit` bytes, by default `LIMIT`.
    """
    left = (LIMIT if limit is None else limit) - len(_CUT)
    kept = []
    for piece in _pieces(View(report)):
        left -= len(piece.encode("utf-8", "backslashreplace"))
        if left < 0:
            kept.append(_CUT)
            break
        kept.append(piece)
    return defused("".join(kept))


def write_summary(report: Report, out: BinaryIO) -> None:
    """Write the summary into an open file."""
    out.write(render(report).encode("utf-8", "backslashreplace"))


def _pieces(view: View) -> Iterator[str]:
    report = view.report
    head = headline(view)
    if head.code is not None:
        yield f"### inspector: cause {code(head.code)} {_prose(head.explains)}\n\n"
        yield f"**{_prose(head.sentence)}**\n\n"
        yield from (f"- {_prose(detail)}\n" for detail in head.details)
        yield from (f"- **{label}:** {_prose(said)}\n" for label, said in head.remarks)
        yield f"\n{_prose(counts(view))}\n\n"
    else:
        yield f"### inspector: {_prose(head.sentence)}\n\n"
        yield from (f"- {_prose(detail)}\n" for detail in head.details)
        yield from (f"- **{label}:** {_prose(said)}\n" for label, said in head.remarks)
        yield "\n" if head.details or head.remarks else ""
    yield from _picture(view)
    names = words.some([capture.name for capture in report.captures]) or "no capture"
    verdict = report.completeness.verdict.upper()
    yield f"{code(clipped(names, 300))}, {words.count(report.completeness.packets, 'packet')}, "
    yield f"capture **{verdict}**\n\n"
    if view.copied is not None:
        yield f"{_prose(view.copied)}.\n\n"
    if view.merged is not None:
        yield f"{_prose(view.merged)}.\n\n"
    if view.apart is not None:
        yield f"{_prose(view.apart)}.\n\n"
    yield from (f"{_prose(note)}.\n\n" for note in view.about_logs)
    lacking = report.completeness.because[:_ROWS]
    yield from (f"- {_prose(clipped(why, 300))}\n" for why in lacking)
    yield from _table(
        "What was looked for",
        ("", "question", "verdict", "because"),
        (
            (row.id, row.label, f"**{row.verdict}**", _prose(row.because))
            for row in told_together(verdict_rows(view))
        ),
    )
    yield from _table(
        "What was sent",
        ("client", "service", "answered", "calls", "auth headers"),
        map(_sent_cells, sent(view)),
    )
    yield from _table(
        "How long it took: calls that were seen whole and answered with success",
        ("provider", "of", "first byte", "last byte", "tokens", "models"),
        (
            (
                code(row.provider),
                row.calls,
                row.first_byte,
                row.last_byte,
                row.tokens,
                code(row.models),
            )
            for row in provider_rows(view)
        ),
    )
    yield from _table(
        'Tunnels: 200 means "tunnel opened", never "API answered"',
        ("opened by", "authority", "CONNECT", "TLS", "carries"),
        (
            tuple(map(code, (row.opened_by, row.authority, row.connect, row.tls, row.carries)))
            for row in tunnel_rows(view)
        ),
    )
    read = reading(view)
    if read is not None:
        yield f"{_prose(read)}.\n\n"
        yield from _table(
            "Inside TLS",
            ("client sent", "upstream got", "status", "in"),
            (
                (
                    *map(code, ("\n".join(row.sent), "\n".join(row.got))),
                    row.answers,
                    code(row.calls),
                )
                for row in inside_rows(view)
            ),
        )
    yield from _table(
        "Findings",
        ("severity", "code", "what", "where", "advice"),
        (
            (
                row.severity,
                code(f"{row.code} x{row.count}"),
                _prose(row.title),
                code(row.where),
                _prose(row.advice),
            )
            for row in finding_rows(view)
        ),
    )


def _picture(view: View) -> Iterator[str]:
    """The first failed call as a sequence diagram, which GitHub draws."""
    failed = next((call for group in view.page.failures for call in group), None)
    if failed is not None:
        ladder = Drawings(view).of(failed.id)
        yield f"The first failed call, {code(ladder.id)} {code(ladder.title)}:\n\n"
        yield f"```mermaid\n{sequence(ladder)}```\n\n"


def _sent_cells(block: Sent) -> tuple[str, ...]:
    asked = [
        f"{row.what} {row.steering} ({words.some(row.ids)})".replace("  ", " ")
        for row in block.asked
    ]
    auth = [f"{row.header}: {row.credential} {row.remark}".rstrip() for row in block.auth]
    return (
        code(f"{block.who}\n{block.where}"),
        code(block.service),
        "<br>".join(_prose(each) for each in (block.answers, block.numbers) if each),
        code("\n".join(asked)),
        code("\n".join(auth)) if auth else "not known" if block.unread else "**none**",
    )


def _table(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """A heading and a table, a row a piece; nothing without rows."""
    more = 0
    for number, row in enumerate(rows):
        if not number:
            yield f"\n#### {_prose(title)}\n\n| {' | '.join(columns)} |\n"
            yield f"|{'---|' * len(columns)}\n"
        if number < _ROWS:
            yield f"| {' | '.join(row)} |\n"
        else:
            more += 1
    if more:
        yield f"\n... {more} more in report.json\n"


def _lines(text: str) -> list[str]:
    lines = text.split("\n")
    more = len(lines) - _LINES
    return [*lines[:_LINES], f"+{more} more"] if more > 0 else lines


def _prose(text: str) -> str:
    """A sentence that was escaped for a terminal already."""
    return _ACTIVE.sub(_reference, text)


def _reference(character: re.Match[str]) -> str:
    # GitHub looks for mentions in rendered text: an @ of its own is none.
    reference = f"&#{ord(character[0])};"
    return f"<span>{reference}</span>" if character[0] == "@" else reference
