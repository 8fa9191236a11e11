"""The page of a report: its words for the template, and the data that its script draws."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO, Final

from inspector.model.conclusions import SEVERITIES, Evidence, Finding
from inspector.model.report import Report
from inspector.report.html.data import page_data, script_safe
from inspector.report.html.frame import write_page
from inspector.report.page import words
from inspector.report.page.clients import sent
from inspector.report.page.escape import clipped, visible
from inspector.report.page.headline import counts, headline
from inspector.report.page.tunnels import tunnel_rows
from inspector.report.page.verdicts import verdict_rows
from inspector.report.page.view import View

#: Rows of a table that is written into the page as it is; report.json has all.
ROWS: Final = 300
#: Places of one finding that a reader can jump to.
PLACES: Final = 12


def write_html(report: Report, out: BinaryIO) -> None:
    """Write the page."""
    view = View(report)
    write_page(__package__, {**_words(view), "data": script_safe(page_data(view))}, out)


def _words(view: View) -> dict[str, Any]:
    """What the template tells in words; each text escaped for people."""
    report = view.report
    head = headline(view)
    cause = report.root_cause
    length = view.length()
    tunnels, blocks = tunnel_rows(view), sent(view)
    return {
        "names": visible(words.some([c.name for c in report.captures]) or "no capture"),
        "facts": [
            *([] if length is None else [words.duration(length)]),
            words.count(report.completeness.packets, "packet"),
            words.count(len(report.exchanges), "exchange"),
            words.count(len(report.tunnels), "tunnel"),
        ],
        "verdict": report.completeness.verdict,
        "because": [clipped(why, words.MESSAGE) for why in report.completeness.because[:ROWS]],
        "notes": [note for note in (view.copied, view.apart, *view.about_logs) if note],
        "head": head,
        "counts": counts(view) if cause is not None else "",
        "places": [] if cause is None else list(_places(view, cause.evidence)),
        "hypotheses": verdict_rows(view),
        "findings": list(_findings(view)),
        "severities": [s for s in SEVERITIES if any(f.severity == s for f in report.findings)],
        "clients": blocks[:ROWS],
        "tunnels": tunnels[:ROWS],
        "left": {"clients": len(blocks) - ROWS, "tunnels": len(tunnels) - ROWS},
        "roles": view.known_roles(),
        "tool": visible(f"{report.tool.name} {report.tool.version}"),
        "schema": visible(report.schema),
    }


def _findings(view: View) -> Iterator[dict[str, Any]]:
    """All findings, the worst first; the cause's own among them, as its evidence is there."""
    found: list[Finding] = sorted(view.report.findings, key=lambda f: SEVERITIES.index(f.severity))
    for finding in found[:ROWS]:
        yield {
            "severity": finding.severity,
            "code": clipped(finding.code, words.CELL),
            "count": finding.count,
            "title": clipped(finding.title, words.MESSAGE),
            "advice": clipped(finding.advice, words.MESSAGE),
            "places": list(_places(view, finding.evidence)),
        }


def _places(view: View, evidence: tuple[Evidence, ...]) -> Iterator[tuple[str, str]]:
    """(id in the report, packet) of the first few places, each once."""
    seen: set[tuple[str, str]] = set()
    for each in evidence:
        place = each.exchange or each.tunnel or each.connection or ""
        packet = "" if each.packet is None else view.packets([each.packet])
        if (place, packet) not in seen and len(seen) < PLACES:
            seen.add((place, packet))
            yield clipped(place, 20), packet
