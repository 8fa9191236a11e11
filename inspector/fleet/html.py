"""`fleet.html`: the same page for a browser, in one file that asks nobody for anything.

A Content Security Policy allows the one style, by its SHA-256 (CSP 3, 8.4), and nothing else: no
script, no network, no frame, no form.  Texts are escaped twice over: for people, as everywhere
(`page.escape`), and for HTML.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from html import escape
from typing import BinaryIO, Final

from inspector.fleet.sections import Section, heading, sections
from inspector.fleet.summary import Summary
from inspector.report.page.escape import clipped

PAGE: Final = "fleet.html"
#: Rows of one table; the tables themselves and --format json have all.
ROWS: Final = 500
_CELL: Final = 300

_STYLE: Final = """
:root { color-scheme: light dark; --line: #8884; --soft: #777; --bad: #c33; }
body { font: 15px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 72rem; padding: 1.5rem; }
h1 { font-size: 1.3rem; margin: 0; } h2 { font-size: 1rem; margin: 2rem 0 .3rem; }
p { margin: .2rem 0 .6rem; color: var(--soft); } .bad h2 { color: var(--bad); }
table { border-collapse: collapse; width: 100%; } th { text-align: left; color: var(--soft); }
th, td { padding: .25rem .8rem .25rem 0; border-bottom: 1px solid var(--line); font-weight: 400; }
td { overflow-wrap: anywhere; vertical-align: top; font-variant-numeric: tabular-nums; }
"""


def write_html(told: Summary, title: str, out: BinaryIO) -> None:
    """Write the page."""
    for piece in _pieces(told, title):
        out.write(piece.encode("utf-8", "backslashreplace"))


def _pieces(told: Summary, title: str) -> Iterator[str]:
    digest = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
    policy = f"default-src 'none'; base-uri 'none'; form-action 'none'; style-src 'sha256-{digest}'"
    name = _shown(title)
    yield (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="referrer" content="no-referrer">\n'
        f"<title>inspector fleet: {name}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        f"<h1>inspector fleet: {name}</h1>\n<p>{' · '.join(map(_shown, heading(told)))}</p>\n"
    )
    for section in sections(told):
        yield from _section(section)
    yield "</body>\n</html>\n"


def _section(section: Section) -> Iterator[str]:
    yield f"<section{' class=bad' if section.is_bad else ''}>\n<h2>{_shown(section.title)}</h2>\n"
    if section.note:
        yield f"<p>{_shown(section.note)}</p>\n"
    if section.rows:
        cells = "".join(f"<th scope=col>{_shown(column)}</th>" for column in section.columns)
        yield f"<table>\n<thead><tr>{cells}</tr></thead>\n<tbody>\n"
        for row in section.rows[:ROWS]:
            yield "<tr>" + "".join(f"<td>{_shown(cell)}</td>" for cell in row) + "</tr>\n"
        yield "</tbody>\n</table>\n"
    left = section.count - len(section.rows[:ROWS])
    if left:
        yield f"<p>{left:,} more in the tables.</p>\n"
    yield "</section>\n"


def _shown(text: str) -> str:
    return escape(clipped(text, _CELL))
