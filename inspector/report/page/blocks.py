"""The first screen's blocks as rich draws them: cause, what was sent, tunnels, verdicts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from rich.console import RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from inspector.model.conclusions import HypothesisVerdict, Severity
from inspector.report.page import words
from inspector.report.page.clients import Sent, folded
from inspector.report.page.headline import Headline
from inspector.report.page.layout import STYLES, Rows, notes, table
from inspector.report.page.tunnels import TunnelRow
from inspector.report.page.verdicts import FindingRow, VerdictRow, told_together

#: Calls of one client that differ in target or version, on the first screen.
_ASKED: Final = 3
#: Values of one auth header of one client, on the first screen.
_VALUES: Final = 4

_VERDICTS: Final[Mapping[HypothesisVerdict, str]] = {
    "confirmed": "bad",
    "refuted": "default",
    "not observable": "unknown",
    "no traffic": "rule",
}
_SEVERITIES: Final[Mapping[Severity, str]] = {
    "error": "bad",
    "warning": "unknown",
    "note": "default",
}

_INDENT: Final = (0, 0, 0, 2)


def headline_block(head: Headline) -> Iterable[RenderableType]:
    """CAUSE and its story; or the one sentence that stands in its place."""
    if head.code is None:
        yield Text(head.sentence, STYLES["answer"])
        lines = [
            *map(Text, head.details),
            *(Text(f"{label}: {said}") for label, said in head.remarks),
        ]
        for line in lines:
            yield Padding(line, _INDENT)
        yield Text()
        return
    title = Text("CAUSE  ", STYLES["heading"])
    title.append(head.code, STYLES["incomplete"]).append(f"   {head.explains}", "default")
    yield title
    lines = [Text(head.sentence, STYLES["answer"])]
    lines += [Text(detail) for detail in head.details]
    lines += [Text(f"{label}: {said}") for label, said in head.remarks]
    for line in lines:
        yield Padding(line, _INDENT)
    yield Text()


def sent_blocks(blocks: Sequence[Sent], rows: int | None) -> Iterable[RenderableType]:
    """SENT: one block a client."""
    limit = Rows(rows, len(blocks))
    for block in blocks[: limit.shown]:
        title = _line()
        title.add_row(
            Text("SENT", STYLES["heading"]),
            f"{block.who} @{block.where} -> {block.service}",
            Text(block.answers, STYLES["bad" if block.failed else "good"]),
        )
        yield title
        yield Padding(_asked(block, None if rows is None else _ASKED), _INDENT)
        if block.auth:
            yield Padding(_auth(block, rows), _INDENT)
        else:
            style = STYLES["unknown" if block.unread else "bad"]
            yield Padding(Text(block.without_auth, style), _INDENT)
        if block.numbers:
            yield Padding(Text(block.numbers), _INDENT)
        yield Text()
    if limit.shown < limit.total:
        left_out = words.count(limit.total - limit.shown, "more client")
        yield from notes(Text(f"... {left_out} with -v or --limit", STYLES["rule"]))


def tunnel_block(rows: Sequence[TunnelRow], limit: int | None) -> Iterable[RenderableType]:
    """TUNNELS: who opened them, and for what."""
    shown = Rows(limit, len(rows))
    grid = table("opened by", "authority", "CONNECT", "TLS", "carries")
    for row in rows[: shown.shown]:
        grid.add_row(
            row.opened_by,
            row.authority,
            Text(row.connect, STYLES["default" if row.opened else "bad"]),
            row.tls,
            row.carries,
        )
    heading = Text("TUNNELS", STYLES["heading"])
    heading.append('   200 means "tunnel opened", never "API answered"', "default")
    yield heading
    yield from shown.closing(grid)


def finding_block(rows: Sequence[FindingRow], limit: int | None) -> Iterable[RenderableType]:
    """What else is worth saying, the worst first."""
    shown = Rows(limit, len(rows))
    yield Text("FINDINGS", STYLES["heading"])
    grid = table("", "", "", header=False)
    for row in rows[: shown.shown]:
        grid.add_row(
            Text(row.severity, STYLES[_SEVERITIES[row.severity]]),
            f"{row.code} x{row.count}",
            f"{row.title} ({row.where})" if row.where else row.title,
        )
    yield from shown.closing(grid)


def verdict_block(rows: Sequence[VerdictRow], *, further: bool) -> Iterable[RenderableType]:
    """The hypotheses; `further` adds the facts behind the deciding one."""
    grid = table("", "", "", "", header=False)
    for row in told_together(rows):
        verdict = row.verdict.upper() if row.verdict == "confirmed" else row.verdict
        facts = [row.because, *(row.further if further else ())]
        grid.add_row(
            Text(row.id, STYLES["heading"]),
            row.label,
            Text(verdict, STYLES[_VERDICTS[row.verdict]]),
            "\n".join(facts),
        )
    yield grid
    yield Text()


def _line() -> Table:
    """A block's first line: its name, what it is of, and a number that keeps its width."""
    grid = table("", "", "", header=False)
    grid.columns[0].min_width = 5
    grid.columns[0].overflow = "fold"
    return grid


def _asked(block: Sent, limit: int | None) -> Table:
    grid = table("", "", "", header=False)
    for asked in block.asked[:limit]:
        grid.add_row(asked.what, asked.steering, f"({words.some(asked.ids)})")
    if limit is not None and len(block.asked) > limit:
        grid.add_row(Text(f"... {len(block.asked) - limit} more with -v", STYLES["rule"]))
    return grid


def _auth(block: Sent, limit: int | None) -> Table:
    grid = table("", "", header=False)
    # Half the rows of a table for one header: the first screen has 4, a verbose page 250.
    auths = block.auth if limit is None else tuple(folded(block.auth, max(_VALUES, limit // 2)))
    left_out = 0 if limit is None else max(0, len(auths) - limit)
    if left_out:
        auths = tuple(sorted(auths, key=lambda auth: not auth.bad))
    for auth in auths[:limit]:
        value = Text(auth.credential, STYLES["bad" if auth.bad else "default"])
        if auth.remark:
            value.append(f"   {auth.remark}", "default")
        grid.add_row(auth.header, value)
    if left_out:
        grid.add_row(Text(f"... {left_out} more with -v", STYLES["rule"]))
    return grid
